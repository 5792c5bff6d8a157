/** The whole migration against the same steps by hand, and where the time goes. */
import type { Client } from 'pg';
import type { Plan } from '../../core/contracts.ts';
import type { Server } from '../../core/server.ts';
import { validationMemory } from '../../core/server.ts';
import { seed } from '../../local/demo/schema.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { succeed } from '../harness/execution.ts';
import { migrateByHand } from '../harness/plain-way.ts';
import { type Cell, type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { BenchServer } from '../harness/server.ts';
import { busyMilliseconds } from '../harness/server-log.ts';
import { alternate, type Measure, measure, ratio, timed } from '../harness/statistics.ts';

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

interface Bound {
  readonly rows: number;
  readonly times: Readonly<Record<string, Measure>>;
  readonly memory: number;
}

interface Compared {
  readonly rows: number;
  readonly plain: Measure;
  readonly ours: Measure;
  readonly busy: Measure;
  readonly overhead: Measure;
  /** Milliseconds of each phase, by hand and by us, of the last round. */
  readonly phases: Readonly<Record<string, { readonly plain: number; readonly ours: number }>>;
  readonly bound: Bound;
}

export const wall: Benchmark = {
  name: 'wall',
  title: 'The whole migration against the steps by hand',
  about: `The database of the source case (17 skewed pairs, no index on the referencing columns), each time as a fresh copy. *By
hand* is what a careful person does in one psql session, step after step, with the server's default memory: the missing indexes
CONCURRENTLY, each pair's FK NOT VALID, VALIDATE each, DROP of the parent FK, and one count of the orphans of every pair. *p2pfk* is
\`p2pfk migrate\` from the start of its process to its end; it counts the orphans twice, before the drop and after it. The time of
the database is the union of all statements of ours in the server's log; the overhead is all the rest.`,
  cost: {
    full: { minutes: 50, gigabytes: 22 },
    quick: { minutes: 1.6, gigabytes: 1.5 },
    smoke: { minutes: 0.2, gigabytes: 0.3 },
  },
  async run(level, say) {
    const { rows: sizes, rounds } = SIZES[level];
    return BenchServer.with(async (server) => {
      const compared: Compared[] = [];
      for (const rows of sizes) {
        say(`${rows} rows: seeding`);
        await server.create('origin');
        await server.in('origin', (client) => withoutSearchPath(client, () => seed(client, rows)));
        say(`${rows} rows: by hand and by p2pfk, in turns`);
        compared.push(await compare(server, rows, rounds, say));
        await server.drop('origin');
      }
      return findings(compared);
    });
  },
};

/** sql/demo names its tables with their schema; nothing else is on the way. */
async function withoutSearchPath<Value>(client: Client, work: () => Promise<Value>): Promise<Value> {
  await client.query('SET search_path = pg_catalog');
  return work();
}

async function compare(
  server: BenchServer,
  rows: number,
  rounds: number,
  say: (line: string) => void,
): Promise<Compared> {
  const busy: number[] = [];
  const byHand = new Map<string, number>();
  const byUs = new Map<string, number>();
  const fresh = async (database: string) => {
    await server.create(database, 'origin');
    await server.in(database, warm);
  };
  const times = await alternate(rounds, {
    plain: async () => {
      await fresh('plain');
      const milliseconds = await server.in('plain', (client) => timed(() => migrateByHand(client, byHand)));
      await server.drop('plain');
      say(`by hand ${Math.round(milliseconds)} ms`);
      return milliseconds;
    },
    ours: async () => {
      await fresh('ours');
      await server.logDurations('ours');
      const mark = await server.logPosition();
      const { milliseconds } = await succeed([
        'migrate',
        '--quiet',
        '--json',
        '--table',
        'public.path',
        '--database-url',
        server.url('ours'),
      ]);
      const log = await server.logSince(mark);
      busy.push(busyMilliseconds(log, (name) => name.startsWith('p2pfk')));
      for (const [phase, functions] of PHASES) {
        const ours = (name: string) => functions.some((one) => new RegExp(`^p2pfk/\\d+/${one}(/\\d+)?$`).test(name));
        byUs.set(phase, busyMilliseconds(log, ours));
      }
      await server.drop('ours');
      say(`by p2pfk ${Math.round(milliseconds)} ms`);
      return milliseconds;
    },
  });
  const overhead = times.ours.samples.map((one, round) => one - (busy[round] ?? Number.NaN));
  const phases = Object.fromEntries(
    PHASES.map(([phase]) => [phase, { plain: byHand.get(phase) ?? 0, ours: byUs.get(phase) ?? Number.NaN }]),
  );
  const bound = await measureBound(server, rows, rounds);
  return {
    rows,
    plain: times.plain,
    ours: times.ours,
    busy: measure(busy),
    overhead: measure(overhead),
    phases,
    bound,
  };
}

/** Both begin with the rows in the operating system's cache at least. */
async function warm(client: Client): Promise<void> {
  await client.query('SELECT count(*) FROM public.path');
  await client.query('SELECT count(*) FROM public.inode');
}

/**
 * The largest pair alone: VALIDATE by the server's default memory and by ours, the bare anti-join that it is, the same with
 * parallel workers as our own count runs it, and the bare reading of the two partitions.
 */
async function measureBound(server: BenchServer, rows: number, rounds: number): Promise<Bound> {
  await server.create('bound', 'origin');
  const plan = JSON.parse(
    (await succeed(['plan', '--json', '--table', 'public.path', '--database-url', server.url('bound')])).stdout,
  ) as Plan;
  const [pair] = plan.pairs;
  if (!pair) throw new Error('there is no pair to measure');
  const client = await server.session('bound');
  const { rows: settings } = await client.query<{ cache: string }>(
    "SELECT pg_size_bytes(current_setting('effective_cache_size'))::text AS cache",
  );
  const asServer = { effective_cache_size: Number(settings[0]?.cache), maintenance_work_mem: 64 * 2 ** 20 } as Server;
  const memory = validationMemory(asServer, 4);
  const { referencing, referenced, pairConstraint } = pair;
  const from = `FROM ONLY ${referencing} f WHERE f.medium_hash IS NOT NULL AND f.ino IS NOT NULL`;
  const antiJoin = `SELECT count(*) ${from} AND NOT EXISTS (SELECT FROM ONLY ${referenced} r WHERE r.medium_hash = f.medium_hash AND r.ino = f.ino)`;
  const validate = (megabytes: number) => async () => {
    await client.query(
      `ALTER TABLE ${referencing} ADD CONSTRAINT ${pairConstraint} FOREIGN KEY (medium_hash, ino) REFERENCES ${referenced} (medium_hash, ino) NOT VALID`,
    );
    await client.query(`SET maintenance_work_mem = '${megabytes}MB'`);
    const milliseconds = await timed(() =>
      client.query(`ALTER TABLE ${referencing} VALIDATE CONSTRAINT ${pairConstraint}`),
    );
    await client.query(`ALTER TABLE ${referencing} DROP CONSTRAINT ${pairConstraint}`);
    return milliseconds;
  };
  const query = (sql: string, workers: number, megabytes: number) => async () => {
    await client.query(
      `SET max_parallel_workers_per_gather = ${workers}; SET work_mem = '${megabytes}MB'; SET hash_mem_multiplier = 1`,
    );
    return timed(() => client.query(sql));
  };
  const times = await alternate(rounds, {
    'VALIDATE, default memory': validate(64),
    'VALIDATE, our memory': validate(memory),
    'bare anti-join, default memory': query(antiJoin, 0, 64),
    'bare anti-join, our memory': query(antiJoin, 0, memory),
    'anti-join with workers, default work_mem': query(antiJoin, 2, 4),
    'anti-join with workers, our memory': query(antiJoin, 2, memory),
    'reading both partitions': query(
      `SELECT (SELECT count(ino) FROM ${referencing}), (SELECT count(size) FROM ${referenced})`,
      0,
      64,
    ),
  });
  await client.end();
  await server.drop('bound');
  return { rows, times, memory };
}

const seconds = ({ median, min, max }: Measure): Cell =>
  spread({ median: median / 1000, min: min / 1000, max: max / 1000 });

function findings(compared: readonly Compared[]): Findings {
  const whole: Table = {
    title: 'The whole, s',
    columns: ['rows', 'by hand', 'p2pfk', 'times faster'],
    rows: compared.map(({ rows, plain, ours }) => [rows, seconds(plain), seconds(ours), ratio(plain, ours)]),
  };
  const overhead: Table = {
    title: 'p2pfk: the database and all the rest, s',
    columns: ['rows', 'whole', 'the database', 'overhead', 'overhead, %'],
    rows: compared.map(({ rows, ours, busy, overhead: rest }) => [
      rows,
      seconds(ours),
      seconds(busy),
      seconds(rest),
      (100 * rest.median) / ours.median,
    ]),
  };
  const phases: Table = {
    title: 'Where the time goes, s (of the last round)',
    columns: ['rows', 'who', ...PHASES.map(([phase]) => phase)],
    rows: compared.flatMap(({ rows, phases: times }) =>
      (['plain', 'ours'] as const).map((who) => [
        rows,
        who === 'plain' ? 'by hand' : 'p2pfk',
        ...PHASES.map(([phase]): Cell => (times[phase]?.[who] ?? 0) / 1000),
      ]),
    ),
    note: 'Of p2pfk the time in which the database was busy with the phase: what ran side by side counts once. By hand nothing is counted before the drop.',
  };
  const bounds: Table = {
    title: 'The largest pair (29 % of the rows) alone, s',
    columns: ['rows', ...Object.keys(compared[0]?.bound.times ?? {})],
    rows: compared.map(({ rows, bound }) => [rows, ...Object.values(bound.times).map(seconds)]),
    note: `Default is 64 MB of maintenance_work_mem and 4 MB of work_mem; ours is ${compared[0]?.bound.memory} MB for each of four sessions. VALIDATE is that anti-join and nothing else; where it takes much longer than reading the two partitions, the processor is the bound, not the disk.`,
  };
  return {
    tables: [whole, overhead, phases, bounds],
    targets: targets(compared),
    charts: [
      {
        id: 'wall-whole',
        title: 'The whole migration',
        kind: 'bar',
        x: 'rows',
        y: 'seconds',
        points: compared.flatMap(({ rows, plain, ours }) => [
          { x: rows.toLocaleString('en-GB'), y: plain.median / 1000, series: 'by hand' },
          { x: rows.toLocaleString('en-GB'), y: ours.median / 1000, series: 'p2pfk' },
        ]),
      },
    ],
    samples: Object.fromEntries(
      compared.flatMap(({ rows, plain, ours, busy, bound }) => [
        [`by hand ${rows}`, plain.samples],
        [`p2pfk ${rows}`, ours.samples],
        [`database ${rows}`, busy.samples],
        ...Object.entries(bound.times).map(([name, { samples }]) => [`${name} ${rows}`, samples] as const),
      ]),
    ),
  };
}

function targets(compared: readonly Compared[]): Target[] {
  return compared.flatMap((one): Target[] => {
    const { rows, plain, ours, overhead } = one;
    const faster = ratio(plain, ours);
    const share = overhead.median / ours.median;
    const size = `${rows.toLocaleString('en-GB')} rows`;
    const large = rows >= LARGE;
    const met = faster >= 3;
    return [
      {
        what: `whole migration, ${size}`,
        target: 'at least 3 times faster than by hand',
        measured: `${faster.toFixed(2)} times`,
        met,
        ...(met ? {} : { reason: whyNotFaster(one) }),
      },
      {
        what: `overhead, ${size}`,
        target: large ? 'at most 5 % of the whole' : 'at most 2 s',
        measured: `${(overhead.median / 1000).toFixed(2)} s, ${(100 * share).toFixed(1)} %`,
        met: large ? share <= 0.05 : overhead.median <= 2_000,
      },
    ];
  });
}

/** The measured bound: what two cores can do at the best with the work that is there, and what we do besides. */
function whyNotFaster({ phases, bound }: Compared): string {
  const of = (phase: string) => phases[phase] ?? { plain: Number.NaN, ours: Number.NaN };
  const validation = of('validate').plain / of('validate').ours;
  const counts = (of('count before the drop').ours + of('count at the end').ours) / 1000;
  const memory = bound.times['VALIDATE, default memory'] as Measure;
  const gain = memory.median / (bound.times['VALIDATE, our memory'] as Measure).median;
  return `validation is ${validation.toFixed(1)} times faster: two cores give at most 2, and memory gives ${gain.toFixed(1)} at this size; the two counts, which prove that nothing slipped in, take ${counts.toFixed(1)} s, one of which a person by hand leaves out`;
}
