/** Which index serves the foreign key: plan, migration, audit and the ledger's view agree, and so does the planner. */
import { expect } from 'vitest';
import { audit, isClean } from '../../../core/drift/find-drift.ts';
import { plan, withCore } from '../migration.helpers.ts';
import type { Case, CaseRun } from './case.helpers.ts';

async function clean({ db, value }: CaseRun): Promise<void> {
  expect(isClean(await withCore(db, (core) => audit(core, {})))).toBe(true);
  expect(await value('SELECT count(*)::int FROM p2pfk.foreign_key_architecture WHERE drift IS NOT NULL')).toBe(0);
}

export const cases: readonly Case[] = [
  {
    schema: '12-index-of-another-collation',
    title: 'an index of another collation does not count, and the one that serves is built',
    run: async (run) => {
      const { pairs } = await plan(run.db, { table: run.table });
      expect(pairs.map(({ hasIndex }) => hasIndex)).toEqual([false]);
      expect(await run.migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
      expect(await run.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_path_a_fk'::regclass")).toBe(
        true,
      );
      await clean(run);
    },
  },
  ...[
    'CREATE INDEX IF NOT EXISTS r_ref ON r (ref)',
    'DROP INDEX r_ref; CREATE INDEX ON r (ref) WHERE ref IS NOT NULL',
  ].map(
    (index): Case => ({
      schema: '26-index-without-the-constant-column',
      title: `none is built beside ${index.replace(/.*CREATE INDEX /, '')}`,
      run: async (run) => {
        await run.db.observer.query(index);
        const indexes = 'SELECT count(*)::int FROM pg_index';
        const before = await run.value(`${indexes} WHERE indrelid = ANY (ARRAY['r1', 'r2']::regclass[])`);
        expect(await run.migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
        expect(await run.value(`${indexes} WHERE indrelid = ANY (ARRAY['r1', 'r2']::regclass[])`)).toBe(before);
        await clean(run);
      },
    }),
  ),
];
