/** What a benchmark is to the runner. */
import type { Cases } from './cases.ts';
import type { BenchmarkName, Findings, Level } from './result.ts';

export interface Cost {
  readonly minutes: number;
  /** Gigabytes on disk at the worst moment. */
  readonly gigabytes: number;
}

/** What a person chooses of a benchmark whose data may be too large for the machine. */
export interface Choice {
  /** Rows instead of those of the level. */
  readonly rows?: number;
  /** The largest size that the disk has room for, where that is less. */
  readonly fit: boolean;
}

/** The benchmark cannot run here; the message is one line. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

export interface Benchmark {
  readonly name: BenchmarkName;
  readonly title: string;
  /** What is measured and how, in some sentences of Markdown. */
  readonly about: string;
  /** Measured on two cores and a virtual disk. */
  readonly cost: Readonly<Record<Level, Cost>>;
  /**
   * @param cases keeps each case of a run that may be cut short; a short benchmark has no need of it
   * @param choice for a benchmark of `CHOSEN_ROWS`
   */
  run(level: Level, say: (line: string) => void, cases: Cases, choice: Choice): Promise<Findings>;
}
