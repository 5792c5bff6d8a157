/** The scripts act on the database that the ledger belongs to, and on no other. */
import { expect, it } from 'vitest';
import { foreignKeys, oneRow } from '../core/case.helpers.ts';
import { migratedPath, restoredDump } from '../core/ledger/restore.helpers.ts';
import { describeWithPsql, psql, STEPS } from './psql.helpers.ts';

describeWithPsql('a restored dump', () => {
  it('is refused by every script, until -v relink=on has compared it; then it is rolled back', async () => {
    const { observer: original } = await migratedPath();
    const { db, observer } = await restoredDump(original);
    await observer.query(
      `UPDATE p2pfk.migration SET table_oid = 'other'::regclass, referenced_oid = 'inode'::regclass`,
    );
    const before = await foreignKeys(observer);
    for (const table of ['other', 'path'])
      for (const script of [...STEPS, 'rollback'] as const) {
        const { code, errors } = await psql(db.url, script, { table });
        expect([script, code, errors.at(-1)]).toEqual([
          script,
          3,
          expect.stringMatching(
            /refused, nothing was changed: the ledger, schema p2pfk, belongs to database .+relink=on/,
          ),
        ]);
      }
    expect(await foreignKeys(observer)).toEqual(before);

    const { code, lines } = await psql(db.url, 'rollback', { table: 'path', relink: 'on' });
    expect(lines).toContainEqual(expect.stringMatching(`Linked the ledger to this database: ${db.name} at 127.0.0.1:`));
    expect([code, lines.at(-2)]).toEqual([0, '✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓']);
    expect(await foreignKeys(observer)).toContainEqual(expect.stringMatching(/^path path_fk .+ valid t/));
  });

  it('an endpoint that the ledger does not know is confirmed once', async () => {
    const { db, observer } = await migratedPath();
    await observer.query("UPDATE p2pfk.identity SET endpoint = 'db.example.com:5432'");
    const refused = await psql(db.url, 'rollback');
    expect([refused.code, refused.errors.at(-1)]).toEqual([
      3,
      expect.stringMatching(/does not know: 127\.0\.0\.1:\d+\. .+relink=on/),
    ]);
    expect((await psql(db.url, 'step4')).code).toBe(0);
    expect((await psql(db.url, 'rollback', { table: 'path', relink: 'on' })).code).toBe(0);
    expect(await oneRow(observer, 'SELECT count(DISTINCT endpoint)::int AS ways FROM p2pfk.identity')).toEqual({
      ways: 2,
    });
  });
});
