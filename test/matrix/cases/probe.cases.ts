/** What the DELETE probe must not reach, rules, and the firing modes of the parent FK's triggers. */
import { expect } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { errorsOf, everything, plan, verify, withCore } from '../migration.helpers.ts';
import type { Case, CaseRun } from './case.helpers.ts';

/** The detail of verify's check of the DELETE. */
async function deleteDetail({ db, table }: CaseRun): Promise<string | undefined> {
  const { checks } = await verify(db, { table });
  return checks.find(({ id }) => id === 'delete-performance')?.detail;
}

const MODES = `
  SELECT string_agg(DISTINCT tgenabled::text, '') FROM pg_trigger g JOIN pg_constraint c ON c.oid = g.tgconstraint
   WHERE c.contype = 'f' AND g.tgrelid::regclass::text ~ '_[12]$' AND c.conrelid::regclass::text LIKE 'path%'`;

export const cases: readonly Case[] = [
  {
    schema: '05-check-function-with-unqualified-name',
    title: 'code of the application in a CHECK is not executed by the probe, and works afterwards',
    since: 15,
    run: async (run) => {
      expect(await run.migrate()).toMatchObject({ status: 'MIGRATED' });
      expect(await deleteDetail(run)).toMatch(
        /^proved by plan for 2 pairs; not executed: \S*path_\d uses function public\.good\(text\)$/,
      );
      await run.db.observer.query('DELETE FROM inode WHERE k = 1 AND ino = 1');
      expect(await run.value('SELECT count(*)::int FROM path WHERE ino IS NULL')).toBe(1);
    },
  },
  {
    schema: '07-always-triggers',
    title: 'the pair FKs fire ALWAYS, too, and a rollback brings the parent FK back as it was',
    run: async (run) => {
      const before = await everything(run.db.observer);
      expect(await run.migrate()).toMatchObject({ status: 'MIGRATED' });
      expect(await run.value(MODES)).toBe('A');
      const orphan = `SET session_replication_role = replica; INSERT INTO path VALUES (99, 1, 99)`;
      await expect(run.db.observer.query(orphan)).rejects.toMatchObject({ code: '23503' });
      await run.db.observer.query('RESET session_replication_role');
      expect(await run.migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
      expect(await everything(run.db.observer)).toBe(before);
    },
  },
  {
    schema: '07-always-triggers',
    title: 'a role that may not set the firing mode is refused',
    run: async ({ db, table, as }) => {
      const database = new URL(db.url).pathname.slice(1);
      const role = `owner_${database}`;
      await db.observer.query(`
        CREATE ROLE ${role} LOGIN; GRANT CREATE ON DATABASE ${database} TO ${role}; GRANT ALL ON SCHEMA public TO ${role};
        DO $$ DECLARE t regclass; BEGIN
          FOR t IN SELECT oid FROM pg_class WHERE relname ~ '^(inode|path)(_[12])?$' LOOP EXECUTE format('ALTER TABLE %s OWNER TO ${role}', t); END LOOP;
        END $$`);
      try {
        const found = await withCore(await as(role), (core) => planMigration(core, ExecutionInput.parse({ table })));
        expect(errorsOf(found)).toEqual(['always-triggers']);
      } finally {
        await db.observer.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}; DROP ROLE ${role}`);
      }
    },
  },
  {
    schema: '07-always-triggers',
    title: 'a mixture of modes comes back as it was, and one that changes meanwhile is noticed',
    run: async (run) => {
      const { observer } = run.db;
      await observer.query(`DO $$ DECLARE r record; BEGIN
        FOR r IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'path_2'::regclass LOOP EXECUTE format('ALTER TABLE path_2 ENABLE TRIGGER %I', r.tgname); END LOOP; END $$`);
      const before = await everything(observer);
      expect(await run.migrate()).toMatchObject({ status: 'MIGRATED' });
      expect(await run.migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
      expect(await everything(observer)).toBe(before);

      await observer.query('ALTER TABLE path_1 DISABLE TRIGGER ALL');
      expect(errorsOf(await plan(run.db, { table: run.table }))).toEqual(['disabled-trigger']);
    },
  },
  {
    schema: '19-trigger-of-a-third-table',
    title: 'a trigger of a third table never fires, nor keeps the drop from being made',
    run: async (run) => {
      expect(await run.migrate()).toMatchObject({ status: 'MIGRATED' });
      expect(await deleteDetail(run)).toMatch(
        /^proved by plan for 2 pairs; not executed: public\.ledger_entry references \S*inode_\d$/,
      );
      expect(await run.value('SELECT is_called FROM fired')).toBe(false);
      expect(await run.migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
    },
  },
  {
    schema: '27-high-fan-out',
    title: 'a DELETE is tried where few rows are reached, and no try holds the locks for long',
    since: 18,
    run: async (run) => {
      expect(await run.migrate()).toMatchObject({ status: 'MIGRATED' });
      // 200,000 rows reference each row of k_eu, 83 each row of k_us: only there a DELETE stays small.
      expect(await deleteDetail(run)).toMatch(/^Deleted 10 rows /);
      expect(await run.value('SELECT locked_ms < 450 FROM p2pfk.migration')).toBe(true);
      expect(
        await run.value(
          `SELECT count(*)::int FROM p2pfk.event WHERE step = 'DropParentForeignKey' AND error ~ 'did not fit'`,
        ),
      ).toBe(0);
    },
  },
];
