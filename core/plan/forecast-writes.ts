/** What the application writes, and what the migration changes for it. */
import type { Client } from 'pg';
import type { Pairing } from '../catalog/pairs.ts';
import type { WriteForecast } from '../contracts/documents.ts';
import { runOne } from '../postgres/sql.ts';

/**
 * Reads statistics only. A generic plan of the query by which PostgreSQL checks the parent FK locks every partition of the other
 * table, and a session makes one with the sixth check at the latest; the query of a pair FK locks one partition.
 */
export async function forecastWrites(client: Client, { pairs, unpaired }: Pairing): Promise<WriteForecast> {
  const { inserts, deletes, seconds, since } = await runOne(client, 'catalog/write-activity', {
    pairs: pairs.map(({ referencing_oid, referenced_oid }) => ({ referencing_oid, referenced_oid })),
  });
  const paired = new Set(pairs.flatMap(({ referencing, referenced }) => [referencing, referenced]));
  return {
    insertsPerSecond: inserts / seconds,
    deletesPerSecond: deletes / seconds,
    since,
    partitionsLocked: paired.size + unpaired.length,
    partitionsLockedAfter: 2,
  };
}
