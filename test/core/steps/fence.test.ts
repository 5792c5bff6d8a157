/** The fence: nothing of the forward path runs behind it, whatever the engine still starts. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { backends, holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { databaseWith, everything, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo, timeLeft } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const CAUGHT = {
  Error: 'OrphanedRows',
  Cause: JSON.stringify({ errorType: 'OrphanedRows', errorMessage: '3 rows', trace: [] }),
};

describe('forward steps behind the fence', () => {
  it('are refused, and change nothing', async () => {
    const { observer, execution } = await migratedTo('AddForeignKeys');
    await execution.fence(CAUGHT);
    const before = await everything(observer);

    for (const late of [
      () => execution.buildIndex(1),
      () => execution.addForeignKey(1),
      () => execution.validateForeignKey(1),
      () => execution.verifyGate(),
      () => execution.dropParentForeignKey(),
      () => execution.verifyMigration(),
    ]) {
      await expect(late()).rejects.toMatchObject({
        name: 'MigrationFenced',
        message: expect.stringContaining('fenced'),
      });
    }
    expect(await everything(observer)).toBe(before);
  });

  it('that waited for their lock while the fence was set are cancelled', async () => {
    const { db, observer, execution } = await migratedTo('Plan', { lockTimeoutMs: 60_000 });
    const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');
    const adding = expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'StatementCanceled' });
    await waitForLockWait(observer, /^LOCK TABLE/);

    await execution.fence(CAUGHT);

    await adding;
    await held.release();
    await expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'MigrationFenced' });
    expect((await observer.query(`SELECT FROM pg_constraint WHERE conname LIKE 'fk_path_to_%'`)).rows).toEqual([]);
  });

  it('that were asked for before, and come to their transaction after it, are refused there', async () => {
    const { db, observer, execution } = await migratedTo('Plan');
    // Whoever holds the pair's row keeps the step between its entrance and its end; here it is kept before its transaction.
    const held = await holdLock(await db.client(), 'LOCK TABLE p2pfk.pair IN ACCESS EXCLUSIVE MODE');
    const adding = expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'MigrationFenced' });
    await waitForLockWait(observer, /p2pfk\.pair/);
    await observer.query('UPDATE p2pfk.migration SET fenced_at = now()');
    await held.release();

    await adding;
    expect((await observer.query(`SELECT FROM pg_constraint WHERE conname LIKE 'fk_path_to_%'`)).rows).toEqual([]);
  });
});

describe('a validation behind the fence', () => {
  it('that was asked for before, and comes to its transaction after it, is refused there', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE p2pfk.pair IN ACCESS EXCLUSIVE MODE');
    const validating = expect(execution.validateForeignKey(1)).rejects.toMatchObject({ name: 'MigrationFenced' });
    await waitForLockWait(observer, /p2pfk\.pair/);
    await observer.query('UPDATE p2pfk.migration SET fenced_at = now()');
    await held.release();

    await validating;
    expect(
      await oneRow(observer, `SELECT convalidated FROM pg_constraint WHERE conname = 'fk_path_to_inode_1'`),
    ).toEqual({ convalidated: false });
  });
});

describe('the fence waits', () => {
  /** Which comes first: the fence's end, or a session of it that waits for what the other still does. */
  const outcome = (fenced: Promise<unknown>, observer: Client, query: RegExp) =>
    Promise.race([fenced.then(() => 'fenced'), waitForLockWait(observer, query).then(() => 'waits')]);

  it('for a forward transaction that has come in', async () => {
    const { db, observer, execution } = await migratedTo('Plan');
    // Not one of ours by its name, so that it is not cancelled.
    const inside = await holdLock(
      await db.client(),
      `SELECT p2pfk.enter(${execution.migrationId}, '${execution.arn}')`,
    );

    const fenced = execution.fence(CAUGHT);

    expect(await outcome(fenced, observer, /FOR UPDATE/)).toBe('waits');
    await inside.release();
    expect(await fenced).toMatchObject({ status: 'FENCED' });
    const late = await db.client();
    await expect(late.query(`SELECT p2pfk.enter(${execution.migrationId}, '${execution.arn}')`)).rejects.toMatchObject({
      code: 'P2F01',
    });
  });

  it('for an index build that it cannot cancel', async () => {
    const testCase = await migratedTo('Plan');
    const { db, observer, execution } = testCase;
    const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');
    const building = execution.buildIndex(1);
    await waitForLockWait(observer, /CREATE INDEX CONCURRENTLY/);
    // Another login may not cancel what ours runs.
    const { role, url } = await plainRole(testCase);
    await observer.query(`GRANT USAGE ON SCHEMA p2pfk TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA p2pfk TO ${role}`);
    process.env.DATABASE_URL = url;

    const fenced = execution.fence(CAUGHT);

    const asksAgain = async () => {
      const asked = new Set<number>();
      await waitUntil(async () => {
        const { rows } = await observer.query<{ at: Date }>(
          `SELECT query_start AS at FROM pg_stat_activity WHERE application_name LIKE '%/fence' AND query LIKE '%p2pfk.running%'`,
        );
        for (const { at } of rows) asked.add(at.getTime());
        return asked.size > 2;
      }, 'the fence to look again');
      return 'waits';
    };
    expect(await Promise.race([fenced.then(() => 'fenced'), asksAgain()])).toBe('waits');
    await held.release();
    await building;
    expect(await fenced).toMatchObject({ status: 'FENCED' });
  });
});

it('a sign of life waits for no forward transaction', async () => {
  const { db, observer, execution } = await migratedTo('Plan');
  const inside = await holdLock(await db.client(), `SELECT p2pfk.enter(${execution.migrationId}, '${execution.arn}')`);

  await observer.query(`SET lock_timeout = '2s'; UPDATE p2pfk.migration SET lease_until = now()`);

  await inside.release();
});

describe('what runs while the fence is set', () => {
  it('in another session, a validation, is cancelled', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');
    const validating = expect(execution.validateForeignKey(1)).rejects.toMatchObject({ name: 'StatementCanceled' });
    await waitForLockWait(observer, /VALIDATE CONSTRAINT/);

    const fenced = await execution.fence(CAUGHT);

    await validating;
    await held.release();
    expect(fenced).toMatchObject({ status: 'FENCED', parentForeignKey: 'PRESENT', strategy: 'NONE', pairs: [] });
    expect(
      await oneRow(observer, `SELECT convalidated FROM pg_constraint WHERE conname = 'fk_path_to_inode_1'`),
    ).toEqual({ convalidated: false });
  });

  it('without a client, a validation left running, is cancelled too', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');
    expect(await execution.validateForeignKey(1, timeLeft(16_000))).toMatchObject({ status: 'RUNNING' });
    await waitForLockWait(observer, /VALIDATE CONSTRAINT/);

    await execution.fence(CAUGHT);

    await waitUntil(
      async () => (await backends(observer)).every(({ application }) => !application.startsWith('p2pfk/')),
      'it to be gone',
    );
    await held.release();
    expect(
      await oneRow(observer, `SELECT convalidated FROM pg_constraint WHERE conname = 'fk_path_to_inode_1'`),
    ).toEqual({ convalidated: false });
  });

  it('outside a transaction, an index build, is cancelled; what it leaves INVALID is dropped by the rollback', async () => {
    const { db, observer, execution, original } = await migratedTo('Plan');
    const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');
    const building = expect(execution.buildIndex(1)).rejects.toMatchObject({ name: 'StatementCanceled' });
    await waitForLockWait(observer, /CREATE INDEX CONCURRENTLY/);

    await execution.fence(CAUGHT);

    await building;
    await held.release();
    await execution.dropPairForeignKeys();
    await execution.verifyRolledBack();
    expect(await everything(observer)).toBe(original);
  });
});

it('keeps why it was set, and by whom', async () => {
  const { observer, execution } = await migratedTo('AddForeignKeys');

  await execution.fence(CAUGHT);
  await execution.fence(null);

  expect(
    await oneRow(observer, 'SELECT state, execution, error, fenced_at IS NOT NULL AS fenced FROM p2pfk.migration'),
  ).toEqual({
    state: 'rolling-back',
    execution: execution.arn,
    error: { name: 'OrphanedRows', message: '3 rows' },
    fenced: true,
  });
});

it('statements of a rollback run behind the fence only', async () => {
  const { observer, execution } = await migratedTo('AddForeignKeys');
  const before = await everything(observer);

  await expect(execution.dropPairForeignKeys()).rejects.toMatchObject({
    name: 'MigrationFenced',
    message: expect.stringContaining('is not being rolled back by'),
  });

  expect(await everything(observer)).toBe(before);
});

it('partitions of a table that references itself get their foreign keys back one after the other', async () => {
  const { observer } = await databaseWith(`
    CREATE TABLE path (region int, id int, parent int, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
    CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
    INSERT INTO path VALUES (1, 1, NULL), (1, 2, 1), (2, 1, NULL), (2, 2, 1);
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (region, parent) REFERENCES path (region, id);`);
  const execution = new Execution();
  await execution.migrate('DropParentForeignKey', { accept: ['all'], maxConcurrency: 4 });

  const fenced = await execution.fence();
  expect(fenced).toMatchObject({ parentForeignKey: 'DROPPED', maxConcurrency: 1 });
  for (const { pair } of fenced.pairs) await execution.restoreParent(pair);
  await execution.attachParent();
  await execution.dropPairForeignKeys();
  await execution.verifyRolledBack();

  expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'rolled-back' });
});
