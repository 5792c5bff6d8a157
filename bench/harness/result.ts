/** What one benchmark leaves behind: `bench/results/<name>.json`, from which docs/benchmarks.md is generated. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

export const BENCHMARKS = [
  'delete',
  'wall',
  'small',
  'stall',
  'rollback',
  'attach',
  'partitions',
  'engine',
  'guard',
  'insert',
  'locks',
  'scan',
  'source',
] as const;
export type BenchmarkName = (typeof BENCHMARKS)[number];

/** Takes hours and most of a disk at its full size: it runs only where it is named, and takes `--rows` and `--fit`. */
export const CHOSEN_ROWS: BenchmarkName = 'source';

/** `full` is what is published; `quick` fits into ten minutes in all; `smoke` proves that everything runs. */
export type Level = 'full' | 'quick' | 'smoke';

/** A number is printed to three digits; where it was repeated, `spread` gives the smallest and the largest. */
export type Cell = string | number | { readonly value: number; readonly spread: readonly [number, number] } | null;

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** How to read it. */
  readonly note?: string;
}

export interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
  /** Where it is not met: the reason, with the figure that shows it. */
  readonly reason?: string;
}

/** One SVG file. Points with the same `series` are one line or one colour of bars. */
export interface Chart {
  /** File name without extension, unique among all benchmarks. */
  readonly id: string;
  readonly title: string;
  readonly kind: 'line' | 'bar';
  readonly x: string;
  readonly y: string;
  readonly logarithmic?: boolean;
  readonly points: readonly { readonly x: string | number; readonly y: number; readonly series: string }[];
}

export interface Findings {
  readonly tables: readonly Table[];
  readonly targets: readonly Target[];
  readonly charts: readonly Chart[];
  /** Every sample, by what was measured. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

export interface Result extends Findings {
  readonly name: BenchmarkName;
  readonly title: string;
  /** What is measured and how, in some sentences. */
  readonly about: string;
  readonly level: Level;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: Machine;
}

export const resultsFolder = join(import.meta.dirname, '..', 'results');

export async function writeResult(result: Result, folder: string = resultsFolder): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${result.name}.json`);
  await writeFile(path, `${JSON.stringify(result, rounded, 1)}\n`);
  return path;
}

export async function readResult(name: BenchmarkName, folder: string = resultsFolder): Promise<Result | null> {
  const path = join(folder, `${name}.json`);
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as Result) : null;
}

/** Four digits say more than the measurement does. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

/** The cell of something that was repeated. */
export function spread({ median, min, max }: { median: number; min: number; max: number }): Cell {
  return { value: median, spread: [min, max] };
}

/**
 * What every benchmark must have given, whatever the machine: no table without rows, no figure that is no number.
 *
 * @returns what is wrong, one line each
 */
export function problems(result: Findings): string[] {
  const found: string[] = [];
  if (result.tables.length === 0) found.push('no table');
  for (const table of result.tables) {
    if (table.rows.length === 0) found.push(`table "${table.title}" has no rows`);
    for (const row of table.rows) {
      if (row.length !== table.columns.length)
        found.push(`table "${table.title}" has ${row.length} cells for ${table.columns.length} columns`);
      for (const cell of row) {
        const value = typeof cell === 'object' && cell !== null ? cell.value : cell;
        if (typeof value === 'number' && !Number.isFinite(value)) found.push(`table "${table.title}" has a ${value}`);
      }
    }
  }
  for (const chart of result.charts) {
    if (chart.points.length === 0 || chart.points.some(({ y }) => !Number.isFinite(y)))
      found.push(`chart ${chart.id} lacks points`);
  }
  for (const target of result.targets) if (/NaN|Infinity|undefined/.test(target.measured)) found.push(target.measured);
  return found;
}
