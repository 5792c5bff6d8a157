/** The drop while an application writes without a pause to every pair: how many tries it takes, and how long a writer waits. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Medium } from '../../local/demo/schema.ts';
import type { BenchServer } from '../harness/bench-server.ts';
import { runCommand, succeed } from '../harness/execution.ts';
import { type Operation, startLoad } from '../harness/load.ts';
import { type Findings, type Level, spread, type Table } from '../harness/result.ts';
import { measure } from '../harness/statistics.ts';

interface Size {
  readonly writers: readonly number[];
  /** Runs for each number of writers, without and with the long transaction. */
  readonly runs: number;
  readonly heldRuns: number;
  readonly holdSeconds: number;
}

const SIZES: Readonly<Record<Level, Size>> = {
  full: { writers: [1, 8, 32], runs: 20, heldRuns: 3, holdSeconds: 20 },
  quick: { writers: [1, 8, 32], runs: 3, heldRuns: 1, holdSeconds: 20 },
  smoke: { writers: [8], runs: 1, heldRuns: 1, holdSeconds: 3 },
};

const ENOUGH_TRIES = 3;
/** Of the runs. */
const ENOUGH_RUNS = 0.95;
/** `p2pfk migrate --rehearse` ends paused before the drop. */
const PAUSED = 6;
const ALONE_MS = 1_000;

interface Run {
  readonly writers: number;
  readonly held: boolean;
  /** Tries of the drop; those that began after the long transaction ended, where there was one. */
  readonly tries: number;
  /** Milliseconds: the longest statement of a writer while p2pfk worked, and in the second before. */
  readonly longest: number;
  readonly alone: number;
  /** Milliseconds that the drop held its locks. */
  readonly lockedMs: number;
  readonly failures: readonly string[];
}

/** @param origin a database with the tables of the demo, nothing migrated yet */
export async function dropUnderLoad(
  server: BenchServer,
  { level, media, origin }: { readonly level: Level; readonly media: readonly Medium[]; readonly origin: string },
  say: (line: string) => void,
): Promise<Findings> {
  const { writers, runs, heldRuns, holdSeconds } = SIZES[level];
  await prepare(server, origin);
  const done: Run[] = [];
  for (const held of [false, true]) {
    for (const count of writers) {
      say(`${count} writers without a pause${held ? `, and a transaction of ${holdSeconds} s` : ''}`);
      for (let run = 0; run < (held ? heldRuns : runs); run++)
        done.push(await oneRun(server, { media, writers: count, holdSeconds: held ? holdSeconds : 0 }));
    }
  }
  await server.drop('ready');
  return findings(done, holdSeconds);
}

/** A copy of `origin` in which everything but the drop is done. */
async function prepare(server: BenchServer, origin: string): Promise<void> {
  await server.create('ready', origin);
  const rehearsed = await runCommand(migrate(server.url('ready'), '--rehearse'));
  if (rehearsed.exitCode !== PAUSED)
    throw new Error(`the rehearsal ended with ${rehearsed.exitCode}: ${rehearsed.stderr}`);
}

function migrate(url: string, ...more: string[]): string[] {
  return ['migrate', '--quiet', '--json', '--table', 'public.path', '--database-url', url, ...more];
}

async function oneRun(
  server: BenchServer,
  { media, writers, holdSeconds }: { media: readonly Medium[]; writers: number; holdSeconds: number },
): Promise<Run> {
  await server.create('busy', 'ready');
  const pairs = media.filter(({ pathPartition }) => pathPartition !== null);
  const load = await startLoad({
    databaseUrl: server.url('busy'),
    media: pairs.map(({ mediumHash }) => mediumHash),
    readers: 0,
    writers,
    paceMs: 0,
  });
  await delay(ALONE_MS);
  const from = Date.now();
  const ended =
    holdSeconds > 0 ? hold(server, `public.${pairs.at(-1)?.pathPartition}`, holdSeconds) : Promise.resolve(0);
  // Awaited below; a failure of the command comes first.
  ended.catch(() => undefined);
  await succeed(migrate(server.url('busy')));
  const to = Date.now();
  const endedAt = await ended;
  const operations = await load.stop();
  const { rows } = await server.in('busy', (client) =>
    client.query<{ refused: number; locked_ms: number }>(
      `SELECT (SELECT count(*)::int FROM p2pfk.event
                WHERE step = 'DropParentForeignKey' AND error IS NOT NULL AND at > to_timestamp($1::float8 / 1000)) AS refused,
              (SELECT locked_ms FROM p2pfk.migration) AS locked_ms`,
      [endedAt],
    ),
  );
  await server.drop('busy');
  const longest = (some: readonly Operation[]) => Math.max(0, ...some.map(({ longestStatement }) => longestStatement));
  return {
    writers,
    held: holdSeconds > 0,
    tries: (rows[0]?.refused ?? 0) + 1,
    longest: longest(operations.filter(({ at }) => at >= from && at < to)),
    alone: longest(operations.filter(({ at }) => at < from)),
    lockedMs: rows[0]?.locked_ms ?? 0,
    failures: operations.flatMap(({ error }) => (error === null ? [] : [error])),
  };
}

/** A transaction that has read one partition. @returns when it ended, milliseconds since the epoch */
async function hold(server: BenchServer, partition: string, seconds: number): Promise<number> {
  return server.in('busy', async (client) => {
    await client.query(`BEGIN; SELECT FROM ${partition} LIMIT 1`);
    await delay(seconds * 1_000);
    await client.query('COMMIT');
    return Date.now();
  });
}

function findings(runs: readonly Run[], holdSeconds: number): Findings {
  const groups = [...Map.groupBy(runs, ({ writers, held }) => `${writers} ${held}`).values()];
  const through = (some: readonly Run[]) => some.filter(({ tries }) => tries <= ENOUGH_TRIES).length;
  const table: Table = {
    title: 'The drop under constant load',
    columns: [
      'writers',
      'long transaction',
      'runs',
      `through within ${ENOUGH_TRIES} tries`,
      'tries',
      'locks held, ms',
      'longest statement of a writer, ms',
      'without us',
    ],
    note: `*tries*: with the long transaction, those after it ended. *Without us*: in the second before p2pfk began.`,
    rows: groups.map((group) => [
      group[0]?.writers ?? 0,
      group[0]?.held ? `${holdSeconds} s` : 'none',
      group.length,
      through(group),
      spread(measure(group.map(({ tries }) => tries))),
      spread(measure(group.map(({ lockedMs }) => lockedMs))),
      spread(measure(group.map(({ longest }) => longest))),
      spread(measure(group.map(({ alone }) => alone))),
    ]),
  };
  const held = runs.filter((run) => run.held);
  const free = runs.filter((run) => !run.held);
  const longest = Math.max(...runs.map((run) => run.longest));
  const failures = runs.flatMap((run) => run.failures);
  const share = (some: readonly Run[]) => `${through(some)} of ${some.length} runs`;
  return {
    tables: [table],
    targets: [
      {
        what: 'drop under constant load',
        target: `within ${ENOUGH_TRIES} tries in 19 of 20 runs`,
        measured: share(free),
        met: through(free) >= ENOUGH_RUNS * free.length,
      },
      {
        what: `drop under constant load, beside a transaction of ${holdSeconds} s`,
        target: `within ${ENOUGH_TRIES} tries after it ended`,
        measured: share(held),
        met: through(held) === held.length,
      },
      {
        what: 'longest statement of a writer under constant load',
        target: 'at most 700 ms (lockTimeoutMs + 200)',
        measured: `${longest.toFixed(0)} ms; without us ${Math.max(...runs.map(({ alone }) => alone)).toFixed(0)} ms`,
        met: longest <= 700,
      },
      {
        what: 'failed operations under constant load',
        target: '0',
        measured: failures.length === 0 ? '0' : `${failures.length}, the first: ${failures[0]}`,
        met: failures.length === 0,
      },
    ],
    charts: [
      {
        id: 'stall-tries',
        title: 'Tries until the parent FK was dropped, under constant load',
        kind: 'bar',
        x: 'writers',
        y: 'runs',
        points: groups
          .filter((group) => group[0]?.held === false)
          .flatMap((group) =>
            [1, 2, 3, 'more'].map((tries) => ({
              x: group[0]?.writers ?? 0,
              y: group.filter((run) => (tries === 'more' ? run.tries > ENOUGH_TRIES : run.tries === tries)).length,
              series: tries === 1 ? '1 try' : `${tries} tries`,
            })),
          ),
      },
    ],
    samples: Object.fromEntries(
      groups.flatMap((group) => {
        const name = `${group[0]?.writers} writers${group[0]?.held ? ' and a long transaction' : ''}`;
        return [
          [`tries, ${name}`, group.map(({ tries }) => tries)],
          [`longest statement, ${name}`, group.map((run) => run.longest)],
        ];
      }),
    ),
  };
}
