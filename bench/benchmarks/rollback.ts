/** How long writes are blocked when the parent FK has to come back after it was dropped. */
import type { Plan, RollbackStrategy } from '../../core/contracts/documents.ts';
import type { PostgresMajor } from '../../scripts/install-postgres.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { succeed } from '../harness/execution.ts';
import { heldByRollback } from '../harness/held-times.ts';
import { type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { seedPairs } from '../harness/seed.ts';
import { alternate, type Measure, measure, timed } from '../harness/statistics.ts';

const SIZES: Readonly<Record<Level, { rows: number[]; pairs: number[]; rounds: number }>> = {
  full: { rows: [1_000_000, 4_000_000, 16_000_000], pairs: [17, 64, 256], rounds: 3 },
  quick: { rows: [100_000, 1_000_000], pairs: [17], rounds: 2 },
  smoke: { rows: [1_000], pairs: [3], rounds: 1 },
};

/** A round takes minutes from here on, on either way: so there is one. */
const MANY_PAIRS = 256;

/** On 18 both ways check one partition after the other against all referenced ones: a quarter of an hour each, at this size. */
const TOO_LONG = { major: 18, pairs: 256, rows: 16_000_000 } as const;

/** The oldest that attaches in production use, and the first with a NOT VALID parent FK. */
const MAJORS: readonly PostgresMajor[] = [14, 18];

interface Case {
  readonly version: string;
  readonly rows: number;
  readonly pairs: number;
  readonly strategy: RollbackStrategy;
  /** Longest time that any statement of ours held a lock against writers of all partitions, ms. */
  readonly ours: Measure;
  /** All such times together, of the leaves too, ms. */
  readonly together: Measure;
  /** The whole rollback, ms. */
  readonly whole: Measure;
  readonly plain: Measure;
}

export const rollback: Benchmark = {
  name: 'rollback',
  title: 'Writes blocked while the parent FK comes back',
  about: `A migrated database, each time as a fresh copy. \`p2pfk rollback\` puts the parent FK back; the ledger has how long each of
its statements held its locks, and those that hold writers up count: the parent FK itself (*longest*), and with the leaves'
foreign keys and the drops of the pair FKs *together* (each of those on one pair only). *Plain* is \`ALTER TABLE ... ADD FOREIGN
KEY\` on the same database, which reads every row while writes to all partitions wait. Three rounds of each case, one at 256 pairs;
16 M rows in 256 pairs are left out on 18, where they take half an hour.`,
  cost: {
    full: { minutes: 65, gigabytes: 14 },
    quick: { minutes: 2.2, gigabytes: 1 },
    smoke: { minutes: 0.4, gigabytes: 0.3 },
  },
  async run(level, say, kept) {
    const cases: Case[] = [];
    for (const major of MAJORS) {
      // To attach 256 pairs takes 3 * 256 * 256 lock entries.
      const settings = { max_locks_per_transaction: '4096' };
      await BenchServer.with(
        async (server) => {
          for (const pairs of SIZES[level].pairs)
            for (const rows of SIZES[level].rows) {
              if (major === TOO_LONG.major && pairs === TOO_LONG.pairs && rows === TOO_LONG.rows) continue;
              say(`PostgreSQL ${major}, ${pairs} pairs, ${rows} rows`);
              const rounds = pairs >= MANY_PAIRS ? 1 : SIZES[level].rounds;
              const key = `${major}, ${pairs} pairs, ${rows} rows`;
              cases.push(await kept.measured(key, () => measureCase(server, { rows, pairs, rounds })));
            }
        },
        { major, settings },
      );
    }
    return findings(cases);
  },
};

async function measureCase(
  server: BenchServer,
  { rows, pairs, rounds }: { rows: number; pairs: number; rounds: number },
): Promise<Case> {
  await server.create('migrated');
  await server.in('migrated', (client) => seedPairs(client, { pairs, rows, index: true }));
  const table = (database: string) => ['--quiet', '--json', '--table', 'path', '--database-url', server.url(database)];
  const planned = await succeed(['plan', ...table('migrated')]);
  const { strategy } = (JSON.parse(planned.stdout) as Plan).estimate.rollback;
  await succeed(['migrate', '--lock-timeout-ms', '60000', ...table('migrated')]);
  const longest: number[] = [];
  const together: number[] = [];
  const times = await alternate(rounds, {
    whole: async () => {
      await server.create('again', 'migrated');
      const { milliseconds } = await succeed(['rollback', '--lock-timeout-ms', '60000', ...table('again')]);
      const held = await server.in('again', heldByRollback);
      longest.push(held.parent);
      together.push(held.all);
      return milliseconds;
    },
    plain: async () => {
      await server.create('again', 'migrated');
      return server.in('again', (client) =>
        timed(() =>
          client.query(
            'ALTER TABLE path ADD CONSTRAINT path_fkey FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE',
          ),
        ),
      );
    },
  });
  await server.drop('again');
  await server.drop('migrated');
  return {
    version: server.version,
    rows,
    pairs,
    strategy,
    ours: measure(longest),
    together: measure(together),
    whole: times.whole,
    plain: times.plain,
  };
}

function findings(cases: readonly Case[]): Findings {
  const table: Table = {
    title: 'Writes blocked, ms',
    columns: [
      'PostgreSQL',
      'pairs',
      'rows',
      'strategy',
      'p2pfk: longest',
      'together',
      'whole rollback, s',
      'plain',
      'plain over p2pfk',
    ],
    rows: cases.map(({ version, pairs, rows, strategy, ours, together, whole, plain }) => [
      version,
      pairs,
      rows,
      strategy,
      spread(ours),
      spread(together),
      whole.median / 1000,
      spread(plain),
      plain.median / ours.median,
    ]),
  };
  const label = ({ version, pairs, strategy }: Case) => `${Number.parseInt(version, 10)}, ${pairs} pairs, ${strategy}`;
  return {
    tables: [table],
    targets: targets(cases),
    charts: [
      {
        id: 'rollback-blocked',
        title: 'Writes blocked while the parent FK comes back',
        kind: 'line',
        x: 'referencing rows',
        y: 'milliseconds',
        logarithmic: true,
        points: cases.flatMap((one) => [
          { x: one.rows, y: one.ours.median, series: label(one) },
          ...(one.pairs === cases[0]?.pairs
            ? [
                {
                  x: one.rows,
                  y: one.plain.median,
                  series: `${Number.parseInt(one.version, 10)}, ${one.pairs} pairs, plain`,
                },
              ]
            : []),
        ]),
      },
    ],
    samples: Object.fromEntries(
      cases.flatMap((one) => [
        [`longest ${label(one)}, ${one.rows} rows`, one.ours.samples],
        [`plain ${label(one)}, ${one.rows} rows`, one.plain.samples],
      ]),
    ),
  };
}

/** For each version and number of pairs: the most rows over the fewest. */
function targets(cases: readonly Case[]): Target[] {
  const groups = new Map<string, Case[]>();
  for (const one of cases) {
    const key = `${one.strategy} on ${one.version}, ${one.pairs} pairs`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups].map(([name, group]) => {
    const few = group[0] as Case;
    const many = group.at(-1) as Case;
    const grown = many.ours.median / few.ours.median;
    return {
      what: `${name}: writes blocked, ${many.rows.toLocaleString('en-GB')} rows over ${few.rows.toLocaleString('en-GB')}`,
      target: 'independent of the rows: under 1.5 times',
      measured: `${grown.toFixed(2)} times (${few.ours.median.toFixed(0)} to ${many.ours.median.toFixed(0)} ms; plain ${(many.plain.median / few.plain.median).toFixed(1)} times, to ${(many.plain.median / 1000).toFixed(1)} s)`,
      met: grown < 1.5,
    };
  });
}
