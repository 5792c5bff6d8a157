/** Databases that differ in their foreign keys only, and sessions on them: what a write costs on the referencing side. */
import type { Client } from 'pg';
import { connect } from '../../core/ledger/connect.ts';
import { newLedger } from '../../core/ledger/schema/make-ledger.ts';
import { run } from '../../core/postgres/sql.ts';
import type { BenchServer } from './bench-server.ts';
import { seedPairs } from './seed.ts';

/** The parent FK in two sessions' settings, and the pair FKs that replace it. */
export const SUBJECTS = ['parent FK', 'parent FK, generic plans', 'pair FKs'] as const;
export type Subject = (typeof SUBJECTS)[number];

const DATABASES: Readonly<Record<Subject, string>> = {
  'parent FK': 'parent',
  'parent FK, generic plans': 'parent',
  'pair FKs': 'pair',
};

/** What is measured is the work of the checks, so no commit, of the preparation either, waits for the disk. */
export const NO_DISK = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } as const;

/** Pair FKs made in one transaction: each takes locks, and the lock table is bounded. */
const BATCH = 100;

export interface WriteSideSeed {
  readonly pairs: number;
  /** Rows of each partition, on both sides, with the keys (`m1`, 1), (`m1`, 2) and so on. */
  readonly each: number;
  /** As many in the first partition, `m1`; of its referenced rows the same number besides that no row references. */
  readonly largest: number;
}

/** Databases `parent` and `pair`: the same rows and indexes, with the parent FK and with the pair FKs of a migration. */
export async function prepareWriteSide(server: BenchServer, { pairs, each, largest }: WriteSideSeed): Promise<void> {
  await server.create('parent');
  await server.in('parent', async (client) => {
    await seedPairs(client, { pairs, rows: pairs * each, index: true });
    await client.query(`
      BEGIN;
      SET LOCAL session_replication_role = replica;
      INSERT INTO inode_1 SELECT 'm1', g, g FROM generate_series(${each} + 1, 2 * ${largest}) AS g;
      INSERT INTO path_1 SELECT 'm1', g, '/raw/' || g FROM generate_series(${each} + 1, ${largest}) AS g;
      COMMIT`);
    await client.query('VACUUM (ANALYZE) inode_1, path_1');
  });
  await server.create('pair', 'parent');
  await toPairForeignKeys(server.url('pair'), pairs);
}

/** What a migration leaves: no parent FK, a foreign key for each pair, and the row-movement guard on each referenced leaf. */
async function toPairForeignKeys(databaseUrl: string, pairs: number): Promise<void> {
  const client = await connect({ databaseUrl, applicationName: 'p2pfk/-/bench' });
  try {
    await client.query(newLedger());
    await client.query('ALTER TABLE public.path DROP CONSTRAINT path_fkey');
    const { rows: leaves } = await client.query<{ pair: number; referenced_oid: number }>(
      `SELECT n AS pair, ('public.inode_' || n)::regclass::oid::bigint AS referenced_oid FROM generate_series(1, ${pairs}) AS n`,
    );
    const guards = await run(client, 'statements/create-row-movement-guard', {
      referencing_oid: 0,
      referenced_oid: 0,
      migration_id: '1',
      pairs: leaves,
    });
    for (const { sql } of guards) await client.query(sql);
    for (let first = 1; first <= pairs; first += BATCH)
      await client.query(`
        DO $$
        BEGIN
          FOR i IN ${first}..${Math.min(pairs, first + BATCH - 1)} LOOP
            EXECUTE format('ALTER TABLE public.path_%s ADD CONSTRAINT fk_pair FOREIGN KEY (medium, ino)
                            REFERENCES public.inode_%s (medium, ino) ON DELETE CASCADE', i, i);
          END LOOP;
        END $$`);
  } finally {
    await client.end();
  }
}

export async function dropWriteSide(server: BenchServer): Promise<void> {
  await server.drop('parent');
  await server.drop('pair');
}

/** A new session of an application that has not read or written anything yet. */
export async function writer(server: BenchServer, subject: Subject): Promise<Client> {
  const client = await server.session(DATABASES[subject]);
  if (subject === 'parent FK, generic plans') await client.query('SET plan_cache_mode = force_generic_plan');
  return client;
}

/** One value for each subject. */
export function perSubject<Value>(value: (subject: Subject) => Value): Record<Subject, Value> {
  return {
    'parent FK': value('parent FK'),
    'parent FK, generic plans': value('parent FK, generic plans'),
    'pair FKs': value('pair FKs'),
  };
}

/** Statements of each kind: PostgreSQL plans the first five for their values, and weighs a generic plan with the sixth. */
export const FIRST_WRITES = 7;

/**
 * In a new session, one transaction of seven DELETEs on the referenced side and seven INSERTs on the referencing side, all of one
 * partition; rolled back.
 *
 * @returns relation locks that the transaction holds at its end, as another session sees them
 */
export async function locksOfFirstWrites(server: BenchServer, subject: Subject): Promise<number> {
  const client = await writer(server, subject);
  try {
    const { rows: own } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await client.query('BEGIN');
    for (let ino = 1; ino <= FIRST_WRITES; ino++) await client.query(DELETE, ['m1', ino]);
    for (let ino = 1; ino <= FIRST_WRITES; ino++) await client.query(INSERT, ['m1', FIRST_WRITES + ino]);
    const held = await server.in(DATABASES[subject], (observer) =>
      observer.query<{ locks: number }>(
        `SELECT count(DISTINCT relation)::int AS locks FROM pg_locks WHERE pid = $1 AND locktype = 'relation'`,
        [own[0]?.pid],
      ),
    );
    await client.query('ROLLBACK');
    return held.rows[0]?.locks ?? Number.NaN;
  } finally {
    await client.end();
  }
}

export const INSERT = `INSERT INTO public.path (medium, ino, name) VALUES ($1, $2, '/bench')`;
export const DELETE = 'DELETE FROM public.inode WHERE medium = $1 AND ino = $2';
