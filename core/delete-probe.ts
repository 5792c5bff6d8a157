/** The DELETE probe: deletes some rows on the referenced side, where the cascade costs, and takes it all back. */
import type { Client } from 'pg';
import { withCallerSearchPath } from './connection.ts';
import type { Check } from './contracts.ts';
import { CheckId } from './contracts.ts';
import { sqlStateOf, toNamedError } from './postgres-errors.ts';
import { run } from './sql.ts';

const PROBE_ROWS = 10;
/** More than that for ten rows means that something scans. The source case took minutes, with the index milliseconds. */
const FAST_ENOUGH_MS = 1_000;
/** Longer than that the probe is not let run: its row locks would hold the application up. */
export const PROBE_TIMEOUT_MS = 5_000;

const TITLE = 'Testing DELETE performance';

/**
 * Runs the probe on the largest pair that has rows and no user triggers. Must be called inside a transaction; works in a
 * savepoint, which it rolls back.
 *
 * @throws StatementCanceled when the statement timeout cuts it
 * @throws LockTimeout when rows that the cascade needs are locked by the application
 */
export async function probeDelete(
  client: Client,
  pairs: readonly { pair: number; referencing_oid: number; referenced_oid: number }[],
  timeoutMs: number,
): Promise<Check> {
  const probes = await run<{ pair: number; sql: string; user_triggers: number }>(client, 'checks/delete-probe', {
    pairs,
    rows: PROBE_ROWS,
  });
  const quiet = probes.filter((probe) => probe.user_triggers === 0);
  if (quiet.length === 0) {
    return {
      id: CheckId.DeletePerformance,
      title: TITLE,
      passed: true,
      detail: 'skipped: the partitions have triggers of the application, which a probe would fire',
    };
  }
  let milliseconds = 0;
  for (const { sql } of quiet) {
    const outcome = await deleteOnce(client, sql, timeoutMs);
    milliseconds = outcome.milliseconds;
    if (outcome.rows > 0 || outcome.refused) {
      const what = outcome.refused
        ? `A DELETE was refused, as the foreign key says, in ${clock(milliseconds)}`
        : `Deleted ${outcome.rows} rows in ${clock(milliseconds)}`;
      return { id: CheckId.DeletePerformance, title: TITLE, passed: milliseconds <= FAST_ENOUGH_MS, detail: what };
    }
  }
  return {
    id: CheckId.DeletePerformance,
    title: TITLE,
    passed: true,
    detail: 'Deleted 0 rows: the referenced partitions are empty',
  };
}

async function deleteOnce(
  client: Client,
  sql: string,
  timeoutMs: number,
): Promise<{ rows: number; milliseconds: number; refused: boolean }> {
  await client.query('SAVEPOINT delete_probe');
  // The shorter lock_timeout tells a wait for the application's row locks (55P03) from a DELETE that scans (57014).
  await client.query("SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)", [
    String(Math.max(2, Math.ceil(timeoutMs))),
    String(Math.max(1, Math.ceil(timeoutMs / 2))),
  ]);
  const beganAt = performance.now();
  try {
    const rows = await withCallerSearchPath(client, async () => {
      const result = await client.query(sql);
      // A deferred constraint does its work here, not at the DELETE.
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      return result.rowCount ?? 0;
    });
    return { rows, milliseconds: performance.now() - beganAt, refused: false };
  } catch (error) {
    // Class 23. NO ACTION and RESTRICT refuse the DELETE of a referenced row, and so does what SET NULL and SET DEFAULT
    // would make of a key that is NOT NULL or holds its row in its partition: the look-up that costs has been done.
    if (!sqlStateOf(error)?.startsWith('23')) throw toNamedError(error, sql);
    return { rows: 0, milliseconds: performance.now() - beganAt, refused: true };
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT delete_probe');
  }
}

/** `00:00:00.023` */
export function clock(milliseconds: number): string {
  return new Date(Math.round(milliseconds)).toISOString().slice(11, 23);
}
