/**
 * Noted statements: statements outside our transactions, such as CREATE INDEX CONCURRENTLY. Each is noted in the ledger, even if
 * it fails.
 */
import type { Client } from 'pg';
import { executeDdl } from '../../postgres/execute.ts';
import { messageOf } from '../../postgres/postgres-errors.ts';
import { withJournal } from '../../postgres/statement-journal.ts';
import { noteEvent } from './events.ts';

/** What the note of a statement contains. */
export interface NotedWork {
  /** Null where no ledger has it: then nothing is noted. */
  readonly migrationId: string | null;
  /** Null for a person's command. */
  readonly execution: string | null;
  readonly pair: number | null;
  readonly step: string;
}

/**
 * Runs one statement that changes something, and notes it.
 *
 * @param session runs the statement, where another session than the one that notes it has to run it
 */
export async function runNoted(client: Client, work: NotedWork, sql: string, session: Client = client): Promise<void> {
  await noted(client, work, sql, () => withJournal(session, () => executeDdl(session, sql)));
}

/** Notes a statement that `run` runs, with the time that `run` takes. */
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
    // The failure is thrown in any case, even if it cannot be noted.
    await note(messageOf(error)).catch(() => undefined);
    throw error;
  }
  await note(null);
  return result;
}
