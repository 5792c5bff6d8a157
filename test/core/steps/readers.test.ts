/** Transactions that only read, and stand in the way all the same. */
import { describe, expect, it } from 'vitest';
import { holdLock, waitForLockWait } from '../../support/observe.ts';
import { databaseWith, everything } from '../case.helpers.ts';
import { Execution, timeLeft } from '../execution.helpers.ts';

describe('while somebody reads one partition in an open transaction', () => {
  it('the parent FK is not attached, nobody is held up meanwhile, and afterwards it is', async () => {
    const { db, observer } = await databaseWith();
    const original = await everything(observer);
    const execution = new Execution();
    await execution.migrate();
    for (const { pair } of (await execution.fence()).pairs) await execution.restoreParent(pair);
    const reader = await db.client();
    await reader.query(`SET application_name = 'a report'`);
    const held = await holdLock(reader, 'SELECT FROM path_2');
    const writer = await db.client();
    // Nothing of ours may stand in a queue that the application then stands in behind it.
    await writer.query(`SET lock_timeout = '100ms'`);

    const refused = expect(execution.attachParent()).rejects.toMatchObject({
      name: 'LockTimeout',
      message: expect.stringMatching(
        /no lock within \d+ ms for AttachParent: AccessShareLock on public\.path_2 is held by pid \d+ \(postgres, a report\)/,
      ),
    });
    for (let n = 0; n < 20; n++) await writer.query('UPDATE path SET name = name WHERE ino = 1');
    await refused;

    await held.release();
    expect(await execution.attachParent()).toMatchObject({ status: 'DONE' });
    await execution.dropPairForeignKeys();
    await execution.verifyRolledBack();
    expect(await everything(observer)).toBe(original);
  });
});

describe('an index build that has to wait for an older transaction', () => {
  it('tells for whom, and is found again', async () => {
    const { db, observer } = await databaseWith();
    const execution = new Execution();
    await execution.plan();
    const writer = await db.client();
    await writer.query(`SET application_name = 'nightly import'`);
    const { rows } = await writer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const held = await holdLock(writer, `UPDATE path_1 SET name = name WHERE name = 'top secret'`);

    const told = await execution.buildIndex(1);

    expect(told).toMatchObject({ status: 'RUNNING', object: 'idx_path_1_fk', waitSeconds: 5 });
    expect(told.note).toMatch(`waits for pid ${rows[0]?.pid} (postgres, nightly import), idle in transaction since `);
    expect(told.note).not.toMatch(/UPDATE/);
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'RUNNING', note: told.note });
    await waitForLockWait(observer, /CREATE INDEX CONCURRENTLY/);

    await held.release();
    await expect.poll(() => execution.buildIndex(1), { timeout: 20_000 }).toMatchObject({ status: 'SKIPPED' });
  });
});

describe('an index build that outlives its handler', () => {
  it('tells how far it is, as PostgreSQL counts', async () => {
    const { db } = await databaseWith();
    const execution = new Execution();
    await execution.plan();
    // Named as one of ours, so that it is nobody to tell of: the build stands still in a phase that is known.
    const other = await db.client();
    await other.query(`SET application_name = 'p2pfk/test'`);
    const held = await holdLock(other, 'LOCK TABLE path_1 IN ROW EXCLUSIVE MODE');

    const told = await execution.buildIndex(1, timeLeft(16_000));

    expect(told).toMatchObject({ status: 'RUNNING', note: 'index build: waiting for writers before build' });
    await held.release();
    await expect.poll(async () => (await execution.buildIndex(1)).status, { timeout: 20_000 }).toBe('SKIPPED');
  });
});
