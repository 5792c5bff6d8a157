/** Median and spread of repetitions, and the ratio of two of them: the ratio is what a benchmark says. */

/** Repetitions of one measurement, in the order they were taken. */
export interface Measure {
  readonly samples: readonly number[];
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws Error where there is no sample: a figure that was never taken must not look like one */
export function measure(samples: readonly number[]): Measure {
  if (samples.length === 0) throw new Error('a measure needs at least one sample');
  return { samples, median: quantile(samples, 0.5), min: Math.min(...samples), max: Math.max(...samples) };
}

/** Linear interpolation between the two nearest; `share` from 0 to 1. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Median of a over median of b. */
export function ratio(a: Measure, b: Measure): number {
  return a.median / b.median;
}

/**
 * Takes each subject's turn once a round, in an order that turns around with each round, so that a machine which becomes
 * slower or warmer treats all alike. Every subject's turn returns one sample.
 */
export async function alternate<Name extends string>(
  rounds: number,
  subjects: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, Measure>> {
  const names = Object.keys(subjects) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) samples[name].push(await subjects[name]());
  }
  return Object.fromEntries(names.map((name) => [name, measure(samples[name])])) as Record<Name, Measure>;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}
