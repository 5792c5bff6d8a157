/**
 * Records of transactions that take locks on tables of the application: their statements, and for how long they blocked others.
 */
import type { Client } from 'pg';
import { run } from '../../postgres/sql.ts';
import type { RanStatement } from '../../postgres/statement-journal.ts';

/** Parameters of p2pfk.record_transaction. */
export interface TransactionRecord {
  readonly migrationId: string;
  /** Null for a person's command. */
  readonly execution: string | null;
  readonly pair: number | null;
  readonly step: string;
  /** Statements in their order, the LOCK TABLE first. */
  readonly statements: readonly RanStatement[];
  /** Milliseconds for which others were blocked so far, at most; undefined where the locks block no reader and no writer. */
  readonly blockedMs: number | undefined;
}

/**
 * Notes the statements of a transaction in the ledger, inside that transaction.
 *
 * @returns the id of the first row
 */
export async function recordTransaction(client: Client, record: TransactionRecord): Promise<string> {
  const { migrationId, execution, pair, step, statements, blockedMs } = record;
  const { rows } = await client.query<{ id: string }>(
    'SELECT p2pfk.record_transaction($1, $2, $3, $4, $5, $6)::text AS id',
    [migrationId, execution, pair, step, JSON.stringify(statements), blockedMs ?? null],
  );
  return rows[0]?.id ?? '';
}

/** Notes, after COMMIT, for how long the locks of a recorded transaction blocked others at most, in milliseconds. */
export async function noteHeld(client: Client, eventId: string, blockedMs: number): Promise<void> {
  await run(client, 'ledger/note-held', { event_id: eventId, blocked_ms: blockedMs });
}
