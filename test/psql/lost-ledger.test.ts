/** The psql scripts say that the ledger is lost or older than the database, as p2pfk does; p2pfk repairs it. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { databaseWith, everything } from '../core/case.helpers.ts';
import { migratedTo } from '../core/execution.helpers.ts';
import { describeWithPsql, psql, psqlInOrder } from './psql.helpers.ts';

const ADOPT = /p2pfk audit --table public\.path --fix --run --accept ledger-missing/;

describeWithPsql('the psql scripts', () => {
  it('where the schema was dropped after the migration', async () => {
    const { db, observer } = await migratedTo('VerifyMigration');
    await observer.query('DROP SCHEMA p2pfk CASCADE');
    const before = await everything(observer);

    const again = await psql(db.url, 'step1');
    const verified = await psql(db.url, 'step4');
    const undone = await psql(db.url, 'rollback');

    expect([again.code, verified.code, undone.code]).toEqual([3, 3, 3]);
    expect(again.errors.join()).toMatch(/refused, nothing was changed: .*\[missing-guard\] .*3 referenced partition/);
    expect(again.errors.join()).toMatch(ADOPT);
    expect(verified.lines[0]).toMatch(
      /✗ FAIL: total 3, validated 3, not validated 0, unguarded 3: no working row-movement guard on inode_1 and 2 more/,
    );
    expect(verified.lines[1]).toMatch(/PASS: No parent-level FK found\. Note: 3 of 3 pairs /);
    expect(undone.errors.join()).toMatch(
      /the ledger has no open migration of public.path, and yet 3 of its partitions/,
    );
    expect(undone.errors.join()).toMatch(ADOPT);
    expect(await everything(observer)).toBe(before);
  });

  it('where it was dropped in the middle, and where a backup of it from then was restored', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2']);
    await observer.query('ALTER SCHEMA p2pfk RENAME TO p2pfk_away');
    const undone = await psql(db.url, 'rollback');
    expect(undone).toMatchObject({
      code: 3,
      errors: [expect.stringMatching(/beside the parent foreign key.*--accept ledger-missing/)],
    });

    await observer.query('ALTER SCHEMA p2pfk_away RENAME TO p2pfk');
    await psqlInOrder(db.url, ['step3', 'step4']);
    await observer.query(
      `UPDATE p2pfk.migration SET state = 'paused', dropped_at = NULL; UPDATE p2pfk.pair SET constraint_added = false`,
    );
    for (const script of ['step1', 'rollback'] as const)
      expect(await psql(db.url, script)).toMatchObject({
        code: 3,
        errors: [expect.stringMatching(/older than the database.*--accept ledger-outdated/)],
      });
  });

  it('with a command to copy in which no name of a table is run by the shell', async () => {
    const { db, observer } = await databaseWith();
    const name = `path$(echo pwned)'\`echo pwned\`"; echo pwned`;
    const table = `"${name.replaceAll('"', '""')}"`;
    await observer.query(`
      ALTER TABLE path DROP CONSTRAINT path_fk;
      ALTER TABLE path_1 ADD FOREIGN KEY (medium, ino) REFERENCES inode_1;
      ALTER TABLE path RENAME TO ${table}`);

    const { code, errors } = await psql(db.url, 'rollback', { table });

    expect(code).toBe(3);
    const [, argument = ''] = /p2pfk audit --table (.*) --fix --run/.exec(errors.join('\n')) ?? [];
    expect(execFileSync('sh', ['-c', `printf %s ${argument}`], { encoding: 'utf8' })).toBe(`public.${table}`);
  });
});
