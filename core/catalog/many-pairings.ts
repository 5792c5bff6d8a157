/** The pairs of many foreign keys, in a constant number of queries: the questions of pairs.ts, each asked once for all. */
import type { Client } from 'pg';
import type { PairOfPartitions, Unpaired } from '../contracts/column-types.ts';
import { runForEach } from '../postgres/run-for-each.ts';
import type { Row } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';
import { type Pair, type Pairing, withoutPairForeignKey } from './pairs.ts';

/** A foreign key whose pairs are asked for. */
export interface AskedForeignKey {
  readonly foreignKey: ForeignKey;
  /** False where it is known that no two of its partitions have a foreign key. */
  readonly mayHavePairForeignKeys: boolean;
}

/** The pairs of one of many foreign keys. */
export interface FoundPairing extends Pairing {
  /** False where partitions are left that may be pairs, because their bounds may not be compared. */
  readonly complete: boolean;
}

/** Pairs of partitions, before it is read what exists on them. */
interface Found {
  readonly pairs: readonly PairOfPartitions[];
  readonly unpaired: readonly Unpaired[];
  readonly complete: boolean;
}

/**
 * The foreign keys, by their index, of which bounds that are printed in different ways may be compared: that runs functions of the key's
 * types, and so may run code of those who own them.
 */
export type MayCompare = (open: readonly number[]) => Promise<ReadonlySet<number>>;

/** In the order of `asked`. The session's search_path must be pg_catalog. */
export async function readPairings(
  client: Client,
  asked: readonly AskedForeignKey[],
  mayCompare: MayCompare,
): Promise<FoundPairing[]> {
  const found = await findPairs(client, asked, mayCompare);
  const states = await readStates(client, asked, found);
  return readIndexes(client, asked, states);
}

async function findPairs(client: Client, asked: readonly AskedForeignKey[], mayCompare: MayCompare): Promise<Found[]> {
  const rows = await runForEach(
    client,
    'catalog/pairs',
    asked.map(({ foreignKey }) => ({ ...foreignKey })),
  );
  const same = rows.map(([row]) => row ?? { pairs: [], unpaired: [], tree: null });
  const unlike = same.flatMap((one, index) => (one.tree === null ? [] : [index]));
  const allowed = unlike.length === 0 ? new Set<number>() : await mayCompare(unlike);
  const open = unlike.filter((index) => allowed.has(index));
  const compared = await compareBounds(
    client,
    open.flatMap((index) => {
      const [one, of] = [same[index], asked[index]];
      return one && of ? [{ ...of.foreignKey, ...one, tree: one.tree ?? [] }] : [];
    }),
  );
  const byIndex = new Map(open.map((index, position) => [index, compared[position]]));
  return same.map(({ pairs, unpaired, tree }, index) => ({
    ...(byIndex.get(index) ?? { pairs, unpaired }),
    complete: tree === null || byIndex.has(index),
  }));
}

type Uncompared = ForeignKey & Row<'catalog/pairs'> & { readonly tree: NonNullable<Row<'catalog/pairs'>['tree']> };

/** What a row of the query of `catalog/bound-ranks-query` is. */
interface Rank {
  readonly node: number;
  readonly n: number;
  readonly rank: number;
  readonly edge: number;
}

/** As pairs.ts does it for one: PostgreSQL writes the queries that compare the values of the bounds; they run as one. */
async function compareBounds(client: Client, trees: readonly Uncompared[]): Promise<Row<'catalog/containment'>[]> {
  if (trees.length === 0) return [];
  const queries = await runForEach(client, 'catalog/bound-ranks-query', trees);
  const parts = queries.flatMap(([row], index) =>
    row?.sql ? [`SELECT ${index} AS subject, node, n, rank, edge FROM (${row.sql}) ranks`] : [],
  );
  const ranks = trees.map((): Rank[] => []);
  if (parts.length > 0) {
    const { rows } = await client.query<Rank & { subject: number }>(parts.join('\nUNION ALL\n'));
    for (const { subject, ...rank } of rows) ranks[subject]?.push(rank);
  }
  // As there: the planner cannot know the number of rows, and a nested loop over thousands of partitions takes seconds.
  await client.query(
    "SELECT set_config('enable_nestloop', 'off', true), set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)",
  );
  const rows = await runForEach(
    client,
    'catalog/containment',
    trees.map((tree, index) => ({ ...tree, ranks: ranks[index] ?? [] })),
  );
  await client.query(INDEX_LOOKUPS);
  return rows.map(
    ([row], index) => row ?? { pairs: trees[index]?.pairs ?? [], unpaired: trees[index]?.unpaired ?? [] },
  );
}

/**
 * Settings for queries that are asked for many subjects: each answer looks up a few rows of the catalog, and the planner, which knows
 * nothing of a subject, would read all of it for each.
 */
export const INDEX_LOOKUPS =
  "SELECT set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_nestloop', 'on', true)";

/** What exists on each pair, but for indexes. */
async function readStates(
  client: Client,
  asked: readonly AskedForeignKey[],
  found: readonly Found[],
): Promise<FoundPairing[]> {
  const looked = found.flatMap((one, index) => {
    const of = asked[index];
    return of?.mayHavePairForeignKeys && one.pairs.length > 0 ? [{ index, of, one }] : [];
  });
  const rows = await runForEach(
    client,
    'catalog/pair-states',
    looked.map(({ of, one }) => ({
      ...of.foreignKey,
      pairs: one.pairs.map(({ pair, referencing_oid, referenced_oid }) => ({
        ...NOTHING_MORE,
        pair,
        referencing_oid,
        referenced_oid,
      })),
    })),
  );
  const byIndex = new Map(looked.map(({ index }, position) => [index, rows[position] ?? []]));
  return found.map(({ pairs, ...rest }, index) => {
    const states = new Map((byIndex.get(index) ?? []).map((state) => [state.pair, state]));
    const none = withoutPairForeignKey(asked[index]?.foreignKey.columns ?? '');
    return { ...rest, pairs: pairs.map((pair): Pair => ({ ...pair, ...none, ...states.get(pair.pair) })) };
  });
}

const NOTHING_MORE = {
  constraint_name: null,
  constraint_added: null,
  index_name: null,
  index_added: null,
  taken: null,
  salt: null,
};

/** Which index serves each pair. */
async function readIndexes(
  client: Client,
  asked: readonly AskedForeignKey[],
  pairings: readonly FoundPairing[],
): Promise<FoundPairing[]> {
  const rows = await runForEach(
    client,
    'catalog/pair-indexes',
    pairings.map(({ pairs }, index) => ({
      referencing_oid: asked[index]?.foreignKey.referencing_oid ?? 0,
      referenced_oid: asked[index]?.foreignKey.referenced_oid ?? 0,
      column_names: asked[index]?.foreignKey.column_names ?? [],
      pairs: pairs.map(({ pair, referencing_oid, constraint_oid, leaf_constraint_oid }) => ({
        pair,
        referencing_oid,
        constraint_oid,
        // The parent FK compares as its child on the leaf does.
        leaf_constraint_oid: leaf_constraint_oid ?? asked[index]?.foreignKey.constraint_oid ?? null,
        index_name: '',
        index_leftover: false,
      })),
    })),
  );
  return pairings.map((pairing, index) => {
    const served = new Map((rows[index] ?? []).map((row) => [row.pair, row.has_index]));
    return {
      ...pairing,
      pairs: pairing.pairs.map((pair) => ({ ...pair, has_index: served.get(pair.pair) ?? false })),
    };
  });
}
