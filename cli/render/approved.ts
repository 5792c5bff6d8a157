/** What is approved or taken back, for the person who does. Pure. */

import { boundInWords } from '../../core/contracts/blocked.ts';
import { linesOf } from '../../core/contracts/check-lines.ts';
import type { Check } from '../../core/contracts/documents.ts';
import type { Approved, ToApprove, ToWithdraw, Withdrawn } from '../../core/ledger/approve.ts';
import { AS_STATED, acceptedBy } from '../../report/words.ts';
import { executionInWords, oneLine, plural, roughly, shellWord, timeOfDay, withoutSchemaOf } from '../text.ts';

/** What is about to be approved. */
export function toApproveLines(waiting: ToApprove, now: Date): string[] {
  return [
    migrationLine(waiting),
    `Waits        ${waits(waiting, now)}`,
    `Execution    ${executionInWords(waiting.execution)}`,
    `Options      ${optionsOf(waiting)}`,
    ...acceptedLines(waiting),
    ...rehearsalLines(waiting),
    ...voidLine(waiting),
  ];
}

/** @param here `--table T` and the connection as they were given, quoted for a shell, for the hint */
export function approvedLine(approved: Approved, here: string, now: Date): string {
  const { approvedAt, approvedBy, looksAgainBy } = approved;
  const by = `by ${approvedBy} (${AS_STATED})`;
  const when = approved.alreadyApproved ? `Approved before, ${by} at ${approvedAt}` : `Approved ${by}`;
  const next =
    approved.state === 'running'
      ? `its execution goes on at its next look, ${nextLook(looksAgainBy, now)}`
      : `it has paused; this goes on, as approved: ${migrateCommand(approved, here)}`;
  return `✓ ${when}: ${next}`;
}

/** The date as well, where it is hours away: an execution that may wait for weeks looks more seldom. */
function nextLook(looksAgainBy: string | null, now: Date): string {
  const at = Date.parse(looksAgainBy ?? '');
  if (!(at > now.getTime())) return 'at any moment';
  return `by ${at - now.getTime() > 43_200_000 ? `${looksAgainBy}` : timeOfDay(at)}`;
}

/** What is about to be taken back. */
export function toWithdrawLines(approval: ToWithdraw): string[] {
  const { execution, approvedBy, approvedAt } = approval;
  return [
    migrationLine(approval),
    `Execution    ${executionInWords(execution)}`,
    `Approved     by ${approvedBy} (${AS_STATED}) at ${approvedAt}`,
    ...voidLine(approval),
  ];
}

/** @param here as for {@link approvedLine} */
export function withdrawnLine({ state, withdrawnBy }: Withdrawn, here: string): string {
  const next =
    state === 'running'
      ? 'its execution waits for another one, or pauses before the drop'
      : 'it has paused, and waits for another one';
  return `✓ Withdrawn by ${withdrawnBy} (${AS_STATED}): ${next}: p2pfk approve ${here}`;
}

function migrationLine({ table, constraint, migrationId }: Pick<ToApprove, 'table' | 'constraint' | 'migrationId'>) {
  return `Migration    ${migrationId}: the drop of ${constraint} on ${withoutSchemaOf(table, table)}`;
}

function voidLine({ void: reason }: { readonly void: string | null }): string[] {
  return reason === null ? [] : [`! ${oneLine(reason)}`];
}

function waits({ waitingSince, state, alreadyApproved }: ToApprove, now: Date): string {
  if (waitingSince === null) return 'not any more: it has paused';
  const waited = alreadyApproved ? '' : `, for ${roughly(Math.max(1_000, now.getTime() - Date.parse(waitingSince)))}`;
  return `since ${waitingSince}${waited}${state === 'paused' ? '; it has paused meanwhile' : ''}`;
}

function optionsOf({ options }: Pick<ToApprove, 'options'>): string {
  const given = Object.entries(options).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return given.length === 0 ? 'the defaults' : oneLine(given.join(', '));
}

function acceptedLines({ accepted }: Pick<ToApprove, 'accepted'>): string[] {
  if (accepted.length === 0) return ['Accepted     no finding'];
  return [
    `Accepted     ${plural(accepted.length, 'finding')}`,
    ...accepted.map((finding) => `  ! ${finding.id}: ${oneLine(finding.message)} (${acceptedBy(finding)})`),
  ];
}

/** Options of a migrate command that does what was approved. */
const FLAGS: Readonly<Record<string, (value: unknown) => string>> = {
  trustedOwners: (value) => (value as readonly string[]).map((owner) => `--trust-owner ${shellWord(owner)}`).join(' '),
  searchPath: (value) => `--search-path ${shellWord(String(value))}`,
  ledgerOwner: (value) => `--ledger-owner ${shellWord(String(value))}`,
  terminateIdleBlockersAfterSeconds: (value) => `--terminate-idle-blockers ${value}s`,
  rowMovementGuard: () => '--no-row-movement-guard',
  noIndexes: () => '--no-indexes',
  keepIndexes: () => '--keep-indexes',
  allowBlockingRollback: () => '--allow-blocking-rollback',
  pairConstraintNames: (value) => `--pair-constraint-names ${shellWord(String(value))}`,
  approverMustDiffer: () => '--approver-must-differ',
};

function migrateCommand({ options }: Pick<ToApprove, 'options'>, here: string): string {
  const added = decisiveFlags(options).filter((flag) => !`${here} `.includes(` ${flag} `));
  return ['p2pfk migrate', here, '--approval manual', ...added].join(' ');
}

/**
 * Options that decide what a migration does, as flags, quoted for a shell.
 *
 * @param options as `beyondDefaults` has them
 */
export function decisiveFlags(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([key, value]) => FLAGS[key]?.(value) ?? []);
}

function rehearsalLines({ rehearsal }: Pick<ToApprove, 'rehearsal'>): string[] {
  if (rehearsal === null) return ['Rehearsal    none was recorded'];
  const { at, lockedMs, checks } = rehearsal;
  const failed = checks.filter((check) => !check.passed).length;
  const result = failed === 0 ? 'all passed' : `${failed} failed`;
  return [
    `Rehearsal    ${at}: the drop, done and rolled back; exclusive locks for at most ${boundInWords(lockedMs)}`,
    `Checks       ${plural(checks.length, 'check')}, ${result}`,
    ...checks.map((check) => `  ${check.passed ? '✓' : '✗'} ${check.title}: ${short(check)}`),
  ];
}

/** The inventory is a line for each pair; how many there are is enough here. */
function short(check: Check): string {
  const lines = linesOf(check);
  return lines.length > 1 ? plural(lines.length, 'foreign key') : oneLine(check.detail);
}
