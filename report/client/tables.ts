/** Filter and pages of long tables. Rows are hidden, never removed: print shows all. */
import { all, on, one } from './dom.ts';

interface View {
  filter: string;
  page: number;
}

export interface Tables {
  refresh(): void;
  /** Shows one row, whatever page it is on. */
  reveal(table: string, key: string): HTMLElement | null;
  show(table: string): void;
}

export function tables(): Tables {
  const views = new Map<string, View>();
  const viewOf = (table: string): View => {
    const view = views.get(table) ?? { filter: '', page: 0 };
    views.set(table, view);
    return view;
  };

  const show = (table: string): void => {
    const pager = one(`[data-pager="${table}"]`);
    const rows = rowsOf(table);
    if (pager === null) return;
    const view = viewOf(table);
    const input = one<HTMLInputElement>('input', pager);
    if (input !== null && input.value !== view.filter) input.value = view.filter;
    const size = Number(pager.dataset.page);
    const wanted = view.filter.trim().toLowerCase();
    const found = wanted === '' ? rows : rows.filter((row) => (row.textContent ?? '').toLowerCase().includes(wanted));
    const pages = Math.max(1, Math.ceil(found.length / size));
    view.page = Math.min(Math.max(0, view.page), pages - 1);
    const shown = new Set(found.slice(view.page * size, (view.page + 1) * size));
    for (const row of rows) {
      row.hidden = !shown.has(row);
      delete row.dataset.beyond;
    }
    tell(pager, view, { found: found.length, all: rows.length, size, pages });
  };

  on<HTMLInputElement>('input', '[data-pager] input', (input) => {
    const table = input.closest<HTMLElement>('[data-pager]')?.dataset.pager ?? '';
    Object.assign(viewOf(table), { filter: input.value, page: 0 });
    show(table);
  });
  on('click', '[data-pager] [data-step]', (button) => {
    const table = button.closest<HTMLElement>('[data-pager]')?.dataset.pager ?? '';
    viewOf(table).page += Number(button.dataset.step);
    show(table);
  });

  return {
    show,
    refresh: () => {
      for (const pager of all('[data-pager]')) show(pager.dataset.pager ?? '');
    },
    reveal(table, key) {
      const rows = rowsOf(table);
      const row = rows.find((candidate) => candidate.dataset.key === key) ?? null;
      const pager = one(`[data-pager="${table}"]`);
      if (row === null || pager === null) return row;
      const input = one<HTMLInputElement>('input', pager);
      if (input !== null) input.value = '';
      Object.assign(viewOf(table), { filter: '', page: Math.floor(rows.indexOf(row) / Number(pager.dataset.page)) });
      show(table);
      return row;
    },
  };
}

export function rowsOf(table: string): HTMLElement[] {
  return all(`[data-rows="${table}"] [data-row]`);
}

function tell(
  pager: HTMLElement,
  view: View,
  { found, all: total, size, pages }: { found: number; all: number; size: number; pages: number },
): void {
  const noun = pager.dataset.noun ?? 'row';
  const first = found === 0 ? 0 : view.page * size + 1;
  const of = found === total ? `${total}` : `${found} of ${total}`;
  const text = found <= size ? `${of} ${noun}s` : `${first}–${Math.min(found, first + size - 1)} of ${found}`;
  const count = one('.count', pager);
  if (count !== null && count.textContent !== text) count.textContent = text;
  const steps = all<HTMLButtonElement>('[data-step]', pager);
  for (const step of steps) {
    step.disabled = Number(step.dataset.step) < 0 ? view.page === 0 : view.page >= pages - 1;
    step.hidden = pages === 1;
  }
}
