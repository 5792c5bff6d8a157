/** An approver, who may UPDATE a few columns of a migration's row, may lock the whole row: nothing of the application waits for that. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { holdLock, waitForLockWait } from '../../support/observe.ts';
import { coreSession, everything, oneRow, type TestCase } from '../case.helpers.ts';
import { migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const LOCKED_ROW = 'SELECT FROM p2pfk.migration FOR SHARE';

/** A role with the right to approve, and a session of it. */
async function approver(testCase: TestCase): Promise<{ role: string; session: Client; pid: number }> {
  const { role, url } = await plainRole(testCase);
  await testCase.observer.query(`GRANT USAGE ON SCHEMA p2pfk TO ${role};
    GRANT SELECT, UPDATE (approved_at) ON p2pfk.migration TO ${role}`);
  const session = await coreSession(url);
  const { pid } = await oneRow<{ pid: number }>(session, 'SELECT pg_backend_pid() AS pid');
  return { role, session, pid };
}

describe("an approver's lock on the migration's row", () => {
  it('is waited for before the drop asks for a lock on a table, and its holder is named', async () => {
    const testCase = await migratedTo('ValidateForeignKeys', { approval: 'manual', lockTimeoutMs: 3_000 });
    const { observer, execution, db } = testCase;
    await execution.verifyGate();
    await observer.query('UPDATE p2pfk.migration SET approved_at = now()');
    const { role, session, pid } = await approver(testCase);

    // Keeps the drop between its entrance, which writes to the row, and its transaction.
    const entrance = await holdLock(await db.client(), 'LOCK TABLE p2pfk.pair IN ACCESS EXCLUSIVE MODE');
    const dropping = execution.dropParentForeignKey().then(
      () => undefined,
      (error: unknown) => error,
    );
    await waitForLockWait(observer, /p2pfk\.pair/);
    const row = await holdLock(session, LOCKED_ROW);
    await entrance.release();
    const waiting = await waitForLockWait(observer, /FOR NO KEY UPDATE/);

    const locks = await observer.query(
      `SELECT l.relation::regclass::text AS on, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
        WHERE l.pid = $1 AND l.mode LIKE '%Exclusive%' AND c.relnamespace = 'public'::regnamespace`,
      [waiting.pid],
    );
    expect(locks.rows).toEqual([]);
    expect(await dropping).toMatchObject({
      name: 'LockTimeout',
      message: expect.stringContaining(`RowShareLock on p2pfk.migration is held by pid ${pid} (${role}`),
    });
    const { blocked } = await oneRow<{ blocked: number }>(
      observer,
      `SELECT count(*)::int AS blocked FROM p2pfk.event WHERE step = 'DropParentForeignKey' AND lock_held_ms IS NOT NULL`,
    );
    expect(blocked).toBe(0);
    await row.release();
    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED' });
  });

  it('is named by every other step that has to wait for it, and by the way back', async () => {
    const testCase = await migratedTo('ValidateForeignKeys', { lockTimeoutMs: 200 });
    const { observer, execution } = testCase;
    const { role, session, pid } = await approver(testCase);
    const row = await holdLock(session, LOCKED_ROW);
    const before = await everything(observer);

    for (const step of [
      () => execution.addForeignKey(1),
      () => execution.verifyGate(),
      () => execution.fence({ Error: 'GateFailed' }),
      () => execution.pause({ Error: 'ConnectionLost' }),
    ])
      await expect(step()).rejects.toMatchObject({
        name: 'LockTimeout',
        message: expect.stringContaining(
          `a row of the ledger is locked: RowShareLock on p2pfk.migration is held by pid ${pid} (${role}`,
        ),
      });

    expect(await everything(observer)).toBe(before);
    await row.release();
    expect(await execution.fence({ Error: 'GateFailed' })).toMatchObject({ status: 'FENCED' });
  });
});
