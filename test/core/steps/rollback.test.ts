/** The rollback: whatever had been done, it ends exactly as it was. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { holdLock, waitForLockWait } from '../../support/observe.ts';
import { databaseWith, everything, foreignKeys, oneRow, smuggle } from '../case.helpers.ts';
import { Execution, FORWARD, migratedTo, timeLeft } from '../execution.helpers.ts';

const stateOf = (observer: Client) =>
  oneRow(observer, 'SELECT state, error FROM p2pfk.migration ORDER BY id DESC LIMIT 1');

describe('everything is as it was: definitions, names, comments, indexes, rows', () => {
  it.each(FORWARD)('after %s', async (last) => {
    const { observer, execution, original: before } = await migratedTo(last);

    const result = await execution.rollBack();

    expect(result).toEqual({
      status: 'ROLLED_BACK',
      migrationId: execution.migrationId,
      table: 'public.path',
      constraint: 'path_fk',
      definition: 'FOREIGN KEY (medium, ino) REFERENCES public.inode(medium, ino) ON DELETE CASCADE',
    });
    expect(await everything(observer)).toBe(before);
    expect(await stateOf(observer)).toEqual({ state: 'rolled-back', error: { name: 'GateFailed', message: 'a test' } });
  });

  it('after an error in the middle of AddForeignKeys', async () => {
    const { observer, execution, original: before } = await migratedTo('BuildIndexes');
    await execution.addForeignKey(2);

    await execution.rollBack();

    expect(await everything(observer)).toBe(before);
  });

  it('with sub-partitions, other schemas and a foreign key with everything that one can have', async () => {
    const { observer } = await databaseWith(`
      CREATE SCHEMA archive;
      CREATE TABLE r (z int, id int, k int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
      CREATE TABLE path (id int, k int DEFAULT 1) PARTITION BY LIST (k);
      CREATE TABLE r_1 PARTITION OF r FOR VALUES IN (1) PARTITION BY RANGE (id);
      CREATE TABLE r_1_low PARTITION OF r_1 FOR VALUES FROM (MINVALUE) TO (10);
      CREATE TABLE archive.high PARTITION OF r_1 FOR VALUES FROM (10) TO (MAXVALUE);
      CREATE TABLE r_2 PARTITION OF r FOR VALUES IN (2);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1) PARTITION BY RANGE (id);
      CREATE TABLE path_1_low PARTITION OF path_1 FOR VALUES FROM (MINVALUE) TO (10);
      CREATE TABLE archive.path_high PARTITION OF path_1 FOR VALUES FROM (10) TO (MAXVALUE);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
      INSERT INTO r SELECT 0, id, k FROM generate_series(1, 20) AS id, generate_series(1, 2) AS k;
      INSERT INTO path SELECT id, k FROM r;
      ALTER TABLE path ADD CONSTRAINT "Path FK" FOREIGN KEY (id, k) REFERENCES r (id, k) MATCH FULL
        ON UPDATE RESTRICT ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
      COMMENT ON CONSTRAINT "Path FK" ON path IS 'deferred';`);
    const before = await everything(observer);
    const execution = new Execution();
    await execution.migrate('VerifyMigration', { accept: ['all'] });
    expect(await foreignKeys(observer)).toHaveLength(3);

    await execution.rollBack();

    expect(await everything(observer)).toBe(before);
  });
});

it('leaves the pair foreign keys while the parent foreign key is NOT VALID', async () => {
  const { observer, execution } = await migratedTo('ValidateForeignKeys');
  await execution.fence();
  // As an 18 leaves it between two steps of a rollback; this is how it can be had on any version.
  await observer.query(
    `UPDATE pg_constraint SET convalidated = false WHERE conname = 'path_fk' AND conrelid = 'path'::regclass`,
  );

  await expect(execution.dropPairForeignKeys()).rejects.toMatchObject({
    name: 'RollbackFailed',
    message: expect.stringContaining('the pair foreign keys stay'),
  });

  expect((await foreignKeys(observer)).filter((line) => line.includes(' fk_path_to_'))).toHaveLength(3);
});

describe('each step of it', () => {
  it('can be entered twice, also by a repeated delivery', async () => {
    const { observer, execution, original: before } = await migratedTo('VerifyMigration');

    const fenced = [await execution.fence(), await execution.fence()];
    for (const { pair } of fenced[0]?.pairs ?? []) {
      await execution.restoreParent(pair);
      await execution.restoreParent(pair);
    }
    const attached = [await execution.attachParent(), await execution.attachParent()];
    const late = await execution.forEachPair((pair) => execution.restoreParent(pair));
    const dropped = [await execution.dropPairForeignKeys(), await execution.dropPairForeignKeys()];
    const verified = [await execution.verifyRolledBack(), await execution.verifyRolledBack()];

    expect(fenced[1]).toEqual(fenced[0]);
    expect(fenced[0]).toMatchObject({ parentForeignKey: 'DROPPED', strategy: 'attach', pairs: execution.pairs });
    expect(attached.map(({ status }) => status)).toEqual(['DONE', 'SKIPPED']);
    expect(late.map(({ status }) => status)).toEqual(['SKIPPED', 'SKIPPED', 'SKIPPED']);
    expect(dropped).toEqual([
      { status: 'DROPPED', foreignKeys: 3, indexes: 3, keptIndexes: 0 },
      { status: 'DROPPED', foreignKeys: 3, indexes: 3, keptIndexes: 0 },
    ]);
    expect(verified[1]).toEqual(verified[0]);
    expect(await everything(observer)).toBe(before);
  });

  it('leaves at every moment one enforced foreign key on every pair', async () => {
    const { observer, execution } = await migratedTo('VerifyMigration');
    const orphansAreRefused = async () => {
      for (const medium of ['one', 'two', 'three']) {
        await expect(observer.query(`INSERT INTO path VALUES ($1, -1, 'orphan')`, [medium])).rejects.toMatchObject({
          code: '23503',
        });
      }
    };

    const { pairs } = await execution.fence();
    await orphansAreRefused();
    for (const { pair } of pairs) {
      await execution.restoreParent(pair);
      await orphansAreRefused();
    }
    await execution.attachParent();
    await orphansAreRefused();
    await execution.dropPairForeignKeys();
    await orphansAreRefused();
  });

  it('goes on after a partition was in use', async () => {
    const {
      db,
      observer,
      execution,
      original: before,
    } = await migratedTo('ValidateForeignKeys', { lockTimeoutMs: 150 });
    const reader = await db.client();
    const held = await holdLock(reader, 'SELECT FROM path_2');
    await execution.fence();

    await expect(execution.dropPairForeignKeys()).rejects.toMatchObject({
      name: 'LockTimeout',
      message: expect.stringMatching(/AccessShareLock on public\.path_2 is held by pid/),
    });
    expect(await foreignKeys(observer)).toHaveLength(3);
    await held.release();
    expect(await execution.dropPairForeignKeys()).toMatchObject({ foreignKeys: 3, indexes: 3, keptIndexes: 0 });
    await execution.verifyRolledBack();

    expect(await everything(observer)).toBe(before);
  });

  it('leaves a validation running that is longer than its handler', async () => {
    const { db, observer, execution, original: before } = await migratedTo('DropParentForeignKey');
    await execution.fence();
    const blocker = await db.client();
    // Lets the leaf's foreign key be added (that conflicts with it too) only for those who came before.
    expect(await execution.restoreParent(2)).toMatchObject({ status: 'DONE', object: 'path_2_own' });
    await observer.query(
      `ALTER TABLE path_1 ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE NOT VALID`,
    );
    const held = await holdLock(blocker, 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');

    const left = await execution.restoreParent(1, timeLeft(16_000));
    await waitForLockWait(observer, /VALIDATE CONSTRAINT/);
    await held.release();

    expect(left).toMatchObject({ status: 'RUNNING', object: 'path_fk' });
    expect(left.waitSeconds).toBeGreaterThan(0);
    while ((await execution.restoreParent(1)).status === 'RUNNING');
    await execution.restoreParent(3);
    await execution.attachParent();
    await execution.dropPairForeignKeys();
    await execution.verifyRolledBack();
    expect(await everything(observer)).toBe(before);
  });
});

describe('where it cannot be as it was', () => {
  it('because orphans came in after the drop, the pair foreign keys stay and a person is told', async () => {
    const { observer, execution } = await migratedTo('VerifyMigration');
    await smuggle(observer, `INSERT INTO path VALUES ('one', -1, 'orphan')`);
    await execution.fence();

    const orphaned = execution.restoreParent(1);

    await expect(orphaned).rejects.toMatchObject({ name: 'OrphanedRows' });
    for (const pair of [2, 3]) await execution.restoreParent(pair);
    await expect(execution.attachParent()).rejects.toMatchObject({ name: 'RollbackFailed' });
    await expect(execution.dropPairForeignKeys()).rejects.toMatchObject({
      name: 'RollbackFailed',
      message: expect.stringContaining('the pair foreign keys stay'),
    });
    await expect(execution.verifyRolledBack()).rejects.toMatchObject({
      name: 'RollbackFailed',
      message: expect.stringContaining('is not there'),
    });
    expect((await foreignKeys(observer)).filter((line) => line.includes(' fk_path_to_'))).toHaveLength(3);

    // Mended, the next run finishes it.
    await observer.query('DELETE FROM path WHERE ino < 0');
    const again = new Execution();
    await again.plan({ operation: 'rollback' });
    await again.rollBack(null);
    expect(await stateOf(observer)).toMatchObject({ state: 'rolled-back' });
  });

  it('because the comment is another, a person is told', async () => {
    const { observer, execution } = await migratedTo('AddForeignKeys');
    await execution.fence();
    await execution.dropPairForeignKeys();
    await observer.query(`COMMENT ON CONSTRAINT path_fk ON path IS 'another'`);

    await expect(execution.verifyRolledBack()).rejects.toThrow(/comment of parent FK path_fk is not the original/);
  });
});
