/** The word of a person: lets the migration that waits for it go on to the drop of the parent FK. */
import type { Client } from 'pg';
import type { ExecutionInput, Rehearsal } from './contracts.ts';
import { InvalidInput, PrivilegeMissing } from './errors.ts';
import { resolveForeignKey } from './foreign-key.ts';
import type { MigrationState } from './ledger.ts';
import { admitWriter } from './ledger-identity.ts';
import { isLedgerReadable, requireNewestLedger } from './ledger-state.ts';
import { toNamedError } from './postgres-errors.ts';
import { readServer } from './server.ts';
import { run, runOne } from './sql.ts';

/** `approve --json`. */
export interface Approved {
  /** Schema-qualified, quoted where needed. */
  readonly table: string;
  readonly constraint: string;
  readonly migrationId: string;
  /** `running`: its execution goes on by itself. `paused`: the next one does. */
  readonly state: 'running' | 'paused';
  /** ARN of the execution that waits, or that paused. */
  readonly execution: string;
  /** ISO 8601; null where it was paused before it asked. */
  readonly waitingSince: string | null;
  /** What is approved: the drop, as it went on the live database before it was rolled back. */
  readonly rehearsal: Rehearsal | null;
  /** ISO 8601. */
  readonly approvedAt: string;
  /** Role. */
  readonly approvedBy: string;
  /** Somebody had approved it before; nothing was changed. */
  readonly alreadyApproved: boolean;
}

interface Standing {
  readonly state: MigrationState;
  readonly execution: string;
  readonly approval: ExecutionInput['approval'];
  readonly approved_by: string | null;
  readonly approved_at: string | null;
  readonly rehearsal: Rehearsal | null;
  readonly dropped: boolean;
  readonly paused_for_it: boolean;
  readonly waiting_since: string | null;
}

/**
 * Approves the migration of a foreign key. Approved twice is approved once; an approval outlasts a pause, but no rollback.
 *
 * @throws InvalidInput when nothing waits for it; the message says what there is instead
 * @throws PrivilegeMissing when this role may not read the ledger or write to it
 * @throws LedgerVersionRefused when it is of an older version, or not as its version has it
 * @throws LedgerElsewhere when the ledger belongs to another database, or this may be a copy of it
 */
export async function approve(
  client: Client,
  wanted: { readonly table: string; readonly constraint?: string | undefined },
): Promise<Approved> {
  await refuseBlindness(client);
  await requireNewestLedger(client);
  const { table, constraint_name: constraint, migrationId } = await resolveForeignKey(client, wanted, 'approve');
  if (migrationId === null) throw new InvalidInput(`nothing waits for approval: no migration of ${table} is open`);
  await admitWriter(client, false);
  const before = await readStanding(client, migrationId);
  const obstacle = whatInstead(before);
  if (obstacle !== null) {
    throw new InvalidInput(
      `nothing waits for approval: migration ${migrationId} of ${constraint} on ${table} ${obstacle}`,
    );
  }
  const [approved] = await run(client, 'ledger/approve', { migration_id: migrationId }).catch((error: unknown) => {
    throw toNamedError(error, 'UPDATE p2pfk.migration SET approved_at = now()');
  });
  const { state, execution, waiting_since, rehearsal, approved_at, approved_by } = await readStanding(
    client,
    migrationId,
  );
  if (!approved || approved_at === null || (state !== 'running' && state !== 'paused')) {
    throw new InvalidInput(
      `nothing waits for approval any more: migration ${migrationId} of ${constraint} on ${table} is ${state} by now`,
    );
  }
  return {
    table,
    constraint,
    migrationId,
    state,
    execution,
    waitingSince: waiting_since,
    rehearsal,
    approvedAt: approved_at,
    approvedBy: approved_by ?? '',
    alreadyApproved: before.approved_at !== null,
  };
}

/** A ledger that this role may not read must not pass for an empty one. */
async function refuseBlindness(client: Client): Promise<void> {
  const { ledger_exists: exists } = await readServer(client);
  const readable = await isLedgerReadable(client);
  if (exists && !readable) {
    throw new PrivilegeMissing(
      'this role may not read the ledger: approve as its owner, or GRANT USAGE ON SCHEMA p2pfk, SELECT ON p2pfk.migration, p2pfk.identity, p2pfk.ledger_version and UPDATE (approved_at, approved_by, approval_reason, approval_withdrawn_at, approval_withdrawn_by, updated_at) ON p2pfk.migration to this role (sql/ledger-approver.sql)',
    );
  }
}

function readStanding(client: Client, migrationId: string): Promise<Standing> {
  return runOne<Standing & Record<string, unknown>>(client, 'ledger/approval', { migration_id: migrationId });
}

/** Completes "nothing waits for approval: migration N of C on T ..."; null: it waits, or has been approved. */
function whatInstead(standing: Standing): string | null {
  const { state, approval, dropped, waiting_since, paused_for_it, approved_at } = standing;
  if (state === 'migrated') return 'is done';
  if (state !== 'running' && state !== 'paused') return 'is being rolled back';
  if (dropped) return 'has dropped the parent foreign key already';
  if (approved_at !== null) return null;
  if (approval !== 'manual') return `runs without one (--approval ${approval})`;
  if (waiting_since !== null || paused_for_it) return null;
  return state === 'running'
    ? 'runs and has not come to the drop yet'
    : 'was paused before it came to the drop; run migrate again first';
}
