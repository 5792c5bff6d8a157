/** What `audit` finds after the migration, and what its repair makes. */
import { expect } from 'vitest';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { withCore } from '../migration.helpers.ts';
import type { Case } from './case.helpers.ts';

export const cases: readonly Case[] = [
  {
    schema: '24-repair-of-two-keys',
    title: 'a repair gives a new pair both of its pair foreign keys',
    run: async ({ db, table, migrate, value }) => {
      for (const constraint of ['r_a', 'r_b'])
        expect(await migrate({ constraint, lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
      await db.observer.query(
        'CREATE TABLE k2 PARTITION OF k FOR VALUES IN (2); CREATE TABLE r2 PARTITION OF r FOR VALUES IN (2)',
      );

      await withCore(db, (core) => auditAndRepair(core, { table, lockTimeoutMs: 10_000 }));

      const keys = `SELECT count(*)::int FROM pg_constraint WHERE conrelid = 'r2'::regclass AND confrelid = 'k2'::regclass AND contype = 'f'`;
      expect(await value(keys)).toBe(2);
      await expect(db.observer.query('INSERT INTO r VALUES (2, 1, NULL)')).rejects.toMatchObject({ code: '23503' });
      await expect(db.observer.query('INSERT INTO r VALUES (2, NULL, 1)')).rejects.toMatchObject({ code: '23503' });
    },
  },
];
