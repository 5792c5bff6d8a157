/** Relation locks of a new session's first writes, and what many sessions wait for that take them. */
import type { Client } from 'pg';
import type { PostgresMajor } from '../../scripts/install-postgres.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { type Measure, measure, quantile, ratio, timed } from '../harness/statistics.ts';
import { prepareWaitSamples, waitSamples } from '../harness/wait-samples.ts';
import {
  DELETE,
  dropWriteSide,
  FIRST_WRITES,
  INSERT,
  locksOfFirstWrites,
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
  readonly load: {
    readonly majors: readonly PostgresMajor[];
    readonly pairs: number;
    readonly clients: number;
    readonly rounds: number;
    readonly milliseconds: number;
  };
}

const SIZES: Readonly<Record<Level, Sizes>> = {
  full: {
    majors: [13, 17, 18],
    pairs: [17, 128, 512, 1_000],
    load: { majors: [17], pairs: 128, clients: 32, rounds: 3, milliseconds: 2_000 },
  },
  quick: {
    majors: [17],
    pairs: [17, 128],
    load: { majors: [17], pairs: 128, clients: 32, rounds: 1, milliseconds: 1_000 },
  },
  smoke: { majors: [17], pairs: [3], load: { majors: [17], pairs: 3, clients: 4, rounds: 1, milliseconds: 300 } },
};

/** Rows of each partition, of which the first writes delete some. */
const EACH = 20;

/** PostgreSQL's default, on which it also depends from 18 on how many locks a session keeps out of the shared lock table. */
const DEFAULT_LOCKS = { ...NO_DISK, max_locks_per_transaction: '64' } as const;

/** Partitions that a session writes to that stays and has all its plans. */
const FEW = 4;

const SESSIONS = {
  new: 'new after 7 operations',
  few: `kept, ${FEW} partitions each`,
  all: 'kept, all partitions',
} as const;
type Sessions = keyof typeof SESSIONS;

interface Counted {
  readonly version: string;
  readonly pairs: number;
  readonly locks: Readonly<Record<Subject, number>>;
}

interface Loaded {
  readonly version: string;
  readonly pairs: number;
  readonly clients: number;
  readonly sessions: Sessions;
  readonly subject: Subject;
  readonly perSecond: Measure;
  /** Milliseconds of an operation: median and 99th percentile. */
  readonly median: number;
  readonly p99: number;
  /** Percent of the sessions seen at work that waited for the lock manager. */
  readonly lockManager: Measure;
}

export const locks: Benchmark = {
  name: 'locks',
  title: 'Locks of the first writes of a session',
  about: `The databases of \`insert\`. First, in one transaction of a new session, seven DELETEs on the referenced side and seven
INSERTs on the referencing side, all of one partition: counted are the relations that the transaction has locked at its end, as
another session sees them. PostgreSQL plans the query of a foreign key for its values five times; with the sixth it makes a generic
plan to compare, and for that it locks every partition and its index. Then 32 clients that write without a pause: an operation is an
INSERT on either side and the DELETE that cascades, each a transaction of its own. Sessions end after seven operations (to connect takes
part of the time, and is not in the milliseconds of an operation), or stay and write to four partitions, or stay and write to all
partitions in turns: with pair FKs such a session goes on planning, as each of them has queries of its own. PostgreSQL's default of \`max_locks_per_transaction\`,
64; nothing waits for the disk. What the sessions wait for is looked at every 5 ms.`,
  cost: {
    full: { minutes: 5, gigabytes: 2 },
    quick: { minutes: 0.6, gigabytes: 0.5 },
    smoke: { minutes: 0.2, gigabytes: 0.3 },
  },
  async run(level, say, kept) {
    const { majors, pairs: sizes, load } = SIZES[level];
    const counted: Counted[] = [];
    for (const major of majors)
      await BenchServer.with(
        async (server) => {
          for (const pairs of sizes) {
            say(`PostgreSQL ${major}, ${pairs} pairs: locks`);
            counted.push(await kept.measured(`locks, ${major}, ${pairs} pairs`, () => count(server, pairs)));
          }
        },
        { major, settings: NO_DISK },
      );
    const loaded: Loaded[] = [];
    for (const major of load.majors)
      await BenchServer.with(
        async (server) => {
          say(`PostgreSQL ${major}, ${load.pairs} pairs: ${load.clients} clients`);
          const key = `clients, ${major}, ${load.pairs} pairs`;
          loaded.push(...(await kept.measured(key, () => measureLoad(server, load, say))));
        },
        { major, settings: DEFAULT_LOCKS },
      );
    return findings(counted, loaded);
  },
};

async function count(server: BenchServer, pairs: number): Promise<Counted> {
  await prepareWriteSide(server, { pairs, each: EACH, largest: EACH });
  const locks = {
    'parent FK': await locksOfFirstWrites(server, 'parent FK'),
    'parent FK, generic plans': await locksOfFirstWrites(server, 'parent FK, generic plans'),
    'pair FKs': await locksOfFirstWrites(server, 'pair FKs'),
  };
  await dropWriteSide(server);
  return { version: server.version, pairs, locks };
}

interface Round {
  readonly milliseconds: readonly number[];
  readonly perSecond: number;
  readonly lockManager: number;
}

async function measureLoad(
  server: BenchServer,
  { pairs, clients, rounds, milliseconds }: Sizes['load'],
  say: (line: string) => void,
): Promise<Loaded[]> {
  await prepareWriteSide(server, { pairs, each: EACH, largest: EACH });
  const observer = await server.session('postgres');
  await prepareWaitSamples(observer);
  const loaded: Loaded[] = [];
  for (const sessions of ['new', 'few', 'all'] as const) {
    const taken = perSubject((): Round[] => []);
    for (let round = 0; round < rounds; round++)
      for (const subject of round % 2 === 0 ? SUBJECTS : SUBJECTS.toReversed())
        taken[subject].push(await underLoad(server, observer, { subject, sessions, pairs, clients, milliseconds }));
    for (const subject of SUBJECTS) {
      const of = taken[subject];
      const times = of.flatMap((round) => round.milliseconds);
      const perSecond = measure(of.map((round) => round.perSecond));
      const lockManager = measure(of.map((round) => round.lockManager));
      say(
        `${SESSIONS[sessions]}, ${subject}: ${perSecond.median.toFixed(0)}/s, waits ${lockManager.median.toFixed(2)} %`,
      );
      loaded.push({
        version: server.version,
        pairs,
        clients,
        sessions,
        subject,
        perSecond,
        median: quantile(times, 0.5),
        p99: quantile(times, 0.99),
        lockManager,
      });
    }
  }
  await observer.end();
  await dropWriteSide(server);
  return loaded;
}

interface Load {
  readonly subject: Subject;
  readonly sessions: Sessions;
  readonly pairs: number;
  readonly clients: number;
  readonly milliseconds: number;
}

async function underLoad(server: BenchServer, observer: Client, load: Load): Promise<Round> {
  const application: Application = { running: true, finished: new Array(load.clients).fill(0), milliseconds: [] };
  const all = Promise.all(application.finished.map((_, number) => write(server, load, number, application)));
  // Nothing is counted before each client has all plans for a few partitions.
  const looked = async () => {
    while (Math.min(...application.finished) < FEW * FIRST_WRITES) await waitSamples(observer, 50);
    application.milliseconds = [];
    const seen = { active: 0, lockManager: 0 };
    const from = performance.now();
    // On a busy machine that may take longer.
    do {
      const more = await waitSamples(observer, load.milliseconds);
      seen.active += more.active;
      seen.lockManager += more.lockManager;
    } while (application.milliseconds.length < load.clients);
    const { milliseconds } = application;
    const seconds = (performance.now() - from) / 1_000;
    return {
      milliseconds: [...milliseconds],
      perSecond: milliseconds.length / seconds,
      lockManager: (100 * seen.lockManager) / Math.max(1, seen.active),
    };
  };
  try {
    // A client that fails ends the measurement at once.
    return await Promise.race([looked(), all.then(() => Promise.reject(new Error('no client is left')))]);
  } finally {
    application.running = false;
    await all;
  }
}

interface Application {
  running: boolean;
  /** Operations of each client. */
  readonly finished: number[];
  /** Of each operation, since counting began. */
  milliseconds: number[];
}

/** One client: rows that come and go. */
async function write(
  server: BenchServer,
  { subject, sessions, pairs }: Load,
  number: number,
  application: Application,
): Promise<void> {
  let client = await writer(server, subject);
  for (let turn = 0; application.running; turn++) {
    if (sessions === 'new' && turn > 0 && turn % FIRST_WRITES === 0) {
      await client.end();
      client = await writer(server, subject);
    }
    const partition = number * FEW + (sessions === 'few' ? turn % FEW : turn);
    const key = [`m${1 + (partition % pairs)}`, 1_000_000 * (number + 1) + turn];
    const took = await timed(async () => {
      await client.query('INSERT INTO public.inode (medium, ino, size) VALUES ($1, $2, 1)', key);
      await client.query(INSERT, key);
      await client.query(DELETE, key);
    });
    application.milliseconds.push(took);
    application.finished[number] = turn + 1;
  }
  await client.end();
}

function findings(counted: readonly Counted[], loaded: readonly Loaded[]): Findings {
  const lockTable: Table = {
    title: 'Relations locked by seven DELETEs and seven INSERTs of a new session',
    columns: ['PostgreSQL', 'pairs', ...SUBJECTS, 'parent FK, a pair'],
    rows: counted.map(({ version, pairs, locks }) => [
      version,
      pairs,
      ...SUBJECTS.map((subject) => locks[subject]),
      locks['parent FK'] / pairs,
    ]),
    note: 'Under the parent FK: both tables, every partition of both, and the index of each of these. Other indexes would count as well.',
  };
  const loadTable: Table = {
    title: `${loaded[0]?.clients} clients, ${loaded[0]?.pairs} pairs`,
    columns: [
      'PostgreSQL',
      'sessions',
      'foreign key',
      'operations a second',
      'median, ms',
      'p99, ms',
      'waiting for the lock manager, %',
    ],
    rows: loaded.map(({ version, sessions, subject, perSecond, median, p99, lockManager }) => [
      version,
      SESSIONS[sessions],
      subject,
      spread(perSecond),
      median,
      p99,
      spread(lockManager),
    ]),
    note: '*Waiting for the lock manager*: of the sessions seen at work. Two cores run two sessions at a time; with more cores more of them meet at these locks.',
  };
  return {
    tables: [lockTable, loadTable],
    targets: [...lockTargets(counted), ...loadTargets(loaded)],
    charts: [
      {
        id: 'locks-first-writes',
        title: 'Relations locked by the first writes of a session',
        kind: 'line',
        x: 'pairs',
        y: 'relations',
        logarithmic: true,
        points: counted.flatMap(({ version, pairs, locks }) =>
          (['parent FK', 'pair FKs'] as const).map((subject) => ({
            x: pairs,
            y: locks[subject],
            series: `${Number.parseInt(version, 10)}, ${subject}`,
          })),
        ),
      },
    ],
    samples: Object.fromEntries(
      loaded.flatMap(({ version, sessions, subject, perSecond, lockManager }) => [
        [`operations a second, ${version}, ${sessions}, ${subject}`, perSecond.samples],
        [`lock manager, ${version}, ${sessions}, ${subject}`, lockManager.samples],
      ]),
    ),
  };
}

function lockTargets(counted: readonly Counted[]): Target[] {
  return [...new Set(counted.map(({ version }) => version))].map((version) => {
    const range = (subject: Subject) => {
      const locks = counted.filter((one) => one.version === version).map((one) => one.locks[subject]);
      return { least: Math.min(...locks), most: Math.max(...locks) };
    };
    const [pair, parent] = [range('pair FKs'), range('parent FK')];
    return {
      what: `relations locked by the first writes of a session with pair FKs, ${version}`,
      target: 'the same for any number of pairs',
      measured: `${pair.least === pair.most ? pair.least : `${pair.least} to ${pair.most}`}; with the parent FK ${parent.least} to ${parent.most}`,
      met: pair.least === pair.most,
    };
  });
}

/** For each version and kind of sessions. */
function loadTargets(loaded: readonly Loaded[]): Target[] {
  return loaded
    .filter(({ subject }) => subject === 'pair FKs')
    .flatMap((pair) => {
      const parent = loaded.find(
        ({ version, sessions, subject }) =>
          version === pair.version && sessions === pair.sessions && subject === 'parent FK',
      );
      if (!parent) return [];
      const gain = ratio(pair.perSecond, parent.perSecond);
      const met = gain >= 0.95;
      return [
        {
          what: `${pair.clients} clients, ${pair.pairs} pairs, sessions ${SESSIONS[pair.sessions]}, ${pair.version}: operations a second`,
          target: 'not fewer with pair FKs: at least 0.95 times',
          measured: `${gain.toFixed(2)} times`,
          met,
          ...(met || pair.sessions !== 'all'
            ? {}
            : {
                reason:
                  'not looked into; presumably each pair FK has queries of its own, which a session plans for the values until it has written to that pair six times; in these seconds it writes to each about once',
              }),
        },
      ];
    });
}
