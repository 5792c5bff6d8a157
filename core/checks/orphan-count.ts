/** Counts referencing rows without a referenced row. It reads the rows, because `convalidated` is no proof. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { countMemory, PAGE_COST_OF_TODAY, readServer } from '../catalog/server-facts.ts';
import { newCode, refuseUntrustedCode } from '../catalog/untrusted-code.ts';
import { requireLocked } from '../postgres/locks/locked-tables.ts';
import { sqlStateOf, toNamedError } from '../postgres/postgres-errors.ts';
import { contained } from '../postgres/session/transactions.ts';
import { type Row, run } from '../postgres/sql.ts';
import { readTablesOnly } from '../postgres/tables-only.ts';

/** Number of orphaned rows of one pair. */
export interface OrphanCount {
  readonly pair: number;
  readonly orphans: number;
  /** A query that lists them, for the person who has to repair them. */
  readonly listSql: string;
}

/** A pair, as the count needs it. */
export interface CountedPair {
  readonly pair: number;
  readonly referencing_oid: number;
  readonly referenced_oid: number;
  readonly constraint_oid: number | null;
}

/** After so many seconds, the count of a pair of the sample is given up. */
export const SAMPLE_SECONDS = 20;

/** Pairs that are counted after the drop as a sample: the smallest, the one in the middle, and the largest. */
export function sampleOf<Item extends { readonly pair: number }>(pairs: readonly Item[]): readonly Item[] {
  const bySize = pairs.toSorted((one, other) => one.pair - other.pair);
  return [...new Set([0, (bySize.length - 1) >> 1, bySize.length - 1])].flatMap((index) => bySize[index] ?? []);
}

/**
 * Gives this session the memory with which a count is fast: at the default of 4 MB the hash table of a large partition is written
 * to disk in hundreds of batches. The server's own settings decide the number of workers.
 *
 * @param sideBySide number of such sessions at the same time
 */
export async function prepareToCount(client: Client, sideBySide = 1): Promise<void> {
  const megabytes = countMemory(await readServer(client), sideBySide);
  // hash_mem_multiplier 1, because it would multiply the memory that was computed.
  await client.query("SELECT set_config('work_mem', $1, false), set_config('hash_mem_multiplier', '1', false)", [
    `${megabytes}MB`,
  ]);
  await client.query(PAGE_COST_OF_TODAY);
}

/**
 * Takes the memory of {@link prepareToCount} back. A query of the catalog would use it for the first pages of its hash tables, whose size
 * the planner guesses: 0.1 s for one of the findings.
 */
export async function endCounting(client: Client): Promise<void> {
  await client.query('RESET work_mem; RESET hash_mem_multiplier');
}

/**
 * Decides whether workers take part in a count. To the planner, three processes that hash both partitions seem cheaper than one
 * that merges their indexes, but they take longer, and use the memory of all three. So the planner is first asked for a query
 * plan without workers; only if that is no merge, workers are allowed.
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
 * Counts pair after pair, with one anti-join each, with the workers that the server allows: see {@link prepareToCount}. A foreign
 * key determines the comparison: the pair's own, else the parent FK, else the one that `like` names. A pair with a foreign table
 * is left out, because p2pfk reads no foreign table.
 *
 * @param limitMs a pair whose count takes longer is left out as well; 0: as long as it takes
 */
export async function countOrphans(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly CountedPair[],
  like: number | null = foreignKey.constraint_oid ?? anyConstraint(pairs),
  limitMs = 0,
): Promise<OrphanCount[]> {
  const queries = await countQueries(client, pairs, like);
  return readTablesOnly(client, () => countEach(client, queries, limitMs));
}

async function countEach(client: Client, queries: readonly CountQuery[], limitMs: number): Promise<OrphanCount[]> {
  const counts: OrphanCount[] = [];
  for (const { pair, sql, lock_sql, code_lock_sql, referencing: table, referencing_oid, referenced_oid } of queries) {
    const reads = { table, referencing_oid, referenced_oid };
    const code = await newCode(client, reads);
    const beganAt = performance.now();
    try {
      const { rows } = await contained(client, async () => {
        if (limitMs > 0) await client.query("SELECT set_config('statement_timeout', $1, true)", [String(limitMs)]);
        await client.query(code.by_owner ? code_lock_sql : lock_sql);
        await requireLocked(client, [referencing_oid, referenced_oid]);
        // Behind the lock: what comes to the tables while it is waited for is seen, and where an owner could add code, nothing comes after it.
        if (code.may) await refuseUntrustedCode(client, reads);
        await chooseWorkers(client, sql);
        return client.query<{ orphans: string }>(sql);
      });
      counts.push({
        pair,
        orphans: Number(rows[0]?.orphans ?? 0),
        listSql: sql.replace('SELECT count(*) AS orphans', 'SELECT f.*'),
      });
    } catch (error) {
      // Earlier it would be a person's cancel.
      const isCut = limitMs > 0 && sqlStateOf(error) === '57014' && performance.now() - beganAt >= limitMs * 0.9;
      if (!isCut) throw toNamedError(error, sql);
    }
  }
  return counts;
}

/** Counts the orphans of one pair, behind the lock of `lock_sql`. */
type CountQuery = Row<'checks/orphans'>;

/**
 * The query that counts the orphans of each pair without a foreign table. `like` is the oid of the foreign key that determines
 * the comparison where a pair has none.
 */
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
