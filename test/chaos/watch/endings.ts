/**
 * What a disturbed execution may come to. All else is a defect, also where every invariant holds.
 *
 * Work is undone for a reason of the data, the schema or a person's word. No fault of the suite touches the data or the schema, so
 * all that is left is a person's: a cancelled statement, or another execution that rolls back.
 */
import { messageOfCause } from '../../../core/contracts/cause.ts';
import type { Failure } from '../faults/scene.ts';
import type { Ending } from '../harness/runner.ts';
import type { Kind } from '../schedule.ts';

const GOOD = new Set([
  'MIGRATED',
  'ALREADY_MIGRATED',
  'ROLLED_BACK',
  'NOTHING_TO_ROLL_BACK',
  'PAUSED',
  'CHECKS_PENDING',
]);

/** Connections are lost, or there are none to be had. */
const NETWORK: readonly Kind[] = [
  'terminate',
  'restart',
  'crash',
  'cut',
  'delay',
  'half-close',
  'read-only',
  'outage',
  'half-open',
  'no-connections',
];
const FUNCTIONS: readonly Kind[] = ['function-crash', 'function-throttle'];
/** Two that work on one migration, or one that works twice. */
const TWICE: readonly Kind[] = ['rival', 'late', 'duplicate'];

/** Error for which an execution may undo what it has done -> the kinds of faults of which one must have struck it. */
const UNDOES: Readonly<Record<string, readonly Kind[]>> = {
  // The fence of one execution cancels what another still runs.
  StatementCanceled: ['cancel', ...TWICE],
  MigrationFenced: TWICE,
};

/** Error with which a plan may be refused, or a pause fail to be noted -> the kinds of faults of which one must have struck. */
const STOPS: Readonly<Record<string, readonly Kind[]>> = {
  ConnectionLost: [...NETWORK, 'disk-full'],
  // The first connection of an execution led to a standby.
  ConnectionRefused: ['read-only'],
  StatementCanceled: ['cancel', ...TWICE],
  // Whoever was killed or stopped, or whose network is away, may live on in the eyes of the server.
  MigrationInProgress: [...TWICE, ...NETWORK, 'kill', 'stop'],
  ServerTrouble: ['disk-full'],
  'States.Timeout': NETWORK,
  'Runtime.ExitError': FUNCTIONS,
  'Lambda.TooManyRequestsException': FUNCTIONS,
};

/** What is wrong with an ending; undefined where it is one of those that the faults explain. */
export function suspiciousEnding({ status, error, message }: Ending, strikes: readonly Kind[]): string | undefined {
  const struck = (kinds: readonly Kind[] = []) => kinds.some((kind) => strikes.includes(kind));
  if (GOOD.has(status)) return undefined;
  if (status === 'KILLED' && struck(['kill', 'stop'])) return undefined;
  if (status === 'ABORTED' && struck(['stop'])) return undefined;
  // A session that is cancelled while it is being opened is as lost as one that is cut: nothing was begun.
  if (status === 'NOT_BEGUN' && error === 'ConnectionLost' && struck([...NETWORK, 'cancel'])) return undefined;
  if (status === 'FAILED' && struck(explains(error, errorType(message)))) return undefined;
  return `an execution ended ${status} ${error} ${messageOfCause(message)}`;
}

/** @param error of the execution's last state; @param cause the error behind it */
function explains(error: string, cause: string): readonly Kind[] | undefined {
  switch (error) {
    case 'MigrationRolledBack':
      return UNDOES[cause];
    case 'Superseded':
      return TWICE;
    case 'PauseFailed':
      return STOPS[cause];
    case 'RollbackFailed':
    case 'RollbackInterrupted':
      // For what a person has to repair, and for what lasts a day.
      return undefined;
    default:
      return STOPS[error];
  }
}

/** What is wrong with a forward execution that has begun to undo, also where it did not end. */
export function undoneWithoutReason(
  states: readonly string[],
  failures: readonly Failure[],
  strikes: readonly Kind[],
): string | undefined {
  if (!states.includes('Fence') || states.includes('RollbackRequested')) return undefined;
  const isReason = ({ error }: Failure) => UNDOES[error]?.some((kind) => strikes.includes(kind));
  if (failures.some(isReason)) return undefined;
  const last = failures.at(-1);
  return `I8: work was undone for no reason of the data or a person's word, after ${last ? `${last.state} ${last.error}: ${last.message}` : 'no error'}`;
}

/** Lambda's Cause is JSON that names the error. */
function errorType(cause: string): string {
  try {
    return String((JSON.parse(cause) as { errorType?: unknown }).errorType);
  } catch {
    return cause;
  }
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
  // A person's partitions came or went.
  'PartitionSetChanged',
  'States.Timeout',
  'Runtime.ExitError',
  'Lambda.TooManyRequestsException',
]);

export function suspiciousFailure({ state, error, message }: Failure): string | undefined {
  // Our own limits are not a person's word: they are told as LockTimeout, which is tried again.
  const ownLimit = error === 'StatementCanceled' && message.includes('statement timeout');
  const isStandby = error === 'ConnectionRefused' && message.includes('is a standby and takes no writes');
  return (NAMED.has(error) && !ownLimit) || isStandby ? undefined : `${state} failed with ${error}: ${message}`;
}
