/** How long `p2pfk scan` takes on a database of many foreign keys. */
import { Client } from 'pg';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import { readLink } from '../../core/ledger/schema/state.ts';
import { scan as scanDatabase } from '../../core/scan/scan.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { runCommand } from '../harness/execution.ts';
import { type Findings, type Level, spread } from '../harness/result.ts';
import { alternate, type Measure, timed } from '../harness/statistics.ts';

const SIZES: Readonly<Record<Level, { foreignKeys: number[]; rounds: number }>> = {
  full: { foreignKeys: [10, 100, 1_000], rounds: 3 },
  quick: { foreignKeys: [10, 100], rounds: 3 },
  smoke: { foreignKeys: [2, 4], rounds: 1 },
};

/** Pairs of each foreign key: 1,000 of them have 50,000 partitions. */
const PAIRS = 25;

interface Scanned {
  readonly foreignKeys: number;
  readonly queries: number;
  readonly scan: Measure;
  readonly command: Measure;
  readonly maxRssMiB: number;
}

export const scan: Benchmark = {
  name: 'scan',
  title: 'A scan of a whole database',
  about: `Foreign keys of ${PAIRS} empty pairs each, every other one with an index on the referencing side. \`scan\` is called in this
process, and as a command. Queries are those behind the ones with which every command begins.`,
  cost: {
    full: { minutes: 20, gigabytes: 3 },
    quick: { minutes: 3, gigabytes: 1 },
    smoke: { minutes: 0.3, gigabytes: 0.2 },
  },
  async run(level, say) {
    const { foreignKeys: sizes, rounds } = SIZES[level];
    return BenchServer.with(async (server) => {
      const scanned: Scanned[] = [];
      await server.create('many');
      let made = 0;
      for (const foreignKeys of sizes) {
        say(`${foreignKeys} foreign keys: seeding`);
        await server.in('many', async (client) => {
          for (; made < foreignKeys; made++) await client.query(tables(made));
          for (const catalog of CATALOGS) await client.query(`VACUUM (ANALYZE) ${catalog}`);
        });
        say(`${foreignKeys} foreign keys: scan`);
        scanned.push(await measure(server.url('many'), foreignKeys, rounds));
      }
      return findings(scanned);
    });
  },
};

/** What autovacuum, which is off here, would have looked at. */
const CATALOGS = [
  'pg_attribute',
  'pg_class',
  'pg_constraint',
  'pg_depend',
  'pg_index',
  'pg_inherits',
  'pg_partitioned_table',
  'pg_trigger',
];

function tables(number: number): string {
  const [a, b] = [`ref_${number}`, `t_${number}`];
  const partitions = [a, b].flatMap((table) =>
    Array.from(
      { length: PAIRS },
      (_, value) => `CREATE TABLE ${table}_${value} PARTITION OF ${table} FOR VALUES IN (${value});`,
    ),
  );
  return `
    CREATE TABLE ${a} (p int, id bigint, PRIMARY KEY (p, id)) PARTITION BY LIST (p);
    CREATE TABLE ${b} (p int, id bigint, name text) PARTITION BY LIST (p);
    ${number % 2 === 0 ? `CREATE INDEX ON ${b} (p, id);` : ''}
    ${partitions.join('\n')}
    ALTER TABLE ${b} ADD CONSTRAINT ${b}_fk FOREIGN KEY (p, id) REFERENCES ${a} (p, id) ON DELETE CASCADE;`;
}

async function measure(databaseUrl: string, foreignKeys: number, rounds: number): Promise<Scanned> {
  let queries = 0;
  let maxRssMiB = 0;
  const scanOnce = async () => {
    const client = await connectReadOnly({ databaseUrl, applicationName: 'bench scan' });
    await readLink(client);
    const { query } = Client.prototype;
    queries = 0;
    Object.assign(client, {
      query(this: Client, ...parameters: unknown[]) {
        queries++;
        return (query as (...all: unknown[]) => unknown).apply(this, parameters);
      },
    });
    const from = performance.now();
    try {
      const { summary } = await scanDatabase(client, { schemas: null, statementTimeoutMs: 600_000 });
      if (summary.convertible !== foreignKeys) throw new Error(`${summary.convertible} are convertible`);
      return performance.now() - from;
    } finally {
      await client.end();
    }
  };
  const measured = await alternate(rounds, {
    scan: scanOnce,
    command: () =>
      timed(async () => {
        maxRssMiB = (await runCommand(['scan', '--json', '--database-url', databaseUrl])).maxRssMiB;
      }),
  });
  return { foreignKeys, queries, ...measured, maxRssMiB };
}

function findings(scanned: readonly Scanned[]): Findings {
  const counts = new Set(scanned.map(({ queries }) => queries));
  const largest = scanned.at(-1);
  return {
    tables: [
      {
        title: 'scan',
        columns: [
          'foreign keys',
          'partitions',
          'queries',
          'scan, ms',
          'ms a foreign key',
          'command, ms',
          'memory of the command, MiB',
        ],
        rows: scanned.map(({ foreignKeys, queries, scan: one, command, maxRssMiB }) => [
          foreignKeys,
          2 * PAIRS * foreignKeys,
          queries,
          spread(one),
          one.median / foreignKeys,
          spread(command),
          maxRssMiB,
        ]),
      },
    ],
    targets: [
      {
        what: 'queries of scan',
        target: 'the same number, at most 20, however many foreign keys',
        measured: [...counts].join(', '),
        met: counts.size === 1 && [...counts].every((count) => count <= 20),
      },
      ...(largest
        ? [
            {
              what: `scan of ${largest.foreignKeys} foreign keys with ${2 * PAIRS * largest.foreignKeys} partitions`,
              target: 'under 5 s',
              measured: `${(largest.scan.median / 1000).toFixed(2)} s`,
              met: largest.scan.median < 5_000,
            },
          ]
        : []),
    ],
    charts: [
      {
        id: 'scan-foreign-keys',
        title: 'Milliseconds a foreign key: level is linear',
        kind: 'line',
        x: 'foreign keys',
        y: 'milliseconds a foreign key',
        logarithmic: true,
        points: scanned.map(({ foreignKeys, scan: one }) => ({
          x: foreignKeys,
          y: one.median / foreignKeys,
          series: 'scan',
        })),
      },
    ],
    samples: Object.fromEntries(
      scanned.flatMap(({ foreignKeys, scan: one, command }) => [
        [`scan ${foreignKeys}`, one.samples] as const,
        [`command ${foreignKeys}`, command.samples] as const,
      ]),
    ),
  };
}
