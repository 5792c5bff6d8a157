/** Sorting by a column, of the tables whose headings are buttons. */
import { all, on } from './dom.ts';
import { rowsOf, type Tables } from './tables.ts';

interface Order {
  readonly column: number;
  readonly descending: boolean;
}

export function sortable(tables: Tables): { refresh(): void } {
  const orders = new Map<string, Order>();

  const apply = (table: string): void => {
    const order = orders.get(table);
    if (order === undefined) return;
    const rows = rowsOf(table);
    const keys = new Map(rows.map((row) => [row, keyOf(row, order.column)]));
    const sorted = rows.toSorted((one, other) => compare(keys.get(one) ?? '', keys.get(other) ?? ''));
    if (order.descending) sorted.reverse();
    rows[0]?.parentElement?.append(...sorted);
    for (const [index, heading] of all(`[data-rows="${table}"] thead th`).entries()) {
      const direction = order.descending ? 'descending' : 'ascending';
      heading.setAttribute('aria-sort', index === order.column ? direction : 'none');
    }
  };

  on('click', 'button.sort', (button) => {
    const table = button.closest<HTMLElement>('[data-rows]')?.dataset.rows ?? '';
    const column = Number(button.dataset.column);
    const known = orders.get(table);
    // Numbers are looked through from the largest, names from A.
    const first = button.closest('th')?.classList.contains('num') === true && column !== 0;
    orders.set(table, { column, descending: known?.column === column ? !known.descending : first });
    apply(table);
    tables.show(table);
  });

  return {
    refresh: () => {
      for (const table of orders.keys()) apply(table);
    },
  };
}

function keyOf(row: HTMLElement, column: number): string | number {
  const cells = row instanceof HTMLTableRowElement ? row.cells : (row as HTMLTableSectionElement).rows[0]?.cells;
  const cell = cells?.[column];
  const value = cell?.dataset.v;
  return value === undefined ? (cell?.textContent ?? '') : Number(value);
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one).localeCompare(String(other), 'en', { numeric: true });
}
