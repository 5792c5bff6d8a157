/** What a disturbed execution may come to. All else is a defect, also where every invariant holds. */
import type { Failure } from '../faults/scene.ts';
import type { Ending } from '../harness/runner.ts';
import type { Kind } from '../schedule.ts';

const GOOD = new Set(['MIGRATED', 'ALREADY_MIGRATED', 'ROLLED_BACK', 'NOTHING_TO_ROLL_BACK', 'PAUSED']);

/** Names with which an execution may fail while faults strike it. */
const FAILED = new Set([
  // It put everything back, or could not, or could not even pause, because the database was away.
  'MigrationRolledBack',
  'RollbackFailed',
  'PauseFailed',
  // The plan got no answer: nothing has begun.
  'MigrationInProgress',
  'MigrationFenced',
  'ConnectionLost',
  'LockTimeout',
  'DeadlockDetected',
  'StatementCanceled',
  'States.Timeout',
]);

/** What is wrong with an ending; undefined where it is one of those that the faults explain. */
export function suspiciousEnding({ status, error, message }: Ending, strikes: readonly Kind[]): string | undefined {
  if (GOOD.has(status)) return undefined;
  if (status === 'KILLED' && (strikes.includes('kill') || strikes.includes('stop'))) return undefined;
  if (status === 'ABORTED' && strikes.includes('stop')) return undefined;
  if (status === 'NOT_BEGUN' && error === 'ConnectionLost') return undefined;
  if (status === 'FAILED' && FAILED.has(error)) return undefined;
  return `an execution ended ${status} ${error} ${message}`;
}

/** Errors that a handler may tell while faults strike it; any other is one that nobody thought of. */
const NAMED = new Set([
  'ConnectionLost',
  'LockTimeout',
  'DeadlockDetected',
  'StatementCanceled',
  'MigrationFenced',
  'MigrationInProgress',
  'WindowClosed',
  'RollbackFailed',
  'IndexBuildFailed',
  'GateFailed',
  'States.Timeout',
]);

export function suspiciousFailure({ state, error, message }: Failure): string | undefined {
  return NAMED.has(error) ? undefined : `${state} failed with ${error}: ${message}`;
}
