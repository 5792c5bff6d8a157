/** What the application writes, and what the migration changes for it. */
import type { Client } from 'pg';
import type { Pairing } from '../catalog/pairs.ts';
import type { WriteForecast } from '../contracts/documents.ts';
import { type Row, runOne } from '../postgres/sql.ts';

/**
 * Reads statistics only. A generic plan of the query by which PostgreSQL checks the parent FK locks every partition of the other
 * table, and a session makes one with the sixth check at the latest; the query of a pair FK locks one partition.
 */
export async function forecastWrites(client: Client, { pairs, unpaired }: Pairing): Promise<WriteForecast> {
  return writeForecast(
    await runOne(client, 'catalog/write-activity', {
      pairs: pairs.map(({ referencing_oid, referenced_oid }) => ({ referencing_oid, referenced_oid })),
    }),
    { pairs, unpaired },
  );
}

/** The same from what the statistics say. */
export function writeForecast(
  { inserts, deletes, seconds, since }: Row<'catalog/write-activity'>,
  { pairs, unpaired }: Pairing,
): WriteForecast {
  const paired = new Set(pairs.flatMap(({ referencing, referenced }) => [referencing, referenced]));
  return {
    insertsPerSecond: inserts / seconds,
    deletesPerSecond: deletes / seconds,
    since,
    partitionsLocked: paired.size + unpaired.length,
    partitionsLockedAfter: 2,
  };
}
