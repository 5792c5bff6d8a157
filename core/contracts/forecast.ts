/** How long a pair's work will take: by this migration's own pace where it has one, else by measurements. */

/** Rows a second and session, from measurements with warm caches on two cores; disks and row widths differ widely. */
export const PACE = { index: 1_000_000, validate: 450_000, count: 900_000 } as const;

export type Timed = 'index' | 'validate';

/** Fewer rows than that say nothing about a pace. */
const ENOUGH_ROWS = 100_000;
/** A window that closes in the middle of a validation costs the whole validation: rather begin one pair too few. */
const CAUTION = 1.5;

/** What the pairs of the same migration that are through with this kind of work took. */
export interface Pace {
  readonly rows: number;
  readonly milliseconds: number;
}

/** Seconds, by the pace so far where it says something, with some caution. */
export function forecastSeconds(what: Timed, pair: { readonly rows: number }, { rows, milliseconds }: Pace): number {
  const pace = rows >= ENOUGH_ROWS && milliseconds > 0 ? (rows / milliseconds) * 1_000 : PACE[what];
  return (pair.rows / pace) * CAUTION;
}
