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

/** Of the lock budget: the server itself ends a transaction of ours so much later, if p2pfk does not. */
const MARGIN_MS = 100;

/**
 * @param tries milliseconds of each try that has to fit into the budget
 * @returns one line where some may have blocked others for longer than the lock budget; null: none has
 */
export function overBudget(tries: readonly number[], budgetMs: number): string | null {
  const over = tries.filter((ms) => ms > budgetMs + MARGIN_MS);
  if (over.length === 0) return null;
  const which =
    over.length === 1 ? 'One try' : `${over.length === tries.length ? 'All' : over.length} of ${tries.length} tries`;
  return `${which} may have blocked others for longer than the lock budget of ${budgetMs} ms and its margin of ${MARGIN_MS} ms: for at most ${boundInWords(Math.max(...over))}. The time is measured by p2pfk, from the request of the locks to the answer of COMMIT or ROLLBACK. Where p2pfk's machine is short of CPU it reads that answer late; where the server's disk is slow, COMMIT itself takes long, which nothing limits (docs/security.md#the-lock-budget)`;
}
