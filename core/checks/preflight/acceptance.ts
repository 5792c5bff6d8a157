/** Acceptance of findings: which findings need it, which are accepted, and by whom. */
import { createHash } from 'node:crypto';
import type { Server } from '../../catalog/server-facts.ts';
import type { AcceptedFinding, PlanFinding } from '../../contracts/documents.ts';
import type { ExecutionInput } from '../../contracts/execution-input.ts';

/** What a person accepted: in the options of this execution, and earlier for the same migration. */
export interface Given extends Pick<ExecutionInput, 'accept' | 'by'> {
  /** From the ledger; valid as long as the finding's message is the same. */
  readonly accepted?: readonly AcceptedFinding[] | undefined;
}

/** Accepted and open findings. */
export interface Acceptance {
  /** Accepted now, or before for the same migration, even if the finding has disappeared by now. */
  readonly accepted: readonly AcceptedFinding[];
  /** Not accepted: they refuse the migration. */
  readonly open: readonly PlanFinding[];
}

/** Divides the findings that need acceptance into accepted and open ones. */
export function judgeAcceptance(
  findings: readonly PlanFinding[],
  given: Given,
  { role, session_user: sessionUser }: Pick<Server, 'role' | 'session_user'>,
): Acceptance {
  const at = new Date().toISOString();
  const open = notAccepted(findings, given);
  const before = given.accepted ?? [];
  const now = findings
    .filter((finding) => finding.needsAcceptance && !open.includes(finding) && !isAmong(before, finding))
    .map(({ id, message }) => ({
      id,
      message,
      role,
      sessionUser,
      ...(given.by === undefined ? {} : { by: given.by }),
      at,
    }));
  return { accepted: [...before, ...now], open };
}

/** The findings that need acceptance and do not have it. */
export function notAccepted(findings: readonly PlanFinding[], { accept, accepted = [] }: Given): PlanFinding[] {
  const isGiven = (finding: PlanFinding): boolean =>
    accept.includes('all') || accept.includes(finding.id) || accept.includes(exactAcceptance(finding));
  return findings.filter((finding) => finding.needsAcceptance && !isGiven(finding) && !isAmong(accepted, finding));
}

/** `ID:HASH`, which accepts a finding as long as its message is the same: what a person was shown, and no later finding. */
export function exactAcceptance({ id, message }: Pick<PlanFinding, 'id' | 'message'>): string {
  return `${id}:${createHash('sha256').update(message).digest('hex').slice(0, 12)}`;
}

function isAmong(accepted: readonly AcceptedFinding[], { id, message }: PlanFinding): boolean {
  return accepted.some((one) => one.id === id && one.message === message);
}

/** `--accept ID` for each finding, each id once. */
export function acceptFlags(findings: readonly Pick<PlanFinding, 'id'>[]): string {
  return [...new Set(findings.map(({ id }) => id))].map((id) => `--accept ${id}`).join(' ');
}
