/** How long locks blocked others, in words and added up. Pure. */
import type { Blocked } from './documents.ts';

/** @param tries milliseconds of each */
export function blockedBy(tries: readonly number[]): Blocked {
  return { longestMs: Math.max(0, ...tries), totalMs: tries.reduce((sum, ms) => sum + ms, 0), tries: tries.length };
}

/**
 * Behind "blocked others for", such as `at most 411 ms at a time, 2.10 s in all, in 7 tries`.
 *
 * @param duration how the reader writes milliseconds
 */
export function blockedInWords({ longestMs, totalMs, tries }: Blocked, duration: (ms: number) => string): string {
  if (tries === 1) return `at most ${duration(longestMs)}, in one try`;
  return `at most ${duration(longestMs)} at a time, ${duration(totalMs)} in all, in ${tries} tries`;
}
