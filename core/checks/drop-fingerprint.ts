/**
 * A fingerprint of the catalog rows that the drop check reads. While it is the same, the results from before the locks of the drop hold
 * under them. docs/architecture.md, "What the drop relies on", has the reasoning.
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import type { Pair } from '../catalog/pairs.ts';
import { type Row, runNow, runOne } from '../postgres/sql.ts';

/** The head of the file describes the columns. */
export type Fingerprint = Row<'checks/drop-fingerprint'>;

/** Reads it now, also inside `askTogether`. */
export async function readFingerprint(client: Client, foreignKey: ForeignKey): Promise<Fingerprint> {
  const [fingerprint] = await runNow(client, 'checks/drop-fingerprint', {
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
  });
  if (!fingerprint) throw new Error('sql/checks/drop-fingerprint.sql returned no row');
  return fingerprint;
}

/** Whether the findings about owners of partitions depend on nothing that the fingerprint leaves out. */
export async function hasPlainOwners(client: Client, foreignKey: ForeignKey, pairs: readonly Pair[]): Promise<boolean> {
  return (await runOne(client, 'checks/plain-owners', { ...foreignKey, pairs })).plain;
}
