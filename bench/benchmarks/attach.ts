/** Ways in which the parent FK can come back before 18, and how each grows with the pairs. */
import type { Client } from 'pg';
import type { PostgresMajor } from '../../scripts/install-postgres.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { seedPairs } from '../harness/seed.ts';
import { alternate, type Measure, ratio, timed } from '../harness/statistics.ts';

interface Sizes {
  readonly majors: readonly PostgresMajor[];
  readonly pairs: readonly number[];
  readonly rounds: number;
}

const SIZES: Readonly<Record<Level, Sizes>> = {
  full: { majors: [13, 17], pairs: [64, 128, 256], rounds: 3 },
  quick: { majors: [17], pairs: [16, 32, 64], rounds: 1 },
  smoke: { majors: [17], pairs: [2, 4], rounds: 1 },
};

/** Of each partition: so few that reading them costs nothing. */
const EACH = 20;
/** A round takes minutes from here on. */
const MANY_PAIRS = 256;

const COLUMNS = '(medium, ino)';
const PARENT = `CONSTRAINT path_fkey FOREIGN KEY ${COLUMNS} REFERENCES inode ${COLUMNS} ON DELETE CASCADE`;

/** What is measured is how long writes to all partitions wait; what blocks one partition at a time is done before. */
const WAYS = {
  attach: 'all attached, as p2pfk does',
  half: 'half attached',
  plain: 'plain re-add',
  nested: 'plain re-add by nested loops, as p2pfk where it is allowed',
  moved: 'detached, added, attached again',
  movedPlainly: 'the same without FKs to attach',
} as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];

interface Case {
  readonly version: string;
  readonly pairs: number;
  /** Milliseconds. */
  readonly times: Readonly<Record<Way, Measure>>;
}

export const attach: Benchmark = {
  name: 'attach',
  title: 'Ways back before PostgreSQL 18',
  about: `A migrated database of ${EACH} rows in each partition, so that what is measured is the work on the catalog, each time as a fresh copy: how long
writes to all partitions wait until the parent FK is there. *All attached*: each partition has a valid FK to the referenced table already, which
blocked that partition alone, and \`ALTER TABLE ... ADD FOREIGN KEY\` attaches them without a scan. *Half attached*: every second partition has one.
*Plain re-add*: none has;
by nested loops, as \`--allow-blocking-rollback\` does it, no outdated statistics can make it slower. *Detached, added, attached again*: in one transaction, all partitions are detached, the parent FK is added to a table without
partitions, and each is attached again, with the FKs of the first way and without. After each, every foreign key is there and valid.`,
  cost: {
    full: { minutes: 40, gigabytes: 6 },
    quick: { minutes: 1, gigabytes: 2 },
    smoke: { minutes: 0.2, gigabytes: 0.3 },
  },
  async run(level, say, kept) {
    const cases: Case[] = [];
    // To attach 256 pairs takes 3 * 256 * 256 lock entries.
    const settings = { max_locks_per_transaction: '4096' };
    for (const major of SIZES[level].majors)
      await BenchServer.with(
        async (server) => {
          for (const pairs of SIZES[level].pairs) {
            const key = `${major}, ${pairs} pairs`;
            say(`PostgreSQL ${key}`);
            const rounds = pairs >= MANY_PAIRS ? 1 : SIZES[level].rounds;
            cases.push(await kept.measured(key, () => measureCase(server, pairs, rounds)));
          }
        },
        { major, settings },
      );
    return findings(cases);
  },
};

async function measureCase(server: BenchServer, pairs: number, rounds: number): Promise<Case> {
  await server.create('base');
  await server.in('base', async (client) => {
    await seedPairs(client, { pairs, rows: pairs * EACH, index: true });
    await client.query('ALTER TABLE path DROP CONSTRAINT path_fkey');
    for (const n of numbers(pairs))
      await client.query(
        `ALTER TABLE path_${n} ADD CONSTRAINT fk_pair FOREIGN KEY ${COLUMNS} REFERENCES inode_${n} ${COLUMNS} ON DELETE CASCADE`,
      );
  });
  for (const [database, step] of [
    ['leaves', 1],
    ['half', 2],
  ] as const) {
    await server.create(database, 'base');
    await server.in(database, async (client) => {
      for (let n = 1; n <= pairs; n += step) await client.query(`ALTER TABLE path_${n} ADD ${PARENT}`);
    });
  }
  const way = (from: string, work: (client: Client) => Promise<unknown>) => async () => {
    await server.create('again', from);
    return server.in('again', async (client) => {
      const milliseconds = await timed(() => work(client));
      await requireForeignKeys(client, pairs);
      return milliseconds;
    });
  };
  const add = (client: Client) => client.query(`ALTER TABLE path ADD ${PARENT}`);
  const times = await alternate(rounds, {
    attach: way('leaves', add),
    half: way('half', add),
    plain: way('base', add),
    nested: way('base', async (client) => {
      await client.query('SET enable_hashjoin = off; SET enable_mergejoin = off');
      await add(client);
    }),
    moved: way('leaves', (client) => moveAndAdd(client, pairs)),
    movedPlainly: way('base', (client) => moveAndAdd(client, pairs)),
  });
  for (const database of ['again', 'half', 'leaves', 'base']) await server.drop(database);
  return { version: server.version, pairs, times };
}

async function moveAndAdd(client: Client, pairs: number): Promise<void> {
  await client.query('BEGIN');
  for (const n of numbers(pairs)) await client.query(`ALTER TABLE path DETACH PARTITION path_${n}`);
  await client.query(`ALTER TABLE path ADD ${PARENT}`);
  for (const n of numbers(pairs))
    await client.query(`ALTER TABLE path ATTACH PARTITION path_${n} FOR VALUES IN ('m${n}')`);
  await client.query('COMMIT');
}

/** A way that leaves less than the others is none. */
async function requireForeignKeys(client: Client, pairs: number): Promise<void> {
  const { rows } = await client.query<{ children: number; invalid: number }>(
    `SELECT count(*) FILTER (WHERE c.conrelid <> p.oid AND c.conparentid <> 0 AND c.confrelid = 'inode'::regclass)::int AS children,
            count(*) FILTER (WHERE NOT c.convalidated)::int AS invalid
       FROM pg_constraint c CROSS JOIN (SELECT 'path'::regclass AS oid) p WHERE c.contype = 'f'`,
  );
  const [found] = rows;
  if (found?.children !== pairs || found.invalid > 0)
    throw new Error(
      `${found?.children} of ${pairs} partitions have the parent FK, ${found?.invalid} foreign keys are not valid`,
    );
}

function numbers(pairs: number): number[] {
  return Array.from({ length: pairs }, (_, index) => index + 1);
}

function findings(cases: readonly Case[]): Findings {
  const table: Table = {
    title: 'Writes to all partitions wait, ms',
    columns: ['PostgreSQL', 'pairs', ...ways.map((way) => WAYS[way])],
    rows: cases.map(({ version, pairs, times }) => [version, pairs, ...ways.map((way) => spread(times[way]))]),
    note: 'With more rows the plain ways take longer, and the others do not: see `rollback`.',
  };
  const growth: Table = {
    title: 'Growth with the pairs: 2 is with their square, 3 with their cube',
    columns: ['PostgreSQL', 'pairs', ...ways.map((way) => WAYS[way])],
    rows: steps(cases).map(({ before, after }) => [
      after.version,
      `${before.pairs} to ${after.pairs}`,
      ...ways.map((way) => exponent(before, after, way)),
    ]),
  };
  return {
    tables: [table, growth],
    targets: cases.map(target),
    charts: [
      {
        id: 'attach-ways',
        title: 'Writes wait while the parent FK comes back, few rows',
        kind: 'line',
        x: 'pairs',
        y: 'milliseconds',
        logarithmic: true,
        points: cases.flatMap(({ version, pairs, times }) =>
          ways.map((way) => ({
            x: pairs,
            y: times[way].median,
            series: `${Number.parseInt(version, 10)}, ${WAYS[way]}`,
          })),
        ),
      },
    ],
    samples: Object.fromEntries(
      cases.flatMap(({ version, pairs, times }) =>
        ways.map((way) => [`${WAYS[way]}, ${version}, ${pairs} pairs`, times[way].samples]),
      ),
    ),
  };
}

/** Each case of a version with the next larger one. */
function steps(cases: readonly Case[]): { readonly before: Case; readonly after: Case }[] {
  return cases.flatMap((after, index) => {
    const before = cases[index - 1];
    return before === undefined || before.version !== after.version ? [] : [{ before, after }];
  });
}

function exponent(before: Case, after: Case, way: Way): number {
  return Math.log(ratio(after.times[way], before.times[way])) / Math.log(after.pairs / before.pairs);
}

function target({ version, pairs, times }: Case): Target {
  const other = ways.filter((way) => way !== 'attach').sort((a, b) => times[a].median - times[b].median)[0] ?? 'plain';
  return {
    what: `the shortest other way with few rows, ${version}, ${pairs} pairs`,
    target: 'told, whatever it is',
    measured: `${WAYS[other]}: ${(ratio(times.attach, times[other])).toFixed(2)} times as fast as all attached`,
    met: true,
  };
}
