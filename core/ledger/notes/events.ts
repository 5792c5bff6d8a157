/** Events of a migration in the ledger: one row for each statement, each failed try and each action of a person. */
import type { Client } from 'pg';
import type { Blocked } from '../../contracts/documents.ts';
import { run, runOne } from '../../postgres/sql.ts';
import { asNote } from './notes.ts';

/** One event. All times are milliseconds. */
export interface LedgerEvent {
  readonly pair: number | null;
  readonly step: string;
  readonly sql: string | null;
  readonly durationMs: number | null;
  readonly error: string | null;
  /** The execution that did it; absent for a person's command. */
  readonly execution?: string | null | undefined;
  /** For a try for locks: how long it waited. */
  readonly waitedMs?: number;
  /** For how long it blocked others at most; absent where its locks block no reader and no writer. */
  readonly blockedMs?: number | undefined;
}

/**
 * Writes an event.
 *
 * @param id null: it concerns the ledger itself
 */
export async function noteEvent(client: Client, id: string | null, event: LedgerEvent): Promise<void> {
  await run(client, 'ledger/note-event', {
    migration_id: id,
    execution: event.execution ?? null,
    pair: asText(event.pair),
    step: event.step,
    sql: event.sql,
    waited_ms: asText(event.waitedMs),
    blocked_ms: asText(event.blockedMs),
    duration_ms: asText(event.durationMs),
    error: await asNote(client, event.error),
  });
}

/** As a text, because the query is also run by psql, which has no NULL. */
function asText(value: number | null | undefined): string | null {
  return value == null ? null : String(value);
}

/** For how long the tries for locks of one execution have blocked others at most, in milliseconds. */
export async function readBlocked(client: Client, id: string, execution: string): Promise<Blocked> {
  const row = await runOne(client, 'ledger/blocked', {
    migration_id: id,
    execution,
  });
  return { longestMs: row.longest_ms, totalMs: row.total_ms, tries: row.tries };
}
