/** Forecast of a pair's work: from this migration's own pace if it is known, else from measurements. */

/** Rows per second and session, measured with warm caches on two cores; disks and row widths differ widely. */
export const PACE = { index: 1_000_000, validate: 450_000, count: 900_000 } as const;

/** Kinds of work with a forecast. */
export type Timed = 'index' | 'validate' | 'count';

/** With fewer rows, a pace is not reliable. */
const ENOUGH_ROWS = 100_000;
/**
 * Safety factor. A window that closes in the middle of a validation costs the whole validation, so it is better to begin one pair
 * too few.
 */
const CAUTION = 1.5;

/** Rows and milliseconds of the pairs of the same migration for which this kind of work is done. */
export interface Pace {
  readonly rows: number;
  readonly milliseconds: number;
}

/** Seconds, from the pace so far if that is reliable, with a safety factor. */
export function forecastSeconds(what: Timed, pair: { readonly rows: number }, { rows, milliseconds }: Pace): number {
  const pace = rows >= ENOUGH_ROWS && milliseconds > 0 ? (rows / milliseconds) * 1_000 : PACE[what];
  return (pair.rows / pace) * CAUTION;
}
