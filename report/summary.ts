/** What happened, in a sentence or two, for somebody who was not there. Pure. */
import { blockedInWords, boundInWords } from '../core/contracts/blocked.ts';
import type { Blocked } from '../core/contracts/documents.ts';
import type { Report } from './contracts.ts';
import { plural, sentence } from './words.ts';

export type Told = Pick<
  Report,
  'status' | 'subject' | 'execution' | 'pairs' | 'checks' | 'rehearsal' | 'statements' | 'people'
> & {
  readonly error: { readonly name: string; readonly message: string } | null;
  /** The parent FK was dropped on the way, and came back. */
  readonly parentWasDropped: boolean;
  readonly lockedMs: number | null;
  readonly blocked: Blocked | null;
  readonly blockedOverall: Blocked | null;
  /** The plan found that there was nothing to roll back. */
  readonly nothingToDo: boolean;
};

export function summaryOf(told: Told): string {
  return `${outcome(told)}${blockedOthers(told)}`;
}

function outcome(told: Told): string {
  const parent = nameOf(told);
  const many = plural(told.pairs.length, 'foreign key');
  const cause = told.error === null ? '' : ` The cause: ${sentence(told.error.message)}`;
  switch (told.status) {
    case 'MIGRATED':
      return `${parent} was replaced by ${many}, one for each pair of partitions. ${checked(told)}`;
    case 'ALREADY_MIGRATED':
      return `Nothing was to be done: ${parent} had been replaced by one foreign key for each pair of partitions before.`;
    case 'DRY_RUN':
      return `This was a dry run: ${parent} can be replaced by ${many}. Nothing was changed.`;
    case 'DUPLICATE':
      return 'Nothing was done: another execution has worked on this opening of the maintenance window, which was delivered twice.';
    case 'ROLLED_BACK':
      return told.subject.operation === 'rollback' ? askedBack(told, parent) : `${failedBack(told, parent)}${cause}`;
    case 'PAUSED':
      return `${paused(told, parent)} Run the same command again to go on.`;
    case 'STOPPED':
      return `The execution was ${told.execution.status === 'TIMED_OUT' ? 'ended by its time limit' : 'stopped'} before its end. ${GOES_ON}`;
    case 'INTERRUPTED':
      return `The execution was interrupted: the process that ran it was killed or crashed, or its machine went down. A statement that it had begun may run in the server to its end. ${GOES_ON}`;
    case 'REFUSED':
      return `Nothing was changed: the migration was refused before it began.${cause}`;
    case 'ROLLBACK_FAILED':
      return `A person is needed: ${parent} could be neither replaced nor fully put back. Every row is still guarded by at least one foreign key.${cause}`;
    case 'RUNNING':
      return running(told, parent);
  }
}

const GOES_ON =
  'Nothing was undone and no row is without a foreign key: the same command goes on from here, and a rollback takes it back.';

function nameOf({ subject }: Told): string {
  const between = subject.referencedTable === null ? '' : ` to ${subject.referencedTable}`;
  const name = subject.constraint === null ? 'The foreign key' : `The foreign key ${subject.constraint}`;
  return `${name} from ${subject.table}${between}`;
}

function checked({ checks, rehearsal }: Told): string {
  if (checks.length === 0) return '';
  const failed = checks.filter((check) => !check.passed).length;
  const all = plural(checks.length, 'check');
  const tried = rehearsal === null ? '' : ' The drop had been rehearsed on the live database first.';
  return failed === 0 ? `All ${all} passed afterwards.${tried}` : `${failed} of ${all} failed afterwards.`;
}

/** Of the tries of all executions, where the ledger tells; without it only the try that succeeded is known. */
function blockedOthers({ blocked, blockedOverall, lockedMs }: Told): string {
  const drop =
    lockedMs === null
      ? ''
      : `the try that dropped the old foreign key held its locks for at most ${boundInWords(lockedMs)}`;
  if (blockedOverall === null) return drop === '' ? '' : ` ${sentence(drop)}`;
  const isResumed = blocked === null || blocked.tries < blockedOverall.tries;
  const whose = isResumed ? 'The locks of all executions of this migration' : 'Its locks';
  const own = blocked === null || !isResumed ? '' : `those of this execution for ${blockedInWords(blocked)}`;
  const parts = [`${whose} blocked other sessions for ${blockedInWords(blockedOverall)}`, own, drop];
  return ` ${parts.filter((part) => part !== '').join('; ')}.`;
}

function askedBack({ parentWasDropped, nothingToDo }: Told, parent: string): string {
  if (nothingToDo) return `Nothing was to be rolled back: ${lower(parent)} is there, and no migration of it is open.`;
  return parentWasDropped
    ? `As asked, the migration was taken back: ${lower(parent)} was restored while the new ones still held, and is as it was before.`
    : `As asked, the migration was taken back: ${lower(parent)} is as it was before. It had never been dropped.`;
}

function failedBack({ parentWasDropped }: Told, parent: string): string {
  return parentWasDropped
    ? `The migration failed and was undone: ${lower(parent)} was restored while the new ones still held, and is as it was before.`
    : `The migration failed and was undone: ${lower(parent)} was never dropped and is as it was before.`;
}

function paused({ rehearsal, error, people, checks }: Told, parent: string): string {
  const reason = error === null ? '' : ` ${sentence(error.message)}`;
  if (rehearsal !== null && checks.length === 0) {
    const failed = rehearsal.checks.filter((check) => !check.passed).length;
    const result = failed === 0 ? 'everything was right' : `${plural(failed, 'check')} failed`;
    const waits = isApproved(people) ? '' : ' It waits for approval.';
    return `All is ready, and nothing was dropped yet. The drop was rehearsed on the live database and taken back: ${result}, under locks for at most ${boundInWords(rehearsal.lockedMs)}.${waits}`;
  }
  return `Paused; ${lower(parent)} is still there and nothing was lost.${reason}`;
}

function running({ pairs, people, subject }: Told, parent: string): string {
  if (subject.operation === 'rollback') return `${parent} is being put back.`;
  if (people.approvalAskedAt !== null && !isApproved(people)) {
    return `All is ready: it waits for a person to approve the drop. ${parent} is still there.`;
  }
  const valid = pairs.filter((pair) => pair.state === 'validated').length;
  return `${parent} is being replaced: ${valid} of ${plural(pairs.length, 'pair')} have a valid foreign key of their own.`;
}

function isApproved({ approvedAt, approvalProblem }: Told['people']): boolean {
  return approvedAt !== null && approvalProblem === null;
}

function lower(text: string): string {
  return text.replace(/^The /, 'the ');
}
