/** The pairs of a migration in the ledger. */
import type { Client } from 'pg';
import type { PairState } from '../contracts/documents.ts';
import { MigrationFenced } from '../contracts/errors.ts';
import type { Pace, Timed } from '../contracts/forecast.ts';
import { run, runOne } from '../postgres/sql.ts';
import { asNote } from './notes/notes.ts';

/** One row of p2pfk.pair. */
export interface LedgerPair {
  readonly pair: number;
  readonly referencing_oid: number;
  readonly referencing: string;
  readonly referenced_oid: number;
  readonly referenced: string;
  readonly bound: string;
  readonly rows: number;
  readonly bytes: number;
  readonly constraint_name: string;
  readonly constraint_added: boolean;
  readonly index_name: string;
  readonly index_added: boolean;
  readonly root_constraint: string | null;
  /** The pair FK's name before the drop of the parent FK gave it another; null where it kept its name. */
  readonly former_name: string | null;
  readonly state: PairState;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly lock_wait_ms: number;
  readonly index_ms: number | null;
  readonly add_ms: number | null;
  readonly validate_ms: number | null;
  readonly orphans: number | null;
  readonly orphans_counted_at: Date | null;
}

/** Columns of p2pfk.pair that a step may note; `attempts` and `lock_wait_ms` are added to what is there. */
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
  >
> & { readonly orphans_counted_at?: string };

export function readPairs(client: Client, id: string): Promise<LedgerPair[]> {
  return run<LedgerPair & Record<string, unknown>>(client, 'ledger/read-pairs', { migration_id: id, pair: null });
}

export function readPace(client: Client, id: string, what: Timed): Promise<Pace> {
  return runOne<Pace & Record<string, unknown>>(client, 'ledger/pace', { migration_id: id, what });
}

/** @returns the pair, and in `of` how many there are in all */
export async function readPair(
  client: Client,
  id: string,
  pair: number,
): Promise<LedgerPair & { readonly of: number }> {
  const [row] = await run<LedgerPair & { readonly of: number }>(client, 'ledger/read-pairs', {
    migration_id: id,
    pair,
  });
  if (!row) throw new MigrationFenced(`migration ${id} has no pair ${pair} in the ledger of this database`);
  return row;
}

export async function changePair(client: Client, id: string, pair: number, changes: PairChanges): Promise<void> {
  const { last_error } = changes;
  const noted = last_error ? { ...changes, last_error: await asNote(client, last_error) } : changes;
  await run(client, 'ledger/change-pair', { migration_id: id, pair, changes: noted });
}
