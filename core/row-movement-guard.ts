/**
 * The guard against what pair FKs would make of an UPDATE that moves a referenced row to another partition: run ON DELETE
 * on its referencing rows, without a word. It is installed with the drop of the parent FK, and goes when that comes back.
 */
import type { Client } from 'pg';
import { executeDdl } from './connection.ts';
import type { ExecutionInput } from './contracts.ts';
import type { ForeignKey } from './foreign-key.ts';
import { run, runOne } from './sql.ts';

/** The action that such an UPDATE would run, such as `CASCADE`; undefined where ON DELETE merely refuses. */
export function silentAction(foreignKey: ForeignKey): string | undefined {
  return /ON DELETE (CASCADE|SET NULL|SET DEFAULT)/.exec(foreignKey.actions)?.[1];
}

export function wantsGuard(foreignKey: ForeignKey, options: Pick<ExecutionInput, 'rowMovementGuard'>): boolean {
  return options.rowMovementGuard && silentAction(foreignKey) !== undefined;
}

/** `CREATE TRIGGER ...`, for the plan (with a made-up id) and for the drop. */
export async function guardStatement(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
): Promise<{ sql: string; lock: string }> {
  return runOne(client, 'statements/create-row-movement-guard', { ...foreignKey, migration_id: migrationId });
}

/** Installs the guard where it does not stand yet, in the caller's transaction. */
export async function installGuard(client: Client, foreignKey: ForeignKey, migrationId: string): Promise<void> {
  if (await dropGuardStatement(client, foreignKey, migrationId)) return;
  const { sql } = await guardStatement(client, foreignKey, migrationId);
  await executeDdl(client, sql);
}

/** `DROP TRIGGER ...`, or undefined where this migration has no guard. */
export async function dropGuardStatement(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
): Promise<string | undefined> {
  const [drop] = await run<{ sql: string }>(client, 'statements/drop-row-movement-guard', {
    ...foreignKey,
    migration_id: migrationId,
  });
  return drop?.sql;
}
