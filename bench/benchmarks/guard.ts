/** What the row-movement guard costs an UPDATE: none, one on each leaf, and the shape of an older edition for comparison. */
import type { Client } from 'pg';
import { connect } from '../../core/ledger/connect.ts';
import { newLedger } from '../../core/ledger/schema/make-ledger.ts';
import { run } from '../../core/postgres/sql.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { type Findings, type Level, spread } from '../harness/result.ts';
import { alternate, type Measure, timed } from '../harness/statistics.ts';

const SIZES: Readonly<Record<Level, { rounds: number; rows: number }>> = {
  full: { rounds: 15, rows: 100_000 },
  quick: { rounds: 7, rows: 50_000 },
  smoke: { rounds: 1, rows: 1_000 },
};

const SUBJECTS = ['no guard', 'guard on each leaf', 'guard on the table (older edition)'] as const;
type Subject = (typeof SUBJECTS)[number];

/** Kinds of partitions, and an UPDATE that changes no key. */
const KINDS = {
  'LIST, one value': { by: 'LIST (k)', bound: "FOR VALUES IN ('aaaaaaaa')" },
  'LIST, 50 values': {
    by: 'LIST (k)',
    bound: `FOR VALUES IN ('aaaaaaaa', ${Array.from({ length: 49 }, (_, n) => `'v${n}'`).join(', ')})`,
  },
  RANGE: { by: 'RANGE (k, id)', bound: "FOR VALUES FROM ('a', 0) TO ('b', 0)" },
  HASH: { by: 'HASH (k)', bound: 'FOR VALUES WITH (MODULUS 1, REMAINDER 0)' },
  DEFAULT: { by: 'LIST (k)', bound: 'DEFAULT' },
} as const;

export const guard: Benchmark = {
  name: 'guard',
  title: 'What the row-movement guard costs an UPDATE',
  about: `One UPDATE of a column that is in no key, of all rows of a leaf, rolled back. Three copies of the table take turns: without
a guard, with the guard that the migration makes on each leaf, and with the guard of an older edition, a trigger BEFORE UPDATE OF the
key on the table, which sees no key that another trigger changes. What is told is microseconds a row.`,
  cost: {
    full: { minutes: 3, gigabytes: 0.5 },
    quick: { minutes: 0.8, gigabytes: 0.3 },
    smoke: { minutes: 0.1, gigabytes: 0.1 },
  },
  run: (level, say) => BenchServer.with((server) => measureAll(server, level, say)),
};

async function measureAll(server: BenchServer, level: Level, say: (line: string) => void): Promise<Findings> {
  const { rounds, rows } = SIZES[level];
  await server.create('guard');
  const client = await connect({ databaseUrl: server.url('guard'), applicationName: 'p2pfk/-/bench' });
  try {
    await client.query(newLedger());
    const measured: [string, Record<Subject, Measure>][] = [];
    for (const [kind, { by, bound }] of Object.entries(KINDS)) {
      say(`${kind}, ${rows} rows`);
      await makeTables(client, by, bound, rows);
      const update = (n: number) => async () => {
        await client.query('BEGIN');
        const took = await timed(() => client.query(`UPDATE public.r_${n} SET size = size + 1`));
        await client.query('ROLLBACK');
        await client.query(`VACUUM public.leaf_${n}`);
        return (took * 1_000) / rows;
      };
      measured.push([
        kind,
        await alternate(rounds, {
          'no guard': update(0),
          'guard on each leaf': update(1),
          'guard on the table (older edition)': update(2),
        }),
      ]);
    }
    return findings(measured);
  } finally {
    await client.end();
  }
}

async function makeTables(client: Client, by: string, bound: string, rows: number): Promise<void> {
  for (const n of SUBJECTS.keys())
    await client.query(`
      DROP TABLE IF EXISTS public.r_${n};
      CREATE TABLE public.r_${n} (k text, id int, size int, PRIMARY KEY (k, id)) PARTITION BY ${by};
      CREATE TABLE public.leaf_${n} PARTITION OF public.r_${n} ${bound};
      ${bound === 'DEFAULT' ? `CREATE TABLE public.sibling_${n} PARTITION OF public.r_${n} FOR VALUES IN ('x');` : ''}
      INSERT INTO public.r_${n} SELECT 'aaaaaaaa', n, 1 FROM generate_series(1, ${rows}) AS n`);
  const { rows: leaves } = await client.query(
    `SELECT 1 AS pair, 'public.leaf_1'::regclass::oid::bigint AS referenced_oid`,
  );
  const made = await run(client, 'statements/create-row-movement-guard', {
    referencing_oid: 0,
    referenced_oid: 0,
    migration_id: '1',
    pairs: leaves,
  });
  for (const { sql } of made) await client.query(sql);
  await client.query(`CREATE TRIGGER p2pfk_row_movement_guard_1 BEFORE UPDATE OF k, id ON public.r_2 FOR EACH ROW
    WHEN (OLD.k IS DISTINCT FROM NEW.k OR OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION p2pfk.refuse_row_movement()`);
  await client.query('VACUUM ANALYZE');
}

function findings(measured: readonly (readonly [string, Record<Subject, Measure>])[]): Findings {
  const added = measured.map(([kind, times]) => ({
    kind,
    microseconds: times['guard on each leaf'].median - times['no guard'].median,
  }));
  const most = Math.max(...added.map(({ microseconds }) => microseconds));
  return {
    tables: [
      {
        title: 'UPDATE of a column that is in no key, microseconds a row',
        columns: ['leaf', ...SUBJECTS, 'the guard adds'],
        rows: measured.map(([kind, times], n) => [
          kind,
          ...SUBJECTS.map((subject) => spread(times[subject])),
          added[n]?.microseconds ?? null,
        ]),
      },
    ],
    targets: [
      {
        what: 'what the guard adds to an UPDATE of a row that stays',
        target: 'under 2 microseconds a row',
        measured: `${most.toFixed(2)} microseconds at most (${added.find(({ microseconds }) => microseconds === most)?.kind})`,
        met: most < 2,
      },
    ],
    charts: [],
    samples: Object.fromEntries(
      measured.flatMap(([kind, times]) => SUBJECTS.map((subject) => [`${kind}, ${subject}`, times[subject].samples])),
    ),
  };
}
