/** An application that writes without a pause: the drop gets through, and no writer waits longer than the lock budget. */
import { expect, it } from 'vitest';
import { holdLock, waitUntil } from '../../support/observe.ts';
import { type Load, startWriters, WRITERS } from '../../support/writers.ts';
import { migratedTo } from '../execution.helpers.ts';

/** The wait is bounded by deadlock_timeout (1 s); the rest is room for the drop itself on a busy machine. */
const BUDGET_MS = 2_000;
/** Of the test that is not about the drop going through. */
const SHORT_BUDGET_MS = 500;
/** What the contract allows beside the budget. */
const MARGIN_MS = 200;
/** One is NOWAIT and refused. The benchmark `stall` counts exactly; a busy machine may need some more. */
const FEW_TRIES = 8;

/** Tries as the state machine does, but without its pauses. */
async function insist(step: () => Promise<unknown>, most: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await step();
      return;
    } catch (error) {
      if ((error as Error).name !== 'LockTimeout' || tries === most) throw error;
    }
  }
}

/**
 * Runs `step` beside the writers. Their longest wait is measured by themselves; what this machine makes them wait without us
 * is added to what is allowed, because it is no wait for a lock of ours.
 */
async function besideWriters(load: Load, step: () => Promise<unknown>, most = FEW_TRIES): Promise<void> {
  const before = load.statements();
  load.longest();
  await waitUntil(() => load.statements() > before + 20 * WRITERS, 'the writers to show their pace', 30_000);
  const alone = load.longest();
  await insist(step, most);
  expect(load.longest()).toBeLessThan(BUDGET_MS + MARGIN_MS + alone);
  expect(load.errors).toEqual([]);
}

const ready = (last: Parameters<typeof migratedTo>[0], lockTimeoutMs = BUDGET_MS) =>
  migratedTo(last, { lockTimeoutMs });

it('under eight writers without a pause every lock is got within a few tries, there and back', async () => {
  const { db, observer, execution } = await ready('BuildIndexes');
  const load = await startWriters(db);
  try {
    for (const { pair } of execution.pairs) await besideWriters(load, () => execution.addForeignKey(pair));
    await execution.run('ValidateForeignKeys');
    await execution.run('VerifyGate');
    await besideWriters(load, () => execution.dropParentForeignKey());
    expect((await observer.query("SELECT FROM pg_constraint WHERE conname = 'path_fk'")).rows).toEqual([]);

    const fenced = await execution.fence({ Error: 'GateFailed', Cause: 'a test' });
    for (const { pair } of fenced.pairs) await besideWriters(load, () => execution.restoreParent(pair));
    await besideWriters(load, () => execution.attachParent());
    // One step for all pairs: each may be refused.
    await besideWriters(load, () => execution.dropPairForeignKeys(), 3 * FEW_TRIES);
    await execution.verifyRolledBack();
  } finally {
    await load.stop();
  }
});

it('a transaction of any length makes every try give up within the budget, and is named', async () => {
  const { db, observer, execution } = await ready('VerifyGate', SHORT_BUDGET_MS);
  const holder = await db.client();
  await holder.query(`SET application_name = 'nightly report'`);
  const held = await holdLock(holder, 'SELECT FROM path_3');
  const reader = await db.client();
  for (let tries = 1; tries <= 5; tries++) {
    const waited = (async () => {
      const from = performance.now();
      await reader.query('SELECT count(*) FROM inode');
      await reader.query('SELECT count(*) FROM path');
      return performance.now() - from;
    })();
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      name: 'LockTimeout',
      message: expect.stringMatching(
        /AccessShareLock on public\.path_3 is held by pid \d+ \(postgres, nightly report\)/,
      ),
    });
    expect(await waited).toBeLessThan(SHORT_BUDGET_MS + MARGIN_MS);
  }
  const { rows } = await observer.query<{ ms: number }>(
    'SELECT duration_ms AS ms FROM p2pfk.event WHERE error IS NOT NULL ORDER BY id',
  );
  // NOWAIT first, then waits.
  expect(rows[0]?.ms).toBeLessThan(SHORT_BUDGET_MS / 2);
  for (const { ms } of rows.slice(1)) expect(ms).toBeLessThan(SHORT_BUDGET_MS + MARGIN_MS);
  expect(rows.slice(1).some(({ ms }) => ms > SHORT_BUDGET_MS / 2)).toBe(true);

  await held.release();
  await insist(() => execution.dropParentForeignKey(), FEW_TRIES);
});
