/** Drift, each kind of it: found by its id, and gone after the very SQL that the audit printed. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { type Audited, audit, auditDocument } from '../../core/audit/audit.ts';
import type { AuditFinding } from '../../core/audit/contracts.ts';
import { auditAndRepair } from '../../core/audit/repair.ts';
import { connect } from '../../core/connection.ts';
import { coreSession, databaseWith, everything } from '../core/case.helpers.ts';
import { Execution } from '../core/execution.helpers.ts';
import { column, migrated, NAMED_PAIRS, standingOn } from '../provision/migrated.helpers.ts';
import { holdLock } from '../support/observe.ts';

/** Every partition has its partner. */
const ALL_PAIRED = `${NAMED_PAIRS} CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four');`;

async function findings(core: Client, wanted: { table?: string } = {}): Promise<AuditFinding[]> {
  return auditDocument(await audit(core, wanted)).tables.flatMap((table) => table.findings);
}

const brief = (found: readonly AuditFinding[]) =>
  found.map(({ id, severity, partition }) => `${severity} ${id} ${partition ?? '-'}`).sort();

/** What somebody did, as SQL, and what the audit says to it. Repaired where `repaired` is not false. */
const DRIFT: [what: string, done: string, expected: string[], repaired?: false][] = [
  ['nothing', '', []],
  [
    'a pair FK dropped',
    'ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one',
    ['error missing-pair-foreign-key public.path_one'],
  ],
  [
    'triggers of the referencing side disabled',
    'ALTER TABLE path_one DISABLE TRIGGER ALL',
    ['error pair-foreign-key-not-enforced public.path_one'],
  ],
  [
    'triggers of the referenced side disabled',
    'ALTER TABLE inode_one DISABLE TRIGGER ALL',
    ['error guard-disabled public.inode_one', 'error pair-foreign-key-not-enforced public.path_one'],
  ],
  [
    'a trigger that fires on replicas only',
    `DO $$ DECLARE t name; BEGIN
       SELECT tgname INTO t FROM pg_trigger WHERE tgrelid = 'path_one'::regclass AND tgisinternal LIMIT 1;
       EXECUTE format('ALTER TABLE path_one ENABLE REPLICA TRIGGER %I', t); END $$`,
    ['error pair-foreign-key-not-enforced public.path_one'],
  ],
  [
    'a pair FK added anew, NOT VALID',
    `ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
     ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_one (medium, ino) ON DELETE CASCADE NOT VALID`,
    ['error pair-foreign-key-not-valid public.path_one'],
  ],
  [
    'a pair FK with another action in its place',
    `ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
     ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_one (medium, ino)`,
    ['error pair-foreign-key-differs public.path_one'],
  ],
  [
    'a second FK with another action',
    'ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_one (medium, ino)',
    ['warning pair-foreign-key-differs public.path_one'],
  ],
  [
    'a pair FK to the wrong partition',
    `DELETE FROM path_one; ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
     ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_two (medium, ino) ON DELETE CASCADE`,
    ['error wrong-target public.path_one'],
  ],
  [
    'a further FK to the wrong partition',
    `DELETE FROM path_one; ALTER TABLE path_one ADD CONSTRAINT mine FOREIGN KEY (medium, ino) REFERENCES inode_two (medium, ino)`,
    ['error wrong-target public.path_one'],
  ],
  [
    'a referenced partition replaced by another',
    `ALTER TABLE inode DETACH PARTITION inode_one; CREATE TABLE inode_new PARTITION OF inode FOR VALUES IN ('one'); DELETE FROM path_one`,
    ['error wrong-target public.path_one', 'info ledger-pair-gone public.path_one'],
  ],
  ['an index dropped', 'DROP INDEX idx_path_one_fk', ['warning missing-index public.path_one']],
  [
    'an index left INVALID',
    `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_path_one_fk'::regclass`,
    ['warning invalid-index public.path_one'],
  ],
  [
    'an INVALID index beside the one that serves',
    `CREATE INDEX other ON path_one (ino, medium); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'other'::regclass`,
    ['warning invalid-index public.path_one'],
  ],
  [
    'an index of another object left INVALID',
    `DROP INDEX idx_path_one_fk; CREATE INDEX ON path_one (medium, ino); CREATE INDEX all_of_them ON ONLY path (medium, ino);
     ALTER INDEX all_of_them ATTACH PARTITION path_one_medium_ino_idx;
     UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'path_one_medium_ino_idx'::regclass`,
    ['warning invalid-index public.path_one'],
  ],
  [
    'a pair attached',
    `CREATE TABLE inode_five PARTITION OF inode FOR VALUES IN ('five'); CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five')`,
    ['error attached-partition public.path_five'],
  ],
  [
    'a referencing partition attached to a referenced one that stood alone',
    `CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four'); INSERT INTO path VALUES ('four', 1, 'x')`,
    ['error attached-partition public.path_four'],
  ],
  [
    'a pair made by hand as it should be',
    `CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four'); CREATE INDEX ON path_four (medium, ino);
     ALTER TABLE path_four ADD FOREIGN KEY (medium, ino) REFERENCES inode_four (medium, ino) ON DELETE CASCADE`,
    ['info pair-not-in-ledger public.path_four'],
  ],
  [
    'an empty referencing partition attached without a partner',
    `CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five')`,
    ['warning unpaired-empty-partition public.path_five'],
  ],
  [
    'a referencing partition with rows attached without a partner',
    `CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five'); INSERT INTO path VALUES ('five', 1, 'x')`,
    ['error unpaired-referencing-partition public.path_five'],
    false,
  ],
  ['a referenced partition attached', `CREATE TABLE inode_five PARTITION OF inode FOR VALUES IN ('five')`, []],
  ['a pair dropped', 'DROP TABLE path_one; DROP TABLE inode_one', ['info ledger-pair-gone public.path_one']],
  ['the guard dropped', 'DROP TRIGGER p2pfk_row_movement_guard_1 ON inode', ['error missing-guard public.inode']],
  [
    'the guard disabled on one partition',
    'ALTER TABLE inode_two DISABLE TRIGGER p2pfk_row_movement_guard_1',
    ['error guard-disabled public.inode_two'],
  ],
  [
    'the parent FK added again',
    'ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE',
    ['warning parent-foreign-key -'],
    false,
  ],
  [
    'an FK of one partition to the whole table',
    'ALTER TABLE path_one ADD CONSTRAINT whole FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE',
    ['warning parent-foreign-key public.path_one'],
  ],
];

describe('the audit finds', () => {
  it.each(DRIFT)('%s', async (_, done, expected, repaired) => {
    const { core, observer } = await migrated();
    if (done) await observer.query(done);

    const found = await findings(core);
    expect(brief(found)).toEqual(expected);

    // As a DBA runs the printed statements: one after another, in a session of his own.
    for (const finding of found.filter(({ severity }) => severity !== 'info')) {
      for (const sql of finding.sql) await observer.query(sql);
    }
    // A partner that was made is the first half: the next audit finds the pair without its foreign key.
    for (const finding of (await findings(core)).filter(({ id }) => id === 'attached-partition')) {
      for (const sql of finding.sql) await observer.query(sql);
    }
    expect(auditDocument(await audit(core, {})).passed).toBe(repaired !== false);
  });

  it.each(DRIFT.filter(([, , , repaired]) => repaired !== false))('and repairs %s', async (_, done) => {
    const { core, observer } = await migrated();
    if (done) await observer.query(done);

    const { outcomes, audited } = await auditAndRepair(core, { lockTimeoutMs: 1_000 });

    expect(outcomes.filter(({ status }) => status === 'FAILED')).toEqual([]);
    expect(auditDocument(audited).passed).toBe(true);
    const orphan = "INSERT INTO path VALUES ($1, 12345, 'x')";
    for (const medium of await column(
      observer,
      "SELECT replace(relid::text, 'path_', '') FROM pg_partition_tree('path') WHERE isleaf",
    )) {
      await expect(observer.query(orphan, [medium]), medium).rejects.toThrow(/foreign key constraint/);
    }
  });
});

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

  it('without a ledger goes by the catalog', async () => {
    const { core, observer } = await migrated(ALL_PAIRED);
    await observer.query(`DROP SCHEMA p2pfk CASCADE; ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
                          ALTER TABLE path_two DISABLE TRIGGER ALL`);
    const audited = await audit(core, {});
    expect(audited).toMatchObject([{ table: 'public.path', constraint: null, pairs: 4 }]);
    expect(brief(await findings(core, { table: 'path' }))).toEqual([
      'error missing-pair-foreign-key public.path_one',
      'error pair-foreign-key-not-enforced public.path_two',
    ]);
    expect(auditDocument((await auditAndRepair(core, { lockTimeoutMs: 1_000 })).audited).passed).toBe(true);
    expect(await column(observer, "SELECT count(*)::int FROM pg_namespace WHERE nspname = 'p2pfk'")).toEqual([0]);
  });

  it('works for a role that may only look', async () => {
    const { db, observer } = await migrated();
    await observer.query(`
      DO $$ BEGIN CREATE ROLE audit_reader LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;`);
    const reader = await connect({ databaseUrl: db.urlAs('audit_reader', 'x'), applicationName: 'test' });
    expect(brief(await findings(reader))).toEqual(['error missing-pair-foreign-key public.path_one']);
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

  it('says that there is nothing to audit where nothing is migrated', async () => {
    const { db } = await databaseWith(NAMED_PAIRS);
    const core = await coreSession(db.url);
    expect(auditDocument(await audit(core, {}))).toEqual({ passed: true, tables: [] });
    await expect(audit(core, { table: 'path' })).rejects.toThrow(/path_fk of public.path is not migrated/);
    await expect(audit(core, { table: 'nothing' })).rejects.toThrow(/table nothing does not exist/);
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
    const { outcomes } = await auditAndRepair(core, { lockTimeoutMs: 1_000 });
    expect(outcomes).toMatchObject([
      { status: 'FAILED', error: expect.stringMatching(/migration 1 is paused: finish it first/) },
    ]);
    expect((await standingOn(observer, 'path_one')).foreignKeys).toEqual([]);
  });

  it('has the ledger forget a table that is no more', async () => {
    const { core, observer } = await migrated();
    await observer.query('DROP TABLE path; DROP TABLE inode');
    expect(brief(await findings(core))).toEqual(['warning ledger-table-gone -']);
    expect(auditDocument((await auditAndRepair(core, { lockTimeoutMs: 1_000 })).audited)).toMatchObject({
      passed: true,
      tables: [],
    });
  });

  it('tells the ledger the oids of a restored dump, and what it knew can be rolled back again', async () => {
    const { core, observer } = await migrated();
    await observer.query(`UPDATE p2pfk.migration SET table_oid = 1, referenced_oid = 2;
                          UPDATE p2pfk.pair SET referencing_oid = pair + 10, referenced_oid = pair + 20`);
    expect(brief(await findings(core))).toContain('warning ledger-table-replaced -');
    const { audited } = await auditAndRepair(core, { lockTimeoutMs: 1_000 });
    expect(auditDocument(audited)).toMatchObject({ passed: true, tables: [{ constraint: 'path_fk', findings: [] }] });
    const execution = new Execution();
    await execution.plan({ operation: 'rollback' });
    expect(await execution.rollBack(null)).toMatchObject({ status: 'ROLLED_BACK' });
  });
});

describe('a repair', () => {
  const repair = (core: Client, lockTimeoutMs = 1_000) => auditAndRepair(core, { lockTimeoutMs });

  it('is in the ledger: a rollback takes it away with the rest', async () => {
    const { core, observer } = await migrated();
    await observer.query(`CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four');
                          ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one; DROP INDEX idx_path_one_fk`);
    await repair(core);
    expect(await column(observer, "SELECT DISTINCT step FROM p2pfk.event WHERE sql ~ 'path_four'")).toEqual([
      'AuditRepair',
    ]);
    const execution = new Execution();
    await execution.plan({ operation: 'rollback' });
    await execution.rollBack(null);
    expect(await standingOn(observer, 'path_four')).toEqual({ foreignKeys: [], indexes: [] });
    expect(await standingOn(observer, 'path_one')).toEqual({ foreignKeys: [], indexes: [] });
  });

  it('of disabled triggers tells how many rows came in unchecked', async () => {
    const { core, observer } = await migrated();
    await observer.query(
      "ALTER TABLE path_one DISABLE TRIGGER ALL; INSERT INTO path VALUES ('one', 777, 'x'), ('one', 778, 'x')",
    );
    const { outcomes } = await repair(core);
    expect(outcomes).toMatchObject([
      {
        id: 'pair-foreign-key-not-enforced',
        status: 'FAILED',
        error: expect.stringMatching(/fires again, but 2 row\(s\) of public.path_one/),
      },
    ]);
    await expect(observer.query("INSERT INTO path VALUES ('one', 779, 'x')")).rejects.toThrow(/foreign key/);
  });

  it('that finds orphans leaves the foreign key NOT VALID, which refuses new ones, and goes on with the others', async () => {
    const { core, observer } = await migrated();
    await observer.query(`ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one; INSERT INTO path VALUES ('one', 777, 'x');
                          ALTER TABLE path_two DROP CONSTRAINT fk_path_to_inode_two`);
    const { outcomes, audited } = await repair(core);
    expect(outcomes.map(({ partition, status }) => `${partition} ${status}`)).toEqual([
      'public.path_one FAILED',
      'public.path_two REPAIRED',
      'public.path_one FAILED',
    ]);
    expect(brief(auditDocument(audited).tables.flatMap((table) => table.findings))).toEqual([
      'error pair-foreign-key-not-valid public.path_one',
    ]);
    await expect(observer.query("INSERT INTO path VALUES ('one', 778, 'x')")).rejects.toThrow(/foreign key/);
  });

  it('by a role that is no superuser replaces a foreign key whose triggers are disabled', async () => {
    const { db, observer } = await migrated();
    await observer.query(`
      DO $$ BEGIN CREATE ROLE audit_owner LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      ALTER TABLE path_one DISABLE TRIGGER ALL;
      GRANT CREATE, USAGE ON SCHEMA public TO audit_owner;
      GRANT USAGE ON SCHEMA p2pfk TO audit_owner; GRANT ALL ON ALL TABLES IN SCHEMA p2pfk TO audit_owner;
      DO $$ DECLARE t regclass; BEGIN
        FOR t IN SELECT relid FROM pg_partition_tree('path') UNION ALL SELECT relid FROM pg_partition_tree('inode') LOOP
          EXECUTE format('ALTER TABLE %s OWNER TO audit_owner', t);
        END LOOP; END $$;`);
    const owner = await connect({ databaseUrl: db.urlAs('audit_owner', 'x'), applicationName: 'test' });
    const [finding] = await findings(owner);
    expect(finding?.sql).toEqual([
      'ALTER TABLE public.path_one DROP CONSTRAINT fk_path_to_inode_one',
      expect.stringMatching(/ADD CONSTRAINT fk_path_to_inode_one .* NOT VALID$/),
      'ALTER TABLE public.path_one VALIDATE CONSTRAINT fk_path_to_inode_one',
    ]);
    const { outcomes, audited } = await repair(owner);
    await owner.end();
    expect(outcomes.map(({ error }) => error)).toEqual([null]);
    expect(auditDocument(audited).passed).toBe(true);
    await observer.query('DROP OWNED BY audit_owner CASCADE');
  });

  it('keeps nobody waiting longer than the lock budget, names who holds the lock, and changes nothing', async () => {
    const { core, db, observer } = await migrated();
    await observer.query('ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one');
    const writer = await db.client();
    const working = await holdLock(writer, "INSERT INTO path VALUES ('one', 1, 'x')");
    const { outcomes } = await repair(core, 50);
    expect(outcomes).toMatchObject([
      { status: 'FAILED', error: expect.stringMatching(/no lock within 50 ms .* RowExclusiveLock on public.path_one/) },
    ]);
    await working.release();
    expect((await standingOn(observer, 'path_one')).foreignKeys).toEqual([]);
  });

  it('leaves the session as it was', async () => {
    const { core, observer } = await migrated();
    const settings = () =>
      column(core, "SELECT name || ' ' || setting FROM pg_settings WHERE source = 'session' ORDER BY 1");
    const before = await settings();
    await observer.query('DROP INDEX idx_path_one_fk; ALTER TABLE path_two DROP CONSTRAINT fk_path_to_inode_two');
    await repair(core);
    expect(await settings()).toEqual(before);
  });

  it('says what it does, before and after', async () => {
    const { core, observer } = await migrated();
    await observer.query('DROP INDEX idx_path_one_fk');
    const told: string[] = [];
    const onRepair = (audited: Audited, { finding }: { finding: { id: string } }, outcome: { status: string } | null) =>
      void told.push(`${audited.table} ${finding.id} ${outcome?.status ?? 'begins'}`);
    await auditAndRepair(core, { lockTimeoutMs: 1_000, onRepair });
    expect(told).toEqual(['public.path missing-index begins', 'public.path missing-index REPAIRED']);
  });
});
