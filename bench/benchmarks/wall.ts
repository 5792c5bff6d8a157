/** The whole migration against the same steps by hand, and where the time goes. */
import type { Client } from 'pg';
import { seed } from '../../local/demo/schema.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { succeed } from '../harness/execution.ts';
import { migratePlainly } from '../harness/plain-way.ts';
import { type Cell, type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { busyMilliseconds } from '../harness/server-log.ts';
import { alternate, type Measure, measure, ratio, timed } from '../harness/statistics.ts';
import { type Bound, type Memory, measureBound, memoryOf, SIDE_BY_SIDE, settingsFor } from './wall-bound.ts';

const SIZES: Readonly<Record<Level, { rows: number[]; rounds: number }>> = {
  full: { rows: [1_000_000, 4_000_000, 16_000_000], rounds: 3 },
  quick: { rows: [2_000_000], rounds: 1 },
  smoke: { rows: [5_000], rounds: 1 },
};

/** From here on validation and counting dominate, and the target for the overhead is a share of the wall time. */
const LARGE = 4_000_000;

/** What the steps by hand are, in the order in which they run; each with the functions of ours that do the same. */
const PHASES = [
  ['indexes', ['build-index', 'run/build-index']],
  ['add', ['add-foreign-key']],
  ['validate', ['validate-foreign-key', 'run/ValidateForeignKeys']],
  ['count before the drop', ['verify-gate']],
  ['drop', ['drop-parent-foreign-key']],
  ['count at the end', ['verify-migration', 'count-orphans']],
] as const;

/** Each is run. What a person by hand takes without a count is the same run, up to its count. */
const RUNS = {
  plain: 'by hand, with a count',
  floor: 'four side by side, with a count',
  ours: 'p2pfk, sample',
  recounted: 'p2pfk, all',
} as const;
type Run = keyof typeof RUNS;
const runs = Object.keys(RUNS) as Run[];

const WAYS = { uncounted: 'by hand, no count', ...RUNS } as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];

/** In which order the referencing rows lie on disk: by the key, as the demo inserts them, or at random, so that no index follows them. */
const ORDERS = ['by key', 'random'] as const;
type Order = (typeof ORDERS)[number];

interface Case {
  readonly rows: number;
  readonly order: Order;
  /** The index on the referencing columns was there before. */
  readonly indexed: boolean;
}

interface Compared extends Case {
  readonly whole: Readonly<Record<Way, Measure>>;
  readonly busy: Measure;
  readonly overhead: Measure;
  /** Milliseconds of each phase, of the last round. */
  readonly phases: Readonly<Record<Run, Readonly<Record<string, number>>>>;
}

interface Sized {
  readonly rows: number;
  readonly order: Order;
  readonly memory: Memory;
  readonly bound: Bound;
}

export const wall: Benchmark = {
  name: 'wall',
  title: 'The whole migration against the steps by hand',
  about: `The database of the source case (17 skewed pairs), each time as a fresh copy: with the index on the referencing columns
still to be built, and with the index there already, where validation and counting are all there is to do; with the referencing rows
in the order of their key, and at random. *By hand* is what a careful person does in one psql session, step after step, with the
server's default memory: the missing indexes CONCURRENTLY, each pair's FK NOT VALID, VALIDATE each, DROP of the parent FK, and at the end
one count of the orphans of every pair, or none. *Four side by side* are the same bare statements from four sessions, the largest pair
first and with our settings: what this machine can gain at the most. *p2pfk* is \`p2pfk migrate\` from the start of its process to its
end: it proves each row once before the drop, and after it counts three pairs (\`--recount sample\`, the default) or \`all\`. The time of the database is the union of all statements of ours in the server's log; the overhead is all the rest.`,
  cost: {
    full: { minutes: 50, gigabytes: 22 },
    quick: { minutes: 2, gigabytes: 3 },
    smoke: { minutes: 0.5, gigabytes: 0.3 },
  },
  async run(level, say, kept) {
    const { rows: sizes, rounds } = SIZES[level];
    return BenchServer.with(async (server) => {
      const compared: Compared[] = [];
      const sized: Sized[] = [];
      for (const one of sizes.flatMap((rows) => ORDERS.map((order) => ({ rows, order })))) {
        const measured = await kept.measured(`${one.rows} rows, ${one.order}`, () =>
          measureCase(server, one, rounds, say),
        );
        compared.push(...measured.compared);
        sized.push(measured.sized);
      }
      return findings(compared, sized);
    });
  },
};

async function measureCase(
  server: BenchServer,
  one: Omit<Case, 'indexed'>,
  rounds: number,
  say: (line: string) => void,
): Promise<{ compared: Compared[]; sized: Sized }> {
  say(`${one.rows} rows, ${one.order}: seeding`);
  await server.create('origin');
  await server.in('origin', (client) => withoutSearchPath(client, () => seed(client, one.rows)));
  if (one.order === 'random') await server.in('origin', shuffle);
  const memory = await server.in('origin', memoryOf);
  const unindexed = await compare(server, { ...one, indexed: false }, { rounds, memory }, say);
  const bound = await measureBound(server, rounds, memory);
  await server.in('origin', buildIndex);
  const indexed = await compare(server, { ...one, indexed: true }, { rounds, memory }, say);
  await server.drop('origin');
  return { compared: [unindexed, indexed], sized: { ...one, memory, bound } };
}

async function buildIndex(client: Client): Promise<void> {
  await client.query('CREATE INDEX ON public.path (medium_hash, ino)');
  await client.query('VACUUM (ANALYZE) public.path');
}

/** Writes the referencing rows anew in an order that has nothing to do with their key, the same each time. */
async function shuffle(client: Client): Promise<void> {
  const { rows } = await client.query<{ partition: string }>(
    "SELECT inhrelid::regclass AS partition FROM pg_inherits WHERE inhparent = 'public.path'::regclass",
  );
  for (const { partition } of rows)
    await client.query(`
      BEGIN;
      -- As a superuser may: these rows have been there.
      SET LOCAL session_replication_role = replica;
      CREATE TEMPORARY TABLE shuffled ON COMMIT DROP AS TABLE ${partition};
      TRUNCATE ${partition};
      INSERT INTO ${partition} SELECT * FROM shuffled ORDER BY hashtextextended(path, ino);
      COMMIT`);
  await client.query('VACUUM (ANALYZE) public.path');
}

/** sql/demo names its tables with their schema; nothing else is on the way. */
async function withoutSearchPath<Value>(client: Client, work: () => Promise<Value>): Promise<Value> {
  await client.query('SET search_path = pg_catalog, pg_temp');
  return work();
}

async function compare(
  server: BenchServer,
  one: Case,
  { rounds, memory }: { readonly rounds: number; readonly memory: Memory },
  say: (line: string) => void,
): Promise<Compared> {
  const busy: number[] = [];
  const counts: number[] = [];
  const phases = Object.fromEntries(runs.map((run) => [run, new Map<string, number>()])) as Record<
    Run,
    Map<string, number>
  >;
  say(caseText(one));
  const inFreshCopy = async (way: Run, turn: (database: string) => Promise<number>) => {
    await server.create(way, 'origin');
    await server.in(way, warm);
    const milliseconds = await turn(way);
    await server.drop(way);
    say(`${WAYS[way]}: ${Math.round(milliseconds)} ms`);
    return milliseconds;
  };
  const ours = (run: 'ours' | 'recounted', recount: string) => () =>
    inFreshCopy(run, async (database) => {
      await server.logDurations(database);
      const mark = await server.logPosition();
      // On a busy machine a drop that does not fit into the usual lock budget is tried again, after pauses that are not what is measured here.
      const options = ['--recount', recount, '--lock-timeout-ms', '10000', '--table', 'public.path'];
      options.push('--database-url', server.url(database));
      const { milliseconds } = await succeed(['migrate', '--quiet', '--json', ...options]);
      const log = await server.logSince(mark);
      if (run === 'ours') busy.push(busyMilliseconds(log, (name) => name.startsWith('p2pfk')));
      for (const [phase, functions] of PHASES) {
        const isOfPhase = (name: string) =>
          functions.some((each) => new RegExp(`^p2pfk/\\d+/${each}(/\\d+)?$`).test(name));
        phases[run].set(phase, busyMilliseconds(log, isOfPhase));
      }
      return milliseconds;
    });
  const whole = await alternate(rounds, {
    plain: () =>
      inFreshCopy('plain', async (database) => {
        const milliseconds = await plainly(server, database, 1, phases.plain);
        counts.push(phases.plain.get('count at the end') ?? Number.NaN);
        return milliseconds;
      }),
    floor: () => inFreshCopy('floor', (database) => plainly(server, database, SIDE_BY_SIDE, phases.floor, memory)),
    ours: ours('ours', 'sample'),
    recounted: ours('recounted', 'all'),
  });
  const uncounted = measure(whole.plain.samples.map((each, round) => each - (counts[round] ?? Number.NaN)));
  const overhead = whole.ours.samples.map((each, round) => each - (busy[round] ?? Number.NaN));
  return {
    ...one,
    whole: { uncounted, ...whole },
    busy: measure(busy),
    overhead: measure(overhead),
    phases: mapValues(phases),
  };
}

/** As objects, which a kept case survives as. */
function mapValues(phases: Record<Run, Map<string, number>>): Compared['phases'] {
  return Object.fromEntries(runs.map((run) => [run, Object.fromEntries(phases[run])])) as Compared['phases'];
}

async function plainly(
  server: BenchServer,
  database: string,
  count: number,
  phases: Map<string, number>,
  memory?: Memory,
): Promise<number> {
  const sessions = await Promise.all(Array.from({ length: count }, () => server.session(database)));
  if (memory) await Promise.all(sessions.map((session) => session.query(settingsFor(memory))));
  const milliseconds = await timed(() => migratePlainly({ sessions, phases }));
  await Promise.all(sessions.map((session) => session.end()));
  return milliseconds;
}

/** Both begin with the rows in the operating system's cache at least. */
async function warm(client: Client): Promise<void> {
  await client.query('SELECT count(*) FROM public.path');
  await client.query('SELECT count(*) FROM public.inode');
}

const seconds = ({ median, min, max }: Measure): Cell =>
  spread({ median: median / 1000, min: min / 1000, max: max / 1000 });

const rowsText = (rows: number) => `${rows.toLocaleString('en-GB')} rows`;

function caseText({ rows, order, indexed }: Case): string {
  return `${rowsText(rows)}, ${orderText(order)}, index ${indexed ? 'there' : 'to be built'}`;
}

function orderText(order: Order): string {
  return order === 'random' ? 'at random' : order;
}

/** The first columns of each table. */
const caseCells = ({ rows, order, indexed }: Case): Cell[] => [
  rows,
  orderText(order),
  indexed ? 'there' : 'to be built',
];
const CASE = ['rows', 'order', 'index'];

function findings(compared: readonly Compared[], sized: readonly Sized[]): Findings {
  const whole: Table = {
    title: 'The whole, s',
    columns: [...CASE, ...ways.map((way) => WAYS[way])],
    rows: compared.map((one) => [...caseCells(one), ...ways.map((way) => seconds(one.whole[way]))]),
  };
  const faster: Table = {
    title: 'Times faster',
    columns: [
      ...CASE,
      'p2pfk, sample: than by hand with a count',
      'p2pfk, sample: than by hand without',
      'p2pfk, all: than by hand with a count',
      'four side by side: than by hand with a count',
    ],
    rows: compared.map((one) => [
      ...caseCells(one),
      ratio(one.whole.plain, one.whole.ours),
      ratio(one.whole.uncounted, one.whole.ours),
      ratio(one.whole.plain, one.whole.recounted),
      ratio(one.whole.plain, one.whole.floor),
    ]),
  };
  const overhead: Table = {
    title: 'p2pfk, sample: the database and all the rest, s',
    columns: [...CASE, 'whole', 'the database', 'overhead', 'overhead, %'],
    rows: compared.map((one) => [
      ...caseCells(one),
      seconds(one.whole.ours),
      seconds(one.busy),
      seconds(one.overhead),
      (100 * one.overhead.median) / one.whole.ours.median,
    ]),
  };
  const phases: Table = {
    title: 'Where the time goes, s (of the last round)',
    columns: [...CASE, 'who', ...PHASES.map(([phase]) => phase)],
    rows: compared.flatMap((one) =>
      runs.map((run) => [
        ...caseCells(one),
        RUNS[run],
        ...PHASES.map(([phase]): Cell => {
          const milliseconds = one.phases[run][phase];
          return milliseconds === undefined ? null : milliseconds / 1000;
        }),
      ]),
    ),
    note: 'Of p2pfk the time in which the database was busy with the phase: what ran side by side counts once. By hand nothing is counted before the drop, and by p2pfk only what its VALIDATE is no proof of: nothing here.',
  };
  const memory = sized[0]?.memory;
  const bounds: Table = {
    title: 'The largest pair (29 % of the rows) alone, s',
    columns: ['', ...sized.map(({ rows, order }) => `${rowsText(rows)}, ${orderText(order)}`)],
    rows: Object.keys(sized[0]?.bound ?? {}).map((label) => [
      label,
      ...sized.map(({ bound }) => seconds(bound[label] as Measure)),
    ]),
    note: `Default is 64 MB of maintenance_work_mem and 4 MB of work_mem; p2pfk takes ${memory?.validation} MB for each of ${SIDE_BY_SIDE} validations, and ${memory?.count} MB for each participant of a count. VALIDATE is that anti-join and nothing else; where it takes much longer than reading the two partitions, the processor is the bound, not the disk. With random_page_cost at its default of 4 the planner takes a hash join as long as that fits into memory; at 1.1 it merges the two indexes without a look at the tables, where VACUUM has been. p2pfk sets 1.1 where nobody has set another. On many cores the largest pair is the bound: its VALIDATE, and with \`--recount all\` its count, which with the index each read both indexes once.`,
  };
  return {
    tables: [whole, faster, overhead, phases, bounds],
    targets: compared.flatMap(targets),
    charts: [
      {
        id: 'wall-whole',
        title: 'The whole migration',
        kind: 'bar',
        x: 'rows',
        y: 'seconds',
        points: compared.flatMap(({ rows, order, indexed, whole: times }) =>
          ways.map((way) => ({
            x: `${rows.toLocaleString('en-GB')}, ${orderText(order)}${indexed ? ', index there' : ''}`,
            y: times[way].median / 1000,
            series: WAYS[way],
          })),
        ),
      },
    ],
    samples: Object.fromEntries([
      ...compared.flatMap(({ whole: times, busy, ...one }) => [
        ...ways.map((way) => [`${WAYS[way]}, ${caseText(one)}`, times[way].samples] as const),
        [`database, ${caseText(one)}`, busy.samples] as const,
      ]),
      ...sized.flatMap(({ rows, order, bound }) =>
        Object.entries(bound).map(
          ([name, { samples }]) => [`${name}, ${rowsText(rows)}, ${orderText(order)}`, samples] as const,
        ),
      ),
    ]),
  };
}

function targets(one: Compared): Target[] {
  const { rows, whole, overhead, indexed } = one;
  const share = overhead.median / whole.ours.median;
  const large = rows >= LARGE;
  const than = (way: 'plain' | 'uncounted', wanted: number): Target => {
    const faster = ratio(whole[way], whole.ours);
    return {
      what: `whole migration, ${caseText(one)}`,
      target: `at least ${wanted} times faster than ${WAYS[way]}`,
      measured: `${faster.toFixed(2)} times`,
      met: faster >= wanted,
      ...(faster >= wanted ? {} : { reason: whyNotFaster(one) }),
    };
  };
  return [
    than('plain', indexed ? 3 : 1.6),
    than('uncounted', indexed ? 2 : 1.3),
    {
      what: `overhead, ${caseText(one)}`,
      target: large ? 'at most 5 % of the whole' : 'at most 2 s',
      measured: `${(overhead.median / 1000).toFixed(2)} s, ${(100 * share).toFixed(1)} %`,
      met: large ? share <= 0.05 : overhead.median <= 2_000,
      ...(large && share > 0.05
        ? {
            reason:
              'it is the same at every size (the start of the process and of its sessions, and the states between the steps), so its share falls as the rows grow',
          }
        : {}),
    },
  ];
}

/** The measured bound: what this machine can gain at the most with the work that is there, and what we do besides. */
function whyNotFaster({ whole, phases, indexed, overhead }: Compared): string {
  const seconds = (phase: string, run: Run) => (phases[run][phase] ?? Number.NaN) / 1000;
  const gain = (phase: string, run: Run) => (seconds(phase, 'plain') / seconds(phase, run)).toFixed(1);
  return [
    `the bare statements side by side, with nothing of ours around them, gain ${ratio(whole.plain, whole.floor).toFixed(2)} times on this machine`,
    indexed ? '' : `; CREATE INDEX uses several cores by hand as well (${gain('indexes', 'floor')})`,
    `; VALIDATE gains ${gain('validate', 'floor')}, by p2pfk ${gain('validate', 'ours')}`,
    `; the sample after the drop takes ${seconds('count at the end', 'ours').toFixed(1)} s, and all besides the database ${(overhead.median / 1000).toFixed(1)} s`,
  ].join('');
}
