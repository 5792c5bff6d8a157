/** Tables that a new partition references besides its partner: ATTACH PARTITION gives it all foreign keys of its parent. */
import type { Client } from 'pg';
import { refuseUntrustedCode } from '../catalog/untrusted-code.ts';
import { run } from '../postgres/sql.ts';
import type { Place } from './place.ts';

/**
 * Refuses untrusted code in these tables. PostgreSQL checks each such foreign key with a query, even if there is no row, and
 * planning that query could run code of the other table's owner.
 *
 * @throws UntrustedCode where code of an untrusted role would run
 */
export async function refuseCodeOfReferencedTables(
  client: Client,
  place: Pick<Place, 'referencing_parent_oid' | 'referenced_parent_oid'>,
): Promise<void> {
  const references = await run(client, 'provision/referenced-tables', {
    parents: [place.referencing_parent_oid, place.referenced_parent_oid],
  });
  for (const reference of references) await refuseUntrustedCode(client, reference);
}
