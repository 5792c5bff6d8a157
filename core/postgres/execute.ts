/** Runs one statement; DDL is also written to the journal of its transaction. */
import type { Client } from 'pg';
import { toNamedError } from './postgres-errors.ts';
import { CALLER_SEARCH_PATH, withCallerSearchPath } from './session/caller-search-path.ts';
import { hasDeadline, sendAsOne } from './session/deadline.ts';
import { forgetAnswers, forgetLastingPlans } from './sql.ts';
import { journalOf } from './statement-journal.ts';

/** Runs one statement of ours; whatever fails comes out named, with SQLSTATE and the statement. */
export async function execute(client: Client, sql: string): Promise<number> {
  refuseEmpty(sql);
  try {
    const result = await client.query(sql);
    return result.rowCount ?? 0;
  } catch (error) {
    throw toNamedError(error, sql);
  }
}

/** PostgreSQL answers an empty message with success. */
function refuseEmpty(sql: string): void {
  if (sql.trim() === '') throw new Error('there is no statement to run');
}

/**
 * Like {@link execute}, for DDL and DML on tables of the application: event triggers, CHECK functions and triggers see the
 * search_path that they would see if the same role ran the statement in psql. Needs a journal, from which the ledger gets it.
 */
export async function executeDdl(client: Client, sql: string): Promise<number> {
  const journal = journalOf(client);
  const beganAt = performance.now();
  forgetAnswers(client);
  forgetLastingPlans(client);
  const count = await (hasDeadline(client)
    ? executeAsOne(client, sql)
    : withCallerSearchPath(client, () => execute(client, sql)));
  journal.push({ sql, duration_ms: performance.now() - beganAt });
  return count;
}

/** In the transaction of a deadline: the search_path goes along. Where the statement fails, its rollback puts that back. */
async function executeAsOne(client: Client, sql: string): Promise<number> {
  refuseEmpty(sql);
  try {
    const [, result] = await sendAsOne(client, [CALLER_SEARCH_PATH.before, sql, CALLER_SEARCH_PATH.after]);
    return result?.rowCount ?? 0;
  } catch (error) {
    throw toNamedError(error, sql);
  }
}
