/**
 * How the triggers of a foreign key fire. Where those of the parent FK fire ALWAYS, also under session_replication_role =
 * replica, those of the pair FKs do, and a rollback brings the parent FK back with them. PostgreSQL lets only a superuser
 * change the mode of a foreign key's trigger; finding `always-triggers`.
 */
import type { Client } from 'pg';
import { executeDdl } from '../postgres/execute.ts';
import { runOne } from '../postgres/sql.ts';
import type { ForeignKey } from './foreign-key.ts';
import { type NumberedPair, readPairStatus } from './pairs.ts';
import { statementTexts } from './statements.ts';

/** Makes the triggers of a pair FK fire as those of the parent FK do. In the caller's transaction, under its lock of the pair. */
export async function copyFiringModes(client: Client, foreignKey: ForeignKey, pair: NumberedPair): Promise<void> {
  if (foreignKey.firing.length === 0) return;
  const standing = (await readPairStatus(client, foreignKey, [pair])).get(pair.pair);
  const pairs = [{ pair: pair.pair, constraint_oid: standing?.constraint_oid ?? null }];
  const texts = await statementTexts(client, 'statements/copy-firing-modes', { firing: foreignKey.firing, pairs });
  for (const sql of texts) await executeDdl(client, sql);
}

/** Statements that are still needed for the parent FK, which is back, to fire as it did. */
export async function restoreFiringStatements(client: Client, foreignKey: ForeignKey): Promise<string[]> {
  if (foreignKey.firing.length === 0) return [];
  return statementTexts(client, 'statements/restore-firing-modes', { ...foreignKey });
}

/** Whether triggers of the parent FK, while it exists, fire in another mode than the plan was made for. */
export async function hasFiringChanged(client: Client, foreignKey: ForeignKey): Promise<boolean> {
  const { firing_changed } = await runOne(client, 'checks/firing-changes', {
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    firing: foreignKey.firing,
  });
  return firing_changed;
}
