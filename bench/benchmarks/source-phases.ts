/** What the benchmark `source` does in its one database, phase after phase. */
import type { Client } from 'pg';
import { run } from '../../core/postgres/sql.ts';
import { type Medium, seed } from '../../local/demo/schema.ts';
import type { BenchServer } from '../harness/bench-server.ts';
import { succeed } from '../harness/execution.ts';
import { heldByDrop, heldByRollback } from '../harness/held-times.ts';
import { migratePlainly } from '../harness/plain-way.ts';
import { type Measure, measure, timed } from '../harness/statistics.ts';

export const DATABASE = 'source';
const COLUMNS = '(medium_hash, ino)';
const PARENT = 'path_medium_hash_ino_fkey';
export const BATCHES = [10, 1_000] as const;

export interface Sizes {
  readonly rounds: number;
  /** Single INSERTs of a round. */
  readonly inserts: number;
  /** A DELETE that takes longer is cut: the source case's took 281 s. */
  readonly capMs: number;
}

export interface Writes {
  /** By batch: milliseconds of one DELETE of so many rows of the largest referenced partition. */
  readonly deletes: Readonly<Record<number, Measure>>;
  /** Microseconds of a single INSERT into the largest referencing partition. */
  readonly insert: Measure;
}

export interface ByTheGuide {
  readonly phases: Readonly<Record<string, number>>;
  readonly after: Writes;
  /** Milliseconds: the parent FK comes back, while writes to all partitions wait. */
  readonly parentBack: number;
  readonly wholeRollback: number;
}

export interface ByP2pfk {
  readonly milliseconds: number;
  readonly maxRssMiB: number;
  readonly dropHeldMs: number;
  readonly after: Writes;
}

export interface RolledBack {
  readonly milliseconds: number;
  readonly maxRssMiB: number;
  readonly longestHeldMs: number;
  readonly allHeldMs: number;
}

/** @returns the largest medium */
export async function seeded(server: BenchServer, rows: number, say: (line: string) => void): Promise<Medium> {
  const there = await server.in('postgres', async (client) => {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    return found.rows.length > 0;
  });
  if (there) say(`${rows.toLocaleString('en-GB')} rows are there from an earlier run`);
  else {
    say(`${rows.toLocaleString('en-GB')} rows: seeding`);
    await server.create('seeding');
    await server.in('seeding', (client) =>
      seed(client, rows, ({ pathPartition, paths }) => {
        if (pathPartition) say(`${pathPartition}: ${paths.toLocaleString('en-GB')} rows`);
      }),
    );
    // Last: a database of that name is complete.
    await server.in('postgres', (client) => client.query(`ALTER DATABASE seeding RENAME TO ${DATABASE}`));
  }
  const [first] = await server.in(DATABASE, (client) => run(client, 'demo/media', { rows: String(rows) }));
  if (!first) throw new Error('there is no medium');
  return {
    mediumHash: first.medium_hash,
    inodePartition: first.inode_partition,
    pathPartition: first.path_partition,
    inodes: Number(first.inodes),
    paths: Number(first.paths),
  };
}

export async function bytesOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size(current_database())::text AS bytes');
  return Number(rows[0]?.bytes);
}

/** The seed as it was, whatever a run that was cut short has left: the parent FK, no other foreign key, no index more. */
export async function toOrigin(server: BenchServer): Promise<void> {
  await server.in(DATABASE, async (client) => {
    await client.query('DROP SCHEMA IF EXISTS p2pfk CASCADE');
    await addParent(client);
    await dropPairForeignKeys(client);
    await each(
      client,
      `SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS sql FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relname LIKE 'path%' AND NOT i.indisprimary`,
    );
    await client.query('VACUUM (ANALYZE) public.path, public.inode');
  });
}

async function addParent(client: Client): Promise<void> {
  const { rows } = await client.query('SELECT FROM pg_constraint WHERE conname = $1 AND conparentid = 0', [PARENT]);
  if (rows.length > 0) return;
  await client.query(
    `ALTER TABLE public.path ADD CONSTRAINT ${PARENT} FOREIGN KEY ${COLUMNS} REFERENCES public.inode ${COLUMNS} ON DELETE CASCADE`,
  );
}

async function dropPairForeignKeys(client: Client): Promise<void> {
  await each(
    client,
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS sql FROM pg_constraint
      WHERE contype = 'f' AND conparentid = 0 AND conrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'public.path'::regclass)`,
  );
}

async function each(client: Client, query: string): Promise<void> {
  const { rows } = await client.query<{ sql: string }>(query);
  for (const { sql } of rows) await client.query(sql);
}

export async function measureWrites(
  server: BenchServer,
  largest: Medium,
  { rounds, inserts, capMs }: Sizes,
): Promise<Writes> {
  return server.in(DATABASE, async (client) => {
    await client.query('VACUUM (ANALYZE) public.path, public.inode');
    const deletes: Record<number, Measure> = {};
    let cut = false;
    for (const batch of BATCHES) {
      const samples: number[] = [];
      for (let round = 0; round < rounds; round++) {
        samples.push(cut ? capMs : await deleteBatch(client, largest, batch, capMs));
        // What was cut once would be cut again, and a larger batch, too.
        cut ||= samples.some((sample) => sample >= capMs);
      }
      deletes[batch] = measure(samples);
    }
    const samples: number[] = [];
    for (let round = 0; round < rounds; round++) samples.push(await insertSingly(client, largest, inserts));
    await client.query('VACUUM public.path, public.inode');
    return { deletes, insert: measure(samples) };
  });
}

/** @returns milliseconds, the cap where it was cut */
async function deleteBatch(client: Client, medium: Medium, batch: number, capMs: number): Promise<number> {
  const first = Math.floor(medium.inodes / 2);
  await client.query(`BEGIN; SET LOCAL statement_timeout = ${capMs}`);
  const from = performance.now();
  try {
    await client.query('DELETE FROM public.inode WHERE medium_hash = $1 AND ino >= $2 AND ino < $3', [
      medium.mediumHash,
      first,
      first + batch,
    ]);
    return performance.now() - from;
  } catch (error) {
    if ((error as { code?: string }).code !== '57014') throw error;
    return capMs;
  } finally {
    await client.query('ROLLBACK');
  }
}

/** @returns microseconds each */
async function insertSingly(client: Client, medium: Medium, inserts: number): Promise<number> {
  await client.query('BEGIN');
  const all = await timed(async () => {
    for (let n = 1; n <= inserts; n++)
      await client.query(
        'INSERT INTO public.path (medium_hash, ino, path, seen_at) VALUES ($1, $2, $3, clock_timestamp())',
        [medium.mediumHash, 1 + ((n * 7_919) % medium.inodes), `/bench/${n}`],
      );
  });
  await client.query('ROLLBACK');
  return (all * 1_000) / inserts;
}

export async function byTheGuide(server: BenchServer, writes: () => Promise<Writes>): Promise<ByTheGuide> {
  const phases = new Map<string, number>();
  const session = await server.session(DATABASE);
  await migratePlainly({ sessions: [session], phases, withoutIndexes: true, counted: 3 });
  const after = await writes();
  let parentBack = Number.NaN;
  const wholeRollback = await timed(async () => {
    await dropPairForeignKeys(session);
    parentBack = await timed(() => addParent(session));
  });
  await session.end();
  return { phases: Object.fromEntries(phases), after, parentBack, wholeRollback };
}

/** On a busy machine a lock that does not fit into the usual budget is tried again, after pauses that are not what is measured here. */
export function command(server: BenchServer, name: 'migrate' | 'rollback') {
  const options = ['--lock-timeout-ms', '10000', '--table', 'public.path', '--database-url', server.url(DATABASE)];
  return succeed([name, '--quiet', '--json', ...options]);
}

export async function byP2pfk(server: BenchServer, writes: () => Promise<Writes>): Promise<ByP2pfk> {
  const { milliseconds, maxRssMiB } = await command(server, 'migrate');
  const dropHeldMs = await server.in(DATABASE, heldByDrop);
  return { milliseconds, maxRssMiB, dropHeldMs, after: await writes() };
}

export async function rollBack(server: BenchServer): Promise<RolledBack> {
  const { milliseconds, maxRssMiB } = await command(server, 'rollback');
  const held = await server.in(DATABASE, heldByRollback);
  return { milliseconds, maxRssMiB, longestHeldMs: held.parent, allHeldMs: held.all };
}

export async function isMigrated(server: BenchServer): Promise<boolean> {
  return server.in(DATABASE, async (client) => {
    const { rows } = await client.query<{ migrated: boolean }>(
      `SELECT to_regclass('p2pfk.migration') IS NOT NULL
              AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = $1 AND conparentid = 0) AS migrated`,
      [PARENT],
    );
    return rows[0]?.migrated ?? false;
  });
}
