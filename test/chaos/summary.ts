/** What a run of schedules has come to, as text. */
import type { ScheduleResult } from './run-schedule.ts';
import { KINDS, type Kind, type Schedule } from './schedule.ts';

export interface Failed {
  readonly seed: number;
  readonly schedule: Schedule;
  readonly result: ScheduleResult;
}

export class Summary {
  readonly failed: Failed[] = [];
  schedules = 0;
  readonly #planned = new Map<Kind, number>();
  readonly #struck = new Map<Kind, number>();
  readonly #endings = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  #looks = 0;
  #commits = 0;
  #refusals = 0;
  #longestHoldUpMs = 0;
  #longestStandbyReadMs = 0;

  add(seed: number, schedule: Schedule, result: ScheduleResult): void {
    this.schedules += 1;
    for (const { faults } of schedule.runs) for (const { kind } of faults) count(this.#planned, kind);
    for (const kind of result.journal.strikes) count(this.#struck, kind);
    for (const ending of result.journal.endings) count(this.#endings, ending);
    for (const { error } of result.journal.failures) count(this.#errors, error);
    this.#looks += result.looks;
    this.#commits += result.commits;
    this.#refusals += result.refusals;
    this.#longestHoldUpMs = Math.max(this.#longestHoldUpMs, result.longestHoldUpMs);
    this.#longestStandbyReadMs = Math.max(this.#longestStandbyReadMs, result.longestStandbyReadMs);
    if (result.journal.violations.length > 0) this.failed.push({ seed, schedule, result });
  }

  /** Kinds that were wanted and never struck. */
  neverStruck(kinds: readonly Kind[]): Kind[] {
    return kinds.filter((kind) => !this.#struck.has(kind));
  }

  text(kinds: readonly Kind[], seconds: number): string {
    const width = Math.max(...kinds.map((kind) => kind.length));
    const table = kinds.map((kind) => {
      const [planned, struck] = [this.#planned, this.#struck].map((counts) =>
        String(counts.get(kind) ?? 0).padStart(6),
      );
      return `  ${kind.padEnd(width)} ${planned} ${struck}   ${KINDS[kind]}`;
    });
    return [
      `${this.schedules} schedules in ${Math.round(seconds)} s, ${this.failed.length} with violations`,
      `  ${'fault'.padEnd(width)} drawn  struck`,
      ...table,
      `endings: ${list(this.#endings)}`,
      `errors that handlers told: ${list(this.#errors)}`,
      `${this.#looks} looks of the observer, ${this.#commits} transactions of the application, ${this.#refusals} refused as they must be;`,
      `longest time that the application was seen to wait for us: ${Math.round(this.#longestHoldUpMs)} ms;`,
      `longest statement of a new reader on a standby: ${Math.round(this.#longestStandbyReadMs)} ms`,
    ].join('\n');
  }
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function list(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([name, times]) => `${name} ${times}`).join(', ') || 'none';
}
