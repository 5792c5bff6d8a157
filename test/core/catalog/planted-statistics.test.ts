/**
 * Statistics that another role has planted. On 18 a role with MAINTAIN on a partition, and no other right, writes them by
 * pg_restore_relation_stats(); before, only a superuser can. No number there may end a command, or undo a migration.
 */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../core/drift/find-drift.ts';
import { run } from '../../../core/postgres/sql.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { scanned } from '../scan/scan.helpers.ts';

/** Of what pg_restore_relation_stats() takes, and -Infinity: a value for each table and index, another one after each call. */
const VALUES = ['1e20', 'Infinity', 'NaN', '3e38', '1e-38', '-Infinity'];

async function plant(observer: Client, turn: number): Promise<void> {
  await observer.query(
    `UPDATE pg_class c SET reltuples = ($1::float4[])[(c.oid::bigint + $2) % 6 + 1], relpages = 1
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'i', 'I')`,
    [VALUES, turn],
  );
}

const MOST_ROWS = 1e13;

describe('planted reltuples', () => {
  it('stop no migration', async () => {
    const { observer } = await databaseWith();
    await plant(observer, 0);
    const execution = new Execution();

    const { pairs } = await execution.plan();
    await execution.runUntil('AddForeignKeys');
    await plant(observer, 1);
    await execution.runUntil('VerifyMigration');

    expect(pairs).toHaveLength(3);
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
  });

  it('stop no audit and no rollback', async () => {
    const { db, observer, execution } = await migratedTo('AddForeignKeys');
    await plant(observer, 2);

    const audited = await audit(await coreSession(db.url), {});

    expect(audited).toHaveLength(1);
    expect(await execution.rollBack()).toMatchObject({ status: 'ROLLED_BACK' });
  });

  it('make neither a number of rows that no table has, nor an error where two differ by more than float4 holds', async () => {
    const { db, observer } = await databaseWith();
    const core = await coreSession(db.url);
    const { rows: pairs } = await observer.query(
      `SELECT n AS pair, ('path_' || n)::regclass::oid AS referencing_oid, ('inode_' || n)::regclass::oid AS referenced_oid, NULL AS constraint_oid
         FROM generate_series(1, 3) n`,
    );
    const rowsOf = async () => (await run(core, 'catalog/pairs-of-partitions', { pairs })).map(({ rows }) => rows);
    const { oid } = await oneRow<{ oid: string }>(
      observer,
      `SELECT min(oid) AS oid FROM pg_constraint WHERE conname = 'path_fk'`,
    );
    const probe = () =>
      run(core, 'checks/delete-probe', { pairs, constraint_oid: String(oid), leaving_oid: '', fan_out: 100, rows: 10 });

    await observer.query(`UPDATE pg_class SET reltuples = '3e38' WHERE relname ~ '^path_.$'`);
    expect(await rowsOf()).toEqual([MOST_ROWS, MOST_ROWS, MOST_ROWS]);
    expect((await probe()).map(({ obstacle }) => obstacle)).toContain(
      'about 250000000000 rows of public.path_1 reference each row of public.inode_1',
    );
    await observer.query(`UPDATE pg_class SET reltuples = '1e-38' WHERE relname ~ '^path_.$'`);
    await observer.query(`UPDATE pg_class SET reltuples = '3e38' WHERE relname ~ '^inode_.$'`);
    expect(await rowsOf()).toEqual([0, 0, 0]);
    expect(await probe()).toHaveLength(3);
  });

  it('of temporary tables of a role that may only connect do not end a scan of the database', async () => {
    const testCase = await databaseWith();
    const { db, observer } = testCase;
    const { role } = await plainRole(testCase);
    const other = await db.client();
    await other.query(`SET ROLE ${role};
      CREATE TEMP TABLE a (p int PRIMARY KEY) PARTITION BY LIST (p);
      CREATE TEMP TABLE a1 PARTITION OF a FOR VALUES IN (1); CREATE TEMP TABLE a2 PARTITION OF a FOR VALUES IN (2);
      CREATE TEMP TABLE b (p int REFERENCES a) PARTITION BY LIST (p); CREATE TEMP TABLE b1 PARTITION OF b DEFAULT; RESET ROLE`);
    await observer.query(`UPDATE pg_class SET reltuples = '3e38', relpages = -1 WHERE relname ~ '^a.$'`);

    const { foreignKeys } = await scanned(db.url);

    expect(foreignKeys.map(({ table }) => table)).toContain('public.path');
  });
});

it('a value that a query of ours cannot evaluate pauses a migration, and undoes nothing', async () => {
  const { db, observer } = await databaseWith();
  const core = await coreSession(db.url);
  const tooLarge = [{ referencing_oid: 5e12, referenced_oid: 1 }];

  await expect(run(core, 'catalog/pairs-of-partitions', { pairs: tooLarge })).rejects.toMatchObject({
    name: 'InternalFault',
    message: expect.stringMatching(
      /^p2pfk cannot evaluate .*\(sql\/catalog\/pairs-of-partitions\.sql\): .*out of range/,
    ),
    context: { sqlState: '22003' },
  });
  expect(await oneRow(observer, 'SELECT 1 AS lives')).toEqual({ lives: 1 });
});
