/** What the operator may ask for: to hold back under load, to mind the window, to end sessions that sit idle on a lock. */
import { describe, expect, it } from 'vitest';
import { backends, holdLock, waitUntil } from '../../support/observe.ts';
import { databaseWith, everything } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';

describe('long work is held back', () => {
  it('while the operator’s query says so, and begun when it does not', async () => {
    const { observer } = await databaseWith();
    await observer.query('CREATE TABLE busy (now boolean); INSERT INTO busy VALUES (true)');
    const execution = new Execution();
    await execution.plan({ holdBackQuery: 'SELECT now FROM busy' });
    const before = await everything(observer);

    const held = await execution.buildIndex(1);
    expect(held).toMatchObject({ status: 'RUNNING', note: 'the hold-back query says so' });
    expect(held.waitSeconds).toBeGreaterThan(0);
    expect(await everything(observer)).toBe(before);
    await observer.query('UPDATE busy SET now = false');

    expect(await execution.buildIndex(1)).toMatchObject({ status: 'DONE' });
    await observer.query('UPDATE busy SET now = true');
    await execution.addForeignKey(1);
    expect(await execution.validateForeignKey(1)).toMatchObject({
      status: 'RUNNING',
      note: 'the hold-back query says so',
    });
  });

  it('while too many sessions are active', async () => {
    const { db, observer, execution } = await migratedTo('Plan', { maxActiveSessions: 1 });
    const [holder, ...waiters] = await Promise.all([db.client(), db.client(), db.client()]);
    const held = await holdLock(holder, 'LOCK TABLE path_3 IN ACCESS EXCLUSIVE MODE');
    const waiting = waiters.map((waiter) => waiter.query('SELECT FROM path_3'));
    await waitUntil(
      async () => (await backends(observer)).filter(({ waitsForLock }) => waitsForLock).length === 2,
      'two active sessions',
    );

    expect(await execution.buildIndex(1)).toMatchObject({
      status: 'RUNNING',
      note: '2 sessions are active, the limit is 1',
    });
    await held.release();
    await Promise.all(waiting);
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'DONE' });
  });

  it.each([
    ['SELECT 1', /must return one row with one boolean/],
    ['SELECT true, true', /must return one row with one boolean/],
    ['SELECT nonsense', /the hold-back query fails: column "nonsense" does not exist/],
    ['DELETE FROM path RETURNING true', /the hold-back query fails: cannot execute DELETE in a read-only transaction/],
    ['SELECT true; COMMIT; DELETE FROM path', /the hold-back query fails: cannot insert multiple commands/],
  ])('but not by what is no such query, which is told before anything begins: %s', async (holdBackQuery, message) => {
    const { observer } = await databaseWith();
    const before = await everything(observer);

    await expect(new Execution().plan({ holdBackQuery })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(message),
    });

    expect(await everything(observer)).toBe(before);
    expect((await observer.query(`SELECT FROM pg_namespace WHERE nspname = 'p2pfk'`)).rows).toEqual([]);
  });
});

it('a pair that would not be finished within the window is not begun', async () => {
  const { observer } = await databaseWith();
  const execution = new Execution();
  const { rows } = await observer.query(
    `SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS deadline`,
  );
  await execution.plan({ deadline: rows[0].deadline });
  await observer.query('UPDATE p2pfk.pair SET rows = 1e12 WHERE pair = 1');

  await expect(execution.buildIndex(1)).rejects.toMatchObject({
    name: 'WindowClosed',
    message: expect.stringMatching(/^path_1 needs about \d+ s and the maintenance window closes in \d+ s/),
  });
  expect(await execution.buildIndex(2)).toMatchObject({ status: 'DONE' });
});

describe('a session that sits idle in a transaction on a lock that we need', () => {
  it('is ended where the operator says so, and noted', async () => {
    const { db, observer, execution } = await migratedTo('Plan', {
      lockTimeoutMs: 100,
      terminateIdleBlockersAfterSeconds: 1,
    });
    const idler = await db.client();
    const pid = (await idler.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
    await holdLock(idler, 'UPDATE path_1 SET name = name WHERE ino = 1');
    await waitUntil(
      async () =>
        (
          await observer.query(
            `SELECT FROM pg_stat_activity WHERE pid = $1 AND state_change < now() - interval '1 second'`,
            [pid],
          )
        ).rows.length === 1,
      'it to be idle long enough',
    );

    await expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'LockTimeout' });
    await waitUntil(async () => (await backends(observer)).every((backend) => backend.pid !== pid), 'it to be gone');

    expect(await execution.addForeignKey(1)).toMatchObject({ status: 'DONE' });
    const { rows } = await observer.query(`SELECT sql FROM p2pfk.event WHERE sql LIKE 'SELECT pg_terminate_backend%'`);
    expect(rows).toEqual([{ sql: `SELECT pg_terminate_backend(${pid})` }]);
  });

  it('is left alone where he does not', async () => {
    const { db, execution } = await migratedTo('Plan', { lockTimeoutMs: 100 });
    const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');

    await expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'LockTimeout' });

    await held.release();
  });
});
