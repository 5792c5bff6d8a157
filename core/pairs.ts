/** Reads the pairs of a foreign key from the catalog. What a pair is, `sql/catalog/pairs.sql` decides. */
import type { Client } from 'pg';
import type { ForeignKey } from './foreign-key.ts';
import { run, runOne } from './sql.ts';

/** Two leaf partitions of the same bound. Keys are those of `sql/`, so a list of pairs serves as a parameter. */
export interface PairOfPartitions {
  /** 1 is the largest. */
  readonly pair: number;
  readonly referencing_oid: number;
  /** Schema-qualified, quoted where needed. */
  readonly referencing: string;
  /** pg_class.relkind: `r` table, `f` foreign table. */
  readonly referencing_kind: string;
  readonly referenced_oid: number;
  readonly referenced: string;
  readonly referenced_kind: string;
  readonly bound: string;
  readonly rows: number;
  readonly bytes: number;
}

/** What stands on a pair now. */
export interface PairStanding {
  readonly pair: number;
  /** The pair FK that stands, else null. */
  readonly constraint_oid: number | null;
  /** The pair FK's name, or the one it will get. */
  readonly constraint_name: string;
  readonly validated: boolean;
  /** All four of its triggers are there and enabled. */
  readonly enforced: boolean;
  readonly has_index: boolean;
  /** The index that serves the FK, or the one to be built. */
  readonly index_name: string;
  /** An INVALID index of that name is left over from an interrupted build. */
  readonly index_leftover: boolean;
  /** Name of the FK from the referencing leaf to the referenced parent, if one stands. */
  readonly root_constraint: string | null;
  readonly leaf_constraint_oid: number | null;
  readonly leaf_constraint_validated: boolean;
}

export type Pair = PairOfPartitions & PairStanding;

/** A leaf partition that has no partner on the other side. */
export interface Unpaired {
  readonly side: 'referencing' | 'referenced';
  readonly oid: number;
  readonly partition: string;
  readonly kind: string;
  readonly bound: string;
  readonly rows: number;
}

export interface Pairing {
  readonly pairs: readonly Pair[];
  readonly unpaired: readonly Unpaired[];
}

/** The pairs as they are now, in two queries, however many there are. Session search_path must be pg_catalog. */
export async function readPairing(client: Client, foreignKey: ForeignKey): Promise<Pairing> {
  const { pairs, unpaired } = await runOne<{ pairs: PairOfPartitions[]; unpaired: Unpaired[] }>(
    client,
    'catalog/pairs',
    { ...foreignKey },
  );
  const standing = await readStanding(client, foreignKey, pairs);
  return {
    pairs: pairs.flatMap((pair) => {
      const found = standing.get(pair.pair);
      return found ? [{ ...pair, ...found }] : [];
    }),
    unpaired,
  };
}

/** What stands on the given pairs, by pair number; a pair whose partition is gone is missing. */
export async function readStanding(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly { readonly pair: number; readonly referencing_oid: number; readonly referenced_oid: number }[],
): Promise<Map<number, PairStanding>> {
  const rows = await run<PairStanding & Record<string, unknown>>(client, 'catalog/pair-states', {
    ...foreignKey,
    pairs,
  });
  return new Map(rows.map((row) => [row.pair, row]));
}

/** SQL texts for pairs, by pair number, from one file of `sql/statements/` or `sql/checks/`. */
export async function statementsFor(
  client: Client,
  name: string,
  foreignKey: ForeignKey,
  pairs: readonly object[],
  more: Readonly<Record<string, string | number>> = {},
): Promise<Map<number, { sql: string; lock: string }>> {
  const rows = await run<{ pair: number; sql: string; lock: string }>(client, name, { ...foreignKey, ...more, pairs });
  return new Map(rows.map((row) => [row.pair, { sql: row.sql, lock: row.lock }]));
}

/** A relation's name as people read it: without the schema where that is the table's own. */
export function shortName(qualified: string, table: string): string {
  const schema = /^("(?:[^"]|"")*"|[^".]+)\./.exec(table)?.[0];
  return schema !== undefined && qualified.startsWith(schema) ? qualified.slice(schema.length) : qualified;
}
