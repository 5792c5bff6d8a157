/** What changes for the application is reported, and refused until a person accepts it. */
import { expect } from 'vitest';
import { everything, plan, verify } from '../migration.helpers.ts';
import type { Case, CaseRun } from './case.helpers.ts';

/** Refused without acceptance, with nothing changed; then migrated with it, and back. */
async function refusedUnlessAccepted(
  { db, table, migrate: run, value }: CaseRun,
  id: string,
  besides: readonly string[] = [],
): Promise<void> {
  const migrate = (accept: readonly string[] = []) => run({ accept: [...besides, ...accept], lockTimeoutMs: 10_000 });
  const before = await everything(db.observer);
  const planned = (await plan(db, { table })).findings.find((finding) => finding.id === id);
  expect(planned).toMatchObject({ severity: 'warning', needsAcceptance: true });

  const refused = await migrate();
  expect(refused).toMatchObject({ status: 'FAILED', error: 'PreflightFailed' });
  expect(refused.message).toContain(`accept with --accept ${id}`);
  expect(await everything(db.observer)).toBe(before);

  const { status, message } = await migrate([id]);
  expect([status, message]).toEqual(['MIGRATED', undefined]);
  expect(await value(`SELECT options -> 'accepted' FROM p2pfk.migration`)).toContainEqual({
    id,
    message: planned?.message,
    role: 'postgres',
    sessionUser: 'postgres',
    at: expect.any(String),
  });
}

export const cases: readonly Case[] = [
  {
    schema: '13-publication-for-all-tables',
    title: 'the plan names the publication that would publish the ledger, and asks for acceptance',
    run: async (run) => {
      await refusedUnlessAccepted(run, 'publication-all-tables');
      expect(
        await run.value(
          `SELECT count(*)::int FROM pg_class c WHERE relnamespace = 'p2pfk'::regnamespace AND relkind = 'r'
              AND NOT (relreplident = 'd' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))`,
        ),
      ).toBe(0);
    },
  },
  {
    schema: '14-statement-trigger-on-the-root',
    title: 'the plan names the trigger that cascades will no longer fire, and asks for acceptance',
    run: async (run) => {
      const [finding] = (await plan(run.db, { table: run.table })).findings.filter(
        ({ id }) => id === 'statement-trigger',
      );
      expect(finding?.message).toContain('audit on public.path will no longer fire');
      await refusedUnlessAccepted(run, 'statement-trigger');
      await run.db.observer.query('DELETE FROM inode WHERE ino = 2');
      expect(await run.value('SELECT count(*)::int FROM path_audit')).toBe(2);
    },
  },
  {
    schema: '15-leaf-default-differs',
    title: 'the plan names the default that will be written instead, and asks for acceptance',
    run: async (run) => {
      const [finding] = (await plan(run.db, { table: run.table })).findings.filter(
        ({ id }) => id === 'default-differs',
      );
      expect(finding?.message).toContain('ino of public.path_1 is NULL there and 0 in the table');
      expect(finding?.remedy).toContain('ALTER TABLE public.path_1 ALTER ino SET DEFAULT 0');
      await refusedUnlessAccepted(run, 'default-differs');
    },
  },
  {
    schema: 'action-on-partition-key',
    title: 'the plan names the DELETE that will be refused, and asks for acceptance',
    run: async (run) => {
      const strict = (await plan(run.db, { table: 'strict_path' })).findings.find(
        ({ id }) => id === 'action-on-partition-key',
      );
      expect(strict?.needsAcceptance).toBe(false);
      expect(strict?.message).toContain('refused today');
      await refusedUnlessAccepted(run, 'action-on-partition-key');
      await expect(run.db.observer.query('DELETE FROM inode WHERE k = 1 AND ino = 2')).rejects.toThrow(
        /path_1.* violates partition constraint/,
      );
    },
  },
  {
    schema: '16-set-constraints-by-name',
    title: 'the pair foreign keys take the name in the drop, and a rollback gives it back',
    run: async ({ db, table, migrate, value }) => {
      const before = await everything(db.observer);
      const planned = await plan(db, { table });
      expect(planned.pairs.map((pair) => pair.pairConstraint)).toEqual(['path_fk', 'path_fk']);
      expect(planned.findings.map(({ id }) => id)).not.toContain('set-constraints');
      // Moves to another partition, which are legal today, will be refused.
      const accept = ['row-movement'];

      const orphanFirst = (id: number) =>
        db.observer.query(
          `BEGIN; SET CONSTRAINTS path_fk DEFERRED; INSERT INTO path VALUES (${id}, 1, ${id}); INSERT INTO inode VALUES (1, ${id}); COMMIT;
           DELETE FROM path WHERE id = ${id}; DELETE FROM inode WHERE ino = ${id}`,
        );
      // Both kinds of foreign key stand now, perhaps for hours.
      expect(await migrate({ accept, rehearse: true })).toMatchObject({ status: 'PAUSED' });
      await orphanFirst(9900);

      expect(await migrate({ accept })).toMatchObject({ status: 'MIGRATED' });
      expect(
        await value(
          `SELECT count(*)::int FROM pg_constraint WHERE conname = 'path_fk' AND condeferrable AND NOT condeferred`,
        ),
      ).toBe(2);
      expect(await value(`SELECT array_agg(DISTINCT constraint_name) FROM p2pfk.pair`)).toEqual(['path_fk']);
      await orphanFirst(9901);
      await expect(db.observer.query('INSERT INTO path VALUES (9902, 1, 9999)')).rejects.toMatchObject({
        code: '23503',
        constraint: 'path_fk',
      });
      expect((await verify(db, { table })).passed).toBe(true);

      expect(await migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
      await db.observer.query('SET CONSTRAINTS path_fk IMMEDIATE');
      expect(await everything(db.observer)).toBe(before);
    },
  },
  {
    schema: '28-not-enforced',
    title: 'it becomes enforced pair foreign keys once that is accepted, and a rollback brings it back NOT ENFORCED',
    since: 18,
    run: async (run) => {
      const before = await everything(run.db.observer);
      await refusedUnlessAccepted(run, 'not-enforced');
      await expect(run.db.observer.query('INSERT INTO path VALUES (902, 1, 9999)')).rejects.toMatchObject({
        code: '23503',
      });
      expect((await verify(run.db, { table: run.table })).passed).toBe(true);
      expect(await run.migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
      expect(await everything(run.db.observer)).toBe(before);

      await run.db.observer.query('INSERT INTO path VALUES (903, 1, 9999)');
      expect(await run.migrate({ accept: ['not-enforced'] })).toMatchObject({
        error: 'MigrationRolledBack',
      });
      expect(
        await run.value(
          `SELECT string_agg(conname, ',') FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace`,
        ),
      ).toBe('path_fk');
    },
  },
  {
    schema: '29-deferrable-with-a-leaf-elsewhere',
    title: 'SET CONSTRAINTS by name will fail, which needs acceptance',
    run: async (run) => {
      await refusedUnlessAccepted(run, 'set-constraints', ['row-movement']);
      expect(await run.value(`SELECT array_agg(constraint_name ORDER BY pair) FROM p2pfk.pair`)).toEqual([
        'fk_path_to_inode_1',
        'fk_path_to_inode_2',
      ]);
      await expect(run.db.observer.query('BEGIN; SET CONSTRAINTS path_fk DEFERRED')).rejects.toMatchObject({
        code: '42704',
      });
      await run.db.observer.query('ROLLBACK');
    },
  },
  {
    schema: '30-statement-triggers-of-all-kinds',
    title: 'the plan names those triggers that cascades will no longer fire, or will fire from then on',
    run: async ({ db, table }) => {
      const found = (await plan(db, { table })).findings.filter(({ id }) => id === 'statement-trigger');
      expect(found.map(({ message }) => message)).toEqual([
        expect.stringMatching(
          /changes rows of public\.path: stops_before on public\.path, stops_of on public\.path will no longer fire, .*; begins on public\.path_1_all will begin to fire, /,
        ),
      ]);
      expect(found[0]?.remedy).toContain('CREATE TRIGGER ... AFTER UPDATE ON public.path FOR EACH ROW');
    },
  },
];
