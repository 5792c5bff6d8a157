/** What a benchmark is to the runner. */
import type { Cases } from './cases.ts';
import type { BenchmarkName, Findings, Level } from './result.ts';

export interface Cost {
  readonly minutes: number;
  /** Gigabytes on disk at the worst moment. */
  readonly gigabytes: number;
}

export interface Benchmark {
  readonly name: BenchmarkName;
  readonly title: string;
  /** What is measured and how, in some sentences of Markdown. */
  readonly about: string;
  /** Measured on two cores and a virtual disk. */
  readonly cost: Readonly<Record<Level, Cost>>;
  /** @param cases keeps each case of a run that may be cut short; a short benchmark has no need of it */
  run(level: Level, say: (line: string) => void, cases: Cases): Promise<Findings>;
}
