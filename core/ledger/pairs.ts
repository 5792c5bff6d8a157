/** Pairs of a migration in the ledger. */
import type { Client } from 'pg';
import { MigrationFenced } from '../contracts/errors.ts';
import type { Pace, Timed } from '../contracts/forecast.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { asNote } from './notes/notes.ts';

/**
 * One row of p2pfk.pair; see `sql/ledger/read-pairs.sql`. `former_name` is the pair FK's name before the drop of the parent FK
 * gave it another one; null where it kept its name.
 */
export type LedgerPair = Row<'ledger/read-pairs'>;

/** Columns of p2pfk.pair that a step may change; `attempts` and `lock_wait_ms` are added to the present values. */
export type PairChanges = Partial<
  Pick<
    LedgerPair,
    | 'constraint_name'
    | 'constraint_added'
    | 'index_name'
    | 'index_added'
    | 'state'
    | 'attempts'
    | 'last_error'
    | 'lock_wait_ms'
    | 'index_ms'
    | 'add_ms'
    | 'validate_ms'
    | 'orphans'
    | 'proof'
  >
> & { readonly orphans_counted_at?: string };

/** All pairs of a migration, largest first. */
export function readPairs(client: Client, id: string): Promise<LedgerPair[]> {
  return run(client, 'ledger/read-pairs', { migration_id: id, pair: null });
}

/** The pace of the pairs for which this kind of work is done. */
export function readPace(client: Client, id: string, what: Timed): Promise<Pace> {
  return runOne(client, 'ledger/pace', { migration_id: id, what });
}

/** @returns the pair, and in `of` the number of all pairs */
export async function readPair(client: Client, id: string, pair: number): Promise<LedgerPair> {
  const [row] = await run(client, 'ledger/read-pairs', {
    migration_id: id,
    pair,
  });
  if (!row) throw new MigrationFenced(`migration ${id} has no pair ${pair} in the ledger of this database`);
  return row;
}

/** Changes columns of a pair's row; columns that are absent keep their values. */
export async function changePair(client: Client, id: string, pair: number, changes: PairChanges): Promise<void> {
  const { last_error } = changes;
  const noted = last_error ? { ...changes, last_error: await asNote(client, last_error) } : changes;
  await run(client, 'ledger/change-pair', { migration_id: id, pair, changes: noted });
}
