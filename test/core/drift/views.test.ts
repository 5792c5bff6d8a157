/** The views of the ledger's schema: what a DBA sees in psql is what the audit finds. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { ensureLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { holdLock, waitUntil } from '../../support/observe.ts';
import { databaseWith, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { column, migrated, NAMED_PAIRS } from '../provision/migrated.helpers.ts';

const architecture = (client: Client) =>
  column(
    client,
    `SELECT concat_ws(' | ', partition, kind, foreign_key, referenced, 'valid ' || valid, 'enforced ' || enforced, index_name,
                      CASE WHEN NOT in_ledger THEN 'not in ledger' END, drift)
       FROM p2pfk.foreign_key_architecture`,
  );

const healthy = (name: string) =>
  `public.path_${name} | partition | fk_path_to_inode_${name} | public.inode_${name} | valid true | enforced true | idx_path_${name}_fk`;

describe('p2pfk.foreign_key_architecture', () => {
  it('has one line for each referencing partition of a migrated table', async () => {
    const { observer } = await migrated();
    expect(await architecture(observer)).toEqual([healthy('one'), healthy('three'), healthy('two')]);
  });

  it.each([
    ['ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one', 'public.path_one | idx_path_one_fk | no foreign key'],
    [
      'ALTER TABLE path_one DISABLE TRIGGER ALL',
      `${healthy('one').replace('enforced true', 'enforced false')} | not enforced`,
    ],
    [
      `ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
       ALTER TABLE path_one ADD CONSTRAINT fk_path_to_inode_one FOREIGN KEY (medium, ino) REFERENCES inode_one (medium, ino) NOT VALID`,
      `${healthy('one').replace('valid true', 'valid false')} | not validated`,
    ],
    [
      `DELETE FROM path_one; ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
       ALTER TABLE path_one ADD CONSTRAINT fk_path_to_inode_one FOREIGN KEY (medium, ino) REFERENCES inode_two (medium, ino)`,
      `${healthy('one').replace('public.inode_one', 'public.inode_two')} | wrong target`,
    ],
    ['DROP INDEX idx_path_one_fk', `${healthy('one').replace(' | idx_path_one_fk', '')} | no index`],
    [
      "CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four')",
      'public.path_four | not in ledger | no foreign key',
    ],
  ])('%s', async (done, expected) => {
    const { observer } = await migrated();
    await observer.query(done);
    const lines = await architecture(observer);
    expect(lines).toContain(expected);
    expect(
      await column(observer, 'SELECT partition FROM p2pfk.foreign_key_architecture WHERE drift IS NOT NULL'),
    ).toHaveLength(1);
  });

  it('shows both kinds of foreign keys while a migration is under way, and nothing of one rolled back', async () => {
    const { observer } = await databaseWith(NAMED_PAIRS);
    const execution = new Execution();
    await execution.plan();
    expect(await architecture(observer)).toContain(
      'public.path_one | parent | path_fk | public.inode | valid true | enforced true | no index',
    );
    await execution.runUntil('AddForeignKeys');
    expect((await architecture(observer)).filter((line) => line.startsWith('public.path_one'))).toEqual([
      `${healthy('one').replace('valid true', 'valid false')} | not validated`,
      'public.path_one | parent | path_fk | public.inode | valid true | enforced true | idx_path_one_fk',
    ]);
    await execution.rollBack();
    expect(await architecture(observer)).toEqual([]);
  });

  it('is there for a role that may see the schema and the view, and nothing else', async () => {
    const { observer } = await migrated();
    await observer.query(`
      DO $$ BEGIN CREATE ROLE audit_monitor; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT USAGE ON SCHEMA p2pfk TO audit_monitor;
      GRANT SELECT ON p2pfk.foreign_key_architecture, p2pfk.delete_activity TO audit_monitor;
      SET ROLE audit_monitor`);
    expect(await architecture(observer)).toHaveLength(3);
    expect(await column(observer, 'SELECT partition FROM p2pfk.delete_activity')).toHaveLength(7);
    await observer.query('RESET ROLE; DROP OWNED BY audit_monitor');
  });
});

describe('p2pfk.delete_activity', () => {
  it('counts the deletes on both sides, the busiest partition first', async () => {
    const { observer } = await migrated();
    await observer.query("DELETE FROM inode WHERE medium = 'two' AND ino <= 15");
    const counted = () =>
      column(
        observer,
        "SELECT format('%s %s of %s, %s', partition, side, table_name, deletes) FROM p2pfk.delete_activity WHERE deletes > 0",
      );
    // The probe of the migration was rolled back, but PostgreSQL counts it as well: on the largest pair, which is another.
    await waitUntil(
      async () => (await counted()).some((line) => line.startsWith('public.inode_two')),
      'the statistics',
    );
    expect(await counted()).toEqual(
      expect.arrayContaining([
        'public.inode_two referenced of public.inode, 15',
        'public.path_two referencing of public.path, 15',
      ]),
    );
  });
});

describe('making the views again', () => {
  it('does not wait for a session that has one of them open', async () => {
    const { core, db } = await migrated();
    const monitoring = await db.client();
    const open = await holdLock(
      monitoring,
      'SELECT * FROM p2pfk.foreign_key_architecture; SELECT * FROM p2pfk.delete_activity',
    );
    await core.query("SET lock_timeout = '100ms'");
    await ensureLedger(core);
    await open.release();
  });

  it('replaces those of another edition', async () => {
    const { core, observer } = await migrated();
    await observer.query(`
      DROP VIEW p2pfk.foreign_key_architecture; CREATE VIEW p2pfk.foreign_key_architecture AS SELECT 1 AS old;
      COMMENT ON VIEW p2pfk.delete_activity IS 'an older one'`);
    await ensureLedger(core);
    expect(await architecture(observer)).toHaveLength(3);
    const { comment } = await oneRow<{ comment: string }>(
      observer,
      "SELECT obj_description('p2pfk.delete_activity'::regclass, 'pg_class') AS comment",
    );
    expect(comment).toMatch(/^View of p2pfk, edition \d+\. /);
  });
});
