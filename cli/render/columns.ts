import { padEnd, padStart, width } from '../width.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row, index: number) => string;
  readonly align?: 'right';
}

/** Plain aligned columns, two spaces apart, indented by two; the first line holds the titles. */
export function columns<Row>(rows: readonly Row[], shape: readonly Column<Row>[]): string[] {
  const table = [
    shape.map((column) => column.title),
    ...rows.map((row, index) => shape.map((column) => column.cell(row, index))),
  ];
  const widths = shape.map((_, index) => Math.max(...table.map((cells) => width(cells[index] ?? ''))));
  return table.map((cells) =>
    `  ${cells
      .map((cell, index) =>
        shape[index]?.align === 'right' ? padStart(cell, widths[index] ?? 0) : padEnd(cell, widths[index] ?? 0),
      )
      .join('  ')}`.trimEnd(),
  );
}
