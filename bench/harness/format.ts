/** Cells and tables as text, for the terminal and for Markdown alike. */
import CliTable from 'cli-table3';
import type { Cell, Table, Target } from './result.ts';

export function cellText(cell: Cell): string {
  if (cell === null) return '-';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return numberText(cell);
  const [min, max] = cell.spread;
  return `${numberText(cell.value)} (${numberText(min)}-${numberText(max)})`;
}

/** Three digits; more where they stand before the point. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en-GB');
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return Math.round(value).toLocaleString('en-GB');
  return String(Number(value.toPrecision(magnitude >= 1 ? 3 : 2)));
}

export function consoleTable(table: Table): string {
  const grid = new CliTable({ head: [...table.columns], style: { head: [], border: [], compact: true } });
  for (const row of table.rows) grid.push(row.map(cellText));
  return [table.title, grid.toString(), ...(table.note ? [table.note] : [])].join('\n');
}

export function markdownTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const numeric = columns.map((_, index) => rows.every((row) => typeof row[index] !== 'string'));
  return [
    line(columns),
    line(numeric.map((right) => (right ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}

export function targetText({ what, target, measured, met, reason }: Target): string {
  return `${met ? 'met    ' : 'NOT MET'} ${what}: ${target}; measured ${measured}${reason ? ` (${reason})` : ''}`;
}
