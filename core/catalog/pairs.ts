/** Reads the pairs of a foreign key from the catalog. `sql/catalog/pairs.sql` and `containment.sql` define what a pair is. */
import type { Client } from 'pg';
import type { PairOfPartitions, Unpaired } from '../contracts/column-types.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { contained } from '../postgres/session/transactions.ts';
import { type Row, run, runNow, runOne } from '../postgres/sql.ts';
import { readTablesOnly } from '../postgres/tables-only.ts';
import type { ForeignKey } from './foreign-key.ts';

/**
 * What exists on a pair now. `constraint_name`: name of the pair FK, or the one it will get. `index_name`: the index that serves
 * the FK, or the one to build. `index_columns`: the columns or expressions of that index, as SQL.
 */
export type PairStatus = Row<'catalog/pair-states'> & Pick<Row<'catalog/pair-indexes'>, 'has_index' | 'index_columns'>;

/** A pair and what exists on it. */
export type Pair = PairOfPartitions & PairStatus;

/** All leaf partitions of a foreign key. */
export interface Pairing {
  readonly pairs: readonly Pair[];
  readonly unpaired: readonly Unpaired[];
}

/**
 * Reads the pairs as they are now, in a constant number of queries. The session's search_path must be pg_catalog.
 *
 * @param taken names, by the oid of a referencing partition, that will be given there soon and must not be chosen again
 */
export async function readPairing(
  client: Client,
  foreignKey: ForeignKey,
  taken: ReadonlyMap<number, readonly string[]> = new Map(),
  more: PairStatusOptions = { indexes: true },
): Promise<Pairing> {
  const sameBounds = await runOne(client, 'catalog/pairs', { ...foreignKey });
  const { pairs, unpaired } = await pairByContainment(client, foreignKey, sameBounds);
  const pairStatuses = await readPairStatus(
    client,
    foreignKey,
    pairs.map((pair) => ({ ...pair, taken: taken.get(pair.referencing_oid) ?? [] })),
    more,
  );
  return {
    pairs: pairs.flatMap((pair) => {
      const found = pairStatuses.get(pair.pair);
      return found ? [{ ...pair, ...found }] : [];
    }),
    unpaired,
  };
}

/**
 * Adds pairs whose bounds differ: a referencing leaf whose keys are all held by ONE referenced leaf (a month in its year, a HASH
 * partition below one LIST partition) is a pair, too. PostgreSQL writes the query that compares the values of the bounds; then it
 * is run.
 */
async function pairByContainment(
  client: Client,
  foreignKey: ForeignKey,
  { pairs, unpaired, tree }: Row<'catalog/pairs'>,
): Promise<Row<'catalog/containment'>> {
  if (tree === null) return { pairs, unpaired };
  const { sql } = await runOne(client, 'catalog/bound-ranks-query', { tree });
  const ranks = sql === null ? [] : (await client.query(sql)).rows;
  // The planner cannot know the number of rows, and a nested loop over thousands of partitions takes seconds.
  await client.query("SELECT set_config('enable_nestloop', 'off', false), set_config('jit', 'off', false)");
  const values = { ...foreignKey, pairs, unpaired, tree, ranks };
  const [found] = await runNow(client, 'catalog/containment', values);
  await client.query('RESET enable_nestloop; RESET jit');
  return found ?? { pairs, unpaired };
}

/** Whether one of its partitions is a foreign table, which can have no foreign key, and of which p2pfk reads no row. */
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

/** Number and partitions of a pair, from the ledger or from the catalog. */
export interface NumberedPair {
  readonly pair: number;
  readonly referencing_oid: number;
  readonly referenced_oid: number;
}

/** A pair whose status to read, with the other values that `sql/catalog/pair-states.sql` reads of it. */
export interface AskedPair extends NumberedPair {
  /** From the ledger: identifies the foreign key of the migration among several. */
  readonly constraint_name?: string;
  readonly constraint_added?: boolean;
  readonly index_name?: string;
  readonly index_added?: boolean;
  /** Names that will be given there soon and must not be chosen. */
  readonly taken?: readonly string[];
  /** Random text for names that others cannot take before they are used. */
  readonly salt?: string;
}

/** What to read besides the constraints. */
export interface PairStatusOptions {
  /** Read also which index serves; else `has_index` is false. It takes several times as long, so not under a lock. */
  readonly indexes?: boolean;
}

/** The pair, with a value for every key that the queries read. */
export function asParameter(partition: Unpaired) {
  return { heldBy: null, why: null, keyless: null, needsPair: null, ...partition };
}

/** The status of the given pairs, by pair number. A pair whose partition was dropped is missing. */
export async function readPairStatus(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly AskedPair[],
  { indexes = false }: PairStatusOptions = {},
): Promise<Map<number, PairStatus>> {
  const states = await run(client, 'catalog/pair-states', {
    ...foreignKey,
    pairs: pairs.map((pair) => ({ ...NOTHING_MORE, ...pair })),
  });
  const unread = { has_index: false, index_columns: foreignKey.columns };
  if (!indexes) return new Map(states.map((state) => [state.pair, { ...unread, ...state }]));
  const oids = new Map(pairs.map((pair) => [pair.pair, pair.referencing_oid]));
  const read = await run(client, 'catalog/pair-indexes', {
    ...foreignKey,
    pairs: states.map((state) => ({ ...state, referencing_oid: oids.get(state.pair) ?? null })),
  });
  const byPair = new Map(read.map((index) => [index.pair, index]));
  return new Map(states.map((state) => [state.pair, { ...unread, ...state, ...byPair.get(state.pair) }]));
}

/** The status of a pair on which nothing exists yet, and whose index is not looked for. */
export function withoutPairForeignKey(columns: string): Omit<PairStatus, 'pair'> {
  return {
    constraint_oid: null,
    constraint_name: '',
    validated: false,
    enforced: false,
    index_name: '',
    index_leftover: false,
    root_constraint: null,
    leaf_constraint_oid: null,
    leaf_constraint_validated: false,
    has_index: false,
    index_columns: columns,
  };
}

const NOTHING_MORE = {
  constraint_name: null,
  constraint_added: null,
  index_name: null,
  index_added: null,
  taken: null,
  salt: null,
};

/**
 * Whether the pair FK exists now, for a check under a lock: where the two partitions have no foreign key at all, which is the
 * usual case, it is one index lookup.
 */
export async function hasPairForeignKey(client: Client, foreignKey: ForeignKey, pair: AskedPair): Promise<boolean> {
  const { possible } = await runOne(client, 'catalog/may-have-pair-foreign-key', { ...pair });
  if (!possible) return false;
  return ((await readPairStatus(client, foreignKey, [pair])).get(pair.pair)?.constraint_oid ?? null) !== null;
}

/** The pairs whose referencing partition is still a partition: neither detached nor dropped. */
export async function attachedPairs<Given extends { readonly pair: number; readonly referencing_oid: number }>(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly Given[],
): Promise<Given[]> {
  const rows = await run(client, 'catalog/attached-pairs', { ...foreignKey, pairs });
  const attached = new Set(rows.map(({ pair }) => pair));
  return pairs.filter(({ pair }) => attached.has(pair));
}

/**
 * Oids of the unpaired referencing partitions that hold a row which needs a foreign key. It reads the partitions instead of
 * guessing. A foreign table counts as one that does, because p2pfk reads no foreign table.
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
  const queries = await run(client, 'checks/emptiness', {
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
      // It may not be read (which is a finding of its own): assume the worst. In a transaction, nothing more could be asked.
      if (sqlStateOf(error) !== '42501') throw error;
      holding.add(oid);
    }
  }
  return holding;
}

/** A relation's name for messages: without the schema, where that is also the table's. */
export function shortName(qualified: string, table: string): string {
  const schema = /^("(?:[^"]|"")*"|[^".]+)\./.exec(table)?.[0];
  return schema !== undefined && qualified.startsWith(schema) ? qualified.slice(schema.length) : qualified;
}
