/**
 * Set up in each test file: looks at every row that a query of `sql/` returns, in whatever test, for a NULL in a column that the head of
 * the file calls not null. PostgreSQL cannot say that of a query, so the types of core/postgres/sql-types.ts rely on these heads.
 */
import { subscribe } from 'node:diagnostics_channel';
import { ROWS_READ, type RowsRead } from '../../core/postgres/sql.ts';
import { readHeader, readWhole } from '../../scripts/sql-types/header.ts';

const heads = new Map<string, ReadonlySet<string>>();

function notNullOf(name: string): ReadonlySet<string> {
  const known = heads.get(name) ?? readHeader(readWhole(name)).notNull;
  heads.set(name, known);
  return known;
}

/** @throws Error that names the file and the column */
export function refuseNulls({ name, rows }: RowsRead): void {
  for (const column of notNullOf(name))
    if (rows.some((row) => row[column] === null))
      throw new Error(`sql/${name}.sql has returned NULL in ${column}, which its head calls not null`);
}

// What it throws is an uncaught exception, which fails the run.
subscribe(ROWS_READ, (message) => refuseNulls(message as RowsRead));
