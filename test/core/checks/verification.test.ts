/** The six checks of `p2pfk verify`: what each of them sees, and that none of them changes anything. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { checksInFull } from '../../../cli/progress/lines.ts';
import { verifyTable } from '../../../core/checks/verification.ts';
import { linesOf } from '../../../core/contracts/check-lines.ts';
import type { Verification } from '../../../core/contracts/documents.ts';
import { holdLock } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, smuggle } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';

const failed = ({ checks }: Verification) => checks.filter(({ passed }) => !passed).map(({ id }) => id);
const detailOf = ({ checks }: Verification, id: string) => checks.find((check) => check.id === id)?.detail;

/** A migrated database with damage done to it, and what verify says of that. */
async function verifyAfter(damage: (observer: Client) => Promise<unknown>): Promise<Verification> {
  const { db, observer } = await migratedTo('VerifyMigration');
  await damage(observer);
  return verifyTable(await coreSession(db.url), { table: 'path', constraint: 'path_fk' });
}

describe('a migrated table', () => {
  it('passes all six checks, which change nothing', async () => {
    const { db, observer } = await migratedTo('VerifyMigration');
    const before = await everything(observer);

    const verification = await verifyTable(await coreSession(db.url), { table: 'path' });

    expect(verification.passed).toBe(true);
    expect(verification.checks.map(({ id, detail }) => [id, detail])).toEqual([
      ['pair-foreign-keys', 'total 3, validated 3, not validated 0'],
      ['parent-foreign-key', 'No parent-level FK found'],
      ['foreign-key-targets', 'All FK constraints reference matching partition pairs'],
      ['delete-performance', expect.stringMatching(/^Deleted 10 rows in 00:00:0\d\.\d{3}$/)],
      ['orphans', 'No orphaned rows found in 3 pairs checked'],
      ['inventory', [1, 2, 3].map((n) => `path_${n} -> inode_${n}: fk_path_to_inode_${n}`).join('\n')],
    ]);
    expect(await everything(observer)).toBe(before);
  });

  it('has one line for each pair in the inventory, however a partition is named', async () => {
    const name = 'path_1\n::error::forged\n  [6/6] forged \u202e';
    const { checks } = await verifyAfter((observer) => observer.query(`ALTER TABLE path_1 RENAME TO "${name}"`));
    const inventory = checks.find(({ id }) => id === 'inventory');
    const forged = String.raw`"path_1\x0a::error::forged\x0a  [6/6] forged \u202e" -> inode_1: fk_path_to_inode_1`;

    expect(inventory?.detail.split('\n').sort()).toEqual([
      forged,
      ...[2, 3].map((n) => `path_${n} -> inode_${n}: fk_path_to_inode_${n}`),
    ]);
    // Nor do the other checks make lines of one.
    const other = { id: 'orphans', title: '', passed: false, detail: `1 in "${name}"` } as const;
    expect(linesOf(other)).toEqual([String.raw`1 in "path_1\x0a::error::forged\x0a  [6/6] forged \u202e"`]);
    expect(checksInFull(inventory ? [inventory] : [])).toHaveLength(4);
  });

  it('whose pairs cannot be counted, as no foreign key is left to tell how, fails', async () => {
    const verification = await verifyAfter((observer) =>
      observer.query([1, 2, 3].map((n) => `ALTER TABLE path_${n} DROP CONSTRAINT fk_path_to_inode_${n}`).join('; ')),
    );

    expect(failed(verification)).toEqual(['pair-foreign-keys', 'foreign-key-targets', 'orphans', 'inventory']);
    expect(detailOf(verification, 'orphans')).toBe(
      '3 pairs could not be counted: no foreign key tells how to compare them',
    );
  });

  it.each([
    [
      'a pair foreign key that is gone',
      'ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1',
      ['pair-foreign-keys', 'inventory'],
    ],
    [
      'a pair foreign key that is not valid',
      `ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1;
       ALTER TABLE path_1 ADD FOREIGN KEY (medium, ino) REFERENCES inode_1 ON DELETE CASCADE NOT VALID`,
      ['pair-foreign-keys'],
    ],
    ['an index that is gone', 'DROP INDEX idx_path_2_fk', ['delete-performance']],
    ['a pair foreign key that is not enforced', 'ALTER TABLE inode_1 DISABLE TRIGGER ALL', ['pair-foreign-keys']],
    [
      'a foreign key to another partition than its partner',
      `ALTER TABLE path_1 ADD CONSTRAINT astray FOREIGN KEY (medium, ino) REFERENCES inode_2 ON DELETE CASCADE NOT VALID`,
      ['foreign-key-targets'],
    ],
    [
      'a parent foreign key that somebody added again',
      'ALTER TABLE path ADD CONSTRAINT another FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE',
      ['parent-foreign-key'],
    ],
    [
      'a foreign key of one partition to the whole table',
      'ALTER TABLE path_2 ADD CONSTRAINT leaf FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE',
      ['parent-foreign-key'],
    ],
    [
      'a partition without a partner that holds rows, whatever statistics say',
      `CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine'); ANALYZE path_9; INSERT INTO path VALUES ('nine', NULL, 'x')`,
      ['inventory'],
    ],
  ])('with %s does not', async (_, damage, checks) => {
    const verification = await verifyAfter((observer) => observer.query(damage));

    expect({ passed: verification.passed, failed: failed(verification) }).toEqual({ passed: false, failed: checks });
  });

  it('with orphaned rows does not, and they are counted', async () => {
    const verification = await verifyAfter((observer) =>
      smuggle(observer, `INSERT INTO path VALUES ('one', -1, 'x'), ('one', -2, 'x'), ('three', -1, 'x')`),
    );

    expect(failed(verification)).toEqual(['orphans']);
    expect(detailOf(verification, 'orphans')).toMatch(/^3 orphaned rows found: 2 in path_1, 1 in path_\d$/);
  });

  it('with an empty partition without a partner passes, whatever statistics say', async () => {
    const { db, observer } = await databaseWith();
    await observer.query(`
      CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine');
      INSERT INTO path VALUES ('nine', NULL, 'x');
      ANALYZE path_9;
      DELETE FROM path_9;`);
    const execution = new Execution();
    await execution.migrate('DropParentForeignKey');

    expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
    const verification = await verifyTable(await coreSession(db.url), { table: 'path' });
    expect(failed(verification)).toEqual([]);
    expect(detailOf(verification, 'inventory')).toContain(`path_9: no partner with the bound FOR VALUES IN ('nine')`);
  });
});

describe('the DELETE test', () => {
  it('is of rows that nobody works on', async () => {
    const { db } = await migratedTo('VerifyMigration');
    const writer = await db.client();
    const held = await holdLock(writer, 'UPDATE inode_1 SET size = 2 WHERE ino <= 5');

    const verification = await verifyTable(await coreSession(db.url), { table: 'path' });
    await held.release();

    expect(detailOf(verification, 'delete-performance')).toMatch(/^Deleted 10 rows/);
  });

  it('is skipped for a role that only reads, and the rest is checked', async () => {
    const { db, observer } = await migratedTo('VerifyMigration');
    const role = `reader_${db.name}`;
    await observer.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
    );

    const verification = await verifyTable(await coreSession(db.urlAs(role, 'secret')), { table: 'path' });

    expect(failed(verification)).toEqual([]);
    expect(detailOf(verification, 'delete-performance')).toMatch(/^skipped: this role or server cannot DELETE/);
  });

  it('tells a refusal, where the foreign key is one that refuses, also later than the DELETE', async () => {
    const { db, observer } = await databaseWith();
    await observer.query(`
      ALTER TABLE path_2 DROP CONSTRAINT IF EXISTS none;
      ALTER TABLE path DROP CONSTRAINT path_fk;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode DEFERRABLE INITIALLY DEFERRED;`);
    await new Execution().migrate();

    const verification = await verifyTable(await coreSession(db.url), { table: 'path' });

    expect(failed(verification)).toEqual([]);
    expect(detailOf(verification, 'delete-performance')).toMatch(/^A DELETE was refused, as the foreign key says, in /);
  });

  it('has nothing to delete where all is empty', async () => {
    const { db, observer } = await databaseWith();
    await observer.query('TRUNCATE inode CASCADE');
    await new Execution().migrate();

    const verification = await verifyTable(await coreSession(db.url), { table: 'path' });

    expect(detailOf(verification, 'delete-performance')).toBe('Deleted 0 rows: the referenced partitions are empty');
  });
});

it('a table that is not migrated is refused: no check passes on nothing', async () => {
  const { db, observer } = await databaseWith();

  await expect(verifyTable(await coreSession(db.url), { table: 'path' })).rejects.toMatchObject({
    name: 'NotMigrated',
    message: expect.stringMatching(/^public.path is not migrated, .*path_fk to public.inode is there/),
  });

  await observer.query(
    'CREATE INDEX ON path_1 (medium, ino); ALTER TABLE path_1 ADD FOREIGN KEY (medium, ino) REFERENCES inode_1 ON DELETE CASCADE',
  );
  const verification = await verifyTable(await coreSession(db.url), { table: 'path' });

  expect(failed(verification)).toEqual(['pair-foreign-keys', 'parent-foreign-key', 'inventory']);
  expect(detailOf(verification, 'pair-foreign-keys')).toBe('total 1, validated 1, not validated 0, missing 2');
  expect(detailOf(verification, 'parent-foreign-key')).toBe('Parent-level FK is still there: path_fk on public.path');
});
