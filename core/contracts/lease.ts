/** Longer than the longest delay between two tries of a step: for this long its owner counts as alive without a session. */
export const LEASE_SECONDS = 90;
