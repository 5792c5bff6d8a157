/** Approval of the drop: checked by the gate, and again by the drop under its locks. */
import type { Client } from 'pg';
import { ApprovalNeeded } from '../contracts/errors.ts';
import { isSamePerson, type Starter } from '../contracts/person.ts';
import { type Row, runOne } from '../postgres/sql.ts';

/** What the ledger says of an approval. */
export type LedgerApproval = Row<'ledger/approval-of-drop'>;

/** Why the drop may not begin, in one line; null where it may. */
export function approvalProblem({ options, ...approval }: LedgerApproval): string | null {
  if (options.approval !== 'manual') return null;
  if (approval.approved_at === null) return 'it has not been approved';
  if (!options.approverMustDiffer) return null;
  return startedBy({ login: approval.approved_login, person: approval.approved_by }, options.starters ?? []);
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
    throw new ApprovalNeeded(`the parent foreign key was not dropped: ${problem}; all that was done stands`);
}

/**
 * Checks the approval in the transaction of the drop. It locks the migration's row until the transaction ends: an approval that
 * is withdrawn before is seen here, and later it is too late.
 *
 * @throws ApprovalNeeded where the drop is not approved
 */
export async function requireApproval(client: Client, migrationId: string): Promise<void> {
  const values = { migration_id: migrationId };
  refuseUnapproved(await runOne(client, 'ledger/approval-of-drop', values));
}
