/** What is to be said of one disturbed execution, once it has ended and nothing strikes any more. */
import type { Ending } from '../harness/runner.ts';
import type { Run } from '../schedule.ts';
import { suspiciousEnding, suspiciousFailure, undoneWithoutReason } from './endings.ts';
import type { Journal, Mark } from './journal.ts';

export interface Judged {
  readonly operation: Run['operation'];
  readonly ending: Ending;
  /** The disk was to be full. */
  readonly fullDisk: boolean;
  /** When the execution began. */
  readonly since: Mark;
}

/** Counts the faults that are seen by what handlers told, and tells what none of all explains. */
export function judgeExecution(journal: Journal, { operation, ending, fullDisk, since }: Judged): void {
  const failures = journal.failures.slice(since.failures);
  if (failures.some(({ error }) => error === 'WindowClosed')) journal.strikes.push('window');
  const noSpace = fullDisk && failures.some(({ message }) => /No space left/.test(message));
  if (noSpace) journal.strikes.push('disk-full');
  const strikes = journal.strikes.slice(since.strikes);
  const states = journal.states.slice(since.states);
  const suspicious = [
    suspiciousEnding(ending, journal.strikes),
    operation === 'migrate' ? undoneWithoutReason(states, failures, strikes) : undefined,
    ...failures
      .filter(({ message }) => !(noSpace && /SQLSTATE 53100/.test(message)))
      .map((failure) => suspiciousFailure(failure)),
  ];
  for (const what of suspicious) if (what !== undefined) journal.violated(what);
}
