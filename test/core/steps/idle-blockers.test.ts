/** `--terminate-idle-blockers`: only who sits idle, only for as long as the operator says, and only who holds what we need. */
import pg, { type Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backends, holdLock, waitForQuery, waitUntil } from '../../support/observe.ts';
import { databaseWith, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

describe('a session that sits idle in a transaction and holds what we need', () => {
  const LOCK = 'LOCK TABLE path_1 IN ROW EXCLUSIVE MODE';
  const pidOf = async (client: Client) => (await oneRow<{ pid: number }>(client, 'SELECT pg_backend_pid() AS pid')).pid;
  const alive = async (observer: Client, pid: number) =>
    (await backends(observer)).some((backend) => backend.pid === pid);
  const idleFor = (observer: Client, pid: number, seconds: number) =>
    waitUntil(async () => {
      const { rows } = await observer.query(
        'SELECT FROM pg_stat_activity WHERE pid = $1 AND state_change < now() - make_interval(secs => $2)',
        [pid, seconds],
      );
      return rows.length > 0;
    }, `pid ${pid} to be idle for ${seconds} s`);
  /** A migration before its first foreign key, and a session that will hold its lock. */
  const blocked = async (input: Record<string, unknown>) => {
    const testCase = await databaseWith();
    const execution = new Execution();
    await execution.plan({ lockTimeoutMs: 200, ...input });
    const holder = await testCase.db.client();
    return { ...testCase, execution, holder, pid: await pidOf(holder) };
  };
  const refused = (execution: Execution) =>
    expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'LockTimeout' });

  it('is ended after as long as the operator says, and no sooner; the next try finds the lock free', async () => {
    const { observer, execution, holder, pid } = await blocked({ terminateIdleBlockersAfterSeconds: 2 });
    await holdLock(holder, LOCK);

    await refused(execution);
    expect(await alive(observer, pid)).toBe(true);
    await idleFor(observer, pid, 2);
    await expect(execution.addForeignKey(1)).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`held by pid ${pid} .*; ended pid ${pid}, idle in a transaction`)),
    });
    await waitUntil(async () => !(await alive(observer, pid)), 'the holder to be gone');

    expect(await execution.addForeignKey(1)).toMatchObject({ status: 'DONE' });
    const { rows } = await observer.query(`SELECT step, pair, sql FROM p2pfk.event WHERE sql LIKE '%terminate%'`);
    expect(rows).toEqual([{ step: 'AddForeignKeys', pair: 1, sql: `SELECT pg_terminate_backend(${pid})` }]);
  });

  it('is ended before the drop, too, with all that hold any of its locks', async () => {
    const { db, observer } = await databaseWith();
    const execution = new Execution();
    await execution.migrate('VerifyGate', { lockTimeoutMs: 10_000, terminateIdleBlockersAfterSeconds: 1 });
    const [one, other] = [await db.client(), await db.client()];
    const pids = [await pidOf(one), await pidOf(other)];
    await holdLock(one, 'SELECT FROM path_2');
    await holdLock(other, 'SELECT FROM inode_3');
    for (const pid of pids) await idleFor(observer, pid, 1);

    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'LockTimeout' });
    for (const pid of pids) await waitUntil(async () => !(await alive(observer, pid)), 'the holders to be gone');

    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED' });
  });

  it('is ended where an index build waits for it, and the build goes on', async () => {
    const { observer, execution, holder, pid } = await blocked({ terminateIdleBlockersAfterSeconds: 1 });
    await holdLock(holder, LOCK);
    await idleFor(observer, pid, 1);

    const first = await execution.buildIndex(1);
    await waitUntil(async () => !(await alive(observer, pid)), 'the holder to be gone');

    expect(first).toMatchObject({ status: 'RUNNING', note: expect.stringContaining(`; ended pid ${pid}, idle`) });
    await waitUntil(async () => (await execution.buildIndex(1)).status !== 'RUNNING', 'the index to be built');
    expect((await observer.query(`SELECT FROM p2pfk.event WHERE sql LIKE '%terminate%'`)).rows).toHaveLength(1);
  });

  it('is never ended while it works', async () => {
    const { observer, execution, holder, pid } = await blocked({ terminateIdleBlockersAfterSeconds: 1 });
    await holdLock(holder, LOCK);
    const working = holder.query('SELECT pg_sleep(600)').catch((error: { code?: string }) => error.code);
    await waitForQuery(observer, /^SELECT pg_sleep/);
    await idleFor(observer, pid, 1);

    await refused(execution);
    await refused(execution);

    expect(await alive(observer, pid)).toBe(true);
    await observer.query('SELECT pg_cancel_backend($1)', [pid]);
    expect(await working).toBe('57014');
  });

  it('is never ended where it is one of ours: another migration may be between two statements', async () => {
    const { observer, execution, holder, pid } = await blocked({ terminateIdleBlockersAfterSeconds: 1 });
    await holder.query(`SET application_name = 'p2pfk/9/add-foreign-key/1'`);
    const held = await holdLock(holder, LOCK);
    await idleFor(observer, pid, 1);

    await refused(execution);

    expect(await alive(observer, pid)).toBe(true);
    await held.release();
  });

  it('is ended where it only calls itself one of ours', async () => {
    const testCase = await blocked({ terminateIdleBlockersAfterSeconds: 1 });
    const { observer, execution } = testCase;
    const { role, url } = await plainRole(testCase);
    await observer.query(`GRANT SELECT, UPDATE ON path_1 TO ${role}`);
    const impostor = new pg.Client({ connectionString: url, application_name: 'p2pfk/9/add-foreign-key/1' });
    impostor.on('error', () => undefined);
    await impostor.connect();
    onTestFinished(() => impostor.end());
    const pid = await pidOf(impostor);
    await holdLock(impostor, LOCK);
    await idleFor(observer, pid, 1);

    await refused(execution);

    await waitUntil(async () => !(await alive(observer, pid)), 'the impostor to be gone');
  });

  it('is never ended without the operator’s word, nor where it holds nothing of ours', async () => {
    const { db, observer, execution, holder, pid } = await blocked({});
    await holdLock(holder, LOCK);
    await idleFor(observer, pid, 1);
    await refused(execution);
    expect(await alive(observer, pid)).toBe(true);

    const bystander = await db.client();
    await holdLock(bystander, 'LOCK TABLE path_2 IN ROW EXCLUSIVE MODE');
    const next = new Execution();
    await next.plan({ lockTimeoutMs: 200, terminateIdleBlockersAfterSeconds: 1 });
    await idleFor(observer, pid, 1);
    await refused(next);
    await waitUntil(async () => !(await alive(observer, pid)), 'the holder to be gone');
    expect((await bystander.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('that this role may not end stays, is named, and fails nothing', async () => {
    const testCase = await databaseWith();
    const { db, observer } = testCase;
    const { role, url } = await plainRole(testCase);
    await observer.query(`
      GRANT CREATE ON DATABASE ${db.name} TO ${role}; GRANT CREATE ON SCHEMA public TO ${role};
      GRANT pg_read_all_stats TO ${role};
      ALTER TABLE inode OWNER TO ${role}; ALTER TABLE path OWNER TO ${role};
      DO $$ DECLARE t regclass; BEGIN
        FOR t IN SELECT inhrelid FROM pg_inherits WHERE inhparent IN ('path'::regclass, 'inode'::regclass) LOOP
          EXECUTE format('ALTER TABLE %s OWNER TO ${role}', t); END LOOP; END $$;`);
    process.env.DATABASE_URL = url;
    const execution = new Execution();
    await execution.plan({ lockTimeoutMs: 200, terminateIdleBlockersAfterSeconds: 1 });
    const holder = await db.client();
    const pid = await pidOf(holder);
    const held = await holdLock(holder, LOCK);
    await idleFor(observer, pid, 1);

    const failure = await execution.addForeignKey(1).catch((error: Error) => error);
    const stillThere = await alive(observer, pid);
    await held.release();

    expect(failure).toMatchObject({ name: 'LockTimeout', message: expect.stringContaining(`held by pid ${pid}`) });
    expect(stillThere).toBe(true);
    expect(await execution.addForeignKey(1)).toMatchObject({ status: 'DONE' });
  });
});
