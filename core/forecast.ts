/** How long a pair's work will take: by this migration's own pace where it has one, else by measurements. */
import type { LedgerPair } from './ledger.ts';

/** Rows a second and session, from measurements with warm caches on two cores; disks and row widths differ widely. */
export const PACE = { index: 1_000_000, validate: 450_000, count: 900_000 } as const;

type Timed = 'index' | 'validate';

/** Fewer rows than that say nothing about a pace. */
const ENOUGH_ROWS = 100_000;
/** A window that closes in the middle of a validation costs the whole validation: rather begin one pair too few. */
const CAUTION = 1.5;

/** Seconds, from the pairs of the same migration that are done, with some caution. */
export function forecastSeconds(what: Timed, pair: LedgerPair, all: readonly LedgerPair[]): number {
  const done = all.filter((other) => (what === 'index' ? other.index_ms : other.validate_ms));
  const rows = done.reduce((sum, other) => sum + other.rows, 0);
  const milliseconds = done.reduce(
    (sum, other) => sum + ((what === 'index' ? other.index_ms : other.validate_ms) ?? 0),
    0,
  );
  const pace = rows >= ENOUGH_ROWS && milliseconds > 0 ? (rows / milliseconds) * 1_000 : PACE[what];
  return (pair.rows / pace) * CAUTION;
}
