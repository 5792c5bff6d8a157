/** `npm run bench`: runs benchmarks, prints their tables, keeps their results, and writes docs/benchmarks.md. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Benchmark, type Choice, Refused } from './harness/benchmark.ts';
import { Cases } from './harness/cases.ts';
import { consoleTable, targetText } from './harness/format.ts';
import { describeMachine } from './harness/machine.ts';
import {
  BENCHMARKS,
  type BenchmarkName,
  CHOSEN_ROWS,
  type Level,
  problems,
  type Result,
  readResult,
  writeResult,
} from './harness/result.ts';

const USAGE = `usage: npm run bench -- [NAME...] [--quick | --smoke] [--resume] [--docs]

  NAME...     ${BENCHMARKS.join(', ')}; where none is named, all of them, but ${CHOSEN_ROWS} only with --quick or --smoke
  --quick     smaller sizes, ten minutes in all
  --smoke     tiny sizes, a minute in all: that everything runs and gives its figures; keeps nothing
  --rows N    ${CHOSEN_ROWS}: so many referencing rows
  --fit       ${CHOSEN_ROWS}: the largest size that the disk has room for, where that is less
  --resume    leave out what was measured at this commit and in this size already, and go on with what was cut short
  --docs      no run: only write docs/benchmarks.md anew from what was measured
  --list      no run: only tell how long each takes and what it needs on disk`;

/** Fewer give the smallest pairs hardly a row. */
const LEAST_ROWS = 1_000;

const load: Readonly<Record<BenchmarkName, () => Promise<Benchmark>>> = {
  engine: async () => (await import('./benchmarks/engine.ts')).engine,
  guard: async () => (await import('./benchmarks/guard.ts')).guard,
  delete: async () => (await import('./benchmarks/delete.ts')).deletes,
  rollback: async () => (await import('./benchmarks/rollback.ts')).rollback,
  attach: async () => (await import('./benchmarks/attach.ts')).attach,
  stall: async () => (await import('./benchmarks/stall.ts')).stall,
  wall: async () => (await import('./benchmarks/wall.ts')).wall,
  small: async () => (await import('./benchmarks/small.ts')).small,
  scan: async () => (await import('./benchmarks/scan.ts')).scan,
  partitions: async () => (await import('./benchmarks/partitions.ts')).partitions,
  insert: async () => (await import('./benchmarks/insert.ts')).insert,
  locks: async () => (await import('./benchmarks/locks.ts')).locks,
  source: async () => (await import('./benchmarks/source.ts')).source,
};

process.exitCode = await main();

async function main(): Promise<number> {
  const { options, names, choice } = parse();
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  if (options.docs) return writeDocs();
  const level: Level = options.smoke ? 'smoke' : options.quick ? 'quick' : 'full';
  const all = BENCHMARKS.filter((name) => options.list || level !== 'full' || name !== CHOSEN_ROWS);
  const benchmarks = await Promise.all((names.length > 0 ? names : all).map((name) => load[name]()));
  announce(benchmarks, level);
  if (options.list) return 0;

  let failed = 0;
  const results: Result[] = [];
  for (const benchmark of benchmarks) {
    if (options.resume && (await isMeasured(benchmark.name, level))) {
      console.log(`\n${benchmark.name}: measured at this commit already`);
      continue;
    }
    try {
      const cases = await Cases.open(benchmark.name, level, {
        commit: describeMachine().commit,
        resume: options.resume,
      });
      const result = await measured(benchmark, level, cases, choice);
      results.push(result);
      for (const problem of problems(result)) {
        console.error(`${benchmark.name}: ${problem}`);
        failed++;
      }
      // As soon as it is there: what follows may fail.
      if (level !== 'smoke') console.log(`written to ${await writeResult(result)}`);
      await cases.forget();
    } catch (error) {
      const text = error instanceof Refused ? error.message : error instanceof Error ? error.stack : error;
      console.error(`${benchmark.name} failed: ${text}`);
      failed++;
    }
  }
  if (level === 'smoke') await tryDocs(results);
  else await writeDocs();
  return failed > 0 ? 1 : 0;
}

function parse() {
  try {
    const { values: options, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        smoke: { type: 'boolean', default: false },
        rows: { type: 'string' },
        fit: { type: 'boolean', default: false },
        resume: { type: 'boolean', default: false },
        docs: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.filter((name) => !BENCHMARKS.some((known) => known === name));
    if (unknown.length > 0) throw new Error(`there is no benchmark ${unknown.join(', ')}`);
    if (options.quick && options.smoke) throw new Error('--quick and --smoke exclude each other');
    const { rows, fit } = options;
    if ((rows !== undefined || fit) && positionals.join() !== CHOSEN_ROWS)
      throw new Error(`--rows and --fit are for ${CHOSEN_ROWS} alone: npm run bench -- ${CHOSEN_ROWS} --rows 1000000`);
    if (rows !== undefined && !(/^\d+$/.test(rows) && Number(rows) >= LEAST_ROWS && Number.isSafeInteger(Number(rows))))
      throw new Error(
        `--rows must be a whole number of at least ${LEAST_ROWS.toLocaleString('en-GB')}, for example 1000000`,
      );
    const choice: Choice = { fit, ...(rows === undefined ? {} : { rows: Number(rows) }) };
    return { options, names: positionals as BenchmarkName[], choice };
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

function announce(benchmarks: readonly Benchmark[], level: Level): void {
  const costs = benchmarks.map(({ cost }) => cost[level]);
  for (const { name, title, cost } of benchmarks)
    console.log(`${name.padEnd(12)}about ${cost[level].minutes} min, ${cost[level].gigabytes} GB on disk: ${title}`);
  const minutes = costs.reduce((sum, cost) => sum + cost.minutes, 0);
  const gigabytes = Math.max(...costs.map((cost) => cost.gigabytes));
  console.log(
    `${level} run: about ${Math.ceil(minutes)} min in all, and ${gigabytes} GB in the temporary directory at the worst`,
  );
}

async function isMeasured(name: BenchmarkName, level: Level): Promise<boolean> {
  const known = await readResult(name);
  return known?.level === level && known.machine.commit === describeMachine().commit;
}

async function measured(benchmark: Benchmark, level: Level, cases: Cases, choice: Choice): Promise<Result> {
  const { name, title, about } = benchmark;
  const machine = describeMachine();
  console.log(`\n=== ${name}: ${title} (${level}, load average ${machine.loadAverage})`);
  const startedAt = new Date();
  const say = (line: string) => {
    const seconds = ((Date.now() - startedAt.getTime()) / 1000).toFixed(0);
    console.log(`[${seconds.padStart(5)} s] ${line}`);
  };
  const findings = await benchmark.run(level, say, cases, choice);
  const seconds = (Date.now() - startedAt.getTime()) / 1000 + cases.secondsBefore;
  for (const table of findings.tables) console.log(`\n${consoleTable(table)}`);
  console.log(`\n${findings.targets.map(targetText).join('\n')}`);
  // Of a run that was cut short some cases may be of an earlier commit.
  const commit = cases.commits.length > 0 ? cases.commits.join(', ') : machine.commit;
  const where = { ...machine, commit };
  return { name, title, about, level, startedAt: startedAt.toISOString(), seconds, machine: where, ...findings };
}

async function writeDocs(): Promise<number> {
  // Only here: the library that draws the charts is large.
  const { generateDocs, keptResults } = await import('./docs/generate.ts');
  console.log(`written to ${await generateDocs(await keptResults())}`);
  return 0;
}

/** That the page and all charts can be made of what was measured; nothing is kept. */
async function tryDocs(results: readonly Result[]): Promise<void> {
  const { generateDocs } = await import('./docs/generate.ts');
  const folder = await mkdtemp(join(tmpdir(), 'p2pfk-bench-'));
  try {
    await generateDocs(results, folder);
    console.log(`\nthe page and ${results.flatMap(({ charts }) => charts).length} charts can be made of it`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
