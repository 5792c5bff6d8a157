/** Approvals: a person approves the drop of the parent FK, for which a migration waits, or withdraws the approval. */
import type { Client } from 'pg';
import { readServer } from '../catalog/server-facts.ts';
import type { Rehearsal } from '../contracts/documents.ts';
import { ApprovalRefused, InvalidInput, PrivilegeMissing } from '../contracts/errors.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { inTransaction } from '../postgres/session/transactions.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { startedBy } from './approval-check.ts';
import { asNote } from './notes/notes.ts';
import { resolveForeignKey } from './resolve-foreign-key.ts';
import { admitWriter } from './schema/identity.ts';
import { isLedgerReadable, requireNewestLedger } from './schema/state.ts';

/** Which migration, the person who acts, and the reason. */
export interface ApprovalRequest {
  readonly table: string;
  readonly constraint?: string | undefined;
  /** Person, as stated; default: the role of the session. */
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** What both results show. */
interface Subject {
  /** Schema-qualified, quoted where needed. */
  readonly table: string;
  readonly constraint: string;
  readonly migrationId: string;
  /** `running`: its execution continues by itself. `paused`: the next execution continues. */
  readonly state: 'running' | 'paused';
  /** ARN of the execution that waits, or that paused. */
  readonly execution: string;
}

/** `approve --json`. */
export interface Approved extends Subject {
  /** ISO 8601; null where it paused before it asked. */
  readonly waitingSince: string | null;
  /** What is approved: the drop, as it was rehearsed on the live database. */
  readonly rehearsal: Rehearsal | null;
  /** ISO 8601. */
  readonly approvedAt: string;
  /** Person, as stated: not verified. */
  readonly approvedBy: string;
  /** Login of the session that approved it, noted by the database; null in ledgers of older versions. */
  readonly approvedLogin: string | null;
  readonly reason: string | null;
  /** Whether it was approved before; then nothing was changed. */
  readonly alreadyApproved: boolean;
}

/** `approve --withdraw --json`. */
export interface Withdrawn extends Subject {
  /** ISO 8601. */
  readonly withdrawnAt: string;
  /** Person, as stated: not verified. */
  readonly withdrawnBy: string;
  readonly reason: string | null;
  /** The approval that was withdrawn. */
  readonly approvedAt: string;
  readonly approvedBy: string;
}

/** The approval as it is, and what this role may do about it; see `sql/ledger/approval.sql`. Times are ISO 8601. */
type Standing = Row<'ledger/approval'>;

/**
 * Approves the migration of a foreign key. A second approval changes nothing. An approval stays valid during a pause, but not
 * after a rollback.
 *
 * @throws InvalidInput when no migration waits for it; the message describes what there is instead
 * @throws ApprovalRefused when the approver must not be one of those who started it, and is
 * @throws PrivilegeMissing when this role may not read the ledger or write to it
 * @throws LedgerVersionRefused when the ledger is of an older version, or does not have the shape of its version
 * @throws LedgerElsewhere when the ledger belongs to another database, or this may be a copy of that database
 */
export async function approve(client: Client, wanted: ApprovalRequest): Promise<Approved> {
  const { subject, before } = await findMigration(client, wanted, NOTHING_WAITS, whatInstead);
  const { migrationId } = subject;
  const { by, reason } = await stated(client, wanted, before);
  const obstacle = before.must_differ ? startedBy({ login: before.login, person: by }, before.starters) : null;
  if (obstacle !== null) throw new ApprovalRefused(`refused, nothing was changed: ${obstacle}`);
  if (reason !== null && !before.may_note_more) throw mayNot('not note a reason: leave --reason out');
  const query = before.may_note_more ? 'ledger/approve-with-reason' : 'ledger/approve';
  await act(client, before, { migrationId, by, reason, step: 'Approve' }, () =>
    run(client, query, { migration_id: migrationId, by, reason, anew: isVoid(before) }),
  );
  const after = await readApproval(client, migrationId);
  const { state, execution, approved_at: approvedAt } = after;
  if (approvedAt === null || after.dropped || (state !== 'running' && state !== 'paused')) {
    const now = approvedAt === null ? 'withdrawn' : after.dropped ? 'dropped' : state;
    throw new InvalidInput(`${NOTHING_WAITS} any more: ${nameOf(subject)} is ${now} by now`);
  }
  return {
    ...subject,
    state,
    execution,
    waitingSince: after.waiting_since,
    rehearsal: after.rehearsal,
    approvedAt,
    approvedBy: after.approved_by ?? '',
    approvedLogin: after.approved_login,
    reason: after.approval_reason,
    alreadyApproved: before.approved_at !== null && !isVoid(before),
  };
}

/**
 * Withdraws an approval, as long as the drop has not begun. The execution continues to wait, or pauses before the drop.
 *
 * @throws InvalidInput when there is no approval to withdraw, or it is too late; the message says which
 * @throws PrivilegeMissing when this role may not read the ledger, or not withdraw
 */
export async function withdrawApproval(client: Client, wanted: ApprovalRequest): Promise<Withdrawn> {
  const { subject, before } = await findMigration(client, wanted, NOT_WITHDRAWN, whatInsteadOfApproval);
  const { migrationId } = subject;
  const { by, reason } = await stated(client, wanted, before);
  if (!before.may_note_more) throw mayNot('not withdraw an approval');
  const [withdrawn] = await act(client, before, { migrationId, by, reason, step: 'WithdrawApproval' }, () =>
    run(client, 'ledger/withdraw-approval', { migration_id: migrationId, by, reason }),
  );
  if (!withdrawn) {
    const after = await readApproval(client, migrationId);
    throw new InvalidInput(
      `${NOT_WITHDRAWN}: ${nameOf(subject)} ${whatInsteadOfApproval(after) ?? 'changed at the same moment; try again'}`,
    );
  }
  return {
    ...subject,
    withdrawnAt: withdrawn.withdrawn_at,
    withdrawnBy: by,
    reason,
    approvedAt: before.approved_at ?? '',
    approvedBy: before.approved_by ?? '',
  };
}

const NOTHING_WAITS = 'nothing waits for approval';
const NOT_WITHDRAWN = 'no approval was withdrawn';

async function findMigration(
  client: Client,
  wanted: ApprovalRequest,
  why: string,
  obstacleOf: (standing: Standing) => string | null,
): Promise<{ readonly subject: Subject; readonly before: Standing }> {
  await refuseBlindness(client);
  await requireNewestLedger(client);
  const { table, constraint_name: constraint, migrationId } = await resolveForeignKey(client, wanted, 'approve');
  if (migrationId === null) throw new InvalidInput(`${why}: no migration of ${table} is open`);
  await admitWriter(client, false);
  const before = await readApproval(client, migrationId);
  const { state, execution } = before;
  const subject = { table, constraint, migrationId, execution };
  const obstacle = obstacleOf(before);
  if (obstacle !== null || (state !== 'running' && state !== 'paused'))
    throw new InvalidInput(`${why}: ${nameOf(subject)} ${obstacle ?? state}`);
  return { subject: { ...subject, state }, before };
}

function nameOf({ table, constraint, migrationId }: Pick<Subject, 'table' | 'constraint' | 'migrationId'>): string {
  return `migration ${migrationId} of ${constraint} on ${table}`;
}

async function stated(
  client: Client,
  { by, reason }: ApprovalRequest,
  { role }: Standing,
): Promise<{ readonly by: string; readonly reason: string | null }> {
  return asNote(client, { by: by ?? role, reason: reason ?? null });
}

/** Makes the change and notes its event, if this role may write events: an approver may not. */
async function act<Row>(
  client: Client,
  { may_note_events: notes }: Standing,
  values: { readonly migrationId: string; readonly by: string; readonly reason: string | null; readonly step: string },
  change: () => Promise<Row[]>,
): Promise<Row[]> {
  try {
    return await inTransaction(client, async () => {
      const changed = await change();
      if (notes && changed.length > 0)
        await run(client, 'ledger/note-act', { ...values, migration_id: values.migrationId });
      return changed;
    });
  } catch (error) {
    throw toNamedError(error, 'UPDATE p2pfk.migration SET approved_at');
  }
}

function mayNot(what: string): PrivilegeMissing {
  return new PrivilegeMissing(
    `this role may approve, but ${what}; or let the ledger's owner run sql/ledger-approver.sql again, which grants UPDATE of the columns for it`,
  );
}

/** Refuses where the ledger exists but may not be read: it must not be taken for an empty one. */
async function refuseBlindness(client: Client): Promise<void> {
  const { ledger_exists: exists } = await readServer(client);
  const readable = await isLedgerReadable(client);
  if (exists && !readable) {
    throw new PrivilegeMissing(
      'this role may not read the ledger: approve as its owner, or GRANT USAGE ON SCHEMA p2pfk, SELECT ON p2pfk.migration, p2pfk.identity, p2pfk.ledger_version and UPDATE (approved_at, approved_by, approval_reason, approval_withdrawn_at, approval_withdrawn_by, approval_withdrawn_reason, updated_at) ON p2pfk.migration to this role (sql/ledger-approver.sql)',
    );
  }
}

function readApproval(client: Client, migrationId: string): Promise<Standing> {
  return runOne(client, 'ledger/approval', { migration_id: migrationId });
}

/** Whether an approval does not count, so that another one replaces it. */
function isVoid({ approved_at, approved_by: person, approved_login: login, must_differ, starters }: Standing): boolean {
  return approved_at !== null && must_differ && startedBy({ login, person }, starters) !== null;
}

/** Completes "nothing waits for approval: migration N of C on T ..."; null: it waits, or has been approved. */
function whatInstead(standing: Standing): string | null {
  const { state, approval, waiting_since, paused_for_it, approved_at } = standing;
  const ended = whatEnded(standing);
  if (ended !== null) return ended;
  if (approved_at !== null) return null;
  if (approval !== 'manual') return `runs without one (--approval ${approval})`;
  if (waiting_since !== null || paused_for_it) return null;
  return state === 'running'
    ? 'runs and has not come to the drop yet'
    : 'was paused before it came to the drop; run migrate again first';
}

/** The same for a withdrawal; null: there is an approval to withdraw. */
function whatInsteadOfApproval(standing: Standing): string | null {
  return (
    whatEnded(standing) ?? (standing.approved_at === null ? 'is not approved: there is nothing to withdraw' : null)
  );
}

function whatEnded({ state, dropped }: Standing): string | null {
  if (state === 'migrated') return 'is done';
  if (state !== 'running' && state !== 'paused') return 'is being rolled back';
  return dropped ? 'has dropped the parent foreign key already' : null;
}
