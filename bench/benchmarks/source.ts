/** The source case at its own size: 17 skewed pairs and 123.6 million rows, by the guide's steps and by p2pfk. */
import { existsSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { run } from '../../core/postgres/sql.ts';
import { type Medium, seed } from '../../local/demo/schema.ts';
import { serverUser, temporaryRoot } from '../../local/embedded/binaries.ts';
import { BenchServer } from '../harness/bench-server.ts';
import { type Benchmark, Refused } from '../harness/benchmark.ts';
import type { Cases } from '../harness/cases.ts';
import { succeed } from '../harness/execution.ts';
import { heldByDrop, heldByRollback } from '../harness/held-times.ts';
import { migratePlainly } from '../harness/plain-way.ts';
import { type Cell, type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { type Measure, measure, ratio, timed } from '../harness/statistics.ts';

/** Rows of `path`: those of the source case, unless --rows says otherwise. */
const ROWS: Readonly<Record<Level, number>> = { full: 123_600_000, quick: 500_000, smoke: 5_000 };

interface Sizes {
  readonly rounds: number;
  /** Single INSERTs of a round. */
  readonly inserts: number;
  /** A DELETE that takes longer is cut: the source case's took 281 s. */
  readonly capMs: number;
}

const SIZES: Readonly<Record<Level, Sizes>> = {
  full: { rounds: 3, inserts: 1_000, capMs: 300_000 },
  quick: { rounds: 3, inserts: 500, capMs: 10_000 },
  smoke: { rounds: 1, inserts: 10, capMs: 10_000 },
};

const BATCHES = [10, 1_000] as const;

/**
 * Measured at 1,000,000 rows: 425 bytes of tables and indexes for each row of `path`, with the index that p2pfk builds. The rest is for what
 * sorts, and a validation without an index, write to temporary files.
 */
const BYTES_PER_ROW = 520;
/** WAL, and an empty server. */
const FIXED_BYTES = 5e9;
const MAX_WAL = '4GB';

const DATABASE = 'source';
const COLUMNS = '(medium_hash, ino)';
const PARENT = 'path_medium_hash_ino_fkey';
const PHASES = ['add', 'validate', 'drop', 'count at the end'] as const;

interface Writes {
  /** By batch: milliseconds of one DELETE of so many rows of the largest referenced partition. */
  readonly deletes: Readonly<Record<number, Measure>>;
  /** Microseconds of a single INSERT into the largest referencing partition. */
  readonly insert: Measure;
}

interface ByTheGuide {
  readonly phases: Readonly<Record<string, number>>;
  readonly after: Writes;
  /** Milliseconds: the parent FK comes back, while writes to all partitions wait. */
  readonly parentBack: number;
  readonly wholeRollback: number;
}

interface ByP2pfk {
  readonly milliseconds: number;
  readonly maxRssMiB: number;
  readonly dropHeldMs: number;
  readonly after: Writes;
}

interface RolledBack {
  readonly milliseconds: number;
  readonly maxRssMiB: number;
  readonly longestHeldMs: number;
  readonly allHeldMs: number;
}

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

/** @returns the largest medium */
async function seeded(server: BenchServer, rows: number, say: (line: string) => void): Promise<Medium> {
  const there = await server.in('postgres', async (client) => {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    return found.rows.length > 0;
  });
  if (there) say(`${rows.toLocaleString('en-GB')} rows are there from an earlier run`);
  else {
    say(`${rows.toLocaleString('en-GB')} rows: seeding`);
    await server.create('seeding');
    await server.in('seeding', (client) =>
      seed(client, rows, ({ pathPartition, paths }) => {
        if (pathPartition) say(`${pathPartition}: ${paths.toLocaleString('en-GB')} rows`);
      }),
    );
    // Last: a database of that name is complete.
    await server.in('postgres', (client) => client.query(`ALTER DATABASE seeding RENAME TO ${DATABASE}`));
  }
  const [first] = await server.in(DATABASE, (client) => run(client, 'demo/media', { rows: String(rows) }));
  if (!first) throw new Error('there is no medium');
  return {
    mediumHash: first.medium_hash,
    inodePartition: first.inode_partition,
    pathPartition: first.path_partition,
    inodes: Number(first.inodes),
    paths: Number(first.paths),
  };
}

async function bytesOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size(current_database())::text AS bytes');
  return Number(rows[0]?.bytes);
}

/** The seed as it was, whatever a run that was cut short has left: the parent FK, no other foreign key, no index more. */
async function toOrigin(server: BenchServer): Promise<void> {
  await server.in(DATABASE, async (client) => {
    await client.query('DROP SCHEMA IF EXISTS p2pfk CASCADE');
    await addParent(client);
    await dropPairForeignKeys(client);
    await each(
      client,
      `SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS sql FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relname LIKE 'path%' AND NOT i.indisprimary`,
    );
    await client.query('VACUUM (ANALYZE) public.path, public.inode');
  });
}

async function addParent(client: Client): Promise<void> {
  const { rows } = await client.query('SELECT FROM pg_constraint WHERE conname = $1 AND conparentid = 0', [PARENT]);
  if (rows.length > 0) return;
  await client.query(
    `ALTER TABLE public.path ADD CONSTRAINT ${PARENT} FOREIGN KEY ${COLUMNS} REFERENCES public.inode ${COLUMNS} ON DELETE CASCADE`,
  );
}

async function dropPairForeignKeys(client: Client): Promise<void> {
  await each(
    client,
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS sql FROM pg_constraint
      WHERE contype = 'f' AND conparentid = 0 AND conrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'public.path'::regclass)`,
  );
}

async function each(client: Client, query: string): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(query);
  for (const { sql } of rows) await client.query(sql);
}

async function measureWrites(server: BenchServer, largest: Medium, { rounds, inserts, capMs }: Sizes): Promise<Writes> {
  return server.in(DATABASE, async (client) => {
    await client.query('VACUUM (ANALYZE) public.path, public.inode');
    const deletes: Record<number, Measure> = {};
    let cut = false;
    for (const batch of BATCHES) {
      const samples: number[] = [];
      for (let round = 0; round < rounds; round++) {
        samples.push(cut ? capMs : await deleteBatch(client, largest, batch, capMs));
        // What was cut once would be cut again, and a larger batch, too.
        cut ||= samples.some((sample) => sample >= capMs);
      }
      deletes[batch] = measure(samples);
    }
    const samples: number[] = [];
    for (let round = 0; round < rounds; round++) samples.push(await insertSingly(client, largest, inserts));
    await client.query('VACUUM public.path, public.inode');
    return { deletes, insert: measure(samples) };
  });
}

/** @returns milliseconds, the cap where it was cut */
async function deleteBatch(client: Client, medium: Medium, batch: number, capMs: number): Promise<number> {
  const first = Math.floor(medium.inodes / 2);
  await client.query(`BEGIN; SET LOCAL statement_timeout = ${capMs}`);
  const from = performance.now();
  try {
    await client.query('DELETE FROM public.inode WHERE medium_hash = $1 AND ino >= $2 AND ino < $3', [
      medium.mediumHash,
      first,
      first + batch,
    ]);
    return performance.now() - from;
  } catch (error) {
    if ((error as { code?: string }).code !== '57014') throw error;
    return capMs;
  } finally {
    await client.query('ROLLBACK');
  }
}

/** @returns microseconds each */
async function insertSingly(client: Client, medium: Medium, inserts: number): Promise<number> {
  await client.query('BEGIN');
  const all = await timed(async () => {
    for (let n = 1; n <= inserts; n++)
      await client.query(
        'INSERT INTO public.path (medium_hash, ino, path, seen_at) VALUES ($1, $2, $3, clock_timestamp())',
        [medium.mediumHash, 1 + ((n * 7_919) % medium.inodes), `/bench/${n}`],
      );
  });
  await client.query('ROLLBACK');
  return (all * 1_000) / inserts;
}

async function byTheGuide(server: BenchServer, writes: () => Promise<Writes>): Promise<ByTheGuide> {
  const phases = new Map<string, number>();
  const session = await server.session(DATABASE);
  await migratePlainly({ sessions: [session], phases, withoutIndexes: true, counted: 3 });
  const after = await writes();
  let parentBack = Number.NaN;
  const wholeRollback = await timed(async () => {
    await dropPairForeignKeys(session);
    parentBack = await timed(() => addParent(session));
  });
  await session.end();
  return { phases: Object.fromEntries(phases), after, parentBack, wholeRollback };
}

/** On a busy machine a lock that does not fit into the usual budget is tried again, after pauses that are not what is measured here. */
function command(server: BenchServer, name: 'migrate' | 'rollback') {
  const options = ['--lock-timeout-ms', '10000', '--table', 'public.path', '--database-url', server.url(DATABASE)];
  return succeed([name, '--quiet', '--json', ...options]);
}

async function byP2pfk(server: BenchServer, writes: () => Promise<Writes>): Promise<ByP2pfk> {
  const { milliseconds, maxRssMiB } = await command(server, 'migrate');
  const dropHeldMs = await server.in(DATABASE, heldByDrop);
  return { milliseconds, maxRssMiB, dropHeldMs, after: await writes() };
}

async function rollBack(server: BenchServer): Promise<RolledBack> {
  const { milliseconds, maxRssMiB } = await command(server, 'rollback');
  const held = await server.in(DATABASE, heldByRollback);
  return { milliseconds, maxRssMiB, longestHeldMs: held.parent, allHeldMs: held.all };
}

async function isMigrated(server: BenchServer): Promise<boolean> {
  return server.in(DATABASE, async (client) => {
    const { rows } = await client.query<{ migrated: boolean }>(
      `SELECT to_regclass('p2pfk.migration') IS NOT NULL
              AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = $1 AND conparentid = 0) AS migrated`,
      [PARENT],
    );
    return rows[0]?.migrated ?? false;
  });
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
