/** What an application feels: the steps by hand and p2pfk, both with somebody's long transaction in the way. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Medium, seed } from '../../local/demo/schema.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { succeed } from '../harness/execution.ts';
import { type Operation, startLoad } from '../harness/load.ts';
import { migratePlainly } from '../harness/plain-way.ts';
import { type Findings, type Level, spread, type Table } from '../harness/result.ts';
import { type Measure, measure, quantile } from '../harness/statistics.ts';
import { dropUnderLoad } from './constant-load.ts';
import { readersOnStandby } from './standby.ts';

const SIZES: Readonly<Record<Level, { rows: number; rounds: number; holdSeconds: number; aloneSeconds: number }>> = {
  full: { rows: 1_000_000, rounds: 3, holdSeconds: 20, aloneSeconds: 15 },
  quick: { rows: 100_000, rounds: 1, holdSeconds: 20, aloneSeconds: 5 },
  smoke: { rows: 2_000, rounds: 1, holdSeconds: 3, aloneSeconds: 1 },
};

/** Of the database on which the drop is tried under constant load. */
const SMALL_ROWS = 17_000;
/** lockTimeoutMs of an execution, its default. */
const LOCK_TIMEOUT_MS = 500;
const MARGIN_MS = 200;

const PHASES = ['before', 'during', 'after'] as const;
type Phase = (typeof PHASES)[number];
const WAYS = { hand: 'by hand', ours: 'p2pfk' } as const;
type Way = keyof typeof WAYS;

interface Round {
  readonly way: Way;
  /** Seconds that the migration took, and those in which the long transaction was open. */
  readonly seconds: number;
  /** Statements of the migration that a deadlock with the application ended. */
  readonly deadlocks: number;
  readonly operations: Readonly<Record<Phase, readonly Operation[]>>;
}

export const stall: Benchmark = {
  name: 'stall',
  title: 'What an application waits for',
  about: `An application of two readers and two writers works on all 17 pairs from a process of its own: before, during and after
the migration. A write is a file that comes and goes: two INSERTs and a DELETE that cascades. When all pair FKs are valid, somebody
opens a transaction that has read one partition, and leaves it open for 20 s: only then can the parent FK be dropped. By hand DROP
waits for it, and everybody behind DROP; p2pfk gives up within its lock budget, and tries again. After that the drop alone, while 1, 8
and 32 writers work without any pause; a copy of a small database in which all but the drop is done is made for each run. At last a
primary with a streaming standby: the application works on the primary, two more readers on the standby, and the long transaction is one
on the standby, where the primary sees nothing of it; p2pfk without and with \`--reader\`.`,
  cost: {
    full: { minutes: 27, gigabytes: 2.5 },
    quick: { minutes: 7, gigabytes: 0.8 },
    smoke: { minutes: 1, gigabytes: 0.4 },
  },
  async run(level, say) {
    const onPrimary = await primaryAlone(level, say);
    return together([onPrimary, await readersOnStandby(level, say)]);
  },
};

function together(parts: readonly Findings[]): Findings {
  return {
    tables: parts.flatMap(({ tables }) => tables),
    targets: parts.flatMap(({ targets }) => targets),
    charts: parts.flatMap(({ charts }) => charts),
    samples: Object.assign({}, ...parts.map(({ samples }) => samples)),
  };
}

async function primaryAlone(level: Level, say: (line: string) => void): Promise<Findings> {
  const { rows, rounds } = SIZES[level];
  return BenchServer.with(async (server) => {
    say('seeding');
    await server.create('origin');
    const media = await server.in('origin', (client) => seed(client, rows));
    // There is nothing to see in an index build, which waits for nobody's reads.
    await server.in('origin', (client) => client.query('CREATE INDEX ON public.path (medium_hash, ino)'));
    const done: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      const ways = ['hand', 'ours'] as const;
      for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
        say(`round ${round + 1}: ${WAYS[way]}`);
        done.push(await oneRound(server, way, level, media));
      }
    }
    await server.drop('origin');
    await server.create('small');
    const few = await server.in('small', (client) => seed(client, SMALL_ROWS));
    await server.in('small', (client) => client.query('CREATE INDEX ON public.path (medium_hash, ino)'));
    return together([findings(done, level), await dropUnderLoad(server, { level, media: few, origin: 'small' }, say)]);
  });
}

async function oneRound(server: BenchServer, way: Way, level: Level, media: readonly Medium[]): Promise<Round> {
  const { holdSeconds, aloneSeconds } = SIZES[level];
  await server.create('application', 'origin');
  const load = await startLoad({
    databaseUrl: server.url('application'),
    media: media.flatMap(({ mediumHash, pathPartition }) => (pathPartition === null ? [] : [mediumHash])),
    readers: 2,
    writers: 2,
    paceMs: 5,
  });
  await delay(aloneSeconds * 1_000);
  const from = Date.now();
  const held = await holdWhenValid(server, media, holdSeconds);
  let deadlocks = 0;
  if (way === 'hand') {
    deadlocks = await server.in('application', (client) =>
      migratePlainly({ sessions: [client], beforeDrop: () => held.begun }),
    );
  } else {
    await succeed([
      'migrate',
      '--quiet',
      '--json',
      '--table',
      'public.path',
      '--database-url',
      server.url('application'),
    ]);
  }
  const to = Date.now();
  await held.ended;
  await delay(aloneSeconds * 1_000);
  const operations = await load.stop();
  await server.drop('application');
  const broken = operations.find(({ at, error }) => at < from && error !== null);
  if (broken) throw new Error(`the application itself does not work: ${broken.error}`);
  const between = (a: number, b: number) => operations.filter(({ at }) => at >= a && at < b);
  return {
    way,
    seconds: (to - from) / 1000,
    deadlocks,
    operations: { before: between(0, from), during: between(from, to), after: between(to, Number.POSITIVE_INFINITY) },
  };
}

/** A transaction of somebody who reads one partition, opened when the last pair FK has become valid. */
async function holdWhenValid(
  server: BenchServer,
  media: readonly Medium[],
  holdSeconds: number,
): Promise<{ readonly begun: Promise<void>; readonly ended: Promise<void> }> {
  const pairs = media.filter(({ pathPartition }) => pathPartition !== null);
  const client = await server.session('application', 'nightly report');
  const begun = (async () => {
    for (;;) {
      const { rows } = await client.query<{ valid: number }>(
        "SELECT count(*)::int AS valid FROM pg_constraint c JOIN pg_class r ON r.oid = c.confrelid WHERE c.contype = 'f' AND c.convalidated AND c.conparentid = 0 AND r.relkind = 'r' AND r.relispartition",
      );
      if (rows[0]?.valid === pairs.length) break;
      await delay(5);
    }
    await client.query(`BEGIN; SELECT FROM public.${pairs.at(-1)?.pathPartition} LIMIT 1`);
  })();
  const ended = begun.then(async () => {
    await delay(holdSeconds * 1_000);
    await client.query('COMMIT');
    await client.end();
  });
  ended.catch(() => undefined);
  return { begun, ended };
}

function findings(rounds: readonly Round[], level: Level): Findings {
  const of = (way: Way, phase: Phase, kind: Operation['kind']) =>
    rounds
      .filter((round) => round.way === way)
      .map((round) => round.operations[phase].filter((one) => one.kind === kind));
  const longest = (operations: readonly Operation[]) => Math.max(...operations.map(({ milliseconds }) => milliseconds));
  const cells = (way: Way, phase: Phase, kind: Operation['kind']) => {
    const each = of(way, phase, kind);
    const all = each.flat();
    const times = all.map(({ milliseconds }) => milliseconds);
    return [
      WAYS[way],
      phase,
      kind,
      all.length,
      all.filter(({ error }) => error !== null).length,
      quantile(times, 0.5),
      quantile(times, 0.99),
      spread(measure(each.map(longest))),
    ];
  };
  const ways = Object.keys(WAYS) as Way[];
  const table: Table = {
    title: 'Operations of the application on the primary, ms',
    columns: ['way', 'phase', 'kind', 'operations', 'failed', 'median', 'p99', 'longest (of each round)'],
    rows: ways.flatMap((way) =>
      PHASES.flatMap((phase) => (['read', 'write'] as const).map((kind) => cells(way, phase, kind))),
    ),
  };
  const stalls = (way: Way, phase: Phase = 'during'): Measure =>
    measure(rounds.filter((round) => round.way === way).map((round) => longest(round.operations[phase])));
  const failures = rounds
    .filter(({ way }) => way === 'ours')
    .flatMap(({ operations }) => PHASES.flatMap((phase) => operations[phase].filter(({ error }) => error !== null)));
  const taken: Table = {
    title: 'The migration itself, s',
    columns: ['way', 'seconds, the open transaction included', 'deadlocks with the application'],
    rows: ways.map((way) => [
      WAYS[way],
      spread(measure(rounds.filter((round) => round.way === way).map((round) => round.seconds))),
      rounds.filter((round) => round.way === way).reduce((sum, round) => sum + round.deadlocks, 0),
    ]),
  };
  const ours = stalls('ours');
  const hand = stalls('hand');
  const alone = Math.max(stalls('ours', 'before').max, stalls('hand', 'before').max);
  return {
    tables: [table, taken],
    targets: [
      {
        what: 'longest wait of any operation on the primary through p2pfk',
        target: `at most ${LOCK_TIMEOUT_MS + MARGIN_MS} ms (lockTimeoutMs + ${MARGIN_MS})`,
        measured: `${ours.max.toFixed(0)} ms; by hand ${(hand.max / 1000).toFixed(1)} s; without a migration ${alone.toFixed(0)} ms`,
        met: ours.max <= LOCK_TIMEOUT_MS + MARGIN_MS,
      },
      {
        what: 'failed operations through p2pfk',
        target: '0',
        measured: failures.length === 0 ? '0' : `${failures.length}, the first: ${failures[0]?.error}`,
        met: failures.length === 0,
      },
      {
        what: `by hand everybody waits for that transaction (${SIZES[level].holdSeconds} s)`,
        target: 'told, whatever it is',
        measured: `longest wait ${(hand.max / 1000).toFixed(1)} s`,
        met: true,
      },
    ],
    charts: [
      {
        id: 'stall-longest',
        title: 'Longest wait of any operation of the application',
        kind: 'bar',
        x: '',
        y: 'milliseconds',
        logarithmic: true,
        points: ways.flatMap((way) =>
          PHASES.map((phase) => ({ x: phase, y: stalls(way, phase).max, series: WAYS[way] })),
        ),
      },
    ],
    samples: Object.fromEntries(ways.map((way) => [`longest during, ${WAYS[way]}`, stalls(way).samples])),
  };
}
