/** Holds back while others need the server more: between pairs, never in the middle of a statement. */
import type { Client } from 'pg';
import { withCallerSearchPath } from './connection.ts';
import { InvalidInput, PrivilegeMissing } from './errors.ts';
import type { MigrationOptions } from './ledger.ts';
import { isConnectionError, messageOf, sqlStateOf } from './postgres-errors.ts';
import { runOne } from './sql.ts';

const SHORTEST_HOLD_BACK = 10;
const LONGEST_HOLD_BACK = 300;

/**
 * How long a pair that was held back waits before it asks again: a twentieth of the time since the plan. So a night costs some
 * 130 turns a pair, and not 4,000 of 9 events each: an execution has 25,000.
 */
export function holdBackSeconds({ plannedAt }: MigrationOptions, now: number = Date.now()): number {
  const since = plannedAt === undefined ? 0 : (now - Date.parse(plannedAt)) / 1_000;
  return Math.round(Math.min(LONGEST_HOLD_BACK, Math.max(SHORTEST_HOLD_BACK, since / 20)));
}
/** The operator's own query must not become a load itself. */
const QUERY_TIMEOUT_MS = 5_000;

/** Why no pair may be begun now, in words; undefined: go on. */
export async function heldBack(client: Client, options: MigrationOptions): Promise<string | undefined> {
  const { maxReplicaLagSeconds, maxActiveSessions, holdBackQuery } = options;
  if (maxReplicaLagSeconds !== undefined || maxActiveSessions !== undefined) {
    const load = await runOne<{ load_visible: boolean; replica_lag_seconds: number; active_sessions: number }>(
      client,
      'checks/load',
    );
    if (!load.load_visible) {
      throw new PrivilegeMissing(
        'this role cannot see the lag of standbys, nor what sessions of other roles do: GRANT pg_monitor to it, or leave the limit out',
      );
    }
    if (maxReplicaLagSeconds !== undefined && load.replica_lag_seconds > maxReplicaLagSeconds) {
      return `a standby is ${load.replica_lag_seconds} s behind, the limit is ${maxReplicaLagSeconds} s`;
    }
    if (maxActiveSessions !== undefined && load.active_sessions > maxActiveSessions) {
      return `${load.active_sessions} sessions are active, the limit is ${maxActiveSessions}`;
    }
  }
  if (holdBackQuery !== undefined && (await isTrue(client, holdBackQuery))) return 'the hold-back query says so';
  return undefined;
}

/** Read-only, in a transaction that is rolled back, and only for some seconds. */
async function isTrue(client: Client, query: string): Promise<boolean> {
  await client.query('BEGIN READ ONLY');
  try {
    await client.query("SELECT set_config('statement_timeout', $1, true)", [String(QUERY_TIMEOUT_MS)]);
    // The extended protocol takes one statement only; without values only a name makes node-postgres use it.
    const { rows, fields } = await withCallerSearchPath(client, () =>
      client.query({ name: 'hold-back', text: query, values: [], rowMode: 'array' }),
    );
    const value: unknown = rows[0]?.[0];
    if (rows.length !== 1 || fields.length !== 1 || typeof value !== 'boolean') {
      throw new InvalidInput('the hold-back query must return one row with one boolean');
    }
    return value;
  } catch (error) {
    if (error instanceof InvalidInput || isConnectionError(error) || sqlStateOf(error) === undefined) throw error;
    throw new InvalidInput(`the hold-back query fails: ${messageOf(error)}`);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}
