/**
 * The row-movement guard. A pair FK treats an UPDATE that moves a referenced row to another partition as a DELETE: it silently
 * runs ON DELETE on the referencing rows. The guard refuses such an UPDATE. Each referenced leaf has one, from the transaction
 * that adds the first pair FK to it until the one that drops the last. `sql/statements/create-row-movement-guard.sql` has its
 * definition.
 */
import type { Client } from 'pg';
import { NameTaken } from '../contracts/errors.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { executeDdl } from '../postgres/execute.ts';
import { together } from '../postgres/session/deadline.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';
import { statementTexts } from './statements.ts';

/** The action that such an UPDATE would run, for example `CASCADE`; undefined where ON DELETE only refuses. */
export function silentAction({ actions }: Pick<ForeignKey, 'actions'>): string | undefined {
  return /ON DELETE (CASCADE|SET NULL|SET DEFAULT)/.exec(actions)?.[1];
}

/** Whether the referenced leaves need guards: where ON DELETE acts silently, unless the input switches them off. */
export function wantsGuard(
  foreignKey: Pick<ForeignKey, 'actions'>,
  options: Partial<Pick<ExecutionInput, 'rowMovementGuard'>>,
): boolean {
  return options.rowMovementGuard === true && silentAction(foreignKey) !== undefined;
}

/**
 * The guard of one referenced leaf, as it is and as it would be created now. `pair` is the number of the first pair with this
 * leaf; the header of the SQL file explains the columns.
 */
export type Guard = Row<'statements/create-row-movement-guard'>;

type WithReferenced = { readonly pair: number; readonly referenced_oid: number };

/** One for each referenced leaf of the pairs that is still a partition. The session's search_path must be pg_catalog. */
export function readGuards(
  client: Client,
  { referencing_oid, referenced_oid }: Pick<ForeignKey, 'referencing_oid' | 'referenced_oid'>,
  migrationId: string,
  pairs: readonly WithReferenced[],
): Promise<Guard[]> {
  return run(client, 'statements/create-row-movement-guard', {
    referencing_oid,
    referenced_oid,
    migration_id: migrationId,
    pairs,
  });
}

/**
 * The guards that the referenced leaves must have, as they are: of pairs that have a pair FK, and only where its ON DELETE would
 * act silently. Empty where no guards are wanted. Without a ledger entry, any guard of p2pfk on a leaf counts.
 */
export async function guardsOf(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly (WithReferenced & { readonly constraint_oid: number | null })[],
  options: Partial<Pick<ExecutionInput, 'rowMovementGuard'>>,
): Promise<Guard[]> {
  if (!wantsGuard(foreignKey, options)) return [];
  const covered = pairs.filter(({ constraint_oid }) => constraint_oid !== null);
  if (covered.length === 0) return [];
  const number = foreignKey.migrationId ?? (await guardNumber(client, covered));
  return readGuards(client, foreignKey, number, covered);
}

/** Id of the migration that created most of the guards on these leaves; `0` where there are none. */
export async function guardNumber(client: Client, pairs: readonly WithReferenced[]): Promise<string> {
  const { guard_number } = await runOne(client, 'catalog/guard-number', { pairs });
  return guard_number;
}

/** Whether the guard exists, or the copy of an older version's guard fires. */
export function isEffective({ stands, old_firing }: Guard): boolean {
  return stands || old_firing === 'O' || old_firing === 'A';
}

/**
 * Pairs whose referenced leaf does not have the very trigger that {@link readGuards} found there. One index lookup for each pair,
 * because it runs under locks, where comparing what the guards do would take too long.
 */
export function unguardedPairs(
  client: Client,
  migrationId: string,
  guards: readonly Pick<Guard, 'pair' | 'oid' | 'seen'>[],
): Promise<Row<'catalog/unguarded-pairs'>[]> {
  return run(client, 'catalog/unguarded-pairs', {
    migration_id: migrationId,
    pairs: guards.map(({ pair, oid, seen }) => ({ pair, referenced_oid: oid, seen })),
  });
}

/**
 * The guards that are still to be created, read under the caller's locks. A trigger that took the name since is compared again,
 * because a repair may have created the guard meanwhile.
 *
 * @throws NameTaken where a trigger with a guard's name is not that guard, or does not fire as it has to
 */
export async function missingGuards(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
  prepared: readonly Guard[],
): Promise<Guard[]> {
  const unguarded = await unguardedPairs(client, migrationId, prepared);
  const leaves = new Set(unguarded.map((pair) => pair.referenced_oid));
  if (unguarded.every((pair) => !pair.taken)) return prepared.filter(({ oid }) => leaves.has(oid));
  const missing = (await readGuards(client, foreignKey, migrationId, unguarded)).filter(({ stands }) => !stands);
  const other = missing.find(({ taken }) => taken);
  if (other)
    throw new NameTaken(
      `a trigger of ${other.relation} has the name of the row-movement guard of migration ${migrationId} and ${other.same ? 'does not fire as the foreign key does: enable it as the triggers of the foreign key are, or drop it' : 'is none, or one that was altered: drop it (who has TRIGGER there can make it)'}, then run p2pfk migrate again; what was done so far is kept`,
    );
  return missing;
}

/**
 * Creates the guards that the referenced leaves lack, in the caller's transaction, under the caller's locks.
 *
 * @param prepared result of {@link readGuards} from before the locks were taken, because writing the texts takes tens of
 *   milliseconds
 * @throws NameTaken as {@link missingGuards}
 */
export async function createGuards(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
  prepared: readonly Guard[],
): Promise<void> {
  const missing = await missingGuards(client, foreignKey, migrationId, prepared);
  await together<unknown[]>(
    client,
    ...missing.map(
      ({ sql }) =>
        () =>
          executeDdl(client, sql),
    ),
  );
}

/**
 * `DROP TRIGGER ...` for each guard of the pairs' referenced leaves (or tables, for a guard of an older version) that no other
 * pair FK of this migration needs.
 */
export function dropGuardStatements(
  client: Client,
  migrationId: string,
  pairs: readonly (WithReferenced & { readonly referencing_oid?: number })[],
): Promise<string[]> {
  return statementTexts(client, 'statements/drop-row-movement-guard', {
    migration_id: migrationId,
    pairs: pairs.map((pair) => ({ referencing_oid: null, ...pair })),
  });
}

/** A guard that exists, on any leaf. Its keys serve as those of a pair in `sql/statements/`. */
export type ExistingGuard = Row<'catalog/row-movement-guards'>;

/** All guards of a migration, including those of leaves that are in no pair any more. */
export function readExistingGuards(client: Client, migrationId: string): Promise<ExistingGuard[]> {
  return run(client, 'catalog/row-movement-guards', {
    migration_id: migrationId,
  });
}
