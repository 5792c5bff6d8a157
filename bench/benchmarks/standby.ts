/** A primary with a streaming standby, an application on both, and a long transaction on the standby: with and without `--reader`. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Medium, seed } from '../../local/demo/schema.ts';
import { BenchServer } from '../harness/bench-server.ts';
import { succeed } from '../harness/execution.ts';
import { type Operation, startLoad } from '../harness/load.ts';
import { type Findings, type Level, spread, type Table } from '../harness/result.ts';
import { measure, quantile } from '../harness/statistics.ts';

interface Size {
  readonly rows: number;
  readonly rounds: number;
  readonly holdSeconds: number;
  readonly aloneSeconds: number;
}

const SIZES: Readonly<Record<Level, Size>> = {
  full: { rows: 100_000, rounds: 3, holdSeconds: 20, aloneSeconds: 5 },
  quick: { rows: 100_000, rounds: 1, holdSeconds: 20, aloneSeconds: 3 },
  smoke: { rows: 2_000, rounds: 1, holdSeconds: 3, aloneSeconds: 1 },
};

const LIMIT_MS = 700;

const WAYS = { unasked: 'without --reader', asked: 'with --reader' } as const;
type Way = keyof typeof WAYS;
const SERVERS = ['primary', 'standby'] as const;
type Server = (typeof SERVERS)[number];

interface Round {
  readonly way: Way;
  /** While the migration ran and until the long transaction had ended; before it began. */
  readonly during: Readonly<Record<Server, readonly Operation[]>>;
  readonly before: Readonly<Record<Server, readonly Operation[]>>;
}

export async function readersOnStandby(level: Level, say: (line: string) => void): Promise<Findings> {
  const { rows, rounds } = SIZES[level];
  return BenchServer.with(
    async (server) => {
      await server.create('origin');
      const media = await server.in('origin', (client) => seed(client, rows));
      await server.in('origin', (client) => client.query('CREATE INDEX ON public.path (medium_hash, ino)'));
      const done: Round[] = [];
      for (let round = 0; round < rounds; round++) {
        const ways = ['unasked', 'asked'] as const;
        for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
          say(`readers on a standby, round ${round + 1}: ${WAYS[way]}`);
          done.push(await oneRound(server, way, level, media));
        }
      }
      return findings(done, level);
    },
    { standby: true },
  );
}

async function oneRound(server: BenchServer, way: Way, level: Level, media: readonly Medium[]): Promise<Round> {
  const { holdSeconds, aloneSeconds } = SIZES[level];
  await server.create('application', 'origin');
  await server.caughtUp();
  const pairs = media.flatMap(({ mediumHash, pathPartition }) =>
    pathPartition === null ? [] : [{ mediumHash, pathPartition }],
  );
  const work = { media: pairs.map(({ mediumHash }) => mediumHash), readers: 2, paceMs: 5 };
  const loads = {
    primary: await startLoad({ ...work, databaseUrl: server.url('application'), writers: 2 }),
    standby: await startLoad({ ...work, databaseUrl: server.standbyUrl('application'), writers: 0 }),
  };
  await delay(aloneSeconds * 1_000);
  const from = Date.now();
  const reader = await server.standbySession('application', 'nightly report');
  await reader.query(`BEGIN; SELECT FROM public.${pairs.at(-1)?.pathPartition} LIMIT 1`);
  const ended = whenDropTried(server).then(async () => {
    await delay(holdSeconds * 1_000);
    await reader.query('COMMIT');
    await reader.end();
  });
  ended.catch(() => undefined);
  const readers = way === 'asked' ? ['--reader', server.standbyUrl('application')] : [];
  await succeed([
    ...['migrate', '--quiet', '--json', '--table', 'public.path', '--database-url', server.url('application')],
    ...readers,
  ]);
  await ended;
  await server.caughtUp();
  const to = Date.now();
  const operations = { primary: await loads.primary.stop(), standby: await loads.standby.stop() };
  await server.drop('application');
  const between = (a: number, b: number) => ({
    primary: operations.primary.filter(({ at }) => at >= a && at < b),
    standby: operations.standby.filter(({ at }) => at >= a && at < b),
  });
  return { way, before: between(0, from), during: between(from, to) };
}

/** Until the parent FK is dropped, or was left because of the standby. */
async function whenDropTried(server: BenchServer): Promise<void> {
  await server.in('application', async (client) => {
    for (;;) {
      const { rows } = await client.query<{ dropped: boolean; ledger: boolean }>(
        "SELECT NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.path'::regclass AND contype = 'f') AS dropped, to_regclass('p2pfk.event') IS NOT NULL AS ledger",
      );
      if (rows[0]?.dropped) return;
      const refused = rows[0]?.ledger
        ? await client.query("SELECT FROM p2pfk.event WHERE error ~ '^a reader is in use' LIMIT 1")
        : null;
      if (refused?.rowCount) return;
      await delay(20);
    }
  });
}

function findings(rounds: readonly Round[], level: Level): Findings {
  const { holdSeconds } = SIZES[level];
  const longest = (operations: readonly Operation[]) => Math.max(...operations.map(({ milliseconds }) => milliseconds));
  const of = (way: Way, server: Server, phase: 'before' | 'during' = 'during') =>
    rounds.filter((round) => round.way === way).map((round) => round[phase][server]);
  const stall = (way: Way, server: Server) => measure(of(way, server).map(longest));
  const ways = Object.keys(WAYS) as Way[];
  const table: Table = {
    title: `A primary with a streaming standby, and a transaction of ${holdSeconds} s on the standby: operations of the application, ms`,
    columns: ['way', 'server', 'operations', 'failed', 'median', 'p99', 'longest (of each round)', 'longest before'],
    rows: ways.flatMap((way) =>
      SERVERS.map((server) => {
        const all = of(way, server).flat();
        const times = all.map(({ milliseconds }) => milliseconds);
        return [
          WAYS[way],
          server,
          all.length,
          all.filter(({ error }) => error !== null).length,
          quantile(times, 0.5),
          quantile(times, 0.99),
          spread(stall(way, server)),
          spread(measure(of(way, server, 'before').map(longest))),
        ];
      }),
    ),
    note: 'On the standby all operations are reads. *During*: from the beginning of the migration to the end of that transaction. The replay of a lock on the standby waits for the transaction, and new readers behind it, for at most `max_standby_streaming_delay` (30 s).',
  };
  const asked = Math.max(...SERVERS.map((server) => stall('asked', server).max));
  const failures = SERVERS.flatMap((server) => of('asked', server).flat()).filter(({ error }) => error !== null);
  return {
    tables: [table],
    targets: [
      {
        what: 'longest wait on primary and standby through p2pfk --reader, with a long transaction on the standby',
        target: `at most ${LIMIT_MS} ms (lockTimeoutMs + 200)`,
        measured: `primary ${stall('asked', 'primary').max.toFixed(0)} ms, standby ${stall('asked', 'standby').max.toFixed(0)} ms; without --reader the standby ${(stall('unasked', 'standby').max / 1_000).toFixed(1)} s`,
        met: asked <= LIMIT_MS,
      },
      {
        what: 'failed operations through p2pfk --reader, on primary and standby',
        target: '0',
        measured: failures.length === 0 ? '0' : `${failures.length}, the first: ${failures[0]?.error}`,
        met: failures.length === 0,
      },
    ],
    charts: [
      {
        id: 'stall-standby',
        title: `Longest wait, with a transaction of ${holdSeconds} s on the standby`,
        kind: 'bar',
        x: '',
        y: 'milliseconds',
        logarithmic: true,
        points: ways.flatMap((way) =>
          SERVERS.map((server) => ({ x: server, y: stall(way, server).max, series: WAYS[way] })),
        ),
      },
    ],
    samples: Object.fromEntries(
      ways.flatMap((way) =>
        SERVERS.map((server) => [`longest on the ${server}, ${WAYS[way]}`, stall(way, server).samples]),
      ),
    ),
  };
}
