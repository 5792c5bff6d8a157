/** What an audit looks at, and what it leaves alone. */
import { describe, expect, it } from 'vitest';
import { audit, auditDocument } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { relink } from '../../../core/ledger/schema/relink.ts';
import { coreSession, databaseWith, everything } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { column, migrated, NAMED_PAIRS, standingOn } from '../provision/migrated.helpers.ts';
import { brief, findings } from './findings.helpers.ts';

/** Every partition has its partner. */
const ALL_PAIRED = `${NAMED_PAIRS} CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four');`;

describe('the audit', () => {
  it('writes nothing', async () => {
    const { core, observer } = await migrated();
    await observer.query('ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one; DROP INDEX idx_path_two_fk');
    const state = async () => [
      await everything(observer),
      await column(observer, 'SELECT count(*)::int FROM p2pfk.event'),
    ];
    const before = await state();
    await core.query('BEGIN READ ONLY');
    expect(await findings(core)).toHaveLength(2);
    await core.query('COMMIT');
    expect(await state()).toEqual(before);
  });

  it('without a ledger goes by the catalog, and adds no pair FK before its guard has an entry', async () => {
    const { core, observer } = await migrated(ALL_PAIRED);
    await observer.query(`DROP SCHEMA p2pfk CASCADE; ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
                          ALTER TABLE path_two DISABLE TRIGGER ALL`);
    expect(await audit(core, {})).toMatchObject([{ table: 'public.path', constraint: null, pairs: 4 }]);
    const found = [
      ...['four', 'three', 'two'].map((name) => `error missing-guard public.inode_${name}`),
      'error missing-pair-foreign-key public.path_one',
    ];
    expect(brief(await findings(core, { table: 'path' }))).toEqual([
      ...found,
      'error pair-foreign-key-not-enforced public.path_two',
      'warning ledger-missing -',
    ]);
    const { outcomes, audited } = await auditAndRepair(core, { lockTimeoutMs: 10_000 });
    expect(outcomes).toMatchObject([{ id: 'pair-foreign-key-not-enforced', status: 'REPAIRED' }]);
    expect(brief(auditDocument(audited).tables.flatMap((table) => table.findings))).toEqual([
      ...found,
      'warning ledger-missing -',
    ]);
    expect(await column(observer, "SELECT count(*)::int FROM pg_namespace WHERE nspname = 'p2pfk'")).toEqual([0]);
  });

  it('works for a role that may only look', async () => {
    const { db, observer } = await migrated();
    await observer.query(`
      DO $$ BEGIN CREATE ROLE audit_reader LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;`);
    const reader = await connect({ databaseUrl: db.urlAs('audit_reader', 'x'), applicationName: 'test' });
    expect(brief(await findings(reader))).toEqual([
      'error missing-pair-foreign-key public.path_one',
      'warning ledger-unreadable -',
    ]);
    await reader.end();
  });

  it('tells two foreign keys of one table apart', async () => {
    const sql = `${NAMED_PAIRS}
      CREATE TABLE label (medium text, name text, PRIMARY KEY (medium, name)) PARTITION BY LIST (medium);
      ${['one', 'two', 'three'].map((name) => `CREATE TABLE label_${name} PARTITION OF label FOR VALUES IN ('${name}');`).join('\n')}
      INSERT INTO label SELECT DISTINCT medium, name FROM path;
      ALTER TABLE path ADD CONSTRAINT path_label FOREIGN KEY (medium, name) REFERENCES label (medium, name);`;
    const { core, observer } = await migrated(sql, { constraint: 'path_fk' });
    const second = new Execution();
    await second.migrate('VerifyMigration', { constraint: 'path_label' });
    await observer.query('ALTER TABLE path_one DROP CONSTRAINT fk_path_to_label_one');
    expect((await audit(core, {})).map(({ constraint, drift }) => [constraint, drift.length])).toEqual([
      ['path_fk', 0],
      ['path_label', 1],
    ]);
    expect(await audit(core, { table: 'path', constraint: 'path_fk' })).toMatchObject([
      { constraint: 'path_fk', drift: [] },
    ]);
  });

  it('says which foreign key still guards a DEFAULT partition that has got keys of a second referenced partition', async () => {
    const { core, observer } = await migrated(`${NAMED_PAIRS} CREATE TABLE path_rest PARTITION OF path DEFAULT;`);
    await observer.query("INSERT INTO path VALUES ('four', 1, 'x')");
    await expect(observer.query("INSERT INTO path VALUES ('five', 1, 'x')")).rejects.toThrow(/fk_path_to_inode_four/);
    expect(auditDocument(await audit(core, {})).passed).toBe(true);

    await observer.query(`CREATE TABLE inode_five PARTITION OF inode FOR VALUES IN ('five');
                          INSERT INTO inode VALUES ('five', 1, 1)`);

    const found = await findings(core);
    expect(brief(found)).toContain('error unpaired-referencing-partition public.path_rest');
    expect(found.map(({ message }) => message).join('\n')).toMatch(
      /its keys lie in 2 referenced partitions: public.inode_five, public.inode_four; foreign key fk_path_to_inode_four refuses each that is not in public.inode_four/,
    );
    await expect(observer.query("INSERT INTO path VALUES ('five', 1, 'x')")).rejects.toThrow(/fk_path_to_inode_four/);
  });

  it('says that there is nothing to audit where nothing is migrated', async () => {
    const { db } = await databaseWith(NAMED_PAIRS);
    const core = await coreSession(db.url);
    await expect(audit(core, {})).rejects.toMatchObject({ name: 'NotMigrated' });
    await expect(audit(core, { table: 'path' })).rejects.toMatchObject({
      name: 'NotMigrated',
      message: expect.stringMatching(/path_fk of public.path is not migrated/),
    });
    await expect(audit(core, { table: 'nothing' })).rejects.toThrow(/table nothing does not exist/);
  });

  it('tells of a migration that has not come to its drop', async () => {
    const { db } = await databaseWith(NAMED_PAIRS);
    const core = await coreSession(db.url);
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    for (const wanted of [{}, { table: 'path' }, { table: 'path', constraint: 'path_fk' }]) {
      const audited = await audit(core, wanted);
      expect(auditDocument(audited)).toMatchObject({
        passed: false,
        tables: [
          {
            table: 'public.path',
            findings: [{ id: 'migration-unfinished', message: expect.stringMatching(/running.*in place/) }],
          },
        ],
      });
    }
  });

  it('tells of a migration that is not at its end, and repairs nothing of it', async () => {
    const { core, observer } = await migrated();
    await observer.query(
      "UPDATE p2pfk.migration SET state = 'paused'; ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one",
    );
    expect(brief(await findings(core))).toEqual([
      'error missing-pair-foreign-key public.path_one',
      'warning migration-unfinished -',
    ]);
    const { outcomes } = await auditAndRepair(core, { lockTimeoutMs: 10_000 });
    expect(outcomes).toMatchObject([
      { status: 'FAILED', error: expect.stringMatching(/migration 1 is paused: finish it first/) },
    ]);
    expect((await standingOn(observer, 'path_one')).foreignKeys).toEqual([]);
  });

  it('has the ledger forget a table that is no more', async () => {
    const { core, observer } = await migrated();
    await observer.query('DROP TABLE path; DROP TABLE inode');
    expect(brief(await findings(core))).toEqual(['warning ledger-table-gone -']);
    expect(auditDocument((await auditAndRepair(core, { lockTimeoutMs: 10_000 })).audited)).toMatchObject({
      passed: true,
      tables: [],
    });
  });

  it('points to --relink for the tables of a restored dump, and what the ledger knew can be rolled back again', async () => {
    const { core, observer } = await migrated();
    await observer.query(`UPDATE p2pfk.migration SET table_oid = 1, referenced_oid = 2;
                          UPDATE p2pfk.pair SET referencing_oid = pair + 10, referenced_oid = pair + 20`);
    expect(brief(await findings(core))).toContain('warning ledger-table-replaced -');
    await auditAndRepair(core, { lockTimeoutMs: 10_000 });
    expect(brief(await findings(core))).toContain('warning ledger-table-replaced -');

    await relink(core);
    expect(auditDocument(await audit(core, {}))).toMatchObject({
      passed: true,
      tables: [{ constraint: 'path_fk', findings: [] }],
    });
    const execution = new Execution();
    await execution.plan({ operation: 'rollback' });
    expect(await execution.rollBack(null)).toMatchObject({ status: 'ROLLED_BACK' });
  });
});
