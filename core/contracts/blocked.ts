/** Totals of the time for which locks blocked others, and their text. Pure. */
import type { Blocked } from './documents.ts';

/** @param tries milliseconds of each try */
export function blockedBy(tries: readonly number[]): Blocked {
  return { longestMs: Math.max(0, ...tries), totalMs: tries.reduce((sum, ms) => sum + ms, 0), tries: tries.length };
}

/** Text behind "blocked others for", for example `at most 411 ms at a time and 2.10 s in all, in 7 tries`. */
export function blockedInWords({ longestMs, totalMs, tries }: Blocked): string {
  if (tries === 1) return `at most ${boundInWords(longestMs)}, in one try`;
  return `at most ${boundInWords(longestMs)} at a time and ${boundInWords(totalMs)} in all, in ${tries} tries`;
}

/**
 * How long at most: `3 ms`, `411 ms`, `2.11 s`, `12.4 s`, `2 min 3 s`. Always rounded up, because a bound that is rounded down is exceeded. The
 * console and the report write such times by this function alone.
 */
export function boundInWords(milliseconds: number): string {
  const ms = Math.max(0, Math.ceil(milliseconds));
  if (ms < 1_000) return `${ms} ms`;
  if (ms <= 9_990) return `${(Math.ceil(ms / 10) / 100).toFixed(2)} s`;
  if (ms <= 59_900) return `${(Math.ceil(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.ceil(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
