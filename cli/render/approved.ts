/** What was approved, for the person who did. Pure. */

import type { Check } from '../../core/contracts/documents.ts';
import type { Approved, Withdrawn } from '../../core/ledger/approve.ts';
import { AS_STATED } from '../people.ts';
import { oneLine, plural, roughly, shellWord, withoutSchemaOf } from '../text.ts';

/** @param given `--table` as it was given, for the hint; the last line alone says what came of it */
export function approvedLines(approved: Approved, given: string): string[] {
  const { table, constraint, migrationId, approvedAt, approvedBy } = approved;
  const by = `by ${approvedBy} (${AS_STATED})`;
  const when = approved.alreadyApproved ? `Approved before, ${by} at ${approvedAt}` : `Approved ${by}`;
  const next =
    approved.state === 'running'
      ? 'its execution goes on at its next look: within 5 minutes, or within two hours where it may wait for weeks'
      : `it has paused; this goes on: p2pfk migrate --table ${shellWord(given)}`;
  return [
    `Migration    ${migrationId}: the drop of ${constraint} on ${withoutSchemaOf(table, table)}`,
    `Waits        ${waits(approved)}`,
    `Execution    ${approved.execution}`,
    ...rehearsalLines(approved),
    `✓ ${when}: ${next}`,
  ];
}

/** @param given `--table` as it was given, for the hint */
export function withdrawnLines(withdrawn: Withdrawn, given: string): string[] {
  const { table, constraint, migrationId, execution, approvedBy, approvedAt, withdrawnBy } = withdrawn;
  const next =
    withdrawn.state === 'running'
      ? 'its execution waits for another one, or pauses before the drop'
      : 'it has paused, and waits for another one';
  return [
    `Migration    ${migrationId}: the drop of ${constraint} on ${withoutSchemaOf(table, table)}`,
    `Execution    ${execution}`,
    `Approved     by ${approvedBy} (${AS_STATED}) at ${approvedAt}`,
    `✓ Withdrawn by ${withdrawnBy} (${AS_STATED}): ${next}: p2pfk approve --table ${shellWord(given)}`,
  ];
}

function waits({ waitingSince, approvedAt, state, alreadyApproved }: Approved): string {
  const until = Date.parse(approvedAt);
  if (waitingSince === null) return 'not any more: it has paused';
  const waited = alreadyApproved ? '' : `, for ${roughly(Math.max(1_000, until - Date.parse(waitingSince)))}`;
  return `since ${waitingSince}${waited}${state === 'paused' ? '; it has paused meanwhile' : ''}`;
}

function rehearsalLines({ rehearsal }: Approved): string[] {
  if (rehearsal === null) return ['Rehearsal    none was recorded'];
  const { at, lockedMs, checks } = rehearsal;
  const failed = checks.filter((check) => !check.passed).length;
  const result = failed === 0 ? 'all passed' : `${failed} failed`;
  return [
    `Rehearsal    ${at}: the drop, done and rolled back; exclusive locks for ${roughly(lockedMs)}`,
    `Checks       ${plural(checks.length, 'check')}, ${result}`,
    ...checks.map((check) => `  ${check.passed ? '✓' : '✗'} ${check.title}: ${short(check)}`),
  ];
}

/** The inventory is a line for each pair; how many there are is enough here. */
function short({ id, detail }: Check): string {
  const lines = detail.split('\n').filter((line) => line.trim() !== '');
  return id === 'inventory' && lines.length > 1 ? plural(lines.length, 'foreign key') : oneLine(detail);
}
