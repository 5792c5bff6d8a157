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
];
