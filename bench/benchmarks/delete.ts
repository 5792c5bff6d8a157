/** The source case: what a DELETE on the referenced side costs, by kind of foreign key and by index. */
import type { Client } from 'pg';
import { type Medium, seed } from '../../local/demo/schema.ts';
import { BenchServer } from '../harness/bench-server.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { type Cell, type Findings, type Level, spread, type Table, type Target } from '../harness/result.ts';
import { alternate, type Measure, measure, quantile } from '../harness/statistics.ts';

interface Sizes {
  readonly rows: readonly number[];
  readonly rounds: number;
  /** Single DELETEs on one connection, and of those with a new connection for each; without an index there are `slow` of either. */
  readonly stream: number;
  readonly fresh: number;
  readonly slow: number;
  readonly capMs: number;
}

const SIZES: Readonly<Record<Level, Sizes>> = {
  full: { rows: [1_000_000, 4_000_000, 16_000_000], rounds: 5, stream: 2_000, fresh: 100, slow: 20, capMs: 60_000 },
  quick: { rows: [200_000, 1_000_000], rounds: 3, stream: 300, fresh: 30, slow: 5, capMs: 3_000 },
  smoke: { rows: [5_000], rounds: 1, stream: 5, fresh: 2, slow: 2, capMs: 10_000 },
};

/** The four of the source case, as databases. */
const VARIANTS = {
  parent: 'parent FK, no index (the hang)',
  parent_index: 'parent FK, index',
  pair: 'pair FKs, no index',
  pair_index: 'pair FKs, index',
} as const;
type Variant = keyof typeof VARIANTS;
const variants = Object.keys(VARIANTS) as Variant[];
const indexed = variants.filter((variant) => variant.endsWith('index'));
const unindexed = variants.filter((variant) => !variant.endsWith('index'));

const BATCHES = [10, 1_000] as const;

interface Sized {
  readonly rows: number;
  readonly partition: number;
  /** By batch: milliseconds of one DELETE of so many rows. */
  readonly batches: Readonly<Record<number, Readonly<Record<Variant, Measure>>>>;
  readonly streams: readonly Stream[];
}

interface Stream {
  readonly variant: Variant;
  readonly connection: 'kept' | 'new';
  readonly samples: number[];
}

export const deletes: Benchmark = {
  name: 'delete',
  title: 'DELETE on the referenced side',
  about: `The database of the source case: 17 skewed pairs, ON DELETE CASCADE. Four copies of it differ in their foreign keys and
in the index on the referencing columns, and take turns. One statement deletes rows of the largest partition and is rolled back;
what takes longer than the cap is cut, counted as the cap and not tried again. The streams delete one row after the other, each a
transaction of its own that is committed to disk: on one connection that stays, and with a new connection for each (the connecting
itself is not counted: what is counted is the first DELETE of a session, whose plans are not made yet).`,
  cost: {
    full: { minutes: 16, gigabytes: 34 },
    quick: { minutes: 1.6, gigabytes: 2 },
    smoke: { minutes: 0.2, gigabytes: 0.3 },
  },
  async run(level, say) {
    const { rows: sizes } = SIZES[level];
    return BenchServer.with(async (server) => {
      const sized: Sized[] = [];
      for (const rows of sizes) {
        say(`${rows} rows: seeding`);
        const media = await prepare(server, rows);
        sized.push(await measureSize(server, level, rows, media, say));
        for (const variant of variants) await server.drop(variant);
      }
      return findings(sized, SIZES[level].capMs);
    });
  },
};

const COLUMNS = '(medium_hash, ino)';

async function prepare(server: BenchServer, rows: number): Promise<Medium[]> {
  await server.create('parent');
  const media = await server.in('parent', (client) => seed(client, rows));
  await server.create('pair', 'parent');
  await server.in('pair', (client) => toPairs(client, media));
  for (const variant of ['parent', 'pair'] as const) {
    await server.create(`${variant}_index`, variant);
    await server.in(`${variant}_index`, (client) => client.query(`CREATE INDEX ON public.path ${COLUMNS}`));
  }
  for (const variant of variants)
    await server.in(variant, (client) => client.query('VACUUM (ANALYZE) public.inode, public.path'));
  return media;
}

async function toPairs(client: Client, media: readonly Medium[]): Promise<void> {
  await client.query('ALTER TABLE public.path DROP CONSTRAINT path_medium_hash_ino_fkey');
  for (const { pathPartition, inodePartition } of media) {
    if (pathPartition === null) continue;
    await client.query(
      `ALTER TABLE public.${pathPartition} ADD CONSTRAINT fk_pair FOREIGN KEY ${COLUMNS} REFERENCES public.${inodePartition} ${COLUMNS} ON DELETE CASCADE`,
    );
  }
}

async function measureSize(
  server: BenchServer,
  level: Level,
  rows: number,
  media: readonly Medium[],
  say: (line: string) => void,
): Promise<Sized> {
  const { rounds, stream, fresh, slow, capMs } = SIZES[level];
  const [largest] = media;
  if (!largest) throw new Error('there is no medium');
  const sessions = Object.fromEntries(
    await Promise.all(variants.map(async (variant) => [variant, await server.session(variant)] as const)),
  ) as Record<Variant, Client>;
  const batches: Record<number, Record<Variant, Measure>> = {};
  for (const batch of BATCHES) {
    say(`${rows} rows: DELETE of ${batch}`);
    // What was cut once would be cut again: it costs a minute a round, and says the same.
    const cut = new Set<Variant>();
    const turn = (variant: Variant) => async () => {
      if (cut.has(variant)) return capMs;
      const milliseconds = await deleteBatch(sessions[variant], largest, batch, capMs);
      if (milliseconds >= capMs) cut.add(variant);
      return milliseconds;
    };
    batches[batch] = await alternate(
      rounds,
      Object.fromEntries(variants.map((variant) => [variant, turn(variant)])) as Record<Variant, () => Promise<number>>,
    );
  }
  say(`${rows} rows: streams of single DELETEs`);
  const streams = [
    ...(await measureStreams(server, sessions, largest, { subjects: indexed, kept: stream, fresh })),
    ...(await measureStreams(server, sessions, largest, { subjects: unindexed, kept: slow, fresh: slow })),
  ];
  for (const client of Object.values(sessions)) await client.end();
  return { rows, partition: largest.paths, batches, streams };
}

/** One row after the other, the subjects in turns: whatever disturbs the disk disturbs all. */
async function measureStreams(
  server: BenchServer,
  sessions: Readonly<Record<Variant, Client>>,
  largest: Medium,
  { subjects, kept, fresh }: { subjects: readonly Variant[]; kept: number; fresh: number },
): Promise<Stream[]> {
  const connections = ['kept', 'new'] as const;
  const streams = connections.flatMap((connection) =>
    subjects.map((variant): Stream => ({ variant, connection, samples: [] })),
  );
  const turn = (ino: number, connection: Stream['connection']) => {
    const of = streams.filter((one) => one.connection === connection);
    return ino % 2 === 0 ? of : of.toReversed();
  };
  for (let ino = 1; ino <= Math.min(kept, largest.inodes - fresh); ino++) {
    for (const { variant, samples } of turn(ino, 'kept'))
      samples.push(await deleteOne(sessions[variant], largest, ino));
  }
  for (let ino = largest.inodes - fresh + 1; ino <= largest.inodes; ino++) {
    for (const { variant, samples } of turn(ino, 'new'))
      samples.push(await server.in(variant, (client) => deleteOne(client, largest, ino)));
  }
  return streams;
}

/** In the middle of the partition, away from the rows of the streams. */
async function deleteBatch(client: Client, medium: Medium, batch: number, capMs: number): Promise<number> {
  const first = Math.floor(medium.inodes / 2);
  await client.query(`BEGIN; SET LOCAL statement_timeout = ${capMs}`);
  const from = performance.now();
  try {
    await client.query('DELETE FROM public.inode WHERE medium_hash = $1 AND ino BETWEEN $2 AND $3', [
      medium.mediumHash,
      first,
      first + batch - 1,
    ]);
    return performance.now() - from;
  } catch (error) {
    if ((error as { code?: string }).code !== '57014') throw error;
    return capMs;
  } finally {
    await client.query('ROLLBACK');
  }
}

async function deleteOne(client: Client, medium: Medium, ino: number): Promise<number> {
  const from = performance.now();
  await client.query('DELETE FROM public.inode WHERE medium_hash = $1 AND ino = $2', [medium.mediumHash, ino]);
  return performance.now() - from;
}

function findings(sized: readonly Sized[], capMs: number): Findings {
  const capped = (one: Measure): Cell => (one.median >= capMs ? `over ${capMs / 1000} s` : spread(one));
  const batchTables = BATCHES.map(
    (batch): Table => ({
      title: `One DELETE of ${batch.toLocaleString('en-GB')} rows, ms`,
      columns: ['rows', 'rows of the partition', ...Object.values(VARIANTS), 'index gains', 'pair FK gains beside it'],
      rows: sized.map(({ rows, partition, batches }) => {
        const of = batches[batch] as Readonly<Record<Variant, Measure>>;
        return [
          rows,
          partition,
          ...variants.map((variant) => capped(of[variant])),
          of.parent.median / of.parent_index.median,
          of.parent_index.median / of.pair_index.median,
        ];
      }),
      note: '*index gains*: the hang over the parent FK with an index; at least that, where the hang was cut. *pair FK gains beside it*: with the index in both cases.',
    }),
  );
  const streamTable: Table = {
    title: 'A stream of single DELETEs, each committed to disk, ms',
    columns: ['rows', 'connection', 'foreign key', 'deletes', 'median', 'p99', 'longest'],
    rows: sized.flatMap(({ rows, streams }) =>
      streams.map(({ variant, connection, samples }) => [
        rows,
        connection,
        VARIANTS[variant],
        samples.length,
        quantile(samples, 0.5),
        quantile(samples, 0.99),
        Math.max(...samples),
      ]),
    ),
  };
  return {
    tables: [...batchTables, streamTable],
    targets: targets(sized, capMs),
    charts: [
      {
        id: 'delete-ten',
        title: 'One DELETE of 10 rows',
        kind: 'line',
        x: 'referencing rows',
        y: 'milliseconds',
        logarithmic: true,
        points: sized.flatMap(({ rows, batches }) =>
          variants.map((variant) => ({
            x: rows,
            y: batches[10]?.[variant].median ?? Number.NaN,
            series: VARIANTS[variant],
          })),
        ),
      },
    ],
    samples: Object.fromEntries(
      sized.flatMap(({ rows, batches, streams }) => [
        ...BATCHES.flatMap((batch) =>
          variants.map(
            (variant) => [`${variant} ${batch} of ${rows}`, batches[batch]?.[variant].samples ?? []] as const,
          ),
        ),
        ...streams.map(
          ({ variant, connection, samples }) => [`${variant} single ${connection} of ${rows}`, samples] as const,
        ),
      ]),
    ),
  };
}

/** README's claims, at the largest size. */
function targets(sized: readonly Sized[], capMs: number): Target[] {
  const large = sized.at(-1);
  const small = sized[0];
  const batches = large?.batches[10];
  if (!large || !small || !batches) return [];
  const time = (one: Measure) =>
    one.median >= capMs
      ? `over ${capMs / 1000} s`
      : one.median >= 1_000
        ? `${(one.median / 1000).toFixed(1)} s`
        : `${one.median.toFixed(1)} ms`;
  const kept = (variant: Variant) =>
    measure(large.streams.find((one) => one.variant === variant && one.connection === 'kept')?.samples ?? []);
  const single = kept('parent_index').median / kept('pair_index').median;
  const size = `${large.rows.toLocaleString('en-GB')} rows`;
  return [
    {
      what: `DELETE of 10 rows, ${size}, after the migration (pair FK and index)`,
      target: 'under 1 s',
      measured: `${time(batches.pair_index)}; before it ${time(batches.parent)}`,
      met: batches.pair_index.median < 1_000,
    },
    {
      what: `what of that the pair FK gains beside the index, ${size}`,
      target: 'told, whatever it is',
      measured: `${(batches.parent_index.median / batches.pair_index.median).toFixed(2)} times for 10 rows, ${((large.batches[1_000]?.parent_index.median ?? Number.NaN) / (large.batches[1_000]?.pair_index.median ?? Number.NaN)).toFixed(2)} for 1,000, ${single.toFixed(2)} for single deletes`,
      met: true,
    },
    {
      what: `pair FKs alone, without the index, ${size}`,
      target: 'told, whatever it is',
      measured: `${time(batches.pair)} for 10 rows: ${batches.pair.median > batches.parent.median / 2 ? 'they do not help' : 'they help'}`,
      met: true,
    },
  ];
}
