/**
 * Retry policies of the state machine. Every step may be run again: it looks at the catalog first and skips what is done, so an
 * unknown outcome of a try is no problem.
 */

import { JitterType, type RetryProps, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { LOCK_TRIES } from '../../core/contracts/lock-tries.ts';

/** Locks of other sessions. Short waits, many tries; full jitter, so that pairs that collided once do not keep colliding. */
const LOCK_CONTENTION = ['LockTimeout', 'DeadlockDetected'];

/**
 * Trouble of the network, the server or Lambda, which is temporary and says nothing about the data. The names of Lambda's errors
 * are those that https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html documents, prefixed with `Lambda.`; CDK's built-in
 * list lacks most of them. A function that crashed, timed out or ran out of memory is reported as Runtime.ExitError,
 * Lambda.Unknown or Sandbox.Timedout. A function that was not called for weeks is inactive at first (ResourceConflictException,
 * ResourceNotReadyException).
 */
export const INFRASTRUCTURE = [
  'ConnectionLost',
  'ServerTrouble',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.TooManyRequestsException',
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENINotReadyException',
  'Lambda.ENILimitReachedException',
  'Lambda.SubnetIPAddressLimitReachedException',
  'Lambda.EC2ThrottledException',
  'Lambda.EC2UnexpectedException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Sandbox.Timedout',
  'States.Timeout',
];

/** Temporary errors: a lock that is not free, trouble of the infrastructure, a statement that was cancelled. */
export const TRANSIENT_ERRORS = [...LOCK_CONTENTION, ...INFRASTRUCTURE, 'StatementCanceled'];

/**
 * How long a state retries errors of the infrastructure. Without jitter, so that it is at least this long.
 *
 * - `quarter`: 15 minutes, at most one minute between two tries: shorter than an owner's lease (`LEASE_SECONDS`).
 * - `day`: 24 hours, for work that nothing else can take over: the rollback, and the checks after the drop.
 * - `moment`: half a minute, for an iteration of the rollback: each try costs three events, so the state before the Map waits
 *   instead.
 */
export type Patience = 'quarter' | 'day' | 'moment';

const PATIENCE: Readonly<Record<Patience, RetryProps>> = {
  quarter: { interval: Duration.seconds(1), backoffRate: 2, maxDelay: Duration.seconds(60), maxAttempts: 20 },
  day: { interval: Duration.seconds(1), backoffRate: 1.5, maxDelay: Duration.seconds(300), maxAttempts: 310 },
  moment: { interval: Duration.seconds(2), backoffRate: 2, maxDelay: Duration.seconds(16), maxAttempts: 4 },
};

/** What differs between the states. */
export interface RetryOptions {
  /** How often a lock is tried in all; few tries where a person waits for the answer. */
  readonly lockTries?: number;
  readonly patience?: Patience;
}

/** Adds the retriers for locks and for the infrastructure. */
export function addRetries(
  task: TaskStateBase,
  { lockTries = LOCK_TRIES.tries, patience = 'quarter' }: RetryOptions = {},
): void {
  task.addRetry({
    errors: LOCK_CONTENTION,
    interval: Duration.seconds(LOCK_TRIES.firstDelaySeconds),
    backoffRate: LOCK_TRIES.backoffRate,
    maxDelay: Duration.seconds(LOCK_TRIES.longestDelaySeconds),
    // MaxAttempts counts the retries, and not the first try.
    maxAttempts: lockTries - 1,
    jitterStrategy: JitterType.FULL,
  });
  task.addRetry({ errors: INFRASTRUCTURE, ...PATIENCE[patience] });
}
