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
  quick: { rows: [200_000, 1_000_000], rounds: 3 },
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
  ['count at the end', ['verify-migration']],
] as const;

const WAYS = { plain: 'by hand', floor: 'by hand, four side by side', ours: 'p2pfk' } as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];

interface Compared {
  readonly rows: number;
  /** The index on the referencing columns was there before. */
  readonly indexed: boolean;
  readonly whole: Readonly<Record<Way, Measure>>;
  readonly busy: Measure;
  readonly overhead: Measure;
  /** Milliseconds of each phase, of the last round. */
  readonly phases: Readonly<Record<Way, ReadonlyMap<string, number>>>;
}

interface Sized {
  readonly rows: number;
  readonly memory: Memory;
  readonly bound: Bound;
}

export const wall: Benchmark = {
  name: 'wall',
  title: 'The whole migration against the steps by hand',
  about: `The database of the source case (17 skewed pairs), each time as a fresh copy: with the index on the referencing columns
still to be built, and with the index there already, where validation and counting are all there is to do. *By hand* is what a
careful person does in one psql session, step after step, with the server's default memory: the missing indexes CONCURRENTLY, each
pair's FK NOT VALID, VALIDATE each, DROP of the parent FK, and one count of the orphans of every pair. *Four side by side* are the
same bare statements from four sessions, the largest pair first and with our settings: what this machine can gain at the most.
*p2pfk* is \`p2pfk migrate\` from the start of its process to its end; it counts the orphans twice, before the drop and after it.
The time of the database is the union of all statements of ours in the server's log; the overhead is all the rest.`,
  cost: {
    full: { minutes: 20, gigabytes: 22 },
    quick: { minutes: 1.6, gigabytes: 1.5 },
    smoke: { minutes: 0.2, gigabytes: 0.3 },
  },
  async run(level, say) {
    const { rows: sizes, rounds } = SIZES[level];
    return BenchServer.with(async (server) => {
      const compared: Compared[] = [];
      const sized: Sized[] = [];
      for (const rows of sizes) {
        say(`${rows} rows: seeding`);
        await server.create('origin');
        await server.in('origin', (client) => withoutSearchPath(client, () => seed(client, rows)));
        const memory = await server.in('origin', memoryOf);
        compared.push(await compare(server, { rows, indexed: false, rounds, memory }, say));
        sized.push({ rows, memory, bound: await measureBound(server, rounds, memory) });
        await server.in('origin', buildIndex);
        compared.push(await compare(server, { rows, indexed: true, rounds, memory }, say));
        await server.drop('origin');
      }
      return findings(compared, sized);
    });
  },
};

async function buildIndex(client: Client): Promise<void> {
  await client.query('CREATE INDEX ON public.path (medium_hash, ino)');
  await client.query('VACUUM (ANALYZE) public.path');
}

/** sql/demo names its tables with their schema; nothing else is on the way. */
async function withoutSearchPath<Value>(client: Client, work: () => Promise<Value>): Promise<Value> {
  await client.query('SET search_path = pg_catalog, pg_temp');
  return work();
}

async function compare(
  server: BenchServer,
  { rows, indexed, rounds, memory }: { rows: number; indexed: boolean; rounds: number; memory: Memory },
  say: (line: string) => void,
): Promise<Compared> {
  const busy: number[] = [];
  const phases = Object.fromEntries(ways.map((way) => [way, new Map<string, number>()])) as Record<
    Way,
    Map<string, number>
  >;
  say(caseText({ rows, indexed }));
  const inFreshCopy = async (way: Way, turn: (database: string) => Promise<number>) => {
    await server.create(way, 'origin');
    await server.in(way, warm);
    const milliseconds = await turn(way);
    await server.drop(way);
    say(`${WAYS[way]}: ${Math.round(milliseconds)} ms`);
    return milliseconds;
  };
  const whole = await alternate(rounds, {
    plain: () => inFreshCopy('plain', (database) => plainly(server, database, 1, phases.plain)),
    floor: () => inFreshCopy('floor', (database) => plainly(server, database, SIDE_BY_SIDE, phases.floor, memory)),
    ours: () =>
      inFreshCopy('ours', async (database) => {
        await server.logDurations(database);
        const mark = await server.logPosition();
        const table = ['--table', 'public.path', '--database-url', server.url(database)];
        const { milliseconds } = await succeed(['migrate', '--quiet', '--json', ...table]);
        const log = await server.logSince(mark);
        busy.push(busyMilliseconds(log, (name) => name.startsWith('p2pfk')));
        for (const [phase, functions] of PHASES) {
          const ours = (name: string) => functions.some((one) => new RegExp(`^p2pfk/\\d+/${one}(/\\d+)?$`).test(name));
          phases.ours.set(phase, busyMilliseconds(log, ours));
        }
        return milliseconds;
      }),
  });
  const overhead = whole.ours.samples.map((one, round) => one - (busy[round] ?? Number.NaN));
  return { rows, indexed, whole, busy: measure(busy), overhead: measure(overhead), phases };
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

function caseText({ rows, indexed }: Pick<Compared, 'rows' | 'indexed'>): string {
  return `${rowsText(rows)}, index ${indexed ? 'there' : 'to be built'}`;
}

function findings(compared: readonly Compared[], sized: readonly Sized[]): Findings {
  const whole: Table = {
    title: 'The whole, s',
    columns: ['rows', 'index', ...ways.map((way) => WAYS[way]), 'p2pfk: times faster', 'side by side: times faster'],
    rows: compared.map(({ rows, indexed, whole: { plain, floor, ours } }) => [
      rows,
      indexed ? 'there' : 'to be built',
      seconds(plain),
      seconds(floor),
      seconds(ours),
      ratio(plain, ours),
      ratio(plain, floor),
    ]),
  };
  const overhead: Table = {
    title: 'p2pfk: the database and all the rest, s',
    columns: ['rows', 'index', 'whole', 'the database', 'overhead', 'overhead, %'],
    rows: compared.map(({ rows, indexed, whole: { ours }, busy, overhead: rest }) => [
      rows,
      indexed ? 'there' : 'to be built',
      seconds(ours),
      seconds(busy),
      seconds(rest),
      (100 * rest.median) / ours.median,
    ]),
  };
  const phases: Table = {
    title: 'Where the time goes, s (of the last round)',
    columns: ['rows', 'index', 'who', ...PHASES.map(([phase]) => phase)],
    rows: compared.flatMap(({ rows, indexed, phases: times }) =>
      ways.map((way) => [
        rows,
        indexed ? 'there' : 'to be built',
        WAYS[way],
        ...PHASES.map(([phase]): Cell => {
          const milliseconds = times[way].get(phase);
          return milliseconds === undefined ? null : milliseconds / 1000;
        }),
      ]),
    ),
    note: 'Of p2pfk the time in which the database was busy with the phase: what ran side by side counts once. By hand nothing is counted before the drop.',
  };
  const memory = sized[0]?.memory;
  const bounds: Table = {
    title: 'The largest pair (29 % of the rows) alone, s',
    columns: ['', ...sized.map(({ rows }) => rowsText(rows))],
    rows: Object.keys(sized[0]?.bound ?? {}).map((label) => [
      label,
      ...sized.map(({ bound }) => seconds(bound[label] as Measure)),
    ]),
    note: `Default is 64 MB of maintenance_work_mem and 4 MB of work_mem; ours is ${memory?.validation} MB for each of ${SIDE_BY_SIDE} validations, and ${memory?.count} MB for each participant of a count. VALIDATE is that anti-join and nothing else; where it takes much longer than reading the two partitions, the processor is the bound, not the disk. With random_page_cost at its default of 4 the planner takes a hash join as long as that fits into memory; at 1.1 it merges the two indexes without a look at the tables, where VACUUM has been. p2pfk sets 1.1 where nobody has set another.`,
  };
  return {
    tables: [whole, overhead, phases, bounds],
    targets: compared.flatMap(targets),
    charts: [
      {
        id: 'wall-whole',
        title: 'The whole migration',
        kind: 'bar',
        x: 'rows',
        y: 'seconds',
        points: compared.flatMap(({ rows, indexed, whole: times }) =>
          ways.map((way) => ({
            x: `${rows.toLocaleString('en-GB')}${indexed ? ', index there' : ''}`,
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
      ...sized.flatMap(({ rows, bound }) =>
        Object.entries(bound).map(([name, { samples }]) => [`${name}, ${rowsText(rows)}`, samples] as const),
      ),
    ]),
  };
}

function targets(one: Compared): Target[] {
  const { rows, whole, overhead } = one;
  const faster = ratio(whole.plain, whole.ours);
  const share = overhead.median / whole.ours.median;
  const large = rows >= LARGE;
  return [
    {
      what: `whole migration, ${caseText(one)}`,
      target: 'at least 3 times faster than by hand',
      measured: `${faster.toFixed(2)} times`,
      met: faster >= 3,
      ...(faster >= 3 ? {} : { reason: whyNotFaster(one) }),
    },
    {
      what: `overhead, ${caseText(one)}`,
      target: large ? 'at most 5 % of the whole' : 'at most 2 s',
      measured: `${(overhead.median / 1000).toFixed(2)} s, ${(100 * share).toFixed(1)} %`,
      met: large ? share <= 0.05 : overhead.median <= 2_000,
      ...(large && share > 0.05
        ? {
            reason:
              'it is the same at every size (the start of the process, of two sessions for each step of a pair, and the states between them), so its share falls as the rows grow',
          }
        : {}),
    },
  ];
}

/** The measured bound: what two cores can gain at the most with the work that is there, and what we do besides. */
function whyNotFaster({ whole, phases, indexed }: Compared): string {
  const seconds = (phase: string, way: Way) => (phases[way].get(phase) ?? Number.NaN) / 1000;
  const gain = (phase: string, way: Way) => (seconds(phase, 'plain') / seconds(phase, way)).toFixed(1);
  return [
    `the bare statements side by side, with nothing of ours around them, gain ${ratio(whole.plain, whole.floor).toFixed(2)} times on two cores`,
    indexed ? '' : `; CREATE INDEX uses both by hand as well (${gain('indexes', 'floor')})`,
    `; so does the count (${gain('count at the end', 'floor')}); VALIDATE, the only one that does not, gains ${gain('validate', 'floor')}, by p2pfk ${gain('validate', 'ours')}`,
    `; p2pfk counts once more before the drop (${seconds('count before the drop', 'ours').toFixed(1)} s), which a person by hand leaves out`,
  ].join('');
}
