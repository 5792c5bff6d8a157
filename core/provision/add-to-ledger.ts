/** Tells the ledger of a pair that was made, or found, after the migration. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { type Pair, statementsFor } from '../catalog/pairs.ts';

/** A pair, and what of it a rollback is to take away. */
export type NotedPair = Pair & { readonly constraint_added: boolean; readonly index_added: boolean };

/** In the caller's transaction, where there is one. */
export async function addToLedger(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
  pairs: readonly NotedPair[],
): Promise<void> {
  const texts = await addToLedgerStatements(client, foreignKey, migrationId, pairs);
  for (const { sql } of texts.values()) await client.query(sql);
}

/** `INSERT ...`, by pair number. */
export function addToLedgerStatements(
  client: Client,
  foreignKey: ForeignKey,
  migrationId: string,
  pairs: readonly (Pair & Partial<NotedPair>)[],
): Promise<Map<number, { sql: string; lock: string }>> {
  return statementsFor(client, 'statements/add-ledger-pairs', foreignKey, pairs, { migration_id: migrationId });
}
