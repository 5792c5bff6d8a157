/** Counts referencing rows without a referenced row. `convalidated` is no proof, so the rows themselves are asked. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { countMemory, PAGE_COST_OF_TODAY, readServer } from '../catalog/server-facts.ts';
import { requireLocked } from '../postgres/locks/locked-tables.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { contained } from '../postgres/session/transactions.ts';
import { type Row, run } from '../postgres/sql.ts';
import { readTablesOnly } from '../postgres/tables-only.ts';

export interface OrphanCount {
  readonly pair: number;
  readonly orphans: number;
  /** A query that lists them, for the person who has to mend them. */
  readonly listSql: string;
}

export interface CountedPair {
  readonly pair: number;
  readonly referencing_oid: number;
  readonly referenced_oid: number;
  readonly constraint_oid: number | null;
}

/**
 * Gives this session the memory that a count is fast with: at the default of 4 MB the hash table of a large partition goes
 * to disk in hundreds of batches. How many workers take part, the server's own settings decide.
 */
export async function prepareToCount(client: Client): Promise<void> {
  const megabytes = countMemory(await readServer(client));
  // The multiplier would come on top of what was shared out.
  await client.query("SELECT set_config('work_mem', $1, false), set_config('hash_mem_multiplier', '1', false)", [
    `${megabytes}MB`,
  ]);
  await client.query(PAGE_COST_OF_TODAY);
}

/**
 * Three processes that hash both partitions seem cheaper to the planner than one that merges their indexes, and take longer, with
 * the memory of all three. So it is asked first what it would do alone; only where that is no merge, workers take part.
 */
async function chooseWorkers(client: Client, sql: string): Promise<void> {
  await client.query("SELECT set_config('max_parallel_workers_per_gather', '0', false)");
  const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
    `EXPLAIN (FORMAT JSON, COSTS OFF) ${sql}`,
  );
  if (!rows[0]?.['QUERY PLAN'][0].Plan.Plans?.some(mergesIndexes))
    await client.query('RESET max_parallel_workers_per_gather');
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly Plans?: readonly PlanNode[];
}

function mergesIndexes({ 'Node Type': type, Plans: inputs = [] }: PlanNode): boolean {
  return type === 'Merge Join' && inputs.every((input) => input['Node Type'] === 'Index Only Scan');
}

/**
 * Counts pair after pair, one anti-join each, by all the workers that the server allows: see {@link prepareToCount}.
 * A foreign key tells how to compare: the pair's own, else the parent FK, else that of any other pair, named by `like`. A pair with a
 * foreign table is left out: none is ever read.
 */
export async function countOrphans(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly CountedPair[],
  like: number | null = foreignKey.constraint_oid ?? anyConstraint(pairs),
): Promise<OrphanCount[]> {
  const queries = await countQueries(client, pairs, like);
  return readTablesOnly(client, () => countEach(client, queries));
}

async function countEach(client: Client, queries: readonly CountQuery[]): Promise<OrphanCount[]> {
  const counts: OrphanCount[] = [];
  for (const { pair, sql, lock_sql, referencing_oid, referenced_oid } of queries) {
    try {
      const { rows } = await contained(client, async () => {
        await client.query(lock_sql);
        await requireLocked(client, [referencing_oid, referenced_oid]);
        await chooseWorkers(client, sql);
        return client.query<{ orphans: string }>(sql);
      });
      counts.push({
        pair,
        orphans: Number(rows[0]?.orphans ?? 0),
        listSql: sql.replace('SELECT count(*) AS orphans', 'SELECT f.*'),
      });
    } catch (error) {
      throw toNamedError(error, sql);
    }
  }
  return counts;
}

/** Counts the orphans of one pair, behind the lock of `lock_sql`. */
type CountQuery = Row<'checks/orphans'>;

/** The query that counts the orphans of each pair without a foreign table; `like` names the foreign key that tells how to compare where a pair has none. */
export function countQueries(
  client: Client,
  pairs: readonly CountedPair[],
  like: number | null,
): Promise<CountQuery[]> {
  return run(client, 'checks/orphans', {
    pairs,
    like_constraint_oid: String(like ?? ''),
  });
}

/** Any pair FK of the list; all have the same columns and operators. */
export function anyConstraint(pairs: readonly CountedPair[]): number | null {
  return pairs.find((pair) => pair.constraint_oid !== null)?.constraint_oid ?? null;
}
