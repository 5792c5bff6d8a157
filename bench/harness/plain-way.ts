/** The migration as a careful person does it in one psql session: step after step, with the server's defaults. */
import type { Client } from 'pg';

interface Pair {
  readonly referencing: string;
  readonly referenced: string;
}

/** As a person does who finds the first attempt ended by a deadlock with the application: once more. */
async function insist(client: Client, sql: string): Promise<number> {
  for (let deadlocks = 0; ; deadlocks++) {
    try {
      await client.query(sql);
      return deadlocks;
    } catch (error) {
      if ((error as { code?: string }).code !== '40P01') throw error;
    }
  }
}

/**
 * @param phases takes up the milliseconds of each phase
 * @param beforeDrop awaited before the parent FK is dropped
 * @returns how often a statement was ended by a deadlock with the application, and begun again
 */
export async function migrateByHand(
  client: Client,
  phases: Map<string, number> = new Map(),
  beforeDrop: () => Promise<void> = async () => undefined,
): Promise<number> {
  let deadlocks = 0;
  const phase = async (name: string, statement: (pair: Pair) => string, over: readonly Pair[]) => {
    const from = performance.now();
    for (const pair of over) deadlocks += await insist(client, statement(pair));
    phases.set(name, performance.now() - from);
  };
  const pairs = await pairsOf(client);
  const columns = '(medium_hash, ino)';
  const indexed = await hasIndex(client);
  await phase(
    'indexes',
    ({ referencing }) => `CREATE INDEX CONCURRENTLY ON public.${referencing} ${columns}`,
    indexed ? [] : pairs,
  );
  await phase(
    'add',
    ({ referencing, referenced }) =>
      `ALTER TABLE public.${referencing} ADD CONSTRAINT fk_${referencing} FOREIGN KEY ${columns} REFERENCES public.${referenced} ${columns} ON DELETE CASCADE NOT VALID`,
    pairs,
  );
  await phase(
    'validate',
    ({ referencing }) => `ALTER TABLE public.${referencing} VALIDATE CONSTRAINT fk_${referencing}`,
    pairs,
  );
  await beforeDrop();
  const from = performance.now();
  deadlocks += await insist(client, 'ALTER TABLE public.path DROP CONSTRAINT path_medium_hash_ino_fkey');
  phases.set('drop', performance.now() - from);
  await phase(
    'count at the end',
    ({ referencing, referenced }) =>
      `SELECT count(*) FROM public.${referencing} f WHERE NOT EXISTS (SELECT FROM public.${referenced} r WHERE r.medium_hash = f.medium_hash AND r.ino = f.ino)`,
    pairs,
  );
  return deadlocks;
}

/** By name, as the source case's scripts pair them. */
async function pairsOf(client: Client): Promise<Pair[]> {
  const { rows } = await client.query<Pair>(`
    SELECT c.relname AS referencing, replace(c.relname, 'path_p_', 'inode_p_') AS referenced
      FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'public.path'::pg_catalog.regclass
     ORDER BY pg_catalog.pg_relation_size(c.oid) DESC`);
  return rows;
}

async function hasIndex(client: Client): Promise<boolean> {
  const { rows } = await client.query(
    "SELECT FROM pg_catalog.pg_indexes WHERE schemaname = 'public' AND tablename LIKE 'path_p_%' AND indexdef LIKE '%(medium_hash, ino)'",
  );
  return rows.length > 0;
}
