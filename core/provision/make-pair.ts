/** Makes a new pair inside a transaction: what is missing of the two partitions, the index, the pair FK, the ledger's row. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { holdingRows, type Pair, type Pairing, readPairing, readPairStatus } from '../catalog/pairs.ts';
import { type Guard, missingGuards, readGuards, wantsGuard } from '../catalog/row-movement-guard.ts';
import { checkPartitioning } from '../checks/preflight/table-findings.ts';
import { InvalidInput, PreflightFailed } from '../contracts/errors.ts';
import { readMigration } from '../ledger/migrations.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { journalOf } from '../postgres/statement-journal.ts';
import type { Budget } from '../steps/locks/online-change.ts';
import { addToLedger } from './add-to-ledger.ts';
import type { PartitionBound } from './bound.ts';
import type { RelationName } from './pair-names-by-rule.ts';
import type { Place } from './place.ts';
import { refuseCodeOfReferencedTables } from './referenced-tables.ts';

/** SQLSTATE of a bound that overlaps another, and of other things that are wrong with a bound. */
export const OVERLAPS = '42P17';
export const NAME_TAKEN = '42P07';

/** A statement and the lock that it takes, in words. */
export interface StatementText {
  readonly sql: string;
  readonly lock: string;
}

export interface MadePair {
  readonly pair: Pair;
  readonly referencingCreated: boolean;
  readonly referencedCreated: boolean;
  readonly statements: readonly StatementText[];
}

type NewPartition = Row<'provision/new-partition'>;

/**
 * The referenced partition first, as nothing may reference what is not there. Where one side stands already, PostgreSQL
 * refuses the new one; it is the partner if it has none yet: a referenced partition that stood alone or is coarser, or an
 * empty referencing one, made for another foreign key of the same table.
 *
 * @throws PreflightFailed when the two would be no pair; the caller rolls back
 */
export async function makePair(
  client: Client,
  foreignKey: ForeignKey,
  place: Place,
  bound: PartitionBound,
  budget: Budget,
): Promise<MadePair> {
  // Again under the locks, behind which no index and no CHECK can come to the tables themselves.
  await refuseCodeOfReferencedTables(client, place);
  const making = new Making(client, bound, budget);
  // Below a table that is cut in another way the same bound would hold other keys: the partner can only be there already.
  const wanted = (await isCutAlike(client, foreignKey, place)) ? place.referenced : undefined;
  const referenced = wanted && (await making.partition(place.referenced_parent_oid, wanted));
  const referencing = await making.partition(place.referencing_parent_oid, place.referencing);
  const parts = { referencing, referenced, refusals: making.refusals };
  const pair = await findPair(client, foreignKey, place, bound, parts);

  const stoodBefore = referencing === undefined || referenced === undefined;
  const indexAdded = !pair.has_index;
  // Written before a partition that the application may know is locked.
  const values = { ...foreignKey, pairs: [pair] };
  const createIndex = indexAdded ? await run(client, 'statements/create-index-on-new', values) : [];
  const guards = await making.guards(foreignKey, pair);
  const addForeignKey = await run(client, 'statements/add-pair-foreign-key-to-new', values);
  if (stoodBefore) await making.lockPair(pair);
  await making.runAll([...createIndex, ...(await making.stillMissing(foreignKey, guards)), ...addForeignKey]);

  const made = (await readPairStatus(client, foreignKey, [pair], { indexes: true })).get(pair.pair);
  if (!made?.validated || !made.enforced || !made.has_index) {
    throw new PreflightFailed(
      'refused, nothing was changed: the new pair is not what it should be, as the catalog shows it',
    );
  }
  if (foreignKey.migrationId !== null) {
    const noted = { ...pair, ...made, constraint_added: true, index_added: indexAdded };
    await addToLedger(client, foreignKey.migrationId, [noted]);
  }
  return {
    pair: { ...pair, ...made },
    referencingCreated: referencing !== undefined,
    referencedCreated: referenced !== undefined,
    statements: making.statements,
  };
}

/** Whether both parents are partitioned by columns that the foreign key connects, in the same way. */
async function isCutAlike(client: Client, foreignKey: ForeignKey, place: Place): Promise<boolean> {
  const tables = await run(client, 'catalog/partitioning', {
    ...foreignKey,
    referencing_oid: place.referencing_parent_oid,
    referenced_oid: place.referenced_parent_oid,
  });
  const [referencing, referenced] = [place.referencing_parent_oid, place.referenced_parent_oid].map((parent) =>
    tables.find(({ oid }) => oid === parent),
  );
  if (!referencing || !referenced) throw new Error('a table of the foreign key vanished while it was read');
  return checkPartitioning(foreignKey, referencing, referenced).length === 0;
}

/** Two new partitions of one bound below the roots are a pair; of anything else all pairs together have to tell. */
async function findPair(
  client: Client,
  foreignKey: ForeignKey,
  place: Place,
  bound: PartitionBound,
  parts: Parts,
): Promise<Pair> {
  const { referencing, referenced } = parts;
  const atRoot =
    place.referencing_parent_oid === foreignKey.referencing_oid &&
    place.referenced_parent_oid === foreignKey.referenced_oid;
  if (referencing === undefined || referenced === undefined || bound.strategy === 'default' || !atRoot) {
    return choosePair(client, foreignKey, await readPairing(client, foreignKey), parts);
  }
  const pair = await runOne(client, 'catalog/pairs-of-partitions', {
    pairs: [{ referencing_oid: referencing.oid, referenced_oid: referenced.oid }],
  });
  const standing = (await readPairStatus(client, foreignKey, [{ ...pair, pair: 1 }], { indexes: true })).get(1);
  if (!standing) throw new Error('the new pair is gone');
  return { ...pair, ...standing };
}

/** The new pair as the catalog shows it; where there is none, the reason. */
async function choosePair(
  client: Client,
  foreignKey: ForeignKey,
  pairing: Pairing,
  { referencing, referenced, refusals }: Parts,
): Promise<Pair> {
  if (referencing !== undefined) {
    const found = pairing.pairs.find((pair) => pair.referencing_oid === referencing.oid);
    if (found && (referenced === undefined || found.referenced_oid === referenced.oid)) return found;
    if (found) {
      throw new PreflightFailed(
        `refused, nothing was changed: the keys of the new partition lie in ${found.referenced}, not in a new referenced partition of the same bound`,
      );
    }
    throw sqlStateOf(refusals[0]) === NAME_TAKEN ? refusals[0] : noPair(pairing, referencing);
  }
  const [found, ...more] = pairing.pairs.filter((pair) => pair.referenced_oid === referenced?.oid);
  if (!found || more.length > 0 || found.bound !== referenced?.bound) throw refusals.at(-1);
  const lone = { side: 'referencing', oid: found.referencing_oid, partition: found.referencing } as const;
  const holding = await holdingRows(client, foreignKey, [
    { ...lone, kind: found.referencing_kind, bound: found.bound, rows: 0 },
  ]);
  if (holding.size === 0) return found;
  throw new PreflightFailed(
    `refused, nothing was changed: ${found.referencing} has that bound already, no partner, and rows, which would have no referenced ones`,
  );
}

/** What could be made of the two partitions. */
interface Parts {
  readonly referencing: NewPartition | undefined;
  readonly referenced: NewPartition | undefined;
  readonly refusals: readonly unknown[];
}

class Making {
  readonly #client: Client;
  readonly #bound: PartitionBound;
  readonly #budget: Budget;
  /** That ran and were not taken back. */
  statements: StatementText[] = [];
  /** Why a partition could not be made, in the order of the attempts. */
  readonly refusals: unknown[] = [];

  constructor(client: Client, bound: PartitionBound, budget: Budget) {
    this.#client = client;
    this.#bound = bound;
    this.#budget = budget;
  }

  async runAll(texts: readonly StatementText[]): Promise<void> {
    for (const { sql, lock } of texts) {
      await this.#budget.run(sql);
      this.statements.push({ sql, lock });
    }
  }

  /** Undefined, with the refusal noted, where PostgreSQL finds that the bound or the name is taken. */
  async partition(parent_oid: number, { schema, name }: RelationName): Promise<NewPartition | undefined> {
    const before = [...this.statements];
    const journal = journalOf(this.#client);
    const ranBefore = journal.length;
    await this.#client.query('SAVEPOINT new_partition');
    try {
      const values = { parent_oid, schema, name };
      await this.runAll(await run(this.#client, 'statements/create-partition-table', values));
      await this.runAll(await run(this.#client, 'statements/own-partition', values));
      await this.runAll(await run(this.#client, 'statements/attach-partition', { ...values, bound: this.#bound }));
    } catch (error) {
      const state = sqlStateOf(error);
      if (state !== OVERLAPS && state !== NAME_TAKEN) throw error;
      await this.#client.query('ROLLBACK TO SAVEPOINT new_partition');
      this.statements = before;
      journal.length = ranBefore;
      this.refusals.push(error);
      return undefined;
    }
    return runOne(this.#client, 'provision/new-partition', { schema, name });
  }

  /** To be created before the pair FK, as its migration has them on every referenced leaf with one. */
  async guards(foreignKey: ForeignKey, pair: Pair): Promise<Guard[]> {
    const { migrationId } = foreignKey;
    if (migrationId === null) return [];
    const { options } = await readMigration(this.#client, migrationId);
    if (!wantsGuard(foreignKey, options)) return [];
    return (await readGuards(this.#client, foreignKey, migrationId, [pair])).filter(({ stands }) => !stands);
  }

  /** Under the lock: a repair may have created one meanwhile. */
  async stillMissing(foreignKey: ForeignKey, guards: readonly Guard[]): Promise<Guard[]> {
    if (foreignKey.migrationId === null || guards.length === 0) return [];
    return missingGuards(this.#client, foreignKey, foreignKey.migrationId, guards);
  }

  /** Only where the application may know one of the two partitions. */
  async lockPair(pair: Pair): Promise<void> {
    const [lock] = await run(this.#client, 'statements/lock-pair', { pairs: [pair] });
    if (!lock) throw new Error('the new pair is gone');
    const relations = [pair.referencing_oid, pair.referenced_oid];
    await this.#budget.lock({ sql: lock.sql, mode: 'SHARE ROW EXCLUSIVE', relations });
    this.statements.push(lock);
  }
}

/** The referencing partition is attached, and still has no partner: what PostgreSQL allows is not always a pair. */
function noPair({ unpaired }: Pairing, { oid }: NewPartition): PreflightFailed | InvalidInput {
  const lone = unpaired.find((partition) => partition.oid === oid);
  const others = unpaired.filter(({ bound }) => bound !== 'DEFAULT').map(({ partition }) => partition);
  const no = 'refused, nothing was changed: the new partition would have no partner:';
  if (lone?.bound === 'DEFAULT' && others.length > 0) {
    return new PreflightFailed(
      `${no} a DEFAULT partition is a partner only where every other partition that can hold its keys has its own, unlike ${others.join(', ')}`,
    );
  }
  if (lone?.keyless || (lone?.heldBy?.length ?? 0) > 0) return new PreflightFailed(`${no} ${lone?.why}`);
  return new InvalidInput(
    `${no} no referenced partition holds these keys, and nothing shows what a new one would be called: give --referenced too`,
  );
}
