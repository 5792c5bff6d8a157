/** Runs one statement; DDL is also written to the journal of its transaction. */
import type { Client } from 'pg';
import { toNamedError } from './postgres-errors.ts';
import { withCallerSearchPath } from './session/caller-search-path.ts';
import { journalOf } from './statement-journal.ts';

/** Runs one statement of ours; whatever fails comes out named, with SQLSTATE and the statement. */
export async function execute(client: Client, sql: string): Promise<number> {
  // PostgreSQL answers an empty message with success.
  if (sql.trim() === '') throw new Error('there is no statement to run');
  try {
    const result = await client.query(sql);
    return result.rowCount ?? 0;
  } catch (error) {
    throw toNamedError(error, sql);
  }
}

/**
 * Like {@link execute}, for DDL and DML on tables of the application: event triggers, CHECK functions and triggers see the
 * search_path that they would see if the same role ran the statement in psql. Needs a journal, from which the ledger gets it.
 */
export async function executeDdl(client: Client, sql: string): Promise<number> {
  const journal = journalOf(client);
  const beganAt = performance.now();
  const count = await withCallerSearchPath(client, () => execute(client, sql));
  journal.push({ sql, duration_ms: performance.now() - beganAt });
  return count;
}
