/** Counts referencing rows without a referenced row. `convalidated` is no proof, so the rows themselves are asked. */
import type { Client } from 'pg';
import type { ForeignKey } from './foreign-key.ts';
import { toNamedError } from './postgres-errors.ts';
import { run } from './sql.ts';

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
 * Counts pair after pair, one hash anti-join each.
 * A foreign key tells how to compare: the pair's own, else the parent FK, else that of any other pair, named by `like`.
 */
export async function countOrphans(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly CountedPair[],
  like: number | null = foreignKey.constraint_oid ?? anyConstraint(pairs),
): Promise<OrphanCount[]> {
  const queries = await run<{ pair: number; sql: string }>(client, 'checks/orphans', {
    pairs,
    like_constraint_oid: String(like ?? ''),
  });
  const counts: OrphanCount[] = [];
  for (const { pair, sql } of queries) {
    try {
      const { rows } = await client.query<{ orphans: string }>(sql);
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

/** Any pair FK of the list; all have the same columns and operators. */
export function anyConstraint(pairs: readonly CountedPair[]): number | null {
  return pairs.find((pair) => pair.constraint_oid !== null)?.constraint_oid ?? null;
}
