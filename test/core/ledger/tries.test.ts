/** Every try for locks is in the ledger, with how long it blocked others: what another session felt is never more than it says. */
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { closingLines } from '../../../cli/progress/closing.ts';
import { NOTHING_YET } from '../../../cli/progress/state.ts';
import { readMigrationReport } from '../../../core/ledger/migrations.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { coreSession, oneRow } from '../case.helpers.ts';
import { migratedTo } from '../execution.helpers.ts';
import { column, migrated, request } from '../provision/migrated.helpers.ts';

/** What counts as being kept waiting. */
const TOLERANCE_MS = 25;

/** Runs one short statement after the other; @returns ends it: how many milliseconds each took that was kept waiting */
function watch(client: Client, sql: string): () => Promise<number[]> {
  let over = false;
  const felt: number[] = [];
  const running = (async () => {
    while (!over) {
      const beganAt = performance.now();
      await client.query(sql);
      const tookMs = performance.now() - beganAt;
      if (tookMs > TOLERANCE_MS) felt.push(tookMs);
    }
  })();
  return async () => {
    over = true;
    await running;
    return felt;
  };
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

it('counts each failed try of the drop, and the rehearsal, with at least what a reader felt', async () => {
  const budgetMs = 400;
  const { db, observer, execution } = await migratedTo('ValidateForeignKeys', { lockTimeoutMs: budgetMs });
  const reader = await db.client();
  const held = await holdLock(await db.client(), 'SELECT FROM path_3');
  const stop = watch(reader, 'SELECT count(*) FROM inode_1');
  // Waits for no lock of ours: what the machine alone makes of a statement.
  const stopControl = watch(await db.client(), 'SELECT count(*) FROM pg_class');

  for (let n = 1; n <= 3; n++)
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'LockTimeout' });
  const felt = await stop();
  const noiseMs = Math.max(TOLERANCE_MS, ...(await stopControl()));
  await held.release();
  await execution.plan({ rehearse: true, lockTimeoutMs: 10_000 });
  await execution.verifyGate();
  await execution.plan({ lockTimeoutMs: 10_000 });
  await execution.dropParentForeignKey();

  const { rows: tries } = await observer.query<{ sql: string; error: string | null; lock_held_ms: number }>(
    `SELECT sql, error, lock_held_ms FROM p2pfk.event WHERE step IN ('VerifyGate', 'DropParentForeignKey') AND lock_held_ms IS NOT NULL ORDER BY id`,
  );
  expect(
    tries.map(({ sql, error }) => `${/ROLLBACK$/.test(sql) ? 'rehearsed' : ''}${error === null ? '' : 'failed'}`),
  ).toEqual(['failed', 'failed', 'failed', 'rehearsed', '']);
  expect(tries[3]?.sql).toMatch(/^LOCK TABLE .*;\nALTER TABLE public\.path DROP CONSTRAINT path_fk;\nROLLBACK$/s);
  // The first try is NOWAIT; those that wait hold locks that the reader needs.
  expect(felt.length).toBeGreaterThan(0);
  const failed = tries.filter(({ error }) => error !== null).map((one) => one.lock_held_ms);
  expect(Math.max(...failed) + noiseMs).toBeGreaterThanOrEqual(Math.max(...felt));
  expect(sum(failed) + noiseMs * felt.length).toBeGreaterThanOrEqual(sum(felt));
  expect(Math.max(...failed)).toBeLessThan(budgetMs + 2 * noiseMs);

  const { blocked } = await readMigrationReport(await coreSession(db.url), execution.migrationId, execution.arn);
  const all = await oneRow<{ tries: number; total: number }>(
    observer,
    'SELECT count(*)::int AS tries, sum(lock_held_ms) AS total FROM p2pfk.event WHERE lock_held_ms IS NOT NULL',
  );
  // The stages before were those of another execution.
  expect(blocked.tries).toBe(tries.length);
  expect(blocked.totalMs).toBeLessThan(all.total);
  const report = {
    status: 'MIGRATED',
    migrationId: '1',
    executionArn: execution.arn,
    pairs: [],
    durationMs: 1,
    blocked,
    verification: null,
    error: null,
  } as const;
  expect(closingLines(report, { operation: 'migrate', table: 'path', progress: NOTHING_YET }).at(-1)).toMatch(
    /^Took 00:00:00\.001; blocked others for at most [\d.]+ m?s at a time and [\d.]+ m?s in all, in 5 tries$/,
  );
});

it('counts the wait for a second relation while the first is held, and the time until COMMIT is answered', async () => {
  const { db, observer, execution } = await migratedTo('BuildIndexes', { lockTimeoutMs: 5_000 });
  const writer = await db.client();
  const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN ROW EXCLUSIVE MODE');
  const adding = execution.addForeignKey(1);
  await waitForLockWait(observer, /LOCK TABLE ONLY public.inode_1/);
  // inode_1 is locked by now, path_1 is waited for.
  const stop = watch(writer, 'UPDATE inode_1 SET size = size WHERE ino = 1');
  await waitForLockWait(observer, /UPDATE inode_1/);
  // Long enough to be told from the machine's own noise.
  await waitUntil(
    async () =>
      (
        await column<boolean>(
          observer,
          `SELECT clock_timestamp() - query_start > interval '${2 * TOLERANCE_MS} ms' FROM pg_stat_activity WHERE query LIKE 'UPDATE inode_1%' AND wait_event_type = 'Lock'`,
        )
      )[0],
    'the writer to have waited for a while',
  );
  await held.release();
  await adding;
  const felt = await stop();

  const [ms] = await column<number>(
    observer,
    `SELECT lock_held_ms FROM p2pfk.event WHERE step = 'AddForeignKeys' AND lock_held_ms IS NOT NULL`,
  );
  expect(felt.length).toBeGreaterThan(0);
  expect((ms ?? 0) + TOLERANCE_MS).toBeGreaterThanOrEqual(Math.max(...felt));
});

it('counts the tries of a provisioning that had to wait for a DEFAULT partition', async () => {
  const { core, db, observer } = await migrated(`
    CREATE TABLE inode (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
    CREATE TABLE path (medium text NOT NULL, ino bigint) PARTITION BY LIST (medium);
    CREATE TABLE inode_one PARTITION OF inode FOR VALUES IN ('one');
    CREATE TABLE path_one PARTITION OF path FOR VALUES IN ('one');
    CREATE TABLE inode_default PARTITION OF inode DEFAULT;
    CREATE TABLE path_default PARTITION OF path DEFAULT;
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;`);
  const held = await holdLock(await db.client(), 'SELECT FROM path_default');
  const provisioning = provision(core, request("FOR VALUES IN ('five')", { lockTimeoutMs: 1_500 }));
  await waitForLockWait(observer, /LOCK TABLE public.inode_default/);
  await held.release();

  const { blocked } = await provisioning;

  const tries = await column<number>(
    observer,
    `SELECT lock_held_ms FROM p2pfk.event WHERE step = 'Provision' AND lock_held_ms IS NOT NULL ORDER BY id`,
  );
  expect(blocked.tries).toBe(tries.length);
  expect(tries.length).toBeGreaterThan(1);
  // The last one is noted after its end, a moment after the sum was made.
  expect(Math.abs(blocked.totalMs - sum(tries))).toBeLessThan(TOLERANCE_MS);
});
