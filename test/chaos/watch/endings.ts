/** What a disturbed execution may come to. All else is a defect, also where every invariant holds. */
import { messageOfCause } from '../../../core/errors.ts';
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

const NETWORK: readonly Kind[] = ['terminate', 'restart', 'crash', 'cut', 'delay', 'half-close'];
/** Two that work on one migration, or one that works twice. */
const TWICE: readonly Kind[] = ['rival', 'late', 'duplicate'];

/** Error that nobody retries, or no longer -> the kinds of faults of which one must have struck. */
const EXPLAINED: Readonly<Record<string, readonly Kind[]>> = {
  ConnectionLost: NETWORK,
  // The fence of one execution cancels what another still runs.
  StatementCanceled: ['cancel', ...TWICE],
  MigrationFenced: TWICE,
  // Whoever was killed or stopped, or whose network is away, may live on in the eyes of the server.
  MigrationInProgress: [...TWICE, ...NETWORK, 'kill', 'stop'],
  StatementFailed: ['disk-full'],
  'States.Timeout': NETWORK,
};

/** What is wrong with an ending; undefined where it is one of those that the faults explain. */
export function suspiciousEnding({ status, error, message }: Ending, strikes: readonly Kind[]): string | undefined {
  const struck = (kinds: readonly Kind[]) => kinds.some((kind) => strikes.includes(kind));
  if (GOOD.has(status)) return undefined;
  if (status === 'KILLED' && struck(['kill', 'stop'])) return undefined;
  if (status === 'ABORTED' && struck(['stop'])) return undefined;
  // A session that is cancelled while it is being opened is as lost as one that is cut: nothing was begun.
  if (status === 'NOT_BEGUN' && error === 'ConnectionLost' && struck([...NETWORK, 'cancel'])) return undefined;
  // Rolled back, a rollback that could not go on, or a plan that was not made: the error behind it counts.
  if (status === 'FAILED' && struck(EXPLAINED[errorType(message)] ?? [])) return undefined;
  return `an execution ended ${status} ${error} ${messageOfCause(message)}`;
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
  'States.Timeout',
]);

export function suspiciousFailure({ state, error, message }: Failure): string | undefined {
  // Our own limits are not a person's word: they are told as LockTimeout, which is tried again.
  const ownLimit = error === 'StatementCanceled' && message.includes('statement timeout');
  return NAMED.has(error) && !ownLimit ? undefined : `${state} failed with ${error}: ${message}`;
}
