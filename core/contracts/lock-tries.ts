/** How often the state machine tries for a lock that another session holds, and how long it waits between tries. */

export const LOCK_TRIES = {
  /** The first try included. Full jitter sleeps half the delay on average: about 8 minutes in all. */
  tries: 40,
  firstDelaySeconds: 1,
  backoffRate: 1.5,
  longestDelaySeconds: 30,
} as const;

/** For the step `Plan`: no work has begun, and a person waits for the answer. */
export const LOCK_TRIES_OF_PLAN = 4;

/** How many tries a state of the state machine has in all. */
export function lockTriesOf(state: string): number {
  return state === 'Plan' ? LOCK_TRIES_OF_PLAN : LOCK_TRIES.tries;
}

/** Seconds after the failure of that try, 1 the first, within which the next begins. */
export function nextTryWithinSeconds(failedTry: number): number {
  const { firstDelaySeconds, backoffRate, longestDelaySeconds } = LOCK_TRIES;
  return Math.ceil(Math.min(longestDelaySeconds, firstDelaySeconds * backoffRate ** (failedTry - 1)));
}
