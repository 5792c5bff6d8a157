/** A partition that lacks the pair foreign keys of two migrations at once. */
import { describe, expect, it } from 'vitest';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { coreSession, findDatabaseAt, type TestCase, useDatabase } from '../case.helpers.ts';
import { cloneOf, sourceOf } from '../clones.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { column, standingOn } from '../provision/migrated.helpers.ts';
import { findings } from './findings.helpers.ts';

const TABLES = `
  CREATE TABLE k (t int, id int, PRIMARY KEY (t, id)) PARTITION BY LIST (t);
  CREATE TABLE k1 PARTITION OF k FOR VALUES IN (1);
  CREATE TABLE r (t int, a int, b int,
    CONSTRAINT r_a FOREIGN KEY (t, a) REFERENCES k, CONSTRAINT r_b FOREIGN KEY (t, b) REFERENCES k) PARTITION BY LIST (t);
  CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1);
  INSERT INTO k SELECT 1, i FROM generate_series(1, 10) i;
  INSERT INTO r SELECT 1, i, i FROM generate_series(1, 10) i;`;

const NEW_PAIR = `
  CREATE TABLE k2 PARTITION OF k FOR VALUES IN (2);
  CREATE TABLE r2 PARTITION OF r FOR VALUES IN (2);`;

/** Both migrated, then a pair attached by hand. */
async function attached(): Promise<TestCase> {
  const source = await sourceOf('both foreign keys migrated', async (db) => {
    await (await db.client()).query(TABLES);
    const restore = findDatabaseAt(db.url);
    for (const constraint of ['r_a', 'r_b'])
      await new Execution().migrate('VerifyMigration', { table: 'r', constraint });
    restore();
  });
  const testCase = await useDatabase(await cloneOf(source));
  await testCase.observer.query(NEW_PAIR);
  return testCase;
}

const bothGuard = {
  foreignKeys: [
    expect.stringMatching(/^fk_r_to_k2: FOREIGN KEY \(t, [ab]\) REFERENCES k2\(t, id\), valid t, triggers 4$/),
    expect.stringMatching(
      /^fk_r_to_k2_[0-9a-f]{8}: FOREIGN KEY \(t, [ab]\) REFERENCES k2\(t, id\), valid t, triggers 4$/,
    ),
  ],
  indexes: [
    expect.stringMatching(/idx_r2_fk ON .* valid t$/),
    expect.stringMatching(/idx_r2_fk_[0-9a-f]{8} ON .* valid t$/),
  ],
};

describe('a new pair that lacks two pair foreign keys', () => {
  it.each([
    ['with the ledger', ''],
    ['with the catalog alone', 'DROP SCHEMA p2pfk CASCADE'],
  ])('is repaired by the printed statements, %s', async (_, before) => {
    const { db, observer } = await attached();
    await observer.query(before);
    const core = await coreSession(db.url);

    const printed = (await findings(core)).flatMap(({ sql }) => sql);
    for (const sql of printed) await observer.query(sql);

    expect(await standingOn(observer, 'r2')).toEqual(bothGuard);
    expect(new Set((await findings(core)).map(({ id }) => id))).toEqual(
      new Set([before === '' ? 'pair-not-in-ledger' : 'ledger-missing']),
    );
  });

  it('is repaired at once by --fix --run, and each migration takes away its own', async () => {
    const { db, observer } = await attached();
    const core = await coreSession(db.url);

    const { outcomes, audited } = await auditAndRepair(core, { lockTimeoutMs: 10_000 });

    expect(outcomes.map(({ id, partition, status }) => [id, partition, status])).toEqual([
      ['attached-partition', 'public.r2', 'REPAIRED'],
      ['attached-partition', 'public.r2', 'REPAIRED'],
    ]);
    expect(audited.flatMap(({ drift }) => drift)).toEqual([]);
    expect(await standingOn(observer, 'r2')).toEqual(bothGuard);

    const execution = new Execution();
    await execution.plan({ operation: 'rollback', table: 'r', constraint: 'r_b' });
    await execution.rollBack(null);
    expect(
      await column(observer, `SELECT conname FROM pg_constraint WHERE conrelid = 'r2'::regclass ORDER BY 1`),
    ).toEqual([expect.stringMatching(/^fk_r_to_k2/), 'r_b']);
  });
});

it('gets one index where one serves both foreign keys', async () => {
  const source = await sourceOf('two foreign keys on the same columns', async (db) => {
    await (await db.client()).query(`${TABLES}
      CREATE TABLE m (t int, id int, PRIMARY KEY (t, id)) PARTITION BY LIST (t);
      CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
      INSERT INTO m SELECT * FROM k;
      ALTER TABLE r DROP CONSTRAINT r_b, ADD CONSTRAINT r_m FOREIGN KEY (t, a) REFERENCES m;`);
    const restore = findDatabaseAt(db.url);
    for (const constraint of ['r_a', 'r_m'])
      await new Execution().migrate('VerifyMigration', { table: 'r', constraint });
    restore();
  });
  const { db, observer } = await useDatabase(await cloneOf(source));
  await observer.query(`CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2); ${NEW_PAIR}`);

  const printed = (await findings(await coreSession(db.url))).flatMap(({ sql }) => sql);
  for (const sql of printed) await observer.query(sql);

  const { foreignKeys, indexes } = await standingOn(observer, 'r2');
  expect(foreignKeys).toHaveLength(2);
  expect(indexes).toHaveLength(1);
});
