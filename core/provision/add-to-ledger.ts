/** Adds a pair to the ledger that was made, or found, after the migration. */
import type { Client } from 'pg';
import type { Pair } from '../catalog/pairs.ts';
import { type Statement, statementsFor } from '../catalog/statements.ts';

/** A pair, and which of its parts a rollback has to drop. */
export type NotedPair = Pair & { readonly constraint_added: boolean; readonly index_added: boolean };

/** Adds the pairs, in the caller's transaction if there is one. */
export async function addToLedger(client: Client, migrationId: string, pairs: readonly NotedPair[]): Promise<void> {
  const texts = await addToLedgerStatements(client, migrationId, pairs);
  for (const { sql } of texts.values()) await client.query(sql);
}

/** `INSERT ...`, by pair number. */
export function addToLedgerStatements(
  client: Client,
  migrationId: string,
  pairs: readonly (Pair & Partial<NotedPair>)[],
): Promise<Map<number, Statement>> {
  return statementsFor(client, 'statements/add-ledger-pairs', {
    migration_id: migrationId,
    pairs: pairs.map((pair) => ({ constraint_added: null, index_added: null, ...pair })),
  });
}
