/**
 * Ends sessions that are idle in a transaction and block our statements, if the operator has allowed it
 * (--terminate-idle-blockers).
 */
import type { Client } from 'pg';
import { noteEvent } from '../../ledger/notes/events.ts';
import { readOurSessions } from '../../postgres/locks/blockers.ts';
import { runAsLogin } from '../../postgres/session/as-login.ts';

/** On whose behalf sessions are ended. */
export interface IdleBlockerWork {
  readonly migrationId: string;
  readonly execution?: string;
  readonly step: string;
  /** null or 0: the migration as a whole. */
  readonly pair: number | null;
  /** Sessions that have been idle in their transaction for longer are ended; undefined: never. */
  readonly terminateIdleAfterSeconds?: number | undefined;
}

/**
 * @returns process ids of the sessions that were ended; each is noted in the ledger. The next try, or the statement that waits,
 *   goes on.
 */
export async function endIdleBlockers(
  client: Client,
  { migrationId, execution, step, pair, terminateIdleAfterSeconds: seconds }: IdleBlockerWork,
  blockers: readonly { readonly pid: number }[],
): Promise<number[]> {
  if (seconds === undefined || blockers.length === 0) return [];
  const pids = blockers.map((blocker) => blocker.pid);
  const ours = await readOurSessions(client);
  const ended = await runAsLogin(client, 'checks/terminate-idle', { pids, seconds, ours });
  for (const { pid } of ended) {
    const sql = `SELECT pg_terminate_backend(${pid})`;
    await noteEvent(client, migrationId, { execution, pair: pair || null, step, sql, durationMs: null, error: null });
  }
  return ended.map(({ pid }) => pid);
}

/** The addition to the line that names a blocker; empty where no session was ended. */
export function describeEnded(pids: readonly number[]): string {
  if (pids.length === 0) return '';
  return `; ended pid ${pids.join(', ')}, idle in a transaction for longer than allowed`;
}
