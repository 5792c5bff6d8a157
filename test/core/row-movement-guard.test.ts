/** The guard: an UPDATE that would move a referenced row to another partition is refused, instead of deleting what references it. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { databaseWith, everything, oneRow } from './case.helpers.ts';
import { Execution, migratedTo } from './execution.helpers.ts';

const rowsOf = (observer: Client, table: string) =>
  oneRow<{ rows: number }>(observer, `SELECT count(*)::int AS rows FROM ${table}`);
const refusal = {
  code: '23503',
  message: expect.stringMatching(/^update would move a row of "\w+" to another partition$/),
};

describe('after the migration of a foreign key that cascades', () => {
  it('a move to another partition is refused, and nothing is deleted', async () => {
    const { observer } = await migratedTo('VerifyMigration');

    await expect(
      observer.query(`UPDATE inode SET medium = 'four' WHERE medium = 'one' AND ino = 1`),
    ).rejects.toMatchObject(refusal);
    await expect(observer.query(`UPDATE inode_1 SET medium = 'two' WHERE ino = 1`)).rejects.toMatchObject({
      code: expect.stringMatching(/^23(503|514)$/),
    });

    expect(await rowsOf(observer, 'path')).toEqual({ rows: 440 });
  });

  it('other UPDATEs pass: of other columns, of the key inside its partition, of the key to itself', async () => {
    const { observer } = await databaseWith();
    await observer.query(`
      ALTER TABLE inode DETACH PARTITION inode_4;
      DROP TABLE inode_4;
      CREATE TABLE inode_4 PARTITION OF inode FOR VALUES IN ('four', 'five');
      INSERT INTO inode VALUES ('four', 1, 1);`);
    await new Execution().migrate();

    await observer.query(`UPDATE inode SET size = 2`);
    await observer.query(`UPDATE inode SET medium = medium`);
    await observer.query(`UPDATE inode SET medium = 'five' WHERE medium = 'four'`);
    await observer.query(`UPDATE inode SET ino = 41 WHERE medium = 'two' AND ino = 40`);

    expect(await rowsOf(observer, `inode WHERE medium = 'five'`)).toEqual({ rows: 1 });
  });

  it('a partition attached later is guarded as well', async () => {
    const { observer } = await migratedTo('VerifyMigration');
    await observer.query(
      `CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine'); INSERT INTO inode VALUES ('nine', 1, 1)`,
    );

    await expect(
      observer.query(`UPDATE inode SET medium = 'one', ino = 99 WHERE medium = 'nine'`),
    ).rejects.toMatchObject(refusal);
  });

  it('a role that knows nothing of the ledger can still update', async () => {
    const { db, observer } = await migratedTo('VerifyMigration');
    const role = `writer_${db.name}`;
    await observer.query(`CREATE ROLE ${role}; GRANT SELECT, UPDATE ON inode TO ${role}; SET ROLE ${role}`);

    await observer.query(`UPDATE inode SET ino = 50, medium = 'two' WHERE medium = 'two' AND ino = 40`);
    await expect(
      observer.query(`UPDATE inode SET medium = 'four' WHERE medium = 'one' AND ino = 1`),
    ).rejects.toMatchObject(refusal);
    await observer.query('RESET ROLE');
  });
});

describe('partitions of other kinds', () => {
  it.each([
    ['RANGE', 'RANGE (k)', 'FOR VALUES FROM (0) TO (10)', 'FOR VALUES FROM (10) TO (20)', 1, 2, 11],
    [
      'HASH',
      'HASH (k)',
      'FOR VALUES WITH (MODULUS 2, REMAINDER 0)',
      'FOR VALUES WITH (MODULUS 2, REMAINDER 1)',
      1,
      2,
      3,
    ],
    ['DEFAULT', 'LIST (k)', 'FOR VALUES IN (1, 2)', 'DEFAULT', 1, 2, 11],
  ])('%s', async (_, by, first, second, from, inside, outside) => {
    const { observer } = await databaseWith(`
      CREATE TABLE "R" (x int, "K" int, id int, PRIMARY KEY ("K", id)) PARTITION BY ${by.replace('k', '"K"')};
      CREATE TABLE path (k int, id int) PARTITION BY ${by};
      CREATE TABLE r_1 PARTITION OF "R" ${first};
      CREATE TABLE r_2 PARTITION OF "R" ${second};
      CREATE TABLE p_1 PARTITION OF path ${first};
      CREATE TABLE p_2 PARTITION OF path ${second};
      INSERT INTO "R" SELECT 0, k, 1 FROM generate_series(1, 12) AS k WHERE k NOT IN (${inside}, ${outside});
      INSERT INTO path SELECT "K", id FROM "R";
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, id) REFERENCES "R" ON DELETE SET NULL (id) ON UPDATE CASCADE;`);
    // Whether two keys share a partition is PostgreSQL's to say.
    const { same } = await oneRow<{ same: string[] }>(
      observer,
      `WITH i AS (INSERT INTO "R" VALUES (0, ${inside}, 1), (0, ${outside}, 1) RETURNING "K", tableoid::regclass AS t),
            f AS (SELECT tableoid::regclass AS t FROM "R" WHERE "K" = ${from})
       SELECT array_agg(i."K" = ${inside}) FILTER (WHERE i.t = f.t) AS same FROM i, f`,
    );
    expect(same).toEqual([true]);
    await observer.query(`DELETE FROM "R" WHERE "K" IN (${inside}, ${outside})`);
    await new Execution().migrate();

    await expect(observer.query(`UPDATE "R" SET "K" = ${outside} WHERE "K" = ${from}`)).rejects.toMatchObject({
      code: '23503',
    });
    await observer.query(`UPDATE "R" SET "K" = ${inside} WHERE "K" = ${from}`);

    expect(await rowsOf(observer, `path WHERE k = ${inside} AND id = 1`)).toEqual({ rows: 1 });
  });
});

describe('the guard is not there', () => {
  it('where the foreign key merely refuses', async () => {
    const { observer } = await databaseWith();
    await observer.query(
      'ALTER TABLE path DROP CONSTRAINT path_fk; ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode',
    );
    await new Execution().migrate();

    expect((await observer.query('SELECT FROM pg_trigger WHERE NOT tgisinternal')).rows).toEqual([]);
  });

  it('where it was not wanted', async () => {
    const { observer } = await databaseWith();
    await new Execution().migrate('VerifyMigration', { rowMovementGuard: false });

    expect((await observer.query('SELECT FROM pg_trigger WHERE NOT tgisinternal')).rows).toEqual([]);
  });

  it('before the drop, nor when that is rolled back, nor after the rollback', async () => {
    const { observer } = await databaseWith();
    const before = await everything(observer);
    const triggers = async () => (await observer.query('SELECT FROM pg_trigger WHERE NOT tgisinternal')).rows.length;
    const execution = new Execution();
    await execution.migrate('VerifyGate');
    expect(await triggers()).toBe(0);
    await observer.query(
      'ALTER TABLE path_1 ADD CONSTRAINT astray FOREIGN KEY (medium, ino) REFERENCES inode_2 ON DELETE CASCADE NOT VALID',
    );
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'VerificationFailed' });
    expect(await triggers()).toBe(0);

    await observer.query('ALTER TABLE path_1 DROP CONSTRAINT astray');
    await execution.dropParentForeignKey();
    expect(await triggers()).toBeGreaterThan(0);
    await execution.rollBack();

    expect(await everything(observer)).toBe(before);
  });
});
