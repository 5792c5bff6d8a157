/** The write side: what an INSERT, a COPY and an UPDATE of the key cost under the parent FK and under pair FKs. */
import type { Client } from 'pg';
import type { PostgresMajor } from '../../scripts/install-postgres.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { alternate, type Measure, ratio, timed } from '../harness/statistics.ts';
import {
  dropWriteSide,
  INSERT,
  NO_DISK,
  perSubject,
  prepareWriteSide,
  SUBJECTS,
  type Subject,
  writer,
} from '../harness/write-side.ts';

interface Sizes {
  readonly majors: readonly PostgresMajor[];
  readonly pairs: readonly number[];
  readonly rounds: number;
  /** Rows of one INSERT ... SELECT, of one COPY, and of one UPDATE. */
  readonly rows: number;
  /** Single INSERTs of one round, in a session that stays, and in a new session each. */
  readonly kept: number;
  readonly fresh: number;
}

const SIZES: Readonly<Record<Level, Sizes>> = {
  full: { majors: [13, 17, 18], pairs: [17, 128, 512, 1_000], rounds: 5, rows: 2_000, kept: 100, fresh: 5 },
  quick: { majors: [17], pairs: [17, 128], rounds: 3, rows: 1_000, kept: 100, fresh: 3 },
  smoke: { majors: [17], pairs: [3], rounds: 1, rows: 50, kept: 5, fresh: 1 },
};

/** A row takes milliseconds from here on, with generic plans: so there are fewer. */
const MANY_PAIRS = 512;

const EACH = 20;

const OPERATIONS = {
  kept: 'Single INSERTs in a session that has written to all partitions, microseconds each',
  fresh: 'The first INSERT of a new session, microseconds',
  bulk: 'INSERT ... SELECT, microseconds a row',
  copy: 'COPY, microseconds a row',
  referencing: 'UPDATE of the key of referencing rows within a partition, microseconds a row',
  referenced: 'UPDATE of the key of referenced rows within a partition, microseconds a row',
} as const;
type Operation = keyof typeof OPERATIONS;
const operations = Object.keys(OPERATIONS) as Operation[];

interface Case {
  readonly version: string;
  readonly pairs: number;
  /** Microseconds. */
  readonly times: Readonly<Record<Operation, Record<Subject, Measure>>>;
  /** Mebibytes that the session of each subject has in use at the end; null where PostgreSQL does not say (13). */
  readonly memory: Readonly<Record<Subject, number | null>>;
}

export const insert: Benchmark = {
  name: 'insert',
  title: 'Writes on the referencing side',
  about: `Two copies of a database of equal pairs, both with the index on the referencing columns: one with the parent FK, one with
what a migration leaves, pair FKs and the row-movement guard. The parent FK is measured with the default \`plan_cache_mode\` (auto)
and with \`force_generic_plan\`. The three take turns. Rows go to all partitions in turns, and to the first one only where a key is
updated; the referenced rows whose key is updated are referenced by none. Before anything is counted, each session has written to all
partitions, apart from the new sessions, whose connecting is not counted. From 512 pairs on there are three rounds instead of five, of
half the rows. What is measured is the work of the checks, so nothing waits for the disk (\`fsync\` and \`synchronous_commit\` off): where
each row is committed to disk by itself, the differences are a smaller part of the whole.`,
  cost: {
    full: { minutes: 8, gigabytes: 2 },
    quick: { minutes: 0.5, gigabytes: 0.5 },
    smoke: { minutes: 0.2, gigabytes: 0.3 },
  },
  async run(level, say, kept) {
    const cases: Case[] = [];
    for (const major of SIZES[level].majors)
      await BenchServer.with(
        async (server) => {
          for (const pairs of SIZES[level].pairs) {
            say(`PostgreSQL ${major}, ${pairs} pairs`);
            const { rounds, rows } = SIZES[level];
            const sizes = pairs < MANY_PAIRS ? SIZES[level] : { ...SIZES[level], rounds: rounds - 2, rows: rows / 2 };
            cases.push(await kept.measured(`${major}, ${pairs} pairs`, () => measureCase(server, pairs, sizes, say)));
          }
        },
        { major, settings: NO_DISK },
      );
    return findings(cases);
  },
};

async function measureCase(
  server: BenchServer,
  pairs: number,
  { rounds, rows, kept, fresh }: Sizes,
  say: (line: string) => void,
): Promise<Case> {
  await prepareWriteSide(server, { pairs, each: EACH, largest: rows });
  const writers = {
    'parent FK': await writer(server, 'parent FK'),
    'parent FK, generic plans': await writer(server, 'parent FK, generic plans'),
    'pair FKs': await writer(server, 'pair FKs'),
  } as const satisfies Record<Subject, Client>;
  for (const client of Object.values(writers)) await stage(client, pairs, rows);
  const measured = (work: (subject: Subject, client: Client) => Promise<number>) =>
    alternate(
      rounds,
      perSubject((subject) => () => work(subject, writers[subject])),
    );
  // PostgreSQL plans a check for its values five times before it weighs a generic plan, and each pair FK has a check of its own.
  for (const client of Object.values(writers)) for (let n = 0; n < 6; n++) await rolledBack(client, INSERT_STAGED);
  let next = 0;
  const times = {
    kept: await measured(async (_, client) => {
      const from = next;
      next += kept;
      const all = await timed(async () => {
        for (let n = 0; n < kept; n++) await client.query(INSERT, key(from + n, pairs));
      });
      return (all * 1_000) / kept;
    }),
    fresh: await measured(async (subject) => {
      let all = 0;
      for (let n = 0; n < fresh; n++) {
        const client = await writer(server, subject);
        all += await timed(() => client.query(INSERT, key(n, pairs)));
        await client.end();
      }
      return (all * 1_000) / fresh;
    }),
    bulk: await measured((_, client) => rolledBack(client, INSERT_STAGED)),
    copy: await measured(async (_, client) =>
      rolledBack(client, `COPY public.path FROM '${await stagedFile(client)}'`),
    ),
    referencing: await measured((_, client) => updated(client, 'path', `ino <= ${rows}`, `${rows} + 1 - ino`)),
    referenced: await measured((_, client) => updated(client, 'inode', `ino > ${rows}`, `ino + ${rows}`)),
  };
  say(
    operations
      .map((one) => `${one} ${SUBJECTS.map((subject) => times[one][subject].median.toFixed(0)).join('/')}`)
      .join(', '),
  );
  const memory = {
    'parent FK': await memoryOf(writers['parent FK']),
    'parent FK, generic plans': await memoryOf(writers['parent FK, generic plans']),
    'pair FKs': await memoryOf(writers['pair FKs']),
  };
  for (const client of Object.values(writers)) await client.end();
  await dropWriteSide(server);
  return { version: server.version, pairs, times, memory };
}

/** Rows to be inserted, to all partitions in turns, in a table that costs nothing to plan and in a file for COPY. */
async function stage(client: Client, pairs: number, rows: number): Promise<void> {
  await client.query(`
    DROP TABLE IF EXISTS public.staged;
    CREATE TABLE public.staged AS
      SELECT 'm' || 1 + g % ${pairs} AS medium, 1 + g / ${pairs} % ${EACH} AS ino, '/bench' AS name
        FROM generate_series(0::bigint, ${rows} - 1) AS g`);
  await client.query(`COPY public.staged TO '${await stagedFile(client)}'`);
}

const INSERT_STAGED = 'INSERT INTO public.path SELECT medium, ino, name FROM public.staged';

/** The server itself reads and writes it. */
async function stagedFile(client: Client): Promise<string> {
  const { rows } = await client.query<{ file: string }>(
    `SELECT current_setting('data_directory') || '/bench-staged.copy' AS file`,
  );
  return (rows[0]?.file ?? '').replaceAll("'", "''");
}

/** Values of `INSERT` for a row that is there. */
function key(n: number, pairs: number): [medium: string, ino: number] {
  return [`m${1 + (n % pairs)}`, 1 + (Math.floor(n / pairs) % EACH)];
}

/** @returns microseconds a row */
async function rolledBack(client: Client, sql: string): Promise<number> {
  await client.query('BEGIN');
  try {
    const from = performance.now();
    const { rowCount } = await client.query(sql);
    return ((performance.now() - from) * 1_000) / (rowCount ?? 0);
  } finally {
    await client.query('ROLLBACK');
  }
}

/** @returns microseconds a row of the first partition */
async function updated(client: Client, table: 'path' | 'inode', which: string, ino: string): Promise<number> {
  const took = await rolledBack(client, `UPDATE public.${table} SET ino = ${ino} WHERE medium = 'm1' AND ${which}`);
  await client.query(`VACUUM public.${table}_1`);
  return took;
}

async function memoryOf(client: Client): Promise<number | null> {
  const { rows: known } = await client.query(`SELECT FROM pg_views WHERE viewname = 'pg_backend_memory_contexts'`);
  if (known.length === 0) return null;
  const { rows } = await client.query<{ mib: number }>(
    'SELECT (sum(used_bytes) / 1048576)::float8 AS mib FROM pg_backend_memory_contexts',
  );
  return rows[0]?.mib ?? null;
}

function findings(cases: readonly Case[]): Findings {
  const tables = operations.map(
    (operation): Table => ({
      title: OPERATIONS[operation],
      columns: ['PostgreSQL', 'pairs', ...SUBJECTS, 'parent FK over pair FKs', 'generic plans over pair FKs'],
      rows: cases.map(({ version, pairs, times }) => [
        version,
        pairs,
        ...SUBJECTS.map((subject) => spread(times[operation][subject])),
        gain(times[operation]),
        ratio(times[operation]['parent FK, generic plans'], times[operation]['pair FKs']),
      ]),
    }),
  );
  const memory: Table = {
    title: 'Memory in use by a session that has written to all partitions, MiB',
    columns: ['PostgreSQL', 'pairs', ...SUBJECTS],
    rows: cases.map(({ version, pairs, memory }) => [version, pairs, ...SUBJECTS.map((subject) => memory[subject])]),
    note: 'Each pair FK has a check of its own, and each session a plan for it. PostgreSQL 13 does not tell the memory of a session.',
  };
  return {
    tables: [...tables, memory],
    targets: operations.map((operation) => target(operation, cases)),
    charts: [
      {
        id: 'insert-bulk',
        title: 'INSERT ... SELECT, by number of pairs',
        kind: 'line',
        x: 'pairs',
        y: 'microseconds a row',
        logarithmic: true,
        points: cases.flatMap(({ version, pairs, times }) =>
          (['parent FK', 'pair FKs'] as const).map((subject) => ({
            x: pairs,
            y: times.bulk[subject].median,
            series: `${Number.parseInt(version, 10)}, ${subject}`,
          })),
        ),
      },
    ],
    samples: Object.fromEntries(
      cases.flatMap(({ version, pairs, times }) =>
        operations.flatMap((operation) =>
          SUBJECTS.map((subject) => [
            `${operation}, ${version}, ${pairs} pairs, ${subject}`,
            times[operation][subject].samples,
          ]),
        ),
      ),
    ),
  };
}

/** How many times as long it takes under the parent FK, with PostgreSQL's default settings. */
function gain(times: Readonly<Record<Subject, Measure>>): number {
  return ratio(times['parent FK'], times['pair FKs']);
}

/** No write may cost more than before. */
function target(operation: Operation, cases: readonly Case[]): Target {
  const gains = cases.map(({ times }) => gain(times[operation]));
  const [least, most] = [Math.min(...gains), Math.max(...gains)];
  const worst = cases[gains.indexOf(least)];
  return {
    what: OPERATIONS[operation].replace(/, microseconds.*/, ''),
    target: 'not slower with pair FKs: at least 0.95 times as fast',
    measured: `${least.toFixed(2)} to ${most.toFixed(2)} times as fast`,
    met: least >= 0.95,
    ...(least >= 0.95 ? {} : { reason: `slowest on ${worst?.version} with ${worst?.pairs} pairs` }),
  };
}
