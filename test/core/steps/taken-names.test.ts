/** Names of indexes and foreign keys that another role takes before they are used. */
import { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StatementFailed } from '../../../core/contracts/errors.ts';
import { withFreeNames } from '../../../core/postgres/free-names.ts';
import { waitForLockWait } from '../../support/observe.ts';
import { databaseWith, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

describe('names that a role with CREATE on the schema takes first', () => {
  const planted = (name: string) => `CREATE TABLE public.${name} (x int)`;

  it('make no build fail, whether they were there before or come while the index is built', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    await execution.plan();
    const { rows } = await observer.query<{ name: string }>(
      `SELECT unnest(ARRAY['idx_path_1_fk', 'idx_path_1_fk_' || left(md5('idx_path_1_fk' || 'path_fk'), 8),
                           'idx_path_1_fk_' || left(md5('idx_path_1_fk' || 'path_fk' || 'medium, ino'), 8),
                           'idx_path_1_fk_' || left(md5('idx_path_1_fk' || 'path_fk' || 'medium, ino' || '1'), 8)]) AS name`,
    );
    for (const { name } of rows) await observer.query(planted(name));
    const creator = new Client({ connectionString: process.env.DATABASE_URL });
    await creator.connect();
    onTestFinished(() => creator.end());
    // Not committed: no other session sees the name yet, and PostgreSQL lets us wait for what becomes of it.
    await creator.query('BEGIN');
    await creator.query(planted('idx_path_2_fk'));

    const building = execution.runUntil('AddForeignKeys');
    await waitForLockWait(observer, /^CREATE INDEX CONCURRENTLY idx_path_2_fk /);
    await creator.query('COMMIT');
    await building;

    const indexes = await observer.query<{ name: string; valid: boolean }>(
      `SELECT c.relname AS name, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid IN ('path_1'::regclass, 'path_2'::regclass) ORDER BY 1`,
    );
    expect(indexes.rows).toEqual([
      { name: expect.stringMatching(/^idx_path_1_fk_[0-9a-f]{8}$/), valid: true },
      { name: expect.stringMatching(/^idx_path_2_fk_[0-9a-f]{8}$/), valid: true },
    ]);
    expect(
      await oneRow(
        observer,
        `SELECT array_agg(index_name ORDER BY index_name) AS names FROM p2pfk.pair WHERE referencing ~ 'path_[12]'`,
      ),
    ).toEqual({ names: indexes.rows.map(({ name }) => name) });
    await execution.rollBack(null);
    expect(
      await oneRow(
        observer,
        `SELECT count(*)::int AS left FROM pg_index WHERE indrelid IN ('path_1'::regclass, 'path_2'::regclass)`,
      ),
    ).toEqual({ left: 0 });
  });

  it('are avoided by a random name, which is refused only when five in a row were taken', async () => {
    const taken = new StatementFailed('relation "x" already exists', { sqlState: '42P07' });
    const salts: (string | undefined)[] = [];
    const tried = withFreeNames(async (salt) => {
      salts.push(salt);
      throw taken;
    });

    await expect(tried).rejects.toMatchObject({ name: 'NameTaken' });
    expect(salts).toEqual([undefined, undefined, ...Array(3).fill(expect.stringMatching(/^[0-9a-f]{32}$/))]);
    expect(new Set(salts).size).toBe(4);
  });
});
