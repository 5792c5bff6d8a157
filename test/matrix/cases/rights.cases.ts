/** Rights that a pair foreign key needs, row security, and what PostgreSQL would refuse after hours. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { errorsOf, plan } from '../migration.helpers.ts';
import type { MatrixDatabase } from '../server.helpers.ts';
import type { Case } from './case.helpers.ts';

/** Runs a statement that needs more than one message, as the superuser that began. */
const alter = (db: MatrixDatabase, sql: string) => db.observer.query(`RESET ROLE; ${sql}`);

/** The parent FK has its rows checked, and nothing of ours is there. */
async function untouched(db: MatrixDatabase): Promise<void> {
  const { rows } = await db.observer.query(
    "SELECT to_regnamespace('p2pfk') AS ledger, (SELECT count(*)::int FROM pg_class WHERE relname LIKE 'idx\\_%\\_fk') AS indexes",
  );
  expect(rows).toEqual([{ ledger: null, indexes: 0 }]);
}

/** Expects a plan with these errors, a migration that is refused by them, and nothing changed. */
async function refusedBy(
  { db, table, migrate }: Parameters<Case['run']>[0],
  ids: readonly string[],
  role?: string,
): Promise<string> {
  const ending = await migrate({}, role);
  expect(ending).toMatchObject({ status: 'FAILED', error: 'PreflightFailed' });
  for (const id of ids) expect(ending.message).toContain(`[${id}]`);
  await untouched(db);
  if (role === undefined) expect(errorsOf(await plan(db, { table }))).toEqual(ids);
  return ending.message ?? '';
}

export const cases: readonly Case[] = [
  {
    schema: '03-leaf-owner-without-usage',
    title: 'is refused with the GRANT that is missing, which is all that it lacks',
    run: async (run) => {
      const message = await refusedBy(run, ['leaf-owner-privilege']);
      const grant = 'GRANT USAGE ON SCHEMA parts TO case03_partmaint';
      expect(message).toContain(grant);
      await alter(run.db, `${grant}; REVOKE SELECT, UPDATE ON parts.inode_a FROM case03_partmaint`);
      const more = await refusedBy(run, ['leaf-owner-privilege', 'leaf-owner-privilege']);
      await alter(run.db, [...more.matchAll(/GRANT \w+ ON [\w.]+ TO case03_partmaint/g)].join('; '));
      expect(await run.migrate({ accept: ['leaf-owner'], lockTimeoutMs: 10_000 })).toMatchObject({
        status: 'MIGRATED',
      });
      await run.db.observer.query("SET ROLE case03_owner; INSERT INTO app.path VALUES (901, 'a', 7); RESET ROLE");
    },
  },
  {
    schema: '03-leaf-owner-without-usage',
    title: 'a right that is taken before the drop closes the gate',
    run: async ({ db, migrate, value }) => {
      await alter(db, 'GRANT USAGE ON SCHEMA parts TO case03_partmaint');
      const waiting = migrate({ accept: ['leaf-owner'], approval: 'manual', approvalTimeoutSeconds: 60 });
      await until(async () => (await value("SELECT to_regclass('p2pfk.migration')")) !== null);
      await until(async () => (await value('SELECT approval_asked_at FROM p2pfk.migration')) !== null);
      await alter(db, 'REVOKE USAGE ON SCHEMA parts FROM case03_partmaint');
      await alter(db, 'UPDATE p2pfk.migration SET approved_at = now()');
      expect(await waiting).toMatchObject({
        error: 'MigrationRolledBack',
        message: expect.stringContaining('lacks USAGE'),
      });
    },
  },
  {
    schema: '03-leaf-owner-without-usage',
    title: 'the owner of a referencing leaf gains its foreign key, which needs acceptance',
    run: async ({ db, migrate }) => {
      await alter(
        db,
        'GRANT USAGE ON SCHEMA parts TO case03_partmaint; ALTER TABLE parts.path_a OWNER TO case03_partmaint',
      );
      const refused = { status: 'FAILED', error: 'PreflightFailed', message: expect.stringContaining('[leaf-owner]') };
      expect(await migrate()).toMatchObject(refused);
      await untouched(db);
      expect(await migrate({ accept: ['leaf-owner'], lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
      await alter(db, 'SET ROLE case03_partmaint; ALTER TABLE parts.path_a DROP CONSTRAINT fk_path_to_inode_a');
      await alter(db, '');
    },
  },
  {
    schema: '31-leaf-owned-by-a-superuser',
    title: 'is refused, because the cascade would run a trigger of a role without rights as the superuser',
    run: async (run) => {
      const deleted = () => alter(run.db, "SET ROLE case31_app; DELETE FROM inode WHERE k = 'b' AND ino = 1");
      await expect(deleted()).rejects.toThrow('permission denied for table pg_authid');
      const message = await refusedBy(run, ['leaf-owner-code']);
      expect(message).toContain('trigger spy, function');
      // What the finding is for: a pair FK made by hand hands the superuser's rights to the trigger.
      await alter(run.db, 'BEGIN; ALTER TABLE path DROP CONSTRAINT path_fk');
      await run.db.observer.query('ALTER TABLE path_b ADD FOREIGN KEY (k, ino) REFERENCES inode_b ON DELETE CASCADE');
      await deleted();
      await alter(run.db, '');
      expect(await run.value('SELECT secrets > 0 FROM log')).toBe(true);
      await run.db.observer.query('ROLLBACK');
      const [remedy = ''] = /ALTER TABLE public.path_b OWNER TO case31_owner/.exec(message) ?? [];
      await alter(run.db, remedy);
      expect(await run.migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
      await expect(deleted()).rejects.toThrow('permission denied for table pg_authid');
    },
  },
  {
    schema: '31-leaf-owned-by-a-superuser',
    title: 'an owner who comes before the drop closes the gate',
    run: async ({ db, migrate, value }) => {
      await alter(db, 'ALTER TABLE path_b OWNER TO case31_owner');
      const waiting = migrate({ approval: 'manual', approvalTimeoutSeconds: 60 });
      await until(async () => (await value("SELECT to_regclass('p2pfk.migration')")) !== null);
      await until(async () => (await value('SELECT approval_asked_at FROM p2pfk.migration')) !== null);
      await alter(db, 'ALTER TABLE path_b OWNER TO CURRENT_USER');
      await alter(db, 'UPDATE p2pfk.migration SET approved_at = now()');
      expect(await waiting).toMatchObject({
        error: 'MigrationRolledBack',
        message: expect.stringContaining('trigger spy, function'),
      });
    },
  },
  {
    schema: '08-row-security-on-a-leaf',
    title: 'is refused for the role that policies hide rows from',
    run: async (run) => {
      await alter(run.db, '');
      expect(await refusedBy(run, ['row-security'], 'case08_owner')).toContain('public.path_2');
      // A superuser sees all rows, and so the orphan. The indexes are not to blame: they stay for the next try.
      expect(await run.migrate()).toMatchObject({
        error: 'MigrationRolledBack',
        message: expect.stringMatching(/1 row\(s\) of path_2 .* listed by: SELECT/),
      });
      expect(
        await run.value("SELECT count(*)::int FROM pg_index WHERE indrelid = 'path_2'::regclass AND indisvalid"),
      ).toBe(1);
      await alter(run.db, 'DELETE FROM path WHERE ino = 777777');
      expect(await run.migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
    },
  },
  {
    schema: '20-owner-without-create',
    title: 'is refused where an index has to be built, and migrated where none has',
    run: async (run) => {
      expect(await refusedBy(run, ['missing-create'], 'case20_owner')).toContain(
        'GRANT CREATE ON SCHEMA public TO case20_owner',
      );
      await alter(run.db, 'CREATE INDEX ON path (ino)');
      expect(await run.migrate({ lockTimeoutMs: 10_000 }, 'case20_owner')).toMatchObject({ status: 'MIGRATED' });
    },
  },
  {
    schema: '20-owner-without-create',
    title: 'is migrated without the index where that is wanted',
    run: async (run) => {
      expect(await run.migrate({ noIndexes: true, lockTimeoutMs: 10_000 }, 'case20_owner')).toMatchObject({
        status: 'MIGRATED',
      });
      expect(await run.value("SELECT count(*)::int FROM pg_index WHERE indrelid = 'path_1'::regclass")).toBe(0);
    },
  },
  {
    schema: '10-pending-detach',
    title: 'a partition that is half detached is refused, and named with the way out',
    since: 14,
    run: async (run) => {
      const { db } = run;
      const [reader, detacher] = [await db.client(), await db.client()];
      await reader.query('BEGIN; SELECT FROM path');
      const detaching = detacher.query('ALTER TABLE path DETACH PARTITION path_3 CONCURRENTLY').catch((error) => error);
      await waitForDetach(db);
      await db.observer.query(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE path DETACH%' AND state = 'active'",
      );
      await detaching;
      await reader.query('COMMIT');
      const message = await refusedBy(run, ['pending-detach']);
      const finalize = 'ALTER TABLE public.path DETACH PARTITION public.path_3 FINALIZE';
      expect(message).toContain(finalize);
      await alter(db, finalize);
      expect(await run.migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
    },
  },
  {
    schema: '11-latin1',
    title: 'is migrated, and partitions may have names beyond ASCII',
    run: async ({ db, migrate, value }) => {
      await alter(
        db,
        `CREATE TABLE "inode_é" PARTITION OF inode FOR VALUES IN (3); CREATE TABLE "path_ß" PARTITION OF path FOR VALUES IN (3);
         INSERT INTO inode VALUES (3, 1); INSERT INTO path VALUES (1, 3, 1)`,
      );
      expect(await migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
      expect(await value("SELECT verification ->> 'checks' FROM p2pfk.migration")).toContain('path_ß\\" -> \\"inode_é');
      expect(await migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
    },
  },
  {
    schema: '11-latin1',
    title: 'a ledger that takes no note undoes no verified drop',
    run: async ({ db, migrate, value }) => {
      expect(await migrate({ rehearse: true })).toMatchObject({ status: 'PAUSED' });
      await alter(
        db,
        `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no notes'; END $$;
         CREATE TRIGGER no_notes BEFORE UPDATE ON p2pfk.migration FOR EACH ROW
           WHEN (OLD.dropped_at IS NOT NULL AND NEW.state <> 'paused') EXECUTE FUNCTION refuse()`,
      );
      expect(await migrate()).toMatchObject({ status: 'CHECKS_PENDING' });
      const parent =
        "SELECT count(*)::int FROM pg_constraint WHERE conname = 'path_fk' AND conrelid = 'path'::regclass";
      expect(await value(parent)).toBe(0);
      await alter(db, 'DROP TRIGGER no_notes ON p2pfk.migration');
      expect(await migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
      expect(await value(parent)).toBe(0);
    },
  },
];

/** The first half of a DETACH CONCURRENTLY has committed, and the second waits for the reader. */
function waitForDetach(db: MatrixDatabase): Promise<void> {
  return until(async () => (await db.observer.query('SELECT FROM pg_inherits WHERE inhdetachpending')).rows.length > 0);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(50);
}
