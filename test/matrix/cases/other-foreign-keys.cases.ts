/** Other foreign keys that tie the referenced table. */
import { expect } from 'vitest';
import { plan, verify } from '../migration.helpers.ts';
import type { Case } from './case.helpers.ts';

export const cases: readonly Case[] = [
  {
    schema: '25-other-keys-to-the-table',
    title: 'the plan names every foreign key that still ties the referenced table',
    run: async ({ db, table, migrate }) => {
      const { findings } = await plan(db, { table });
      const found = findings.find(({ id }) => id === 'other-foreign-keys');
      expect(found?.message).toContain('artifacts_fk of public.artifacts');
      expect(found?.message).toContain('chunks_fk of public.chunks');
      expect(found?.needsAcceptance).toBe(false);
      expect(await migrate()).toMatchObject({ status: 'MIGRATED' });
      const { passed, checks } = await verify(db, { table });
      expect(passed).toBe(true);
      const note = checks.find(({ id }) => id === 'parent-foreign-key')?.detail;
      expect(note).toMatch(
        /^No parent-level FK found\. Note: .*artifacts_fk of public\.artifacts, chunks_fk of public\.chunks/,
      );
    },
  },
  {
    schema: '32-truncate-goes-on',
    title: 'the plan and verify name the foreign keys by which TRUNCATE goes on, and it empties what they name',
    run: async ({ db, table, migrate, value }) => {
      const named =
        'TRUNCATE ... CASCADE of one partition of public.inode goes on by foreign keys to the tables that it empties, and still empties as a whole: public.note, public.remark (by note_fk of public.note, remark_fk of public.remark)';
      const { findings } = await plan(db, { table });
      expect(findings.find(({ id }) => id === 'other-foreign-keys')?.message).toBe(named);
      expect(await migrate()).toMatchObject({ status: 'MIGRATED' });
      const { checks } = await verify(db, { table });
      expect(checks.find(({ id }) => id === 'parent-foreign-key')?.detail).toBe(
        `No parent-level FK found. Note: ${named}`,
      );
      await db.observer.query('TRUNCATE inode_1 CASCADE');
      for (const [relation, rows] of Object.entries({ path: 40, tag: 40, bound: 0, note: 0, remark: 0, aside: 1 }))
        expect(await value(`SELECT '${relation}:' || count(*) FROM ${relation}`)).toBe(`${relation}:${rows}`);
    },
  },
];
