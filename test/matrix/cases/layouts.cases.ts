/** Layouts in which one referenced leaf holds all keys of a referencing one, though the two sides are not partitioned alike. */
import { expect } from 'vitest';
import { plan, verify } from '../migration.helpers.ts';
import type { Case, CaseRun } from './case.helpers.ts';

/** Migrates; the pairs are these, all checks pass, and `refused` has no referenced row before and after. */
const migrates =
  (pairs: readonly string[], accepted: string, refused: string) =>
  async ({ db, table, migrate, value }: CaseRun): Promise<void> => {
    const planned = await plan(db, { table });
    const found = planned.pairs.map(({ referencing, referenced }) => `${referencing} -> ${referenced}`);
    expect(found.map((pair) => pair.replaceAll('public.', '')).sort()).toEqual(pairs);

    // These are about the pairs: a busy machine may take its time under the locks.
    expect(await migrate({ lockTimeoutMs: 5_000 })).toMatchObject({ status: 'MIGRATED' });

    expect((await verify(db, { table })).checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(
      await value(
        `SELECT count(*)::int FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace`,
      ),
    ).toBe(pairs.length);
    await db.observer.query(accepted);
    await expect(db.observer.query(refused)).rejects.toMatchObject({ code: '23503' });
  };

export const cases: readonly Case[] = [
  {
    schema: '06-null-in-a-list',
    title: 'NULL in a referencing LIST needs no partner',
    run: migrates(
      ['path_1 -> inode_1', 'path_2 -> inode_2'],
      `INSERT INTO path VALUES (1, NULL, 9), (1, 'a', 50)`,
      `INSERT INTO path VALUES (1, 'a', 51)`,
    ),
  },
  {
    schema: '09-citext-in-another-schema',
    title: 'values are compared by the operator class of the partition key',
    run: migrates(
      ['path_a -> inode_a', 'path_b -> inode_b'],
      `INSERT INTO path VALUES (1, 'EMEA', 7)`,
      `INSERT INTO path VALUES (1, 'EMEA', 51)`,
    ),
  },
  {
    schema: '21-sub-partitioned-deeper',
    title: 'several leaves of a deeper referencing side to one',
    run: migrates(
      ['path_a_0 -> inode_a', 'path_a_1 -> inode_a', 'path_b -> inode_b'],
      `INSERT INTO path SELECT 'a', i, 'y' FROM generate_series(1, 100) i; DELETE FROM inode WHERE m = 'a' AND ino < 50`,
      `INSERT INTO path VALUES ('a', 1, 'x')`,
    ),
  },
  {
    schema: '22-null-in-a-list-with-rows',
    title: 'NULL among the values of a LIST, with rows',
    run: migrates(
      ['r1 -> k1', 'r2 -> k2'],
      `INSERT INTO r VALUES (NULL, 1, 'x'), (500, 1, 'x')`,
      `INSERT INTO r VALUES (501, 1, 'x')`,
    ),
  },
  {
    schema: '23-sub-default',
    title: 'a DEFAULT in a branch that is the same on both sides',
    run: migrates(
      ['r1_24 -> k1_24', 'r1_def -> k1_def'],
      `INSERT INTO r VALUES (1, '2025-05-05', 2)`,
      `INSERT INTO r VALUES (1, '2025-05-06', 2)`,
    ),
  },
];
