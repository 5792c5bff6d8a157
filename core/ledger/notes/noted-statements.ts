/** Statements outside of a transaction of ours, such as CREATE INDEX CONCURRENTLY: each is noted in the ledger, also where it fails. */
import type { Client } from 'pg';
import { executeDdl } from '../../postgres/execute.ts';
import { messageOf } from '../../postgres/postgres-errors.ts';
import { withJournal } from '../../postgres/statement-journal.ts';
import { noteEvent } from './events.ts';

export interface NotedWork {
  /** Null where no ledger knows of it: then there is nothing to note it in. */
  readonly migrationId: string | null;
  /** Null where a person's command does it. */
  readonly execution: string | null;
  readonly pair: number | null;
  readonly step: string;
}

/**
 * Runs one statement that changes something, and notes it.
 *
 * @param session runs the statement, where that is another session than the one that notes it
 */
export async function runNoted(client: Client, work: NotedWork, sql: string, session: Client = client): Promise<void> {
  await noted(client, work, sql, () => withJournal(session, () => executeDdl(session, sql)));
}

/** Notes a statement that `run` runs; milliseconds are those of `run`. */
export async function noted<Result>(
  client: Client,
  { migrationId, execution, pair, step }: NotedWork,
  sql: string,
  run: () => Promise<Result>,
): Promise<Result> {
  const beganAt = performance.now();
  const note = async (error: string | null) => {
    if (migrationId === null) return;
    const durationMs = performance.now() - beganAt;
    await noteEvent(client, migrationId, { execution, pair, step, sql, durationMs, error });
  };
  let result: Result;
  try {
    result = await run();
  } catch (error) {
    // What failed is told, whether or not it can be noted.
    await note(messageOf(error)).catch(() => undefined);
    throw error;
  }
  await note(null);
  return result;
}
