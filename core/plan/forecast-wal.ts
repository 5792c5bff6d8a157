/** WAL that the index builds of a migration write. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import type { Estimate } from '../contracts/documents.ts';
import { runOne } from '../postgres/sql.ts';

/** About as much WAL as the new indexes are large: each of their pages is written to it once. */
export async function forecastIndexWal(
  client: Client,
  { column_names }: Pick<ForeignKey, 'column_names'>,
  pairs: readonly Pair[],
): Promise<Pick<Estimate, 'indexWalBytes'>> {
  if (pairs.length === 0) return {};
  const { bytes } = await runOne(client, 'catalog/index-size', {
    pairs: pairs.map(({ referencing_oid, rows }) => ({ referencing_oid, rows })),
    column_names,
  });
  return { indexWalBytes: Math.round(bytes) };
}
