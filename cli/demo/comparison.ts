/** The one table that the demo is about. Pure. */
import Table from 'cli-table3';
import type { Measurements } from '../../local/demo/demo.ts';
import type { Compared } from '../../report/contracts.ts';
import { oneLine, roughly } from '../text.ts';
import { wrapped } from '../width.ts';

const LABEL_WIDTH = 26;
const WIDEST = 110;

/** @param columns of the terminal; the table is no wider */
export function comparison(before: Measurements, after: Measurements, columns: number): string[] {
  const borders = 4;
  const cell = Math.floor((Math.max(72, Math.min(columns, WIDEST)) - LABEL_WIDTH - borders) / 2);
  const table = new Table({
    head: ['', 'before: parent-level FK', 'after: partition-to-partition FKs'],
    colWidths: [LABEL_WIDTH, cell, cell],
    wordWrap: true,
    // No colours of its own: whether there are any is decided elsewhere.
    style: { head: [], border: [] },
  });
  table.push(
    [`DELETE of ${before.delete.rows} rows from ${before.delete.partition}`, deletion(before), faster(before, after)],
    [`TRUNCATE ${before.truncate.partition} CASCADE empties`, truncation(before), truncation(after)],
    ['DETACH and ATTACH a pair', detachment(before), detachment(after)],
  );
  return [...wrapped(WHERE_FROM, Math.min(columns, WIDEST) - 1, 0), ...table.toString().split('\n')];
}

/** The same, for the report. */
export function compared(before: Measurements, after: Measurements): Compared[] {
  return [
    {
      what: `DELETE of ${before.delete.rows} rows from ${before.delete.partition}; most of the gain is the index's`,
      before: deletion(before),
      after: faster(before, after),
    },
    {
      what: `TRUNCATE ${before.truncate.partition} CASCADE empties`,
      before: truncation(before),
      after: truncation(after),
    },
    { what: 'DETACH and ATTACH a pair', before: detachment(before), after: detachment(after) },
  ];
}

/** Measured: with the index in both cases, 20,000 deletes in one statement take 0.65-1.2 s before and 0.18-0.27 s after. */
const WHERE_FROM =
  'Most of the gain in DELETE comes from the index on the foreign key columns, which the migration builds first. ' +
  'TRUNCATE and DETACH gain from the partition-level foreign keys themselves.';

function deletion({ delete: { ms, timedOut } }: Measurements): string {
  return timedOut ? `given up after ${roughly(ms)}` : roughly(ms);
}

function faster(before: Measurements, after: Measurements): string {
  const times = Math.round(before.delete.ms / Math.max(1, after.delete.ms));
  if (after.delete.timedOut || times < 2) return deletion(after);
  return `${deletion(after)} (${before.delete.timedOut ? 'more than ' : ''}${times} times faster)`;
}

function truncation({ truncate: { summary, rowsLost } }: Measurements): string {
  return `${summary}: ${rowsLost} rows`;
}

function detachment({ detach: { possible, error } }: Measurements): string {
  // The name of the constraint is longer than a cell, and it is one of hundreds anyway.
  return possible ? 'works' : `refused: ${oneLine(error ?? '').replace(/ "[^"]*"$/, '')}`;
}
