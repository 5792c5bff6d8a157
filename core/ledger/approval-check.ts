/** Whether the drop of the parent FK is approved: judged by the gate, and again by the drop under its locks. */
import type { Client } from 'pg';
import { ApprovalNeeded } from '../contracts/errors.ts';
import { isSamePerson, type Starter } from '../contracts/person.ts';
import { type Row, runOne } from '../postgres/sql.ts';

/** What the ledger says of an approval. */
export type LedgerApproval = Row<'ledger/approval-of-drop'>;

/** Null: the drop may begin. Else one line. */
export function approvalProblem({ options, ...approval }: LedgerApproval): string | null {
  if (options.approval !== 'manual') return null;
  if (approval.approved_at === null) return 'it has not been approved';
  if (!options.approverMustDiffer) return null;
  return startedBy({ login: approval.approved_login, person: approval.approved_by }, options.starters ?? []);
}

/**
 * One line where the approver is among those who started an execution, null otherwise. The login counts, which the database
 * verifies: another stated name does not make another person of it.
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

/** @throws ApprovalNeeded */
export function refuseUnapproved(approval: LedgerApproval): void {
  const problem = approvalProblem(approval);
  if (problem !== null)
    throw new ApprovalNeeded(`the parent foreign key was not dropped: ${problem}; all that was done stands`);
}

/**
 * In the transaction of the drop. Locks the migration's row until that ends, so that an approval is withdrawn either before, which is
 * seen here, or too late.
 *
 * @throws ApprovalNeeded
 */
export async function requireApproval(client: Client, migrationId: string): Promise<void> {
  const values = { migration_id: migrationId };
  refuseUnapproved(await runOne(client, 'ledger/approval-of-drop', values));
}
