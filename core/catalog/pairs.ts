/** Reads the pairs of a foreign key from the catalog. What a pair is, `sql/catalog/pairs.sql` and `containment.sql` decide. */
import type { Client } from 'pg';
import { PartitionSetChanged } from '../contracts/errors.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { contained } from '../postgres/session/transactions.ts';
import { run, runOne } from '../postgres/sql.ts';
import { readTablesOnly } from '../postgres/tables-only.ts';
import type { ForeignKey } from './foreign-key.ts';

/**
 * A referencing leaf partition and the one referenced leaf that can hold keys of it. Keys are those of `sql/`, so a list of pairs
 * serves as a parameter.
 */
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
  /** The referencing leaf can hold keys that no referenced leaf holds: both foreign keys refuse them. */
  readonly keys_outside?: boolean;
}

/** What stands on a pair now. */
export interface PairStatus {
  readonly pair: number;
  /** The pair FK that stands, else null. */
  readonly constraint_oid: number | null;
  /** The pair FK's name, or the one it will get. */
  readonly constraint_name: string;
  readonly validated: boolean;
  /** All four of its triggers are there and enabled. */
  readonly enforced: boolean;
  readonly has_index: boolean;
  /** Columns or expressions of the index to be built, as SQL: those that the FK's lookup compares. */
  readonly index_columns: string;
  /** The index that serves the FK, or the one to be built. */
  readonly index_name: string;
  /** An INVALID index of that name is left over from an interrupted build. */
  readonly index_leftover: boolean;
  /** Name of the FK from the referencing leaf to the referenced parent, if one stands. */
  readonly root_constraint: string | null;
  readonly leaf_constraint_oid: number | null;
  readonly leaf_constraint_validated: boolean;
}

export type Pair = PairOfPartitions & PairStatus;

/** A leaf partition that has no partner on the other side. */
export interface Unpaired {
  readonly side: 'referencing' | 'referenced';
  readonly oid: number;
  readonly partition: string;
  readonly kind: string;
  readonly bound: string;
  readonly rows: number;
  /** Only of a referencing partition: the first referenced leaves, by name, that hold keys of it, or may hold some. */
  readonly heldBy?: readonly string[];
  /** Why it has no partner, as the end of a sentence. */
  readonly why?: string;
  /** It can hold no complete key, only NULL in a column of the foreign key. */
  readonly keyless?: boolean;
  /** False where the foreign key lets every row pass that it can hold. */
  readonly needsPair?: boolean;
}

export interface Pairing {
  readonly pairs: readonly Pair[];
  readonly unpaired: readonly Unpaired[];
}

/**
 * The pairs as they are now, in a constant number of queries, however many there are. Session search_path must be
 * pg_catalog.
 *
 * @param taken names, by the oid of a referencing partition, that are about to be given there and must not be chosen again
 */
export async function readPairing(
  client: Client,
  foreignKey: ForeignKey,
  taken: ReadonlyMap<number, readonly string[]> = new Map(),
  more: PairStatusOptions = { indexes: true },
): Promise<Pairing> {
  const sameBounds = await runOne<PairingOfPartitions>(client, 'catalog/pairs', { ...foreignKey });
  const { pairs, unpaired } = await pairByContainment(client, foreignKey, sameBounds);
  const standing = await readPairStatus(
    client,
    foreignKey,
    pairs.map((pair) => ({ ...pair, taken: taken.get(pair.referencing_oid) ?? [] })),
    more,
  );
  return {
    pairs: pairs.flatMap((pair) => {
      const found = standing.get(pair.pair);
      return found ? [{ ...pair, ...found }] : [];
    }),
    unpaired,
  };
}

interface PairingOfPartitions {
  readonly pairs: readonly PairOfPartitions[];
  readonly unpaired: readonly Unpaired[];
  /** For the other queries of `sql/catalog/`; null where all referencing leaves have a partner. */
  readonly tree: readonly object[] | null;
}

/**
 * A referencing leaf whose keys ONE referenced leaf of other bounds holds (a month in its year, a HASH below one LIST) is a
 * pair too. The query that compares the values of the bounds is written by PostgreSQL, then run.
 */
async function pairByContainment(
  client: Client,
  foreignKey: ForeignKey,
  { pairs, unpaired, tree }: PairingOfPartitions,
): Promise<Pick<PairingOfPartitions, 'pairs' | 'unpaired'>> {
  if (tree === null) return { pairs, unpaired };
  const { sql } = await runOne<{ sql: string | null }>(client, 'catalog/bound-ranks-query', { tree });
  const ranks = sql === null ? [] : (await client.query(sql)).rows;
  // The planner cannot know how much there is, and a nested loop over thousands of partitions takes seconds.
  await client.query("SELECT set_config('enable_nestloop', 'off', false), set_config('jit', 'off', false)");
  const values = { ...foreignKey, pairs, unpaired, tree, ranks };
  const found = await runOne<Pick<PairingOfPartitions, 'pairs' | 'unpaired'>>(client, 'catalog/containment', values);
  await client.query('RESET enable_nestloop; RESET jit');
  return found;
}

/** Whether one of its partitions is a foreign table: no foreign key can be there, and p2pfk reads no row of it. */
export function hasForeignTable(pair: Pick<PairOfPartitions, 'referencing_kind' | 'referenced_kind'>): boolean {
  return pair.referencing_kind === FOREIGN_TABLE || pair.referenced_kind === FOREIGN_TABLE;
}

/** pg_class.relkind of a foreign table. */
export const FOREIGN_TABLE = 'f';

/** Whether two readings are about the same two partitions; their numbers may differ. */
export function isSamePair(one: Partitions, other: Partitions): boolean {
  return one.referencing_oid === other.referencing_oid && one.referenced_oid === other.referenced_oid;
}

type Partitions = Pick<PairOfPartitions, 'referencing_oid' | 'referenced_oid'>;

/** Number and partitions of a pair, of the ledger's or of the catalog's. */
export interface NumberedPair {
  readonly pair: number;
  readonly referencing_oid: number;
  readonly referenced_oid: number;
}

export interface PairStatusOptions {
  /** Which index serves is read too; else `has_index` is false for all. It takes several times as long: not under a lock. */
  readonly indexes?: boolean;
}

/** What stands on the given pairs, by pair number; a pair whose partition is gone is missing. */
export async function readPairStatus(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly NumberedPair[],
  { indexes = false }: PairStatusOptions = {},
): Promise<Map<number, PairStatus>> {
  const states = await run<Omit<PairStatus, keyof PairIndex>>(client, 'catalog/pair-states', {
    ...foreignKey,
    pairs,
  });
  const oids = new Map(pairs.map((pair) => [pair.pair, pair.referencing_oid]));
  const unread = { has_index: false, index_columns: foreignKey.columns };
  if (!indexes) return new Map(states.map((state) => [state.pair, { ...unread, ...state }]));
  const read = await run<PairIndex & { pair: number }>(client, 'catalog/pair-indexes', {
    ...foreignKey,
    pairs: states.map((state) => ({ ...state, referencing_oid: oids.get(state.pair) })),
  });
  const byPair = new Map(read.map((index) => [index.pair, index]));
  return new Map(states.map((state) => [state.pair, { ...unread, ...state, ...byPair.get(state.pair) }]));
}

/** What `sql/catalog/pair-indexes.sql` adds. */
type PairIndex = Pick<PairStatus, 'has_index' | 'index_columns'>;

/**
 * Whether a pair FK stands on this pair now. To be asked under a lock: where the two partitions have no foreign key at all, as
 * nearly always, it is one index look-up.
 */
export async function hasPairForeignKey(client: Client, foreignKey: ForeignKey, pair: NumberedPair): Promise<boolean> {
  const { possible } = await runOne<{ possible: boolean }>(client, 'catalog/may-have-pair-foreign-key', { ...pair });
  if (!possible) return false;
  return ((await readPairStatus(client, foreignKey, [pair])).get(pair.pair)?.constraint_oid ?? null) !== null;
}

/** Those of the given pairs whose referencing partition is still one: neither detached nor dropped. */
export async function attachedPairs<Given extends { readonly pair: number; readonly referencing_oid: number }>(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly Given[],
): Promise<Given[]> {
  const rows = await run<{ pair: number }>(client, 'catalog/attached-pairs', { ...foreignKey, pairs });
  const attached = new Set(rows.map(({ pair }) => pair));
  return pairs.filter(({ pair }) => attached.has(pair));
}

/**
 * Oids of those unpaired referencing partitions that hold a row which needs a foreign key; looked at, not guessed. A foreign table
 * counts as one that does: none is ever read.
 */
export async function holdingRows(
  client: Client,
  foreignKey: ForeignKey,
  unpaired: readonly Unpaired[],
): Promise<Set<number>> {
  const relations = unpaired.flatMap(({ side, oid, needsPair = true }) =>
    side === 'referencing' && needsPair ? [oid] : [],
  );
  if (relations.length === 0) return new Set();
  const queries = await run<{ oid: number; sql: string }>(client, 'checks/emptiness', {
    ...foreignKey,
    relations,
  });
  return readTablesOnly(client, () => holdingAny(client, queries));
}

async function holdingAny(
  client: Client,
  queries: readonly { readonly oid: number; readonly sql: string }[],
): Promise<Set<number>> {
  const holding = new Set<number>();
  for (const { oid, sql } of queries) {
    try {
      const { rows } = await contained(client, () => client.query<{ has_rows: boolean }>(sql));
      if (rows[0]?.has_rows ?? true) holding.add(oid);
    } catch (error) {
      // Cannot be read (a finding of its own): assume the worse. In a transaction nothing more can be asked.
      if (sqlStateOf(error) !== '42501') throw error;
      holding.add(oid);
    }
  }
  return holding;
}

/** What a file of `sql/statements/` writes for a pair. */
export interface PairStatement {
  readonly sql: string;
  readonly lock: string;
  /** Orders in which the locks of `sql` can be taken, where there are several. */
  readonly ways?: readonly (readonly string[])[];
}

/** SQL texts for pairs, by pair number, from one file of `sql/statements/` or `sql/checks/`. */
export async function statementsFor(
  client: Client,
  name: string,
  foreignKey: ForeignKey,
  pairs: readonly object[],
  more: Readonly<Record<string, string | number>> = {},
): Promise<Map<number, PairStatement>> {
  const rows = await run<PairStatement & { pair: number }>(client, name, { ...foreignKey, ...more, pairs });
  return new Map(rows.map(({ pair, sql, lock, ways }) => [pair, { sql, lock, ...(ways ? { ways } : {}) }]));
}

/**
 * The one text for one pair, from a file as {@link statementsFor} takes it.
 *
 * @throws PartitionSetChanged when there is none: one of the pair's partitions is gone
 */
export async function statementFor<
  Given extends { readonly pair: number; readonly referencing: string; readonly referenced: string },
>(client: Client, name: string, foreignKey: ForeignKey, pair: Given): Promise<string> {
  return (await pairStatementFor(client, name, foreignKey, pair)).sql;
}

/** The same with its lock, and the orders in which that can be taken. */
export async function pairStatementFor<
  Given extends { readonly pair: number; readonly referencing: string; readonly referenced: string },
>(client: Client, name: string, foreignKey: ForeignKey, pair: Given): Promise<PairStatement> {
  const statement = (await statementsFor(client, name, foreignKey, [pair])).get(pair.pair);
  if (statement?.sql) return statement;
  throw new PartitionSetChanged(
    `${pair.referencing} or ${pair.referenced} is no more: sql/${name}.sql has no statement for this pair`,
  );
}

/** A relation's name as people read it: without the schema where that is the table's own. */
export function shortName(qualified: string, table: string): string {
  const schema = /^("(?:[^"]|"")*"|[^".]+)\./.exec(table)?.[0];
  return schema !== undefined && qualified.startsWith(schema) ? qualified.slice(schema.length) : qualified;
}
