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

/** What was measured, as a share of what was forecast: the least and the most. */
export type Spread = readonly [least: number, most: number];

/**
 * Of the forecasts that a benchmark has compared with measurements: `npm run bench -- rollback`, in docs/benchmarks.md, 14 with 17 to 256 pairs and 1 to 16
 * million rows. All other forecasts are rough: they go by the number of rows or pairs alone.
 */
export const SPREAD = {
  /** The parent FK attaches the leaves' FKs. */
  attach: [0.6, 1.35],
  /** A plain re-add of the parent FK before 18. */
  plain: [0.8, 1.25],
} as const satisfies Readonly<Record<string, Spread>>;
