/** Totals of the time for which locks blocked others, and their text. Pure. */
import type { Blocked } from './documents.ts';

/** @param tries milliseconds of each try */
export function blockedBy(tries: readonly number[]): Blocked {
  return { longestMs: Math.max(0, ...tries), totalMs: tries.reduce((sum, ms) => sum + ms, 0), tries: tries.length };
}

/**
 * Text behind "blocked others for", for example `at most 411 ms at a time, 2.10 s in all, in 7 tries`.
 *
 * @param duration writes milliseconds as text
 */
export function blockedInWords({ longestMs, totalMs, tries }: Blocked, duration: (ms: number) => string): string {
  if (tries === 1) return `at most ${duration(longestMs)}, in one try`;
  return `at most ${duration(longestMs)} at a time, ${duration(totalMs)} in all, in ${tries} tries`;
}
