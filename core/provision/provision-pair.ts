/**
 * Provisions a new pair after the migration: both partitions, the supporting index and the pair FK, in one transaction that
 * blocks neither readers nor writers of the two tables. The result is checked before COMMIT.
 */
import type { Client } from 'pg';
import { type ForeignKey, resolveTable } from '../catalog/foreign-key.ts';
import { readPairing } from '../catalog/pairs.ts';
import { silentAction } from '../catalog/row-movement-guard.ts';
import type { Blocked } from '../contracts/documents.ts';
import { InvalidInput, PreflightFailed } from '../contracts/errors.ts';
import { shellWord } from '../contracts/safe-text.ts';
import { resolveForeignKey } from '../ledger/resolve-foreign-key.ts';
import { prepareLedger } from '../ledger/schema/make-ledger.ts';
import { sqlStateOf, toNamedError } from '../postgres/postgres-errors.ts';
import { type Row, run } from '../postgres/sql.ts';
import { BudgetExceeded, type Changed, changeOnline } from '../steps/locks/online-change.ts';
import { type PartitionBound, parseBound } from './bound.ts';
import { type MadePair, makePair, NAME_TAKEN, OVERLAPS, type StatementText } from './make-pair.ts';
import { choosePlace, type Place } from './place.ts';
import { refuseCodeOfReferencedTables } from './referenced-tables.ts';

/** The pair to make. */
export interface ProvisionRequest {
  /** The referencing partitioned table, or a partition of it that is partitioned itself; written as in SQL. */
  readonly table: string;
  readonly constraint?: string | undefined;
  /** Written as in SQL: `FOR VALUES ...` or `DEFAULT`. */
  readonly bound: string;
  /** Replaces, in the new names, the part in which the existing names differ. */
  readonly nameSuffix?: string | undefined;
  /** Names, written as in SQL. The second is needed only where no partition holds the keys yet. */
  readonly referencing?: string | undefined;
  readonly referenced?: string | undefined;
  /** Do everything and roll it back. */
  readonly dryRun: boolean;
  /** Milliseconds. */
  readonly lockTimeoutMs: number;
}

/** `provision --json`. */
export interface Provisioned {
  readonly status: 'PROVISIONED' | 'DRY_RUN';
  readonly table: string;
  readonly referencedTable: string;
  /** Id in the ledger; null where there is no ledger. */
  readonly migrationId: string | null;
  readonly referencing: string;
  readonly referenced: string;
  /** False where the partition existed already, empty and without a partner for this foreign key. */
  readonly referencingCreated: boolean;
  /** False where an existing partition holds the keys of the new one. */
  readonly referencedCreated: boolean;
  /** As PostgreSQL prints it. */
  readonly bound: string;
  readonly pairConstraint: string;
  readonly index: string;
  /** In the order in which they ran, each with the lock that it takes. */
  readonly statements: readonly StatementText[];
  /** Milliseconds. */
  readonly lockWaitMs: number;
  /** Milliseconds from the last lock's grant to the end of the transaction. */
  readonly heldMs: number;
  /** By all tries, including those that failed. */
  readonly blocked: Blocked;
}

/**
 * Makes the pair, or with `dryRun` proves that it could be made.
 *
 * @throws InvalidInput when the bound is not valid, or the names cannot be derived
 * @throws PreflightFailed when the bound overlaps, a name is taken, the table is not migrated, or the pair needs a row-movement
 *   guard and there is no ledger entry that it could belong to: nothing has changed
 * @throws MigrationInProgress when the migration is not complete: nothing has changed
 * @throws LockTimeout with the holders, when the locks were not granted: nothing has changed
 */
export async function provision(client: Client, request: ProvisionRequest): Promise<Provisioned> {
  const bound = parseBound(request.bound);
  if (!request.dryRun) await prepareLedger(client);
  const { foreignKey, place } = await findPlace(client, request, bound);
  refuseUnguarded(foreignKey);
  const locks = await locksFor(client, place, bound);
  const change = {
    step: 'Provision',
    migrationId: foreignKey.migrationId,
    budgetMs: request.lockTimeoutMs,
    locks,
    roundTrips: ROUND_TRIPS,
    rehearsal: request.dryRun,
  };
  let changed: Changed<MadePair>;
  try {
    changed = await changeOnline(client, change, (budget) => makePair(client, foreignKey, place, bound, budget));
  } catch (error) {
    throw refusal(error, locks);
  }
  const { pair, statements, referencingCreated, referencedCreated } = changed.result;
  return {
    status: request.dryRun ? 'DRY_RUN' : 'PROVISIONED',
    table: foreignKey.table,
    referencedTable: foreignKey.referencedTable,
    migrationId: foreignKey.migrationId,
    referencing: pair.referencing,
    referenced: pair.referenced,
    referencingCreated,
    referencedCreated,
    bound: pair.bound,
    pairConstraint: pair.constraint_name,
    index: pair.index_name,
    statements: [...locks.map(({ sql, lock }) => ({ sql, lock })), ...statements],
    lockWaitMs: Math.round(changed.lockWaitMs),
    heldMs: Math.round(changed.heldMs),
    blocked: changed.blocked,
  };
}

/**
 * Beside a DEFAULT partition, whose lock is taken first, the work waits for at least so many answers of the server:
 * test/core/steps/round-trips.test.ts counts 20, and a partition may exist already.
 */
const ROUND_TRIPS = 16;

/**
 * Refuses without a ledger entry, because a guard belongs to a migration of the ledger, and the pair FK would take effect without
 * a guard.
 */
function refuseUnguarded(foreignKey: ForeignKey): void {
  const action = silentAction(foreignKey);
  if (foreignKey.migrationId !== null || action === undefined) return;
  throw new PreflightFailed(
    `refused, nothing was changed: a pair foreign key with ON DELETE ${action} needs its row-movement guard, which belongs to a migration of the ledger, and the ledger that this role can read has none for ${foreignKey.table}; if it is lost, make an entry from the catalog first: p2pfk audit --table ${shellWord(foreignKey.table)} --fix --run --accept ledger-missing`,
  );
}

async function findPlace(
  client: Client,
  request: ProvisionRequest,
  bound: PartitionBound,
): Promise<{ foreignKey: ForeignKey; place: Place }> {
  const target = await readTarget(client, request.table);
  const foreignKey = await resolveForeignKey(
    client,
    { table: target?.root ?? request.table, constraint: request.constraint },
    'verify',
  );
  if (foreignKey.constraint_oid !== null) {
    throw new PreflightFailed(
      `refused, nothing was changed: ${foreignKey.table} is not migrated, its foreign key ${foreignKey.constraint_name} covers new partitions by itself; create them with CREATE TABLE ... PARTITION OF, or run p2pfk migrate first`,
    );
  }
  if (target?.parent_kind !== 'p') throw new InvalidInput(`table ${request.table} is not partitioned`);
  const pairing = await readPairing(client, foreignKey);
  const place = await choosePlace(client, foreignKey, pairing, { ...request, bound, parentOid: target.parent_oid });
  await refuseCodeOfReferencedTables(client, place);
  return { foreignKey, place };
}

/** Undefined where there is no such table: resolveForeignKey has the message for that. */
async function readTarget(client: Client, table: string): Promise<Row<'provision/target'> | undefined> {
  try {
    const table_oid = await resolveTable(client, table);
    const [target] = await run(client, 'provision/target', { table_oid });
    return target;
  } catch (error) {
    if (sqlStateOf(error)?.startsWith('42') || sqlStateOf(error) === '0A000') return undefined;
    throw toNamedError(error);
  }
}

type Lock = Row<'statements/lock-for-attach-partition'>;

/** The locks that are needed. For a new DEFAULT partition PostgreSQL reads no other partition. */
async function locksFor(client: Client, place: Place, bound: PartitionBound): Promise<Lock[]> {
  const locks = await run(client, 'statements/lock-for-attach-partition', {
    ...place,
  });
  return bound.strategy === 'default' ? locks.filter((lock) => lock.mode !== 'ACCESS EXCLUSIVE') : locks;
}

/** Errors of PostgreSQL as refusals of one line; PostgreSQL's messages are clear. */
function refusal(error: unknown, locks: readonly Lock[]): unknown {
  const named = toNamedError(error);
  const defaults = locks.find((lock) => lock.mode === 'ACCESS EXCLUSIVE');
  // A statement was cut, and not the pauses between statements too long.
  const isCut = named instanceof BudgetExceeded && named.context.sqlState === '57014';
  if (isCut && defaults) {
    return new PreflightFailed(
      `refused, nothing was changed: PostgreSQL has to look through the DEFAULT partition ${defaults.names} for rows that belong to the new one, under a lock that stops all readers and writers of it, and that did not fit into the lock budget; allow more with --lock-timeout-ms, or move its rows first`,
      {},
      { cause: named },
    );
  }
  const sqlState = named.context.sqlState ?? '';
  const why = REFUSALS[sqlState];
  if (why === undefined) return named;
  return new PreflightFailed(`refused, nothing was changed: ${why}${named.message}`, {}, { cause: named });
}

/** SQLSTATE -> its meaning here. */
const REFUSALS: Readonly<Record<string, string>> = {
  [OVERLAPS]: '',
  '42P16': '',
  [NAME_TAKEN]: '',
  '42804': '',
  '22P02': 'a literal of the bound does not fit its column: ',
  '22007': 'a literal of the bound does not fit its column: ',
  '22008': 'a literal of the bound does not fit its column: ',
  '22003': 'a literal of the bound does not fit its column: ',
  '22001': 'a literal of the bound does not fit its column: ',
  '23514': 'the DEFAULT partition holds rows that belong to the new one: ',
};
