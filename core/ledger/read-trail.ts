/**
 * Reads the trail of one migration: everything that the ledger has about it. Only reads, so a read-only role or a standby is
 * enough.
 */
import type { Client } from 'pg';
import { InvalidInput } from '../contracts/errors.ts';
import type { Trail, TrailEvent, TrailMigration, TrailPair } from '../contracts/trail.ts';
import { type Row, run } from '../postgres/sql.ts';
import { inSnapshot } from './connect.ts';
import { type LedgerPair, readPairs } from './pairs.ts';
import { isLedgerReadable } from './schema/state.ts';

/**
 * @param target where the client is connected to, as `describeTarget` writes it
 * @throws InvalidInput when this database has no ledger that this role may read, or no such migration in it
 */
export async function readTrail(client: Client, migrationId: string, target: string): Promise<Trail> {
  const readable = await isLedgerReadable(client);
  if (!readable) throw new InvalidInput(`the database at ${target} has no ledger of p2pfk that this role may read`);
  // One snapshot, so that pairs and events of a running migration belong together.
  return inSnapshot(client, async () => {
    const [row] = await run(client, 'ledger/trail-migration', { migration_id: migrationId });
    if (row === undefined) {
      throw new InvalidInput(`migration ${migrationId} is not in the ledger of the database at ${target}`);
    }
    const pairs = await readPairs(client, migrationId);
    const events = await run(client, 'ledger/trail-events', { migration_id: migrationId });
    return {
      target,
      database: row.database,
      serverVersion: row.server_version,
      migration: migrationOf(row),
      pairs: pairs.map(pairOf),
      events: events.map(eventOf),
    };
  });
}

function migrationOf(row: Row<'ledger/trail-migration'>): TrailMigration {
  return {
    id: row.id,
    table: row.table_name,
    referencedTable: row.referenced_name,
    constraint: row.constraint_name,
    definition: row.definition,
    standingDefinition: row.standing_definition,
    state: row.state,
    execution: row.execution,
    role: row.role,
    startedBy: row.started_by,
    reason: row.reason,
    options: row.options,
    plan: row.plan,
    startedAt: time(row.started_at) ?? '',
    approvalAskedAt: time(row.approval_asked_at),
    approvedAt: time(row.approved_at),
    approvedBy: row.approved_by,
    approvedLogin: row.approved_login,
    approvalReason: row.approval_reason,
    approvedOptions: row.approved_options,
    withdrawnAt: time(row.approval_withdrawn_at),
    withdrawnBy: row.approval_withdrawn_by,
    withdrawnLogin: row.approval_withdrawn_login,
    withdrawnReason: row.approval_withdrawn_reason,
    rehearsal: row.rehearsal,
    fencedAt: time(row.fenced_at),
    droppedAt: time(row.dropped_at),
    finishedAt: time(row.finished_at),
    lockedMs: row.locked_ms,
    verification: row.verification,
    error: row.error,
  };
}

function pairOf(row: LedgerPair): TrailPair {
  return {
    pair: row.pair,
    referencing: row.referencing,
    referenced: row.referenced,
    bound: row.bound,
    rows: row.rows,
    bytes: row.bytes,
    constraint: row.constraint_name,
    constraintAdded: row.constraint_added,
    index: row.index_name,
    indexAdded: row.index_added,
    state: row.state,
    attempts: row.attempts,
    lastError: row.last_error,
    lockWaitMs: row.lock_wait_ms,
    indexMs: row.index_ms,
    addMs: row.add_ms,
    validateMs: row.validate_ms,
    orphans: row.orphans,
  };
}

function eventOf(row: Row<'ledger/trail-events'>): TrailEvent {
  return {
    id: row.id,
    pair: row.pair,
    at: time(row.at) ?? '',
    role: row.role,
    login: row.login,
    execution: row.execution,
    person: row.person,
    reason: row.reason,
    step: row.step,
    sql: row.sql,
    locks: row.locks,
    lockWaitMs: row.lock_wait_ms,
    lockHeldMs: row.lock_held_ms,
    durationMs: row.duration_ms,
    error: row.error,
    ofLedger: row.of_ledger,
  };
}

/** ISO 8601; also null for `infinity`, which PostgreSQL accepts as a time: an older ledger let an approver write it. */
function time(value: Date | number | null): string | null {
  const at = value === null ? Number.NaN : new Date(value).getTime();
  return Number.isFinite(at) ? new Date(at).toISOString() : null;
}
