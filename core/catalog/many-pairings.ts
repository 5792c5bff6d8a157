/** The pairs of many foreign keys, in a constant number of queries: the questions of pairs.ts, each asked once for all. */
import type { Client } from 'pg';
import type { PairOfPartitions, TableIndex, Unpaired } from '../contracts/column-types.ts';
import { runForEach } from '../postgres/run-for-each.ts';
import type { Row } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';
import { type Pair, type Pairing, withoutPairForeignKey } from './pairs.ts';

/** A foreign key whose pairs are asked for. */
export interface AskedForeignKey {
  readonly foreignKey: ForeignKey;
  /** False where it is known that no two of its partitions have a foreign key. */
  readonly mayHavePairForeignKeys: boolean;
  /** Indexes of the referencing table and of its partitions; without them each pair is looked at. */
  readonly known?: Indexed | null;
}

/** What `sql/scan/parents.sql` reads about indexes. */
export interface Indexed {
  readonly indexes: readonly TableIndex[];
  /** Oids of leaf partitions without any valid index. */
  readonly bare: readonly number[];
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
  const found = await client.query<Rank & { subject: number }>(
    // As in pairs.ts: the planner cannot know the number of rows, and a nested loop over thousands of partitions takes seconds.
    [...(parts.length > 0 ? [parts.join('\nUNION ALL\n')] : []), BULK_READS].join(';\n'),
  );
  // One result for each statement.
  const [ranked] = parts.length > 0 ? [found].flat() : [];
  for (const { subject, ...rank } of ranked?.rows ?? []) ranks[subject]?.push(rank);
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

/**
 * Settings for queries that read most of the catalog once: the planner, which cannot know how many partitions there are, would choose nested
 * loops, and their time would grow with the square. The memory is for one hash table of all relations of a large database.
 */
export const BULK_READS =
  "SELECT set_config('jit', 'off', true), set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true), set_config('enable_nestloop', 'off', true), set_config('work_mem', '32MB', true)";

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

/** Which pairs have an index that serves. */
async function readIndexes(
  client: Client,
  asked: readonly AskedForeignKey[],
  pairings: readonly FoundPairing[],
): Promise<FoundPairing[]> {
  const known = await readKnownIndexes(client, asked, pairings);
  const open = pairings.map(({ pairs }, index) => pairs.filter((pair) => !known[index]?.has(pair.pair)));
  const looked = open.flatMap((pairs, index) => (pairs.length > 0 ? [index] : []));
  const rows = await runForEach(
    client,
    'catalog/pair-indexes',
    looked.map((index) => ({
      ...tablesOf(asked[index]),
      pairs: (open[index] ?? []).map(({ pair, referencing_oid, constraint_oid, leaf_constraint_oid }) => ({
        pair,
        referencing_oid,
        constraint_oid,
        // The parent FK compares as its child on the leaf does.
        leaf_constraint_oid: leaf_constraint_oid ?? asked[index]?.foreignKey.constraint_oid ?? null,
        ...NO_NAME,
      })),
    })),
  );
  const read = new Map(
    looked.map((index, position) => [index, new Map(rows[position]?.map((row) => [row.pair, row.has_index]))]),
  );
  return pairings.map((pairing, index) => ({
    ...pairing,
    pairs: pairing.pairs.map((pair) => ({
      ...pair,
      has_index: known[index]?.get(pair.pair) ?? read.get(index)?.get(pair.pair) ?? false,
    })),
  }));
}

const NO_NAME = { index_name: '', index_leftover: false };

function tablesOf(asked: AskedForeignKey | undefined) {
  const { referencing_oid = 0, referenced_oid = 0, column_names = [] } = asked?.foreignKey ?? {};
  return { referencing_oid, referenced_oid, column_names };
}

/**
 * For each foreign key its pairs of which it is known whether an index serves, by their number: those without any index, and those with a
 * part of an index that serves the whole table. Such a part serves, too: the parent FK compares in the same way on each leaf, a part has
 * what the index has (columns, operator families, collations, predicate), and a leaf needs no more columns than the table. But a unique
 * index that has not all columns of the key may serve the table and not the leaf.
 */
async function readKnownIndexes(
  client: Client,
  asked: readonly AskedForeignKey[],
  pairings: readonly FoundPairing[],
): Promise<Map<number, boolean>[]> {
  const looked = asked.flatMap(({ foreignKey, known }, index) =>
    foreignKey.constraint_oid !== null && known && known.indexes.length > 0 ? [index] : [],
  );
  // The rule, asked of the table as a whole.
  const rows = await runForEach(
    client,
    'catalog/pair-indexes',
    looked.map((index) => ({
      ...tablesOf(asked[index]),
      pairs: [
        {
          pair: 0,
          referencing_oid: asked[index]?.foreignKey.referencing_oid ?? 0,
          constraint_oid: null,
          leaf_constraint_oid: asked[index]?.foreignKey.constraint_oid ?? null,
          ...NO_NAME,
        },
      ],
    })),
  );
  const serving = new Map(looked.map((index, position) => [index, rows[position]?.[0]]));
  return asked.map(({ foreignKey, known }, index) => {
    const found = serving.get(index);
    const whole = known?.indexes.find(
      ({ name, keys }) =>
        found?.has_index === true &&
        name === found.index_name &&
        (keys === null || keys >= foreignKey.column_names.length),
    );
    const [parts, bare] = [new Set(whole?.parts), new Set(known?.bare)];
    return new Map(
      (pairings[index]?.pairs ?? []).flatMap((pair): [number, boolean][] => {
        if (bare.has(pair.referencing_oid)) return [[pair.pair, false]];
        return pair.constraint_oid === null && parts.has(pair.referencing_oid) ? [[pair.pair, true]] : [];
      }),
    );
  });
}
