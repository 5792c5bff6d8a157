/** Approval of the drop: checked by the gate, and again by the drop under its locks. */
import type { Client } from 'pg';
import type { MigrationOptions } from '../contracts/column-types.ts';
import { type KeptOptions, notApproved } from '../contracts/decisive-options.ts';
import { ApprovalNeeded } from '../contracts/errors.ts';
import { isSamePerson, type Starter } from '../contracts/person.ts';
import { visible } from '../contracts/safe-text.ts';
import { type Row, runOne } from '../postgres/sql.ts';
import type { Migration } from './migrations.ts';

/** Options by which an approval is judged. */
type JudgedOptions = KeptOptions &
  Partial<Pick<MigrationOptions, 'approval' | 'approverMustDiffer' | 'starters' | 'pace'>>;

/** The approval, as the ledger has it. */
export interface LedgerApproval extends Pick<Row<'ledger/approval-of-drop'>, 'approved_by' | 'approved_login'> {
  readonly options: JudgedOptions;
  /** ISO 8601, or as the driver reads it. */
  readonly approved_at: Date | number | string | null;
  /** Options when it was approved; absent or null: not known. */
  readonly approved_options?: KeptOptions | null;
}

/** Why the drop may not begin, in one line; null where it may. */
export function approvalProblem(approval: LedgerApproval): string | null {
  const { options, approved_at: at, approved_by: person, approved_login: login } = approval;
  if (options.approval !== 'manual') return null;
  if (at === null) return 'it has not been approved';
  const reason =
    notApproved(approval.approved_options, options) ??
    (options.approverMustDiffer ? startedBy({ login, person }, options.starters ?? []) : null);
  return reason === null ? null : `the approval ${byWhom(approval)} does not count: ${reason}`;
}

/**
 * For a plan with `options`, which may differ from those of the open migration: one line on its approval, if its drop was approved and is
 * not done yet; otherwise undefined.
 */
export function approvalOfPlan(
  migration: LedgerApproval & Pick<Migration, 'state' | 'dropped_at'>,
  options: KeptOptions,
): string | undefined {
  const { state, dropped_at: droppedAt, approved_at: at } = migration;
  if (at === null || droppedAt !== null || (state !== 'running' && state !== 'paused')) return undefined;
  const { approverMustDiffer = false, starters = [] } = migration.options;
  const asPlanned = { ...options, approval: 'manual', approverMustDiffer, starters } as const;
  return approvalProblem({ ...migration, options: asPlanned }) ?? `the drop was approved ${byWhom(migration)}`;
}

function byWhom({ approved_at: at, approved_by: person, approved_login: login }: LedgerApproval): string {
  // An older ledger let an approver write "infinity".
  const time = new Date(at ?? Number.NaN);
  const when = Number.isNaN(time.getTime()) ? 'an unknown time' : time.toISOString();
  return `by ${visible(person ?? login ?? 'an unknown person')} at ${when}`;
}

/**
 * Why the approver counts as one of those who started an execution, in one line; null where not. The login decides, which the
 * database verifies: a different stated name does not make it a different person.
 */
export function startedBy(
  approver: { readonly login: string | null; readonly person: string | null },
  starters: readonly Starter[],
): string | null {
  const { login, person } = approver;
  if (login === null) return 'it is not known which login approved it';
  if (starters.some((starter) => starter.login === login))
    return `the login ${login} has started an execution of this migration, and its approver must be another one`;
  if (person !== null && starters.some((starter) => starter.person !== null && isSamePerson(starter.person, person)))
    return `${person} has started an execution of this migration, and its approver must be another person`;
  return null;
}

/** @throws ApprovalNeeded where the drop is not approved */
export function refuseUnapproved(approval: LedgerApproval): void {
  const problem = approvalProblem(approval);
  if (problem !== null)
    throw new ApprovalNeeded(`the parent foreign key was not dropped: ${problem}; what was done so far is kept`);
}

/**
 * The approval, read in the transaction of the drop. This locks the migration's row until the transaction ends: an approval that is
 * withdrawn before is seen here, and later it is too late.
 */
export function holdApproval(client: Client, migrationId: string): Promise<LedgerApproval> {
  const values = { migration_id: migrationId };
  return runOne(client, 'ledger/approval-of-drop', values);
}
