/**
 * Firing modes of a foreign key's triggers. Where the parent FK's triggers fire ALWAYS, even under session_replication_role =
 * replica, those of the pair FKs do too, and a rollback restores the parent FK with them. PostgreSQL lets only a superuser change
 * the mode of a foreign key's trigger; finding `always-triggers`.
 */
import type { Client } from 'pg';
import { executeDdl } from '../postgres/execute.ts';
import { together } from '../postgres/session/deadline.ts';
import { runOne } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';
import { type NumberedPair, readPairStatus } from './pairs.ts';
import { statementTexts } from './statements.ts';

/**
 * Gives the triggers of a pair FK the firing modes of the parent FK's triggers. Runs in the caller's transaction, under its lock
 * of the pair.
 */
export async function copyFiringModes(client: Client, foreignKey: ForeignKey, pair: NumberedPair): Promise<void> {
  if (foreignKey.firing.length === 0) return;
  const pairStatus = (await readPairStatus(client, foreignKey, [pair])).get(pair.pair);
  const pairs = [{ pair: pair.pair, constraint_oid: pairStatus?.constraint_oid ?? null }];
  const texts = await statementTexts(client, 'statements/copy-firing-modes', { firing: foreignKey.firing, pairs });
  await together<unknown[]>(client, ...texts.map((sql) => () => executeDdl(client, sql)));
}

/** Statements that are still needed for the restored parent FK to fire as it did before the drop. */
export async function restoreFiringStatements(client: Client, foreignKey: ForeignKey): Promise<string[]> {
  if (foreignKey.firing.length === 0) return [];
  return statementTexts(client, 'statements/restore-firing-modes', { ...foreignKey });
}

/** Whether triggers of the parent FK, while it exists, fire in another mode than when the plan was made. */
export async function hasFiringChanged(client: Client, foreignKey: ForeignKey): Promise<boolean> {
  const { firing_changed } = await runOne(client, 'checks/firing-changes', {
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    firing: foreignKey.firing,
  });
  return firing_changed;
}
