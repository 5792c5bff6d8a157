/** Approvals: a person approves the drop of the parent FK, for which a migration waits, or withdraws the approval. */
import type { Client } from 'pg';
import { readServer } from '../catalog/server-facts.ts';
import { beyondDefaults } from '../contracts/decisive-options.ts';
import type { AcceptedFinding, Rehearsal } from '../contracts/documents.ts';
import { ApprovalRefused, InvalidInput, PrivilegeMissing } from '../contracts/errors.ts';
import { LEASE_SECONDS } from '../contracts/lease.ts';
import { StatedPerson, StatedReason, stated } from '../contracts/person.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { inTransaction } from '../postgres/session/transactions.ts';
import { run } from '../postgres/sql.ts';
import { startedBy } from './approval-check.ts';
import { asNote } from './notes/notes.ts';
import { resolveForeignKey } from './resolve-foreign-key.ts';
import { admitWriter } from './schema/identity.ts';
import { isLedgerReadable, requireNewestLedger } from './schema/state.ts';
import { lockMigrationNow, type MigrationNow, readMigrationNow, refuseChanged, stampOf, whyVoid } from './shown.ts';

/** Which migration, the person who acts, and the reason. */
export interface ApprovalRequest {
  readonly table: string;
  readonly constraint?: string | undefined;
  /** Refused where the open migration is another one. */
  readonly migrationId?: string | undefined;
  /** Stamp of what was shown to the person: refused where it is something else by now. */
  readonly shown?: string | undefined;
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

/** What is shown before it is approved. */
interface Waiting extends Subject {
  /** ISO 8601; null where it paused before it asked. */
  readonly waitingSince: string | null;
  /** What it does, as far as that is not the default: keys of an execution input. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Findings that needed acceptance, and who accepted them. */
  readonly accepted: readonly AcceptedFinding[];
  /** What is approved: the drop, as it was rehearsed on the live database. */
  readonly rehearsal: Rehearsal | null;
}

export interface ToApprove extends Waiting {
  /** One line where there is an approval that does not count. */
  readonly void: string | null;
  /** There is an approval that counts. */
  readonly alreadyApproved: boolean;
  /** For {@link ApprovalRequest.shown}. */
  readonly shown: string;
}

/** The approval that can be withdrawn. */
export interface ToWithdraw extends Subject {
  /** ISO 8601. */
  readonly approvedAt: string;
  readonly approvedBy: string;
  /** One line where it does not count anyway. */
  readonly void: string | null;
  /** For {@link ApprovalRequest.shown}. */
  readonly shown: string;
}

/** `approve --json`. */
export interface Approved extends Waiting {
  /** ISO 8601. */
  readonly approvedAt: string;
  /** Person, as stated: not verified. */
  readonly approvedBy: string;
  /** Login of the session that approved it, noted by the database; null in ledgers of older versions. */
  readonly approvedLogin: string | null;
  readonly reason: string | null;
  /** When the execution that waits looks for the approval at the latest, ISO 8601, by the database's clock; null where none waits. */
  readonly looksAgainBy: string | null;
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

/**
 * What {@link approve} would approve now. Writes nothing.
 *
 * @throws as {@link approve}, except the errors that depend on the person
 */
export async function readToApprove(client: Client, wanted: ApprovalRequest): Promise<ToApprove> {
  await readLedger(client);
  const { subject, before } = await findMigration(client, wanted, FOR_APPROVAL);
  const reason = whyVoid(before);
  return {
    ...waitingOf(subject, before),
    void: reason,
    alreadyApproved: before.approved_at !== null && reason === null,
    shown: stampOf(before),
  };
}

/**
 * Approves the migration of a foreign key, with the options that it has: for others the approval does not count
 * (core/ledger/approval-check.ts). A second approval changes nothing. An approval stays valid during a pause, but not after a rollback.
 *
 * @throws InvalidInput when no migration waits for it, or it is not what was shown; the message describes what there is instead
 * @throws ApprovalRefused when the approver must not be one of those who started it, and is
 * @throws PrivilegeMissing when this role may not read the ledger or write to it
 * @throws LedgerVersionRefused when the ledger is of an older version, or does not have the shape of its version
 * @throws LedgerElsewhere when the ledger belongs to another database, or this may be a copy of that database
 */
export async function approve(client: Client, wanted: ApprovalRequest): Promise<Approved> {
  if (await readLedger(client)) await admitWriter(client, false);
  const { subject, before } = await findMigration(client, wanted, FOR_APPROVAL);
  const { migrationId } = subject;
  const { by, reason } = await peopleOf(client, wanted, before);
  const { options } = before;
  const obstacle = options.approverMustDiffer
    ? startedBy({ login: before.login, person: by }, options.starters ?? [])
    : null;
  if (obstacle !== null) throw new ApprovalRefused(`refused, nothing was changed: ${obstacle}`);
  if (reason !== null && !before.may_note_more) throw privilegeMissing('not note a reason: leave --reason out');
  const query = before.may_note_more ? 'ledger/approve-with-reason' : 'ledger/approve';
  await act(client, { subject, before, wanted, ...FOR_APPROVAL }, { by, reason, step: 'Approve' }, (now) =>
    run(client, query, { migration_id: migrationId, by, reason, anew: whyVoid(now) !== null }),
  );
  const after = await readMigrationNow(client, migrationId);
  const { state, execution, approved_at: approvedAt } = after;
  if (approvedAt === null || after.dropped || (state !== 'running' && state !== 'paused')) {
    const now = approvedAt === null ? 'withdrawn' : after.dropped ? 'dropped' : state;
    throw new InvalidInput(`${FOR_APPROVAL.why} any more: ${nameOf(subject)} is ${now} by now`);
  }
  return {
    ...waitingOf({ ...subject, state, execution }, after),
    approvedAt,
    approvedBy: after.approved_by ?? '',
    approvedLogin: after.approved_login,
    reason: after.approval_reason,
    looksAgainBy: looksAgainBy(after),
    alreadyApproved: before.approved_at !== null && whyVoid(before) === null,
  };
}

/** What {@link withdrawApproval} would withdraw now. Writes nothing. Throws as that does. */
export async function readToWithdraw(client: Client, wanted: ApprovalRequest): Promise<ToWithdraw> {
  await readLedger(client);
  const { subject, before } = await findMigration(client, wanted, FOR_WITHDRAWAL);
  return {
    ...subject,
    approvedAt: before.approved_at ?? '',
    approvedBy: before.approved_by ?? '',
    void: whyVoid(before),
    shown: stampOf(before),
  };
}

/**
 * Withdraws an approval, as long as the drop has not begun. The execution continues to wait, or pauses before the drop.
 *
 * @throws InvalidInput when there is no approval to withdraw, it is too late, or it is not what was shown; the message gives the reason
 * @throws PrivilegeMissing when this role may not read the ledger, or not withdraw
 */
export async function withdrawApproval(client: Client, wanted: ApprovalRequest): Promise<Withdrawn> {
  if (await readLedger(client)) await admitWriter(client, false);
  const { subject, before } = await findMigration(client, wanted, FOR_WITHDRAWAL);
  const { migrationId } = subject;
  const { by, reason } = await peopleOf(client, wanted, before);
  if (!before.may_note_more) throw privilegeMissing('not withdraw an approval');
  const values = { by, reason, step: 'WithdrawApproval' };
  const [withdrawn] = await act(client, { subject, before, wanted, ...FOR_WITHDRAWAL }, values, () =>
    run(client, 'ledger/withdraw-approval', { migration_id: migrationId, by, reason }),
  );
  if (!withdrawn)
    throw new InvalidInput(`${FOR_WITHDRAWAL.why}: ${nameOf(subject)} changed at the same moment; try again`);
  return {
    ...subject,
    withdrawnAt: withdrawn.withdrawn_at,
    withdrawnBy: by,
    reason,
    approvedAt: before.approved_at ?? '',
    approvedBy: before.approved_by ?? '',
  };
}

/** Between two looks only its lease shows that the execution lives: it ends so many seconds after the next look. */
function looksAgainBy({ state, lease_until: leaseUntil }: MigrationNow): string | null {
  if (state !== 'running' || leaseUntil === null) return null;
  return new Date(Date.parse(leaseUntil) - LEASE_SECONDS * 1_000).toISOString();
}

interface Purpose {
  /** Begins the line that refuses. */
  readonly why: string;
  /** Completes "migration N of C on T ..."; null: it can be done. */
  readonly obstacleOf: (now: MigrationNow) => string | null;
}

const FOR_APPROVAL: Purpose = { why: 'nothing waits for approval', obstacleOf: obstacleToApproval };
const FOR_WITHDRAWAL: Purpose = { why: 'no approval was withdrawn', obstacleOf: obstacleToWithdrawal };

function waitingOf(subject: Subject, now: MigrationNow): Waiting {
  return {
    ...subject,
    waitingSince: now.waiting_since,
    options: beyondDefaults(now.options),
    accepted: now.options.accepted ?? [],
    rehearsal: now.rehearsal,
  };
}

async function findMigration(
  client: Client,
  wanted: ApprovalRequest,
  { why, obstacleOf }: Purpose,
): Promise<{ readonly subject: Subject; readonly before: MigrationNow }> {
  const { table, constraint_name: constraint, migrationId } = await resolveForeignKey(client, wanted, 'approve');
  if (migrationId === null) throw new InvalidInput(`${why}: no migration of ${table} is open`);
  if (wanted.migrationId !== undefined && wanted.migrationId !== migrationId)
    throw new InvalidInput(
      `${why}: migration ${wanted.migrationId} is not the open migration of ${constraint} on ${table}, which is ${migrationId}`,
    );
  const before = await readMigrationNow(client, migrationId);
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

/** @throws InvalidInput if one is not a text that the ledger keeps */
async function peopleOf(
  client: Client,
  { by, reason }: ApprovalRequest,
  { role }: MigrationNow,
): Promise<{ readonly by: string; readonly reason: string | null }> {
  // As it will be kept: a note may be longer than what was typed.
  const noted = await asNote(client, { by, reason });
  return {
    by: noted.by === undefined ? role : stated(StatedPerson, 'the name', noted.by),
    reason: noted.reason === undefined ? null : stated(StatedReason, 'the reason', noted.reason),
  };
}

/**
 * Makes the change and notes its event, if this role may write events: an approver may not. Under the lock of the migration's row the
 * migration is read again: the change is refused if it is not as it was shown, or read before.
 */
async function act<Row>(
  client: Client,
  {
    subject,
    before,
    wanted,
    why,
    obstacleOf,
  }: Purpose & { readonly subject: Subject; readonly before: MigrationNow; readonly wanted: ApprovalRequest },
  values: { readonly by: string; readonly reason: string | null; readonly step: string },
  change: (now: MigrationNow) => Promise<Row[]>,
): Promise<Row[]> {
  const { migrationId } = subject;
  try {
    return await inTransaction(client, async () => {
      const now = await lockMigrationNow(client, migrationId);
      const obstacle = obstacleOf(now);
      if (obstacle !== null) throw new InvalidInput(`${why}: ${nameOf(subject)} ${obstacle}`);
      refuseChanged(now, wanted.shown ?? stampOf(before));
      const changed = await change(now);
      if (before.may_note_events && changed.length > 0)
        await run(client, 'ledger/note-act', { ...values, migration_id: migrationId });
      return changed;
    });
  } catch (error) {
    throw toNamedError(error, 'UPDATE p2pfk.migration SET approved_at');
  }
}

function privilegeMissing(what: string): PrivilegeMissing {
  return new PrivilegeMissing(
    `this role may approve, but ${what}; or let the ledger's owner run sql/ledger-approver.sql again, which grants UPDATE of the columns for it`,
  );
}

/** Refuses where the ledger exists but may not be read: it must not be taken for an empty one. @returns false where there is none */
async function readLedger(client: Client): Promise<boolean> {
  const { ledger_exists: exists } = await readServer(client);
  const readable = await isLedgerReadable(client);
  if (exists && !readable) {
    throw new PrivilegeMissing(
      'this role may not read the ledger: approve as its owner, or GRANT USAGE ON SCHEMA p2pfk, SELECT ON p2pfk.migration, p2pfk.identity, p2pfk.ledger_version and UPDATE (approved_at, approved_by, approval_reason, approval_withdrawn_at, approval_withdrawn_by, approval_withdrawn_reason, updated_at) ON p2pfk.migration to this role (sql/ledger-approver.sql)',
    );
  }
  await requireNewestLedger(client);
  return readable;
}

/** Completes "nothing waits for approval: migration N of C on T ..."; null: it waits, or has been approved. */
function obstacleToApproval(now: MigrationNow): string | null {
  const { state, options, waiting_since, paused_for_it, approved_at } = now;
  const ended = describeEnd(now);
  if (ended !== null) return ended;
  if (approved_at !== null && whyVoid(now) === null) return null;
  if (options.approval !== 'manual') return `runs without one (--approval ${options.approval})`;
  if (waiting_since !== null || paused_for_it) return null;
  return state === 'running'
    ? 'runs and has not come to the drop yet'
    : 'was paused before it came to the drop; run migrate again first';
}

/** The same for a withdrawal; null: there is an approval to withdraw. */
function obstacleToWithdrawal(now: MigrationNow): string | null {
  return describeEnd(now) ?? (now.approved_at === null ? 'is not approved: there is nothing to withdraw' : null);
}

function describeEnd({ state, dropped }: MigrationNow): string | null {
  if (state === 'migrated') return 'is done';
  if (state !== 'running' && state !== 'paused') return 'is being rolled back';
  return dropped ? 'has dropped the parent foreign key already' : null;
}
