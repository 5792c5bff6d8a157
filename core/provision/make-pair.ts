/** Makes a new pair inside a transaction: the missing partitions, the index, the pair FK, and the ledger's row. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { holdingRows, type Pair, type Pairing, readPairing, readPairStatus } from '../catalog/pairs.ts';
import { type Guard, missingGuards, readGuards, wantsGuard } from '../catalog/row-movement-guard.ts';
import { checkPartitioning } from '../checks/preflight/table-findings.ts';
import { InvalidInput, PreflightFailed } from '../contracts/errors.ts';
import { readMigration } from '../ledger/migrations.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { together } from '../postgres/session/deadline.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { journalOf } from '../postgres/statement-journal.ts';
import type { Budget } from '../steps/locks/online-change.ts';
import { addToLedger } from './add-to-ledger.ts';
import type { PartitionBound } from './bound.ts';
import type { RelationName } from './pair-names-by-rule.ts';
import type { Place } from './place.ts';
import { refuseCodeOfReferencedTables } from './referenced-tables.ts';

/** SQLSTATE of a bound that overlaps another one, and of other errors of a bound. */
export const OVERLAPS = '42P17';
/** SQLSTATE of a name that another relation has. */
export const NAME_TAKEN = '42P07';

/** A statement and the lock that it takes, as text. */
export interface StatementText {
  readonly sql: string;
  readonly lock: string;
}

/** The pair, and how it was made. */
export interface MadePair {
  readonly pair: Pair;
  readonly referencingCreated: boolean;
  readonly referencedCreated: boolean;
  readonly statements: readonly StatementText[];
}

type NewPartition = Row<'provision/new-partition'>;

/**
 * Creates the referenced partition first, because no row may reference a missing one. If one side exists already, PostgreSQL
 * refuses to create it; the existing partition is used if it has no partner yet: a referenced partition that was alone or is
 * coarser, or an empty referencing one that was created for another foreign key of the same table.
 *
 * @throws PreflightFailed when the two would not be a pair; the caller rolls back
 */
export async function makePair(
  client: Client,
  foreignKey: ForeignKey,
  place: Place,
  bound: PartitionBound,
  budget: Budget,
): Promise<MadePair> {
  const [, partitionedAlike] = await together(
    client,
    // Checked again under the locks, behind which no index and no CHECK can be added to the tables themselves.
    () => refuseCodeOfReferencedTables(client, place),
    () => isPartitionedAlike(client, foreignKey, place),
  );
  const making = new Making(client, bound, budget);
  // In a table that is partitioned differently, the same bound would hold other keys: the partner must exist already.
  const wanted = partitionedAlike ? place.referenced : undefined;
  const referenced = wanted && (await making.partition(place.referenced_parent_oid, wanted));
  const referencing = await making.partition(place.referencing_parent_oid, place.referencing);
  const parts = { referencing, referenced, refusals: making.refusals };
  const pair = await findPair(client, foreignKey, place, bound, parts);

  const existedBefore = referencing === undefined || referenced === undefined;
  const indexAdded = !pair.has_index;
  // Made before a partition is locked that the application may use.
  const values = { ...foreignKey, pairs: [pair] };
  const [createIndex, guards, addForeignKey] = await together(
    client,
    async () => (indexAdded ? run(client, 'statements/create-index-on-new', values) : []),
    () => making.guards(foreignKey, pair),
    () => run(client, 'statements/add-pair-foreign-key-to-new', values),
  );
  if (existedBefore) await making.lockPair(pair);
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

/** Whether both parents are partitioned in the same way, by columns that the foreign key connects. */
async function isPartitionedAlike(client: Client, foreignKey: ForeignKey, place: Place): Promise<boolean> {
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

/**
 * The new pair. Two new partitions with one bound directly below the two tables are a pair; anything else is decided by pairing
 * all partitions.
 */
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
  const pairStatus = (await readPairStatus(client, foreignKey, [{ ...pair, pair: 1 }], { indexes: true })).get(1);
  if (!pairStatus) throw new Error('the new pair is gone');
  return { ...pair, ...pairStatus };
}

/**
 * The new pair as the catalog shows it.
 *
 * @throws PreflightFailed with the reason, where there is none
 */
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

/** The partitions that could be created. */
interface Parts {
  readonly referencing: NewPartition | undefined;
  readonly referenced: NewPartition | undefined;
  readonly refusals: readonly unknown[];
}

/** The statements of one new pair. */
class Making {
  readonly #client: Client;
  readonly #bound: PartitionBound;
  readonly #budget: Budget;
  /** Statements that ran and were not rolled back. */
  statements: StatementText[] = [];
  /** Why a partition could not be created, in the order of the attempts. */
  readonly refusals: unknown[] = [];

  constructor(client: Client, bound: PartitionBound, budget: Budget) {
    this.#client = client;
    this.#bound = bound;
    this.#budget = budget;
  }

  async runAll(texts: readonly StatementText[]): Promise<void> {
    const runs = texts.map(({ sql, lock }) => async () => {
      await this.#budget.run(sql);
      this.statements.push({ sql, lock });
    });
    await this.#budget.together<unknown[]>(...runs);
  }

  /**
   * Creates and attaches a partition.
   *
   * @returns undefined, with the refusal stored, where PostgreSQL reports that the bound or the name is taken
   */
  async partition(parent_oid: number, { schema, name }: RelationName): Promise<NewPartition | undefined> {
    const before = [...this.statements];
    const journal = journalOf(this.#client);
    const ranBefore = journal.length;
    const client = this.#client;
    const values = { parent_oid, schema, name };
    const [, create, own, attach] = await together(
      client,
      () => client.query('SAVEPOINT new_partition'),
      () => run(client, 'statements/create-partition-table', values),
      () => run(client, 'statements/own-partition', values),
      () => run(client, 'statements/attach-partition', { ...values, bound: this.#bound }),
    );
    try {
      const [, made] = await this.#budget.together(
        () => this.runAll([...create, ...own, ...attach]),
        () => runOne(client, 'provision/new-partition', { schema, name }),
      );
      return made;
    } catch (error) {
      const state = sqlStateOf(error);
      if (state !== OVERLAPS && state !== NAME_TAKEN) throw error;
      await client.query('ROLLBACK TO SAVEPOINT new_partition');
      this.statements = before;
      journal.length = ranBefore;
      this.refusals.push(error);
      return undefined;
    }
  }

  /** Guards to create before the pair FK, as the migration has them on every referenced leaf with a pair FK. */
  async guards(foreignKey: ForeignKey, pair: Pair): Promise<Guard[]> {
    const { migrationId } = foreignKey;
    if (migrationId === null) return [];
    const { options } = await readMigration(this.#client, migrationId);
    if (!wantsGuard(foreignKey, options)) return [];
    return (await readGuards(this.#client, foreignKey, migrationId, [pair])).filter(({ stands }) => !stands);
  }

  /** Guards that are still missing under the lock: a repair may have created one meanwhile. */
  async stillMissing(foreignKey: ForeignKey, guards: readonly Guard[]): Promise<Guard[]> {
    if (foreignKey.migrationId === null || guards.length === 0) return [];
    return missingGuards(this.#client, foreignKey, foreignKey.migrationId, guards);
  }

  /** Locks the pair, which is needed only where the application may use one of the two partitions. */
  async lockPair(pair: Pair): Promise<void> {
    const [lock] = await run(this.#client, 'statements/lock-pair', { pairs: [pair] });
    if (!lock) throw new Error('the new pair is gone');
    const relations = [pair.referencing_oid, pair.referenced_oid];
    await this.#budget.lock({ sql: lock.sql, mode: 'SHARE ROW EXCLUSIVE', relations });
    this.statements.push(lock);
  }
}

/** Why the referencing partition, which is attached, has no partner: not everything that PostgreSQL allows is a pair. */
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
