/** Retries of a lock that another session holds: how often the state machine tries, and how long it waits in between. */

/** Retry policy of all other states. */
export const LOCK_TRIES = {
  /** Including the first try. Full jitter waits half the delay on average: about 8 minutes in all. */
  tries: 40,
  firstDelaySeconds: 1,
  backoffRate: 1.5,
  longestDelaySeconds: 30,
} as const;

/** For the step `Plan`: no work has begun, and a person waits for the answer. */
export const LOCK_TRIES_OF_PLAN = 4;

/** Number of tries of a state of the state machine. */
export function lockTriesOf(state: string): number {
  return state === 'Plan' ? LOCK_TRIES_OF_PLAN : LOCK_TRIES.tries;
}

/**
 * Seconds after a failed try within which the next one begins.
 *
 * @param failedTry 1 for the first
 */
export function nextTryWithinSeconds(failedTry: number): number {
  const { firstDelaySeconds, backoffRate, longestDelaySeconds } = LOCK_TRIES;
  return Math.ceil(Math.min(longestDelaySeconds, firstDelaySeconds * backoffRate ** (failedTry - 1)));
}
