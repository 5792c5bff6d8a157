/**
 * What is tried again, and how patiently. Every step is safe to enter again: it looks at the catalog first and skips
 * what is done, so "outcome unknown" is a normal answer.
 */

import { JitterType, type RetryProps, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { LOCK_TRIES } from '../../core/lock-tries.ts';

/** Somebody else's lock. Short sleeps, many tries. */
const LOCK_CONTENTION: RetryProps = {
  errors: ['LockTimeout', 'DeadlockDetected'],
  interval: Duration.seconds(LOCK_TRIES.firstDelaySeconds),
  backoffRate: LOCK_TRIES.backoffRate,
  maxDelay: Duration.seconds(LOCK_TRIES.longestDelaySeconds),
};

/** A restart or failover of the server: 75 seconds of sleep on average, and what each refused connection takes. */
const CONNECTION_LOST: RetryProps = {
  errors: ['ConnectionLost'],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.seconds(30),
  maxAttempts: 8,
};

/**
 * Lambda's own trouble. A function that timed out or ran out of memory comes back as Lambda.Unknown or Sandbox.Timedout.
 * CDK's built-in list has no jitter and misses throttling.
 */
const LAMBDA_TROUBLE: RetryProps = {
  errors: [
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.TooManyRequestsException',
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.Unknown',
    'Sandbox.Timedout',
    'States.Timeout',
  ],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.seconds(60),
  maxAttempts: 6,
};

/**
 * Adds the retriers. Full jitter everywhere, so that pairs that collided once do not collide again in step.
 *
 * @param lockTries how often a lock is asked for in all; few where a person waits for the answer
 */
export function addRetries(task: TaskStateBase, lockTries: number = LOCK_TRIES.tries): void {
  // MaxAttempts counts the retries: the first try comes on top.
  for (const retry of [{ ...LOCK_CONTENTION, maxAttempts: lockTries - 1 }, CONNECTION_LOST, LAMBDA_TROUBLE]) {
    task.addRetry({ ...retry, jitterStrategy: JitterType.FULL });
  }
}
