/**
 * The guard against what a pair FK makes of an UPDATE that moves a referenced row to another partition: run ON DELETE on its
 * referencing rows, silently. Each referenced leaf has one, from the transaction that adds the first pair FK to it until the
 * one that drops the last. What it is made of, `sql/statements/create-row-movement-guard.sql` says.
 */
import type { Client } from 'pg';
import { NameTaken } from '../contracts/errors.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { executeDdl } from '../postgres/execute.ts';
import { sqlStateOf } from '../postgres/postgres-errors.ts';
import { run, runOne } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';

/** The action that such an UPDATE would run, such as `CASCADE`; undefined where ON DELETE merely refuses. */
export function silentAction({ actions }: Pick<ForeignKey, 'actions'>): string | undefined {
  return /ON DELETE (CASCADE|SET NULL|SET DEFAULT)/.exec(actions)?.[1];
}

export function wantsGuard(
  foreignKey: Pick<ForeignKey, 'actions'>,
  options: Partial<Pick<ExecutionInput, 'rowMovementGuard'>>,
): boolean {
  return options.rowMovementGuard === true && silentAction(foreignKey) !== undefined;
}

/** The guard of one referenced leaf, as it is and as it would be made now. */
export interface Guard {
  /** Number of the first pair with this leaf. */
  readonly pair: number;
  readonly oid: number;
  /** The leaf, schema-qualified. */
  readonly relation: string;
  /** Creates it. */
  readonly sql: string;
  readonly lock: string;
  /** Creates it, also where another repair has done so meanwhile (14+). */
  readonly repair_sql: string;
  /** Makes it fire as the triggers of the foreign key do. */
  readonly enable_sql: string;
  readonly drop_sql: string;
  readonly stands: boolean;
  /** It asks for the partition constraint when a key changes, as the leaf is a DEFAULT partition, or below one. */
  readonly asks: boolean;
  /** It refuses what it would refuse if it were created now. */
  readonly same: boolean;
  /** As pg_trigger.tgenabled; null where it does not stand. */
  readonly firing: string | null;
  readonly wanted_firing: string;
  /** Of the copy of an older edition's guard, which is on the referenced table; null where there is none. */
  readonly old_firing: string | null;
}

type WithReferenced = { readonly pair: number; readonly referenced_oid: number };

/** One for each referenced leaf of the pairs that is a partition still. Session search_path must be pg_catalog. */
export function readGuards(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
  pairs: readonly WithReferenced[],
): Promise<Guard[]> {
  return run<Guard & Record<string, unknown>>(client, 'statements/create-row-movement-guard', {
    ...foreignKey,
    migration_id: migrationId,
    pairs,
  });
}

/**
 * The guards that the referenced leaves must have, as they are: of the pairs that have a pair FK, and only where its ON DELETE would
 * act silently. None where none is wanted. Without an entry in the ledger any guard of ours on a leaf counts.
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

/** The migration that made most of the guards on these leaves; `0` where there are none. */
export async function guardNumber(client: Client, pairs: readonly WithReferenced[]): Promise<string> {
  const { guard_number } = await runOne<{ guard_number: string }>(client, 'catalog/guard-number', { pairs });
  return guard_number;
}

/** It exists, refuses what it would refuse if it were created now, and fires; or the copy of an older edition's guard does. */
export function isEffective({ stands, same, firing, wanted_firing, old_firing }: Guard): boolean {
  return (stands && same && firing === wanted_firing) || old_firing === 'O' || old_firing === 'A';
}

/** Those of the pairs whose referenced leaf this migration does not guard. */
export function unguardedPairs(
  client: Client,
  migrationId: string,
  pairs: readonly WithReferenced[],
): Promise<WithReferenced[]> {
  return run<WithReferenced & Record<string, unknown>>(client, 'catalog/unguarded-pairs', {
    migration_id: migrationId,
    pairs,
  });
}

/**
 * Creates the guards that the referenced leaves of the pairs lack, in the caller's transaction, under the caller's locks.
 *
 * @param prepared what {@link readGuards} said before the locks were taken: writing the texts takes tens of milliseconds
 */
export async function createGuards(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
  pairs: readonly WithReferenced[],
  prepared?: readonly Guard[],
): Promise<void> {
  const unguarded = await unguardedPairs(client, migrationId, pairs);
  if (unguarded.length === 0) return;
  const leaves = new Set(unguarded.map((pair) => pair.referenced_oid));
  const missing =
    prepared?.filter(({ oid }) => leaves.has(oid)) ??
    (await readGuards(client, foreignKey, migrationId, unguarded)).filter(({ stands }) => !stands);
  for (const { sql, relation } of missing) {
    try {
      await executeDdl(client, sql);
    } catch (error) {
      if (sqlStateOf(error) !== DUPLICATE_OBJECT) throw error;
      throw new NameTaken(
        `a trigger of ${relation} has the name of the row-movement guard of migration ${migrationId} and is none: drop it (who has TRIGGER there can make it), then run p2pfk migrate again; all that was done stands`,
        {},
        { cause: error },
      );
    }
  }
}

const DUPLICATE_OBJECT = '42710';

/**
 * `DROP TRIGGER ...` for each guard of the pairs' referenced leaves (or tables, where it is an older edition's) that is needed by
 * no pair FK of this migration but those of the pairs.
 */
export async function dropGuardStatements(
  client: Client,
  migrationId: string,
  pairs: readonly (WithReferenced & { readonly referencing_oid?: number })[],
): Promise<string[]> {
  const rows = await run<{ sql: string }>(client, 'statements/drop-row-movement-guard', {
    migration_id: migrationId,
    pairs,
  });
  return rows.map(({ sql }) => sql);
}

/** A guard wherever it is; its keys serve as a pair's in `sql/statements/`. */
export interface StandingGuard extends WithReferenced {
  readonly relation: string;
  /** Of an older edition: on the referenced table, with copies on its partitions. */
  readonly old: boolean;
}

/** All guards of a migration, also those of leaves that are in no pair any more. */
export function standingGuards(client: Client, migrationId: string): Promise<StandingGuard[]> {
  return run<StandingGuard & Record<string, unknown>>(client, 'catalog/row-movement-guards', {
    migration_id: migrationId,
  });
}
