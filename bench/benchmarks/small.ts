/** Migrations of few rows: what p2pfk costs itself, with sessions that the steps share and with new ones. */
import { seed } from '../../local/demo/schema.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { type InsideView, lookInside, succeed } from '../harness/execution.ts';
import { migratePlainly } from '../harness/plain-way.ts';
import { type Findings, type Level, spread, type Target } from '../harness/result.ts';
import { alternate, type Measure, measure, ratio, timed } from '../harness/statistics.ts';

const SIZES: Readonly<Record<Level, { rows: number[]; rounds: number }>> = {
  full: { rows: [170, 200_000, 1_000_000, 2_000_000], rounds: 5 },
  quick: { rows: [170, 200_000], rounds: 3 },
  smoke: { rows: [170], rounds: 1 },
};

/** Milliseconds; what is measured is not how often a busy machine needs longer than the usual budget. */
const LOCK_TIMEOUT_MS = 10_000;

const WAYS = { plain: 'by hand', command: 'p2pfk', shared: 'shared sessions', each: 'new sessions' } as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];

interface Compared {
  readonly rows: number;
  readonly times: Readonly<Record<Way, Measure>>;
  readonly views: Readonly<Record<'shared' | 'each', readonly InsideView[]>>;
}

export const small: Benchmark = {
  name: 'small',
  title: 'Migrations of few rows',
  about: `The database of the source case (17 pairs) with few rows, each time as a fresh copy, with the index on the referencing columns
there. *By hand* are the same statements in one session, with one count at the end. *p2pfk* is the command from the start of its process to its
end. *Shared sessions* is the execution alone in a process that has started, and *new sessions* the same where each step opens its own, as in
AWS; their ratio is what sharing gains.`,
  cost: {
    full: { minutes: 6, gigabytes: 3 },
    quick: { minutes: 1.5, gigabytes: 0.6 },
    smoke: { minutes: 0.3, gigabytes: 0.3 },
  },
  async run(level, say) {
    const { rows: sizes, rounds } = SIZES[level];
    return BenchServer.with(async (server) => {
      const compared: Compared[] = [];
      for (const rows of sizes) {
        say(`${rows} rows: seeding`);
        await server.create('origin');
        await server.in('origin', async (client) => {
          await client.query('SET search_path = pg_catalog, pg_temp');
          await seed(client, rows);
          await client.query('CREATE INDEX ON public.path (medium_hash, ino)');
          await client.query('VACUUM (ANALYZE) public.path');
        });
        compared.push(await compare(server, rows, rounds, say));
        await server.drop('origin');
      }
      return findings(compared);
    });
  },
};

async function compare(
  server: BenchServer,
  rows: number,
  rounds: number,
  say: (line: string) => void,
): Promise<Compared> {
  const views = { shared: [] as InsideView[], each: [] as InsideView[] };
  const inFreshCopy = async (way: Way, turn: (databaseUrl: string) => Promise<number>) => {
    await server.create('copy', 'origin');
    const milliseconds = await turn(server.url('copy'));
    await server.drop('copy');
    say(`${rows} rows, ${WAYS[way]}: ${Math.round(milliseconds)} ms`);
    return milliseconds;
  };
  const inside = (way: 'shared' | 'each') =>
    inFreshCopy(way, async (databaseUrl) => {
      const input = { table: 'public.path', lockTimeoutMs: LOCK_TIMEOUT_MS };
      const view = await lookInside({ databaseUrl, input, newSessions: way === 'each' });
      if (view.outcome !== 'SUCCEEDED') throw new Error(`the execution ended as ${view.outcome}`);
      views[way].push(view);
      return view.milliseconds;
    });
  const times = await alternate(rounds, {
    plain: () =>
      inFreshCopy('plain', async () => {
        const session = await server.session('copy');
        const milliseconds = await timed(() => migratePlainly({ sessions: [session] }));
        await session.end();
        return milliseconds;
      }),
    command: () =>
      inFreshCopy('command', async (databaseUrl) => {
        const options = ['--table', 'public.path', '--lock-timeout-ms', String(LOCK_TIMEOUT_MS)];
        return (await succeed(['migrate', '--quiet', '--json', ...options, '--database-url', databaseUrl]))
          .milliseconds;
      }),
    shared: () => inside('shared'),
    each: () => inside('each'),
  });
  return { rows, times, views };
}

const processor = (views: readonly InsideView[]): Measure => measure(views.map(({ processorMs }) => processorMs));
const queries = (views: readonly InsideView[]): number =>
  Object.values(views.at(-1)?.functions ?? {}).reduce((sum, one) => sum + one.queries, 0);

function findings(compared: readonly Compared[]): Findings {
  return {
    tables: [
      {
        title: 'The whole, ms',
        columns: ['rows', ...ways.map((way) => WAYS[way]), 'p2pfk: times by hand', 'sharing: times faster'],
        rows: compared.map(({ rows, times }) => [
          rows,
          ...ways.map((way) => spread(times[way])),
          ratio(times.command, times.plain),
          ratio(times.each, times.shared),
        ]),
      },
      {
        title: 'An execution',
        columns: ['rows', 'sessions', 'opened', 'queries', 'processor time of p2pfk, ms'],
        rows: compared.flatMap(({ rows, views }) =>
          (['shared', 'each'] as const).map((way) => [
            rows,
            WAYS[way],
            views[way].at(-1)?.sessions ?? null,
            queries(views[way]),
            spread(processor(views[way])),
          ]),
        ),
      },
    ],
    targets: compared.flatMap(targets),
    charts: [
      {
        id: 'small',
        title: 'Migrations of few rows',
        kind: 'bar',
        x: 'rows',
        y: 'milliseconds',
        points: compared.flatMap(({ rows, times }) =>
          ways.map((way) => ({ x: rows.toLocaleString('en-GB'), y: times[way].median, series: WAYS[way] })),
        ),
      },
    ],
    samples: Object.fromEntries(
      compared.flatMap(({ rows, times }) => ways.map((way) => [`${WAYS[way]}, ${rows} rows`, times[way].samples])),
    ),
  };
}

/** From here on p2pfk is to be faster than the steps by hand. */
const FASTER_FROM = 2_000_000;

function targets({ rows, times }: Compared): Target[] {
  const found: Target[] = [];
  if (rows < 1_000)
    found.push({
      what: `17 pairs with ${rows} rows`,
      target: 'under 0.8 s in all',
      measured: `${(times.command.median / 1_000).toFixed(2)} s`,
      met: times.command.median < 800,
    });
  if (rows >= FASTER_FROM)
    found.push({
      what: `${rows.toLocaleString('en-GB')} rows`,
      target: 'faster than by hand',
      measured: `${ratio(times.plain, times.command).toFixed(2)} times`,
      met: times.command.median < times.plain.median,
    });
  return found;
}
