/** The psql scripts where partitions come and go between two of them. */
import { expect, it } from 'vitest';
import { databaseWith, foreignKeys, oneRow } from '../core/case.helpers.ts';
import { standingOn } from '../core/provision/migrated.helpers.ts';
import { describeWithPsql, psql, psqlInOrder } from './psql.helpers.ts';

describeWithPsql('a partition', () => {
  it('that is attached between the drop and the last checks is listed, and does not fail them', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2', 'step3']);
    await observer.query(
      `CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four'); INSERT INTO path VALUES ('four', 999, 'x')`,
    );

    // Run again by mistake, step 1 does not make it a pair of this migration either.
    await psqlInOrder(db.url, ['step1']);
    const [verified] = await psqlInOrder(db.url, ['step4']);

    expect(verified?.lines).toContain(
      '  path_4 -> inode_4: attached after the drop, not checked here; see p2pfk audit',
    );
    expect(verified?.lines.at(-1)).toBe('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
    // From now on it is drift.
    expect(await psql(db.url, 'step4')).toMatchObject({ code: 3 });
  });

  it('that is detached between two steps loses what was added to it, by step 1 and by a rollback', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2']);
    await observer.query('ALTER TABLE path DETACH PARTITION path_3');

    const [again] = await psqlInOrder(db.url, ['step1']);

    expect(again?.lines).toContain('✓ path_3 is no partition of the pair any more: what was added to it is gone');
    expect(await standingOn(observer, 'path_3')).toEqual({
      foreignKeys: [expect.stringMatching(/^path_fk: /)],
      indexes: [],
    });
    await psqlInOrder(db.url, ['step2', 'step3', 'step4']);
    await observer.query('ALTER TABLE path DETACH PARTITION path_2');

    const [back] = await psqlInOrder(db.url, ['rollback']);

    expect(back?.lines).toContain('✓ Dropped 2 partition-level FK constraints and 2 indexes');
    expect(await standingOn(observer, 'path_2')).toEqual({ foreignKeys: [], indexes: [] });
    expect(await foreignKeys(observer)).toEqual([
      expect.stringMatching(/^path path_fk /),
      expect.stringMatching(/^path_3 path_fk /),
    ]);
  });
});
