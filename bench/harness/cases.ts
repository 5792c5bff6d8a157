/**
 * What a benchmark of an hour has measured so far, case by case, so that one that is cut short goes on with `--resume`:
 * `bench/results/unfinished/<name>-<level>.json`, which goes when the result is there.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BenchmarkName, type Level, resultsFolder } from './result.ts';

interface Kept {
  /** The commit that it was measured at. */
  readonly commit: string;
  readonly seconds: number;
  readonly value: unknown;
}

export class Cases {
  readonly #path: string | null;
  readonly #commit: string;
  readonly #kept: Map<string, Kept>;
  readonly #used = new Set<string>();
  #secondsBefore = 0;

  private constructor(path: string | null, commit: string, kept: Map<string, Kept>) {
    this.#path = path;
    this.#commit = commit;
    this.#kept = kept;
  }

  /** @param resume goes on from what a run that was cut short has left; else that is forgotten */
  static async open(
    name: BenchmarkName,
    level: Level,
    { commit, resume, folder = resultsFolder }: { commit: string; resume: boolean; folder?: string },
  ): Promise<Cases> {
    const path = join(folder, 'unfinished', `${name}-${level}.json`);
    const known = resume && existsSync(path) ? Object.entries(JSON.parse(await readFile(path, 'utf8'))) : [];
    return new Cases(level === 'smoke' ? null : path, commit, new Map(known as [string, Kept][]));
  }

  /** What `work` gives for this case: measured now, or by the run that was cut short. A value has to survive JSON. */
  async measured<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    this.#used.add(key);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#secondsBefore += kept.seconds;
      return kept.value as Value;
    }
    const from = performance.now();
    const value = await work();
    this.#kept.set(key, { commit: this.#commit, seconds: Math.round((performance.now() - from) / 1000), value });
    if (this.#path !== null) {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(this.#path, `${JSON.stringify(Object.fromEntries(this.#kept), null, 1)}\n`);
    }
    return value;
  }

  /** Commits that what was used was measured at, the first first. */
  get commits(): string[] {
    const used = [...this.#kept].flatMap(([key, { commit }]) => (this.#used.has(key) ? [commit] : []));
    return [...new Set(used)];
  }

  /** What the cases took that an earlier run has measured. */
  get secondsBefore(): number {
    return this.#secondsBefore;
  }

  /** The result is written: nothing is left to go on with. */
  async forget(): Promise<void> {
    if (this.#path !== null) await rm(this.#path, { force: true });
  }
}
