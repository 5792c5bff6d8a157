/** The source case at its own size: 17 skewed pairs and 123.6 million rows, by the guide's steps and by p2pfk. */
import { existsSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { serverUser, temporaryRoot } from '../../local/embedded/binaries.ts';
import { BenchServer } from '../harness/bench-server.ts';
import { type Benchmark, Refused } from '../harness/benchmark.ts';
import type { Cases } from '../harness/cases.ts';
import { type Cell, type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { type Measure, ratio } from '../harness/statistics.ts';
import {
  BATCHES,
  type ByP2pfk,
  type ByTheGuide,
  byP2pfk,
  byTheGuide,
  bytesOf,
  command,
  DATABASE,
  isMigrated,
  measureWrites,
  type RolledBack,
  rollBack,
  type Sizes,
  seeded,
  toOrigin,
  type Writes,
} from './source-phases.ts';

/** Rows of `path`: those of the source case, unless --rows says otherwise. */
const ROWS: Readonly<Record<Level, number>> = { full: 123_600_000, quick: 500_000, smoke: 5_000 };

const SIZES: Readonly<Record<Level, Sizes>> = {
  full: { rounds: 3, inserts: 1_000, capMs: 300_000 },
  quick: { rounds: 3, inserts: 500, capMs: 10_000 },
  smoke: { rounds: 1, inserts: 10, capMs: 10_000 },
};

/**
 * Measured at 1,000,000 rows: 425 bytes of tables and indexes for each row of `path`, with the index that p2pfk builds. The rest is for what
 * sorts, and a validation without an index, write to temporary files.
 */
const BYTES_PER_ROW = 520;
/** WAL, and an empty server. */
const FIXED_BYTES = 5e9;
const MAX_WAL = '4GB';

const PHASES = ['add', 'validate', 'drop', 'count at the end'] as const;

interface Figures {
  readonly rows: number;
  readonly bytes: number;
  readonly before: Writes;
  readonly guide: ByTheGuide;
  readonly ours: ByP2pfk;
  readonly back: RolledBack;
}

export const source: Benchmark = {
  name: 'source',
  title: 'The source case at its own size',
  about: `One database of 17 skewed pairs and 123.6 M rows of \`path\`, or as many as the table says (\`--rows\`); no index serves the
referencing columns. In it, one after the other: writes as they are; the migration by the steps of the source case's guide in one psql session (each
pair's FK NOT VALID, VALIDATE, DROP of the parent FK, a count of the orphans of three pairs; no index), writes after it, and the guide's rollback
(DROP of the pair FKs, then \`ADD FOREIGN KEY\` on the parent); \`p2pfk migrate\` with its indexes, writes after it, and \`p2pfk rollback\`. A DELETE is
of rows of the largest partition and is rolled back, as are the INSERTs; what takes longer than the cap is cut, counted as the cap and not tried
again. The seed stays in the temporary directory for the next run.`,
  cost: {
    full: { minutes: 240, gigabytes: Math.ceil(neededBytes(ROWS.full) / 1e9) },
    quick: { minutes: 2, gigabytes: Math.ceil(neededBytes(ROWS.quick) / 1e9) },
    smoke: { minutes: 0.4, gigabytes: 0.3 },
  },
  async run(level, say, kept, choice) {
    const folder = temporaryRoot(serverUser());
    const rows = await chosenRows(choice.rows ?? ROWS[level], { folder, fit: choice.fit, level });
    const keptIn = level === 'smoke' ? undefined : seedFolder(folder, rows);
    if (keptIn) say(`the seed stays in ${keptIn}: remove it when no run needs it any more`);
    const measured = (server: BenchServer) => measureAll(server, { rows, sizes: SIZES[level], kept, say });
    return findings(
      await BenchServer.with(measured, { keptIn, settings: { max_wal_size: MAX_WAL } }),
      SIZES[level].capMs,
    );
  },
};

function neededBytes(rows: number): number {
  return FIXED_BYTES + rows * BYTES_PER_ROW;
}

function seedFolder(folder: string, rows: number): string {
  return join(folder, `p2pfk-bench-source-${rows}`);
}

/** @throws Refused where the disk has no room for the rows, and `fit` does not allow fewer */
export async function chosenRows(
  wanted: number,
  { folder, fit, level }: { readonly folder: string; readonly fit: boolean; readonly level: Level },
): Promise<number> {
  // A seed that is there already has most of its space.
  if (level === 'smoke' || existsSync(seedFolder(folder, wanted))) return wanted;
  const kept = fit ? keptSizes(folder).filter((rows) => rows < wanted) : [];
  if (kept.length > 0) return Math.max(...kept);
  const { bavail, bsize } = await statfs(folder);
  return rowsThatFit(wanted, bavail * bsize, { folder, fit });
}

/** Sizes of the seeds that earlier runs have left. */
function keptSizes(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const rows = /^p2pfk-bench-source-(\d+)$/.exec(name)?.[1];
    return rows === undefined ? [] : [Number(rows)];
  });
}

/** @throws Refused, as `chosenRows` */
export function rowsThatFit(
  wanted: number,
  free: number,
  { folder, fit }: { readonly folder: string; readonly fit: boolean },
): number {
  if (neededBytes(wanted) <= free) return wanted;
  // Round, so that a second run on nearly the same disk finds the seed of the first.
  const fitting = Math.floor((free - FIXED_BYTES) / BYTES_PER_ROW / 1e6) * 1e6;
  if (fit && fitting > 0) return fitting;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(0)} GB`;
  const remedy =
    fitting > 0 ? `, or take ${fitting.toLocaleString('en-GB')} rows with --fit` : ', or take fewer rows with --rows';
  throw new Refused(
    `${wanted.toLocaleString('en-GB')} rows need ${gigabytes(neededBytes(wanted))} in ${folder}, which has ${gigabytes(free)} left: set TMPDIR to a larger disk${remedy}`,
  );
}

async function measureAll(
  server: BenchServer,
  {
    rows,
    sizes,
    kept,
    say,
  }: { readonly rows: number; readonly sizes: Sizes; readonly kept: Cases; readonly say: (line: string) => void },
): Promise<Figures> {
  const largest = await seeded(server, rows, say);
  const bytes = await server.in(DATABASE, bytesOf);
  const phase = <Value>(name: string, work: () => Promise<Value>) =>
    kept.measured(`${rows} rows, ${name}`, () => {
      say(name);
      return work();
    });
  const writes = () => measureWrites(server, largest, sizes);
  const before = await phase('writes before', async () => {
    await toOrigin(server);
    return writes();
  });
  const guide = await phase("by the guide's steps, and back", async () => {
    await toOrigin(server);
    return byTheGuide(server, writes);
  });
  const ours = await phase('p2pfk migrate', async () => {
    await toOrigin(server);
    return byP2pfk(server, writes);
  });
  const back = await phase('p2pfk rollback', async () => {
    // Of a run that was cut short, the migration may have been measured in another copy of the seed.
    if (!(await isMigrated(server))) await command(server, 'migrate');
    return rollBack(server);
  });
  await toOrigin(server);
  return { rows, bytes, before, guide, ours, back };
}

function findings(figures: Figures, capMs: number): Findings {
  const { rows, bytes, before, guide, ours, back } = figures;
  const size = `${rows.toLocaleString('en-GB')} rows, ${(bytes / 1e9).toPrecision(2)} GB`;
  const capped = (one: Measure): Cell => (one.median >= capMs ? `over ${capMs / 1000} s` : spread(one));
  const states = [
    ['before', before],
    ["after the guide's steps", guide.after],
    ['after p2pfk', ours.after],
  ] as const;
  const writes: Table = {
    title: `Writes on the largest pair (${size})`,
    columns: [
      '',
      ...BATCHES.map((batch) => `DELETE of ${batch.toLocaleString('en-GB')} rows, ms`),
      'single INSERT, microseconds',
    ],
    rows: states.map(([name, { deletes, insert }]) => [
      name,
      ...BATCHES.map((batch) => capped(deletes[batch] as Measure)),
      spread(insert),
    ]),
    note: 'The guide builds no index, so the DELETE it is made for stays slow.',
  };
  const guideMs = PHASES.reduce((sum, phase) => sum + (guide.phases[phase] ?? Number.NaN), 0);
  const whole: Table = {
    title: `The migration and the way back (${size})`,
    columns: [
      '',
      'migration, s',
      'the drop holds its locks, ms',
      'rollback, s',
      'of it writes to all partitions wait, ms',
      'peak memory of the client, MiB',
    ],
    rows: [
      [
        "the guide's steps",
        guideMs / 1000,
        guide.phases.drop ?? null,
        guide.wholeRollback / 1000,
        guide.parentBack,
        null,
      ],
      [
        'p2pfk, indexes included',
        ours.milliseconds / 1000,
        ours.dropHeldMs,
        back.milliseconds / 1000,
        back.longestHeldMs,
        Math.max(ours.maxRssMiB, back.maxRssMiB),
      ],
    ],
    note: `The drop of p2pfk holds its locks while it checks, drops and verifies. In its rollback, locks on single pairs included, writers wait for ${Math.round(back.allHeldMs).toLocaleString('en-GB')} ms in all.`,
  };
  const phases: Table = {
    title: "The guide's steps, s",
    columns: [...PHASES],
    rows: [PHASES.map((phase) => (guide.phases[phase] ?? Number.NaN) / 1000)],
  };
  return {
    tables: [writes, whole, phases],
    targets: targets(figures, capMs),
    charts: [
      {
        id: 'source-delete',
        title: 'One DELETE of 10 rows in the source case',
        kind: 'bar',
        x: 'state',
        y: 'milliseconds',
        logarithmic: true,
        points: states.map(([name, { deletes }]) => ({
          x: name,
          y: deletes[10]?.median ?? Number.NaN,
          series: 'DELETE of 10 rows',
        })),
      },
    ],
    samples: Object.fromEntries(
      states.flatMap(([name, { deletes, insert }]) => [
        ...BATCHES.map((batch) => [`DELETE of ${batch} ${name}`, deletes[batch]?.samples ?? []] as const),
        [`INSERT ${name}`, insert.samples] as const,
      ]),
    ),
  };
}

/** A client that follows statements on the server has no reason to need more. */
const MOST_MIB = 400;

function targets({ rows, before, guide, ours, back }: Figures, capMs: number): Target[] {
  const size = `${rows.toLocaleString('en-GB')} rows`;
  const ten = (writes: Writes) => writes.deletes[10] as Measure;
  const time = (one: Measure) => (one.median >= capMs ? `over ${capMs / 1000} s` : `${one.median.toFixed(1)} ms`);
  const memory = Math.max(ours.maxRssMiB, back.maxRssMiB);
  const inserted = ratio(before.insert, ours.after.insert);
  const shorter = guide.parentBack / back.longestHeldMs;
  return [
    {
      what: `DELETE of 10 rows after p2pfk, ${size}`,
      target: 'under 1 s',
      measured: `${time(ten(ours.after))}; before ${time(ten(before))}, after the guide's steps ${time(ten(guide.after))}`,
      met: ten(ours.after).median < 1_000,
    },
    {
      what: `single INSERTs after p2pfk, ${size}`,
      target: 'not slower: at least 0.95 times as fast',
      measured: `${inserted.toFixed(2)} times as fast, with one index more`,
      met: inserted >= 0.95,
    },
    {
      what: `the drop holds its locks, ${size}`,
      target: 'under 1 s, as the guide says',
      measured: `${ours.dropHeldMs.toFixed(0)} ms, with its checks`,
      met: ours.dropHeldMs < 1_000,
    },
    {
      what: `writes wait for the parent FK to come back, ${size}`,
      target: 'at least 10 times shorter than by the guide',
      measured: `${shorter.toFixed(1)} times: ${back.longestHeldMs.toFixed(0)} ms, by the guide ${(guide.parentBack / 1000).toFixed(1)} s`,
      met: shorter >= 10,
    },
    {
      what: `peak memory of the client, ${size}`,
      target: `at most ${MOST_MIB} MiB`,
      measured: `${memory.toFixed(0)} MiB`,
      met: memory <= MOST_MIB,
    },
  ];
}
