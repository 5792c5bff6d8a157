/** Validation: rows without a referenced row are counted and shown, and a validation may outlive the handler that began it. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { backends, holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { databaseWith, everything, foreignKeys, oneRow, smuggle } from '../case.helpers.ts';
import { Execution, migratedTo, timeLeft } from '../execution.helpers.ts';

const isValid = async (observer: Client) =>
  (await observer.query(`SELECT FROM pg_constraint WHERE conname = 'fk_path_to_inode_1' AND convalidated`)).rows
    .length === 1;

/** What a handler has left after its reserve for last words: as good as nothing. */
const NO_TIME = timeLeft(16_000);

describe('orphaned rows', () => {
  it('end it with their number, and with a query that lists them', async () => {
    const { observer } = await databaseWith();
    await smuggle(observer, `INSERT INTO path SELECT 'one', -n, 'orphan ' || n FROM generate_series(1, 3) AS n`);
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    const before = await everything(observer);

    const refused = execution.validateForeignKey(1);

    await expect(refused).rejects.toMatchObject({ name: 'OrphanedRows', context: { sqlState: '23503' } });
    const { message } = (await refused.catch((error: Error) => error)) as Error;
    expect(message).toMatch(/^3 row\(s\) of path_1 have no row in inode_1; they are listed by: SELECT /);
    expect(message).not.toContain('orphan 1');
    const query = /listed by: (SELECT .*?)(?: \[SQLSTATE|$)/.exec(message)?.[1] ?? '';
    const { rows } = await observer.query(query);
    expect(rows.map(({ ino }) => ino).sort()).toEqual(['-1', '-2', '-3']);
    expect(await everything(observer)).toBe(before);
    expect(await oneRow(observer, 'SELECT state, last_error FROM p2pfk.pair WHERE pair = 1')).toEqual({
      state: 'added',
      last_error: expect.stringMatching(/^3 row\(s\) of path_1/),
    });
    // The others are not held up by it.
    expect(await execution.validateForeignKey(2)).toMatchObject({ status: 'DONE' });
  });

  it('that are partly NULL count where the foreign key is MATCH FULL', async () => {
    const { observer } = await databaseWith(`
      CREATE TABLE r (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, id int) PARTITION BY LIST (k);
      CREATE TABLE r_1 PARTITION OF r FOR VALUES IN (1);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, id) REFERENCES r MATCH FULL;`);
    await smuggle(observer, 'INSERT INTO path VALUES (1, NULL), (1, 7)');
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');

    await expect(execution.validateForeignKey(1)).rejects.toThrow(/^2 row\(s\) of path_1/);
  });

  it('are none where a key is NULL and the foreign key MATCH SIMPLE', async () => {
    const { observer } = await databaseWith();
    await observer.query(`INSERT INTO path VALUES ('one', NULL, 'no inode')`);
    const execution = new Execution();

    await execution.migrate('ValidateForeignKeys');

    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
  });
});

it('fails where somebody dropped the pair foreign key after it was added', async () => {
  const { observer, execution } = await migratedTo('AddForeignKeys');
  await observer.query('ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1');

  await expect(execution.validateForeignKey(1)).rejects.toMatchObject({
    name: 'GateFailed',
    message: expect.stringContaining('pair FK fk_path_to_inode_1 of public.path_1 is gone'),
  });
});

it('lets writers of both partitions pass', async () => {
  const { db, observer, execution } = await migratedTo('AddForeignKeys');
  const writer = await db.client();

  const held = await holdLock(writer, `UPDATE path_1 SET name = name; UPDATE inode_1 SET size = size`);
  const result = await execution.validateForeignKey(1);
  await held.release();

  expect(result).toMatchObject({ status: 'DONE' });
  expect(await isValid(observer)).toBe(true);
});

describe('a validation that is longer than its handler', () => {
  it('is left running, found again, and finishes with its client gone', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');

    const left = await execution.validateForeignKey(1, NO_TIME);
    const running = await waitForLockWait(observer, /VALIDATE CONSTRAINT fk_path_to_inode_1/);
    const again = await execution.validateForeignKey(1, NO_TIME);
    // Not the one that waits for the next step, where steps share sessions.
    const isAtWork = ({ application }: { application: string }) => /^p2pfk\/(?!-\/kept$)/.test(application);
    const sessions = (await backends(observer)).filter(isAtWork);
    await held.release();
    await waitUntil(() => isValid(observer), 'the validation to end without its client');

    expect(left).toMatchObject({ status: 'RUNNING', pair: 1, object: 'fk_path_to_inode_1' });
    expect(left.waitSeconds).toBeGreaterThanOrEqual(5);
    expect(again).toMatchObject({ status: 'RUNNING' });
    expect(sessions.map(({ pid }) => pid)).toEqual([running.pid]);
    expect(running.application).toBe(`p2pfk/${execution.migrationId}/run/ValidateForeignKeys/1`);
    expect(await execution.validateForeignKey(1)).toMatchObject({ status: 'SKIPPED', object: 'fk_path_to_inode_1' });
    expect(
      await oneRow(
        observer,
        'SELECT state, validate_ms > 0 AS timed, lock_wait_ms > 0 AS waited FROM p2pfk.pair WHERE pair = 1',
      ),
    ).toEqual({
      state: 'validated',
      timed: true,
      waited: true,
    });
    const { rows: events } = await observer.query(
      `SELECT pair FROM p2pfk.event WHERE step = 'ValidateForeignKeys' AND sql NOT LIKE 'LOCK %'`,
    );
    expect(events).toEqual([{ pair: 1 }]);
  });

  it('and found orphans after its client was gone, is started again and tells', async () => {
    const { db, observer } = await databaseWith();
    await smuggle(observer, `INSERT INTO path VALUES ('one', -1, 'orphan')`);
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');

    expect(await execution.validateForeignKey(1, NO_TIME)).toMatchObject({ status: 'RUNNING' });
    await held.release();
    await waitUntil(
      async () => (await backends(observer)).every(({ application }) => !application.startsWith('p2pfk/')),
      'it to end',
    );

    await expect(execution.validateForeignKey(1)).rejects.toMatchObject({ name: 'OrphanedRows' });
  });

  it('is found by the next execution too', async () => {
    const { db, observer } = await databaseWith();
    const first = new Execution();
    await first.migrate('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');
    await first.validateForeignKey(1, NO_TIME);
    await waitForLockWait(observer, /VALIDATE/);

    const second = new Execution();
    expect(await second.plan()).toMatchObject({ status: 'PLANNED', migrationId: first.migrationId });
    await second.runUntil('AddForeignKeys');
    expect(await second.validateForeignKey(1, NO_TIME)).toMatchObject({ status: 'RUNNING' });
    await held.release();
    await waitUntil(() => isValid(observer), 'the validation to end');
    await second.runUntil('VerifyMigration');

    expect(await foreignKeys(observer)).toHaveLength(3);
  });
});

it('an index build that is longer than its handler is left running and found again', async () => {
  const { db, observer, execution } = await migratedTo('Plan');
  const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');

  const left = await execution.buildIndex(1, NO_TIME);
  const again = await execution.buildIndex(1, NO_TIME);
  await held.release();
  await waitUntil(
    async () =>
      (await observer.query(`SELECT FROM pg_index WHERE indexrelid = to_regclass('idx_path_1_fk') AND indisvalid`)).rows
        .length === 1,
    'the index',
  );

  expect([left.status, again.status]).toEqual(['RUNNING', 'RUNNING']);
  expect(await execution.buildIndex(1)).toMatchObject({ status: 'SKIPPED', object: 'idx_path_1_fk' });
  expect(await oneRow(observer, 'SELECT index_added, state FROM p2pfk.pair WHERE pair = 1')).toEqual({
    index_added: true,
    state: 'indexed',
  });
});
