/** Migrations that follow one another: rolled back on request, twice, and migrated again. */
import { describe, expect, it } from 'vitest';
import { databaseWith, everything, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';

/** A new execution that was asked to roll back, to its end. */
async function rollBack(input: Record<string, unknown> = {}) {
  const execution = new Execution();
  const planned = await execution.plan({ operation: 'rollback', ...input });
  return { planned, result: planned.status === 'ROLLBACK_REQUESTED' ? await execution.rollBack(null) : null };
}

describe('a rollback on request', () => {
  it('of what is migrated brings everything back, and can be migrated again', async () => {
    const { observer, execution: first, original: before } = await migratedTo('VerifyMigration');
    const migrated = await everything(observer);

    const { planned, result } = await rollBack();
    expect(planned).toMatchObject({
      status: 'ROLLBACK_REQUESTED',
      migrationId: first.migrationId,
      constraint: 'path_fk',
      pairs: first.pairs,
    });
    expect(result).toMatchObject({ status: 'ROLLED_BACK' });
    expect(await everything(observer)).toBe(before);

    const second = new Execution();
    await second.migrate();
    expect(second.migrationId).not.toBe(first.migrationId);
    // The guard carries the number of its migration.
    expect((await everything(observer)).replaceAll(`guard_${second.migrationId}`, `guard_${first.migrationId}`)).toBe(
      migrated,
    );
    await rollBack();
    expect(await everything(observer)).toBe(before);
  });

  it('done twice says that there is nothing to roll back', async () => {
    const { observer } = await migratedTo('VerifyMigration');
    await rollBack();
    const before = await everything(observer);

    const { planned } = await rollBack();

    expect(planned).toMatchObject({ status: 'NOTHING_TO_ROLL_BACK', migrationId: null, constraint: 'path_fk' });
    expect(await everything(observer)).toBe(before);
  });

  it('before anything was migrated writes nothing', async () => {
    const { observer } = await databaseWith();
    const before = await everything(observer);

    const { planned } = await rollBack();

    expect(planned).toMatchObject({ status: 'NOTHING_TO_ROLL_BACK', pairs: [] });
    expect(await everything(observer)).toBe(before);
    expect((await observer.query(`SELECT FROM pg_namespace WHERE nspname = 'p2pfk'`)).rows).toEqual([]);
  });

  it('covers a pair that was made after the migration', async () => {
    const { observer } = await migratedTo('VerifyMigration');
    await observer.query(`
      CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four');
      INSERT INTO path VALUES ('four', 1, 'a name');`);

    const { result } = await rollBack();

    expect(result).toMatchObject({ status: 'ROLLED_BACK' });
    expect(await foreignKeys(observer)).toEqual([
      'path path_fk FOREIGN KEY (medium, ino) REFERENCES inode(medium, ino) ON DELETE CASCADE valid t',
    ]);
    await expect(observer.query(`INSERT INTO path VALUES ('four', -1, 'orphan')`)).rejects.toMatchObject({
      code: '23503',
    });
  });

  it('does not need the partitions that were dropped since', async () => {
    const { observer } = await migratedTo('VerifyMigration');
    await observer.query('DROP TABLE path_3');

    const { result } = await rollBack();

    expect(result).toMatchObject({ status: 'ROLLED_BACK' });
    expect((await foreignKeys(observer)).join()).toMatch(/^path path_fk [^,]*valid t$|^path path_fk .* valid t$/);
  });

  it('leaves the indexes where that was asked', async () => {
    const { observer, original: before } = await migratedTo('VerifyMigration');

    await rollBack({ keepIndexes: true });

    const after = await everything(observer);
    expect(
      after
        .split('\n')
        .filter((line) => !line.includes('idx_path_'))
        .join('\n'),
    ).toBe(before);
    const { rows } = await observer.query(
      `SELECT FROM pg_index WHERE indexrelid::regclass::text LIKE 'idx_path_%' AND indisvalid`,
    );
    expect(rows).toHaveLength(3);
    // They serve the next migration.
    expect(await new Execution().plan().then(({ status }) => status)).toBe('PLANNED');
  });

  it('drops what this migration made, not what somebody made beside it', async () => {
    const { observer, execution } = await migratedTo('AddForeignKeys');
    await observer.query(
      'ALTER TABLE path_1 ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_1 ON DELETE CASCADE',
    );

    await execution.rollBack();

    expect((await foreignKeys(observer)).filter((line) => line.startsWith('path_'))).toEqual([
      expect.stringMatching(/^path_1 mine /),
    ]);
  });
});

it('a rollback that died half-way is finished by the next execution, whatever that was asked', async () => {
  const { observer, execution: first, original: before } = await migratedTo('VerifyMigration');
  const { pairs } = await first.fence({ Error: 'VerificationFailed' });
  await first.restoreParent(pairs[0]?.pair ?? 0);

  const second = new Execution();
  const planned = await second.plan();
  expect(planned).toMatchObject({ status: 'ROLLBACK_REQUESTED', migrationId: first.migrationId });
  await expect(first.restoreParent(2)).rejects.toMatchObject({ name: 'MigrationFenced' });
  await second.rollBack(null);

  expect(await everything(observer)).toBe(before);
  expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'rolled-back' });
  const third = new Execution();
  const anew = await third.plan();
  expect(anew).toMatchObject({ status: 'PLANNED' });
  expect(anew).not.toHaveProperty('resumed');
});

it('two foreign keys of one table are migrated one after the other, and apart', async () => {
  const { observer } = await databaseWith();
  await observer.query(
    'ALTER TABLE path ADD COLUMN parent bigint, ADD CONSTRAINT path_parent FOREIGN KEY (medium, parent) REFERENCES inode (medium, ino)',
  );
  const before = await everything(observer);

  for (const constraint of ['path_fk', 'path_parent'])
    await new Execution().migrate('VerifyMigration', { constraint, accept: ['all'] });
  expect(await foreignKeys(observer)).toHaveLength(6);
  const firstBack = await rollBack({ constraint: 'path_fk' });

  expect(firstBack.result).toMatchObject({ constraint: 'path_fk' });
  expect(await foreignKeys(observer)).toEqual([
    expect.stringMatching(/^path path_fk /),
    ...[1, 2, 3].map((n) => expect.stringMatching(`^path_${n} .*\\(medium, parent\\)`)),
  ]);
  await rollBack({ constraint: 'path_parent' });
  expect(await everything(observer)).toBe(before);
});
