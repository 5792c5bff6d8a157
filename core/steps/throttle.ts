/** Throttling: delays the next pair while the server is busy with other work. A running statement is never interrupted. */
import type { Client } from 'pg';
import { ConnectionLost, InvalidInput, PrivilegeMissing } from '../contracts/errors.ts';
import { visible } from '../contracts/safe-text.ts';
import type { MigrationOptions } from '../ledger/migrations.ts';
import { checkLedger } from '../ledger/schema/state.ts';
import { readAuroraReaders } from '../postgres/aurora-readers.ts';
import { readOurSessions } from '../postgres/locks/blockers.ts';
import { isConnectionError, sqlStateOf } from '../postgres/postgres-errors.ts';
import { withCallerSearchPath } from '../postgres/session/caller-search-path.ts';
import { rollBack } from '../postgres/session/transactions.ts';
import { type Row, runOne } from '../postgres/sql.ts';

const SHORTEST_HOLD_BACK = 10;
const LONGEST_HOLD_BACK = 300;

/**
 * Seconds for which a throttled pair waits before it asks again: a twentieth of the time since the plan. So a night costs some
 * 130 turns for each pair, and not 4,000 turns of 9 events each: an execution may have 25,000 events.
 */
export function holdBackSeconds({ plannedAt }: MigrationOptions, now: number = Date.now()): number {
  const since = plannedAt === undefined ? 0 : (now - Date.parse(plannedAt)) / 1_000;
  return Math.round(Math.min(LONGEST_HOLD_BACK, Math.max(SHORTEST_HOLD_BACK, since / 20)));
}

const ALLOWED_BY = 'P2PFK_ALLOW_HOLD_BACK_QUERY';

/** Allows the hold-back query from now on, in this process: the operator wrote it on the command line. */
export function allowHoldBackQuery(): void {
  process.env[ALLOWED_BY] = 'true';
}

/**
 * Refuses a hold-back query that is not allowed. It is SQL that runs as the migrating role. Callers without the right to run SQL
 * as that role may be able to start executions, or to write to the ledger, so the query runs only where the operator of this
 * process or stack has allowed it.
 *
 * @throws InvalidInput where it has not been allowed
 */
export function refuseHoldBackQuery({ holdBackQuery }: Pick<MigrationOptions, 'holdBackQuery'>): void {
  if (holdBackQuery === undefined || process.env[ALLOWED_BY] === 'true') return;
  throw new InvalidInput(
    'holdBackQuery is not allowed here, because it is SQL that runs as the migrating role; allow it with p2pfk serve --allow-hold-back-query, or with allowHoldBackQuery in the settings of the stack',
  );
}

/** Milliseconds: the operator's own query must not become a load itself. */
const QUERY_TIMEOUT_MS = 5_000;

/**
 * Why no pair may be begun now, as text; undefined: go on.
 *
 * @throws InvalidInput where the lag cannot be measured, or the hold-back query is not allowed or fails
 * @throws PrivilegeMissing where the role cannot see the load
 */
export async function throttleReason(client: Client, options: MigrationOptions): Promise<string | undefined> {
  const { maxReplicaLagSeconds, maxSnapshotAgeSeconds, maxActiveSessions, holdBackQuery } = options;
  refuseHoldBackQuery(options);
  if (maxReplicaLagSeconds !== undefined) {
    const lag = await readLag(client);
    if (lag > maxReplicaLagSeconds) return `a standby is ${lag} s behind, the limit is ${maxReplicaLagSeconds} s`;
  }
  if (maxSnapshotAgeSeconds !== undefined) {
    const { snapshot_seconds: age, snapshot_of: holder } = await readLoad(client);
    if (age !== null && age > maxSnapshotAgeSeconds)
      return `${visible(holder ?? '')} has held VACUUM back for ${Math.floor(age)} s, the limit is ${maxSnapshotAgeSeconds} s`;
  }
  if (maxActiveSessions !== undefined) {
    const { active_sessions: active } = await readLoad(client);
    if (active > maxActiveSessions) return `${active} sessions are active, the limit is ${maxActiveSessions}`;
  }
  if (holdBackQuery !== undefined && (await isTrue(client, holdBackQuery))) return 'the hold-back query says so';
  return undefined;
}

/** @throws PrivilegeMissing where the role cannot see it, because that must not be taken for an idle server */
async function readLoad(client: Client): Promise<Row<'checks/load'>> {
  const load = await runOne(client, 'checks/load', { ours: await ourSessions(client) });
  if (load.load_visible) return load;
  throw new PrivilegeMissing(
    'this role cannot see the lag of standbys, nor what sessions of other roles do, nor for how long: GRANT pg_monitor to it, or leave the limit out',
  );
}

/**
 * Seconds by which the slowest standby, or reader of an Aurora cluster, is behind.
 *
 * @throws InvalidInput where no lag can be seen, because a limit that never delays anything would be no limit
 */
async function readLag(client: Client): Promise<number> {
  const aurora = await readAuroraReaders(client);
  if (aurora === null) {
    const { standbys, replica_lag_seconds: lag } = await readLoad(client);
    if (standbys > 0) return lag;
    throw new InvalidInput(
      'no lag can be seen that maxReplicaLagSeconds could limit: no standby streams from this server now; leave the limit out, or wait until the standby is back',
    );
  }
  const known = aurora.flatMap(({ lag_ms: lag }) => (lag === null ? [] : [lag / 1_000]));
  if (known.length > 0 && known.length === aurora.length) return Math.max(...known);
  throw new InvalidInput(
    `no lag can be seen that maxReplicaLagSeconds could limit: aurora_replica_status() tells it of ${known.length} reader(s) of ${aurora.length}; leave the limit out, or wait until it does`,
  );
}

/** Process ids of p2pfk's other sessions. Any role may give its session such a name; the ledger knows which logins count. */
async function ourSessions(client: Client): Promise<number[]> {
  const { readable, is_older: isOlder } = await checkLedger(client);
  return readable && !isOlder ? readOurSessions(client) : [];
}

/**
 * Runs the query read-only, in a transaction that is rolled back, for at most some seconds.
 *
 * @throws InvalidInput, ConnectionLost without PostgreSQL's message, which would quote what the query has read: errors are kept
 *   in history, ledger, report and logs, and read by more people than may read the database
 */
async function isTrue(client: Client, query: string): Promise<boolean> {
  await client.query('BEGIN READ ONLY');
  try {
    const value = await firstValue(client, query);
    if (typeof value === 'boolean') return value;
  } catch (error) {
    const sqlState = sqlStateOf(error);
    const state = sqlState === undefined ? '' : ` (SQLSTATE ${sqlState})`;
    // Without a cause, because it would be printed wherever the cause of an error is printed.
    if (isConnectionError(error)) throw new ConnectionLost(`the connection was lost in the hold-back query${state}`);
    throw new InvalidInput(`the hold-back query failed${state}; run it in psql to see why`);
  } finally {
    await rollBack(client);
  }
  throw new InvalidInput('the hold-back query must return one row with one boolean');
}

/** @returns the value; undefined where the result is not one row with one column */
async function firstValue(client: Client, query: string): Promise<unknown> {
  await client.query("SELECT set_config('statement_timeout', $1, true)", [String(QUERY_TIMEOUT_MS)]);
  // The extended protocol accepts a single statement only. Without values, node-postgres uses it only for a named query.
  const { rows, fields } = await withCallerSearchPath(client, () =>
    client.query({ name: 'hold-back', text: query, values: [], rowMode: 'array' }),
  );
  return rows.length === 1 && fields.length === 1 ? rows[0]?.[0] : undefined;
}
