/** Repairs: what they leave behind, whom they keep waiting, and what they say when they fail. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { type Audited, auditDocument } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { holdLock } from '../../support/observe.ts';
import { Execution } from '../execution.helpers.ts';
import { column, migrated, standingOn } from '../provision/migrated.helpers.ts';
import { brief, findings } from './findings.helpers.ts';

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
    // PostgreSQL adds those of a language when the first function in it runs.
    const settings = () =>
      column(core, "SELECT name || ' ' || setting FROM pg_settings WHERE name NOT LIKE 'plpgsql.%' ORDER BY 1");
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
