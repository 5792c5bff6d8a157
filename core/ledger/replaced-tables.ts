/** Tables that took the oid of one that the ledger means. */
import type { Client } from 'pg';
import { LedgerElsewhere } from '../contracts/errors.ts';
import { readUnmatched } from './schema/identity.ts';

/**
 * Refuses where a table is not the one that the ledger means. A table keeps its oid when it is renamed. If it has another name
 * than in the ledger, and no foreign key of the migration is there, its oid belongs to another table now, because a part of the
 * database was restored.
 */
export async function refuseReplacedTables(
  client: Client,
  name: string,
  open: readonly { readonly id: string; readonly table_name: string }[],
): Promise<void> {
  for (const { id } of open.filter((migration) => migration.table_name !== name)) {
    const unmatched = await readUnmatched(client, id);
    if (unmatched === '') continue;
    throw new LedgerElsewhere(
      `refused, nothing was changed: the ledger does not fit this database: ${unmatched}; p2pfk audit --relink looks for them by name, and compares them first`,
    );
  }
}
