/** The migration's statements and nothing else: as a careful person runs them in one psql session, or several side by side. */
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

export interface PlainMigration {
  /** One: statement after statement. Several take the statements of a phase from one queue, the largest pair first. */
  readonly sessions: readonly Client[];
  /** Takes up the milliseconds of each phase. */
  readonly phases?: Map<string, number>;
  /** Also where the columns have no index; default: it is built. */
  readonly withoutIndexes?: boolean;
  /** How many pairs are counted at the end, the largest first; default: all. */
  readonly counted?: number;
  /** Awaited before the parent FK is dropped. */
  readonly beforeDrop?: () => Promise<void>;
}

/** @returns how often a statement was ended by a deadlock with the application, and begun again */
export async function migratePlainly({
  sessions,
  phases = new Map(),
  withoutIndexes = false,
  counted,
  beforeDrop = async () => undefined,
}: PlainMigration): Promise<number> {
  const [first] = sessions;
  if (!first) throw new Error('a migration needs a session');
  let deadlocks = 0;
  const phase = async (name: string, statement: (pair: Pair) => string, over: readonly Pair[]) => {
    const from = performance.now();
    const queue = [...over];
    await Promise.all(
      sessions.map(async (session) => {
        for (let pair = queue.shift(); pair; pair = queue.shift()) deadlocks += await insist(session, statement(pair));
      }),
    );
    phases.set(name, performance.now() - from);
  };
  const pairs = await pairsOf(first);
  const columns = '(medium_hash, ino)';
  const indexed = withoutIndexes || (await hasIndex(first));
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
  deadlocks += await insist(first, 'ALTER TABLE public.path DROP CONSTRAINT path_medium_hash_ino_fkey');
  phases.set('drop', performance.now() - from);
  await phase(
    'count at the end',
    ({ referencing, referenced }) =>
      `SELECT count(*) FROM public.${referencing} f WHERE NOT EXISTS (SELECT FROM public.${referenced} r WHERE r.medium_hash = f.medium_hash AND r.ino = f.ino)`,
    pairs.slice(0, counted),
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
