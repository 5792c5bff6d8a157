/** Opening a pair: its names, and the statements that ran for it, taken from the list of all of them. */
import { all, make, on, one } from './dom.ts';
import type { Tables } from './tables.ts';

export function pairs(tables: Tables): { refresh(): void } {
  const opened = new Set<string>();

  const show = (body: HTMLElement): void => {
    const key = body.dataset.key ?? '';
    const open = opened.has(key);
    body.classList.toggle('is-open', open);
    one('button.open', body)?.setAttribute('aria-expanded', String(open));
    if (open) listStatements(body, key);
  };
  on('click', '.pairs button.open', (button) => {
    const body = button.closest<HTMLElement>('[data-row]');
    const key = body?.dataset.key ?? '';
    if (body === null) return;
    if (!opened.delete(key)) opened.add(key);
    show(body);
  });
  on('click', 'a[data-show-pair]', (link, event) => {
    const key = link.dataset.showPair ?? '';
    const body = tables.reveal('pairs', key);
    if (body === null) return;
    event.preventDefault();
    opened.add(key);
    show(body);
    one('button.open', body)?.focus({ preventScroll: true });
    body.scrollIntoView({ block: 'center' });
  });
  return {
    refresh: () => {
      for (const key of opened) {
        const body = one(`[data-rows="pairs"] [data-key="${CSS.escape(key)}"]`);
        if (body !== null) show(body);
      }
    },
  };
}

function listStatements(body: HTMLElement, key: string): void {
  const cell = one('.detail td:last-child', body);
  const table = one<HTMLTableElement>('table.statements');
  const rows = all<HTMLTableRowElement>(`table.statements tr[data-pair="${CSS.escape(key)}"]`);
  if (cell === null || table === null || rows.length === 0) return;
  const own = make('table', 'data statements');
  own.append(make('caption', 'visually-hidden', 'Statements of this pair'));
  const head = table.tHead?.cloneNode(true);
  if (head) own.append(head);
  const list = own.createTBody();
  for (const row of rows) {
    const copy = row.cloneNode(true) as HTMLTableRowElement;
    copy.hidden = false;
    delete copy.dataset.row;
    delete copy.dataset.beyond;
    delete copy.dataset.pair;
    list.append(copy);
  }
  one('table.statements', cell)?.remove();
  cell.append(own);
}
