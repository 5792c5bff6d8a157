/** From the ledger: how long statements of ours held locks that make writers of the application wait. */
import type { Client } from 'pg';

/** Milliseconds: the longest that writers of all partitions waited for, and all such times together, of single pairs too. */
export async function heldByRollback(client: Client): Promise<{ parent: number; all: number }> {
  const { rows } = await client.query<{ step: string; duration_ms: number }>(
    `SELECT step, duration_ms FROM p2pfk.event
      WHERE step IN ('AttachParent', 'RestoreParent', 'DropPairForeignKeys') AND error IS NULL AND duration_ms IS NOT NULL
        AND sql NOT LIKE '%VALIDATE CONSTRAINT%' AND sql NOT LIKE 'DROP INDEX%'`,
  );
  const parent = rows.filter(({ step }) => step === 'AttachParent').map(({ duration_ms }) => duration_ms);
  return { parent: Math.max(...parent), all: rows.reduce((sum, { duration_ms }) => sum + duration_ms, 0) };
}

/** Milliseconds that the drop of the parent FK held its locks, checks and COMMIT included. */
export async function heldByDrop(client: Client): Promise<number> {
  const { rows } = await client.query<{ held: number }>(
    `SELECT max(duration_ms) AS held FROM p2pfk.event WHERE step = 'DropParentForeignKey' AND error IS NULL`,
  );
  return rows[0]?.held ?? Number.NaN;
}
