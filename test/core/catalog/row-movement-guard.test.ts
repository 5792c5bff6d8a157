/** The guard: an UPDATE that would move a referenced row to another partition is refused, instead of deleting what references it. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { holdLock } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, foreignKeys, oneRow, THREE_PAIRS } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const rowsOf = (observer: Client, table: string) =>
  oneRow<{ rows: number }>(observer, `SELECT count(*)::int AS rows FROM ${table}`);
/** Moves a referenced row of `inode_2`. */
const MOVE_TWO = `UPDATE inode SET medium = 'four', ino = 99 WHERE medium = 'two' AND ino = 1`;
/** Moves each row whose size becomes negative. */
const REHOME = `
  CREATE FUNCTION rehome() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.size < 0 THEN NEW.medium := 'four'; NEW.ino := 99; END IF; RETURN NEW; END $$;
  CREATE TRIGGER rehome BEFORE UPDATE ON inode FOR EACH ROW EXECUTE FUNCTION rehome();`;
const NINE = {
  table: 'path',
  bound: "FOR VALUES IN ('nine')",
  referencing: 'path_9',
  referenced: 'inode_9',
  lockTimeoutMs: 10_000,
};
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

  it('a pair made by provision is guarded as well', async () => {
    const { db, observer } = await migratedTo('VerifyMigration');
    const core = await coreSession(db.url);
    const made = await provision(core, { ...NINE, dryRun: false });
    expect(made.statements.findIndex(({ sql }) => sql.includes('TRIGGER'))).toBeLessThan(
      made.statements.findIndex(({ sql }) => sql.includes('FOREIGN KEY')),
    );
    await observer.query(`INSERT INTO inode VALUES ('nine', 1, 1); INSERT INTO path VALUES ('nine', 1, 'a')`);

    await expect(
      observer.query(`UPDATE inode SET medium = 'one', ino = 99 WHERE medium = 'nine'`),
    ).rejects.toMatchObject(refusal);
  });

  it.each([
    [
      'MERGE',
      `MERGE INTO inode USING (SELECT 1) AS x ON medium = 'one' AND ino = 1 WHEN MATCHED THEN UPDATE SET medium = 'four', ino = 99`,
    ],
    [
      'UPDATE ... FROM',
      `UPDATE inode SET medium = 'four', ino = 99 FROM path p WHERE p.medium = inode.medium AND p.ino = inode.ino`,
    ],
    ['UPDATE of the leaf', `UPDATE inode_1 SET medium = 'four', ino = 99 WHERE ino = 1`],
    [
      'INSERT ... ON CONFLICT',
      `INSERT INTO inode VALUES ('one', 1, 1) ON CONFLICT (medium, ino) DO UPDATE SET medium = 'four', ino = 99`,
    ],
    ['a trigger that changes the key', `UPDATE inode SET size = -1 WHERE medium = 'one' AND ino = 1`],
  ])('by %s it is refused', async (_, sql) => {
    const { observer } = await migratedTo('VerifyMigration');
    await observer.query(REHOME);

    await expect(observer.query(sql)).rejects.toMatchObject(refusal);

    expect(await rowsOf(observer, 'path')).toEqual({ rows: 440 });
  });

  it('COPY and INSERT ... ON CONFLICT that move nothing pass', async () => {
    const { observer } = await migratedTo('VerifyMigration');

    await observer.query(`INSERT INTO inode VALUES ('one', 1, 1) ON CONFLICT (medium, ino) DO UPDATE SET size = 9`);
    await observer.query(`COPY inode FROM PROGRAM 'echo one,4711,1' WITH (FORMAT csv)`);

    expect(await rowsOf(observer, 'inode WHERE size = 9 OR ino = 4711')).toEqual({ rows: 2 });
  });

  it('a partition that is detached takes every row again, and keeps its guard', async () => {
    const { observer } = await migratedTo('VerifyMigration');
    await observer.query('ALTER TABLE inode DETACH PARTITION inode_2');

    await observer.query(`UPDATE inode_2 SET medium = 'elsewhere' WHERE ino = 40`);

    await observer.query(
      `UPDATE inode_2 SET medium = 'two' WHERE ino = 40; ALTER TABLE inode ATTACH PARTITION inode_2 FOR VALUES IN ('two')`,
    );
    await expect(observer.query(MOVE_TWO)).rejects.toMatchObject(refusal);
  });

  // PostgreSQL chooses the row's partition by the catalog as it is now, and queries read it as of the snapshot.
  it.each([
    ['that was detached for a moment', 'two', 'inode_2'],
    ['with DEFAULT as its bound', 'else', 'inode_d'],
  ])('a partition %s keeps its rows in a REPEATABLE READ transaction from meanwhile', async (_, medium, partition) => {
    const { db, observer } = await databaseWith(`${THREE_PAIRS}
      CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four');
      CREATE TABLE inode_d PARTITION OF inode DEFAULT; CREATE TABLE path_d PARTITION OF path DEFAULT;
      INSERT INTO inode VALUES ('else', 1, 1); INSERT INTO path VALUES ('else', 1, 'a')`);
    await new Execution().migrate();
    const { rows: bounds } = await observer.query<{ bound: string }>(
      `SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE oid = $1::regclass`,
      [partition],
    );
    const application = await db.client();
    await observer.query(`ALTER TABLE inode DETACH PARTITION ${partition}`);
    await application.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await application.query('SELECT count(*) FROM path');
    await observer.query(`ALTER TABLE inode ATTACH PARTITION ${partition} ${bounds[0]?.bound}`);

    await expect(
      application.query(`UPDATE inode SET medium = 'four', ino = 99 WHERE medium = $1 AND ino = 1`, [medium]),
    ).rejects.toMatchObject(refusal);

    await application.query('ROLLBACK');
    expect(await rowsOf(observer, 'path')).toEqual({ rows: 441 });
  });

  it('a partition that was loaded alone is guarded in a REPEATABLE READ transaction from before ATTACH', async () => {
    const { db, observer } = await migratedTo('VerifyMigration');
    await observer.query(`
      CREATE TABLE inode_9 (LIKE inode INCLUDING ALL); INSERT INTO inode_9 VALUES ('nine', 1, 1);
      CREATE TABLE path_9 (LIKE path INCLUDING ALL); INSERT INTO path_9 VALUES ('nine', 1, 'a');
      CREATE INDEX ON path_9 (medium, ino)`);
    const application = await db.client();
    await application.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await application.query('SELECT count(*) FROM path');
    await observer.query(`
      ALTER TABLE inode ATTACH PARTITION inode_9 FOR VALUES IN ('nine');
      ALTER TABLE path ATTACH PARTITION path_9 FOR VALUES IN ('nine')`);
    const core = await coreSession(db.url);
    await auditAndRepair(core, { lockTimeoutMs: 10_000 });

    await expect(
      application.query(`UPDATE inode SET medium = 'four', ino = 99 WHERE medium = 'nine'`),
    ).rejects.toMatchObject(refusal);

    await application.query('ROLLBACK');
    expect(await rowsOf(observer, 'path_9')).toEqual({ rows: 1 });
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

/** In the DEFAULT partition. */
const OTHER_VALUE: Readonly<Record<string, string>> = {
  'text[]': "'{z}'",
  money: "'2.00'",
  timestamptz: "'2000-01-01'",
  bytea: "'\\x00'",
};

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
    await new Execution().migrate('VerifyMigration', { accept: ['row-movement'] });

    await expect(observer.query(`UPDATE "R" SET "K" = ${outside} WHERE "K" = ${from}`)).rejects.toMatchObject({
      code: '23503',
    });
    await observer.query(`UPDATE "R" SET "K" = ${inside} WHERE "K" = ${from}`);

    expect(await rowsOf(observer, `path WHERE k = ${inside} AND id = 1`)).toEqual({ rows: 1 });
  });
});

it.each([
  ['text[]', "'{a,NULL}'", 'array_nulls = off'],
  ['money', "'1.50'", "lc_monetary = 'de_DE.utf8'"],
  ['timestamptz', "'2026-02-01 10:00:00+00'", "DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'"],
  ['bytea', "'\\x5c27'", 'bytea_output = escape; SET standard_conforming_strings = off'],
])(
  'a guard that reads bounds (a DEFAULT partition, keys of type %s) reads them as printed, under any setting',
  async (type, value, setting) => {
    const { observer } = await databaseWith(`
    CREATE TABLE inode (k ${type}, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
    CREATE TABLE path (k ${type}, id int) PARTITION BY LIST (k);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (${value}); CREATE TABLE inode_2 PARTITION OF inode DEFAULT;
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (${value}); CREATE TABLE path_2 PARTITION OF path DEFAULT;
    CREATE TABLE value AS SELECT ${value}::${type} AS k;
    INSERT INTO inode VALUES (${OTHER_VALUE[type]}, 1); INSERT INTO path SELECT * FROM inode;
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, id) REFERENCES inode ON DELETE CASCADE`);
    await new Execution().migrate('VerifyMigration', { accept: ['all'] });

    await observer.query(`SET ${setting}`).catch((error: unknown) => expect(error).toMatchObject({ code: '22023' }));
    await expect(observer.query('UPDATE inode SET k = v.k FROM value v')).rejects.toMatchObject({ code: '23503' });

    expect(await rowsOf(observer, 'path')).toEqual({ rows: 1 });
  },
);

describe('a trigger of a role that may only create triggers, with a name that p2pfk knows,', () => {
  /** A function of that role, of a name that p2pfk or PostgreSQL has, too; it lets every row pass. */
  async function planter(name: string) {
    const testCase = await databaseWith();
    const { role } = await plainRole(testCase);
    await testCase.observer.query(`GRANT TRIGGER ON inode_1 TO ${role}; CREATE SCHEMA planted AUTHORIZATION ${role};
      GRANT USAGE ON SCHEMA public TO ${role}; SET ROLE ${role};
      CREATE FUNCTION planted.${name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; RESET ROLE`);
    const plant = (trigger: string) =>
      testCase.observer.query(
        `SET ROLE ${role}; CREATE TRIGGER "${trigger}" BEFORE UPDATE ON public.inode_1 FOR EACH ROW EXECUTE FUNCTION planted.${name}(); RESET ROLE`,
      );
    return { ...testCase, plant };
  }

  it.each([
    ['~p2pfk_row_movement_guard_1', 'refuse_row_movement'],
    ['~q', 'suppress_redundant_updates_trigger'],
  ])('%s calling %s, is refused by the plan, and by the gate where it comes later', async (trigger, name) => {
    const { observer, plant, db } = await planter(name);
    await plant(trigger);
    await expect(new Execution().plan()).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringContaining(`${trigger}`),
    });
    await observer.query(`DROP TRIGGER "${trigger}" ON inode_1`);
    await new Execution().migrate('VerifyMigration', { accept: ['trigger-privilege'] });
    await plant(trigger === '~q' ? trigger : '~p2pfk_row_movement_guard_99');
    const core = await coreSession(db.url);
    expect((await audit(core, {}))[0]?.drift.map(({ finding }) => finding.id)).toContain('trigger-after-guard');
  });

  it('in the place of the guard after the plan, does not pass for it', async () => {
    const { observer, plant } = await planter('refuse_row_movement');
    const execution = new Execution();
    await execution.plan({ accept: ['trigger-privilege'] });
    await plant('~p2pfk_row_movement_guard_1');

    await expect(execution.run('AddForeignKeys')).rejects.toMatchObject({
      name: 'NameTaken',
      message: expect.stringMatching(/^a trigger of public\.inode_1 has the name of the row-movement guard/),
    });

    expect(
      await oneRow(observer, `SELECT count(*)::int AS added FROM pg_constraint WHERE conname = 'fk_path_to_inode_1'`),
    ).toEqual({ added: 0 });
  });
});

describe('the guard is not there', () => {
  it('where the foreign key merely refuses', async () => {
    const { observer } = await databaseWith();
    await observer.query(
      'ALTER TABLE path DROP CONSTRAINT path_fk; ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode',
    );
    await new Execution().migrate();

    expect((await observer.query("SELECT FROM pg_trigger WHERE tgname ~ 'row_movement_guard'")).rows).toEqual([]);
  });

  it('where it was not wanted', async () => {
    const { observer } = await databaseWith();
    await new Execution().migrate('VerifyMigration', { rowMovementGuard: false, accept: ['row-movement'] });

    expect((await observer.query("SELECT FROM pg_trigger WHERE tgname ~ 'row_movement_guard'")).rows).toEqual([]);
  });
});

describe('from the first pair FK on, and until the last one is gone', () => {
  const MOVES = [
    [`UPDATE inode SET medium = 'four', ino = 99 WHERE medium = 'one' AND ino = 1`, 'path_1'],
    [MOVE_TWO, 'path_2'],
  ] as const;
  /** Whatever FKs there are: a row that is referenced does not move, and what references it stays. */
  async function nothingMoves(observer: Client): Promise<void> {
    for (const [sql] of MOVES) await expect(observer.query(sql)).rejects.toMatchObject({ code: '23503' });
    expect(await rowsOf(observer, 'path')).toEqual({ rows: 440 });
  }
  const guarded = async (observer: Client) => {
    const { rows } = await observer.query<{ leaf: string }>(
      `SELECT tgrelid::regclass::text AS leaf FROM pg_trigger WHERE tgname LIKE '~p2pfk%' ORDER BY 1`,
    );
    return rows.map(({ leaf }) => leaf);
  };

  it('each leaf is guarded as soon as it has one, forward and back, and nothing is left', async () => {
    const { observer } = await databaseWith();
    const before = await everything(observer);
    await nothingMoves(observer);
    const execution = new Execution();
    await execution.migrate('BuildIndexes');
    expect(await guarded(observer)).toEqual([]);

    const [first, ...others] = execution.pairs;
    await execution.addForeignKey(first?.pair ?? 0);
    expect(await guarded(observer)).toEqual(['inode_1']);
    await nothingMoves(observer);
    for (const { pair } of others) await execution.addForeignKey(pair);
    await nothingMoves(observer);
    await execution.run('ValidateForeignKeys');
    await nothingMoves(observer);
    expect(await guarded(observer)).toEqual(['inode_1', 'inode_2', 'inode_3']);
    await execution.verifyGate();
    await execution.dropParentForeignKey();
    await nothingMoves(observer);

    const back = new Execution();
    const { pairs } = await back.plan({ operation: 'rollback' });
    await back.fence(null);
    await Promise.all(pairs.map(({ pair }) => back.restoreParent(pair)));
    await back.attachParent();
    await nothingMoves(observer);
    await back.dropPairForeignKeys();
    await nothingMoves(observer);
    await back.verifyRolledBack();

    expect(await everything(observer)).toBe(before);
  });

  it('a rollback that is stopped at a pair has taken the guards of the others, and goes on', async () => {
    const { db, observer } = await migratedTo('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_2 IN ROW EXCLUSIVE MODE');
    const back = new Execution();
    await back.plan({ operation: 'rollback', lockTimeoutMs: 3_000 });
    await back.fence(null);

    await expect(back.dropPairForeignKeys()).rejects.toMatchObject({ name: 'LockTimeout' });

    expect(await foreignKeys(observer)).toContainEqual(expect.stringContaining('fk_path_to_inode_2'));
    expect(await guarded(observer)).toEqual(expect.arrayContaining(['inode_2']));
    await nothingMoves(observer);
    await held.release();
    await back.dropPairForeignKeys();
    expect(await guarded(observer)).toEqual([]);
    await back.verifyRolledBack();
  });

  it('one guard serves several referencing leaves, and goes with the last', async () => {
    const { observer } = await databaseWith(`
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k);
      CREATE TABLE path (k int, ino int) PARTITION BY RANGE (k);
      CREATE TABLE inode_0 PARTITION OF inode FOR VALUES FROM (0) TO (20);
      CREATE TABLE inode_20 PARTITION OF inode FOR VALUES FROM (20) TO (40);
      CREATE TABLE path_0 PARTITION OF path FOR VALUES FROM (0) TO (10);
      CREATE TABLE path_10 PARTITION OF path FOR VALUES FROM (10) TO (20);
      INSERT INTO inode SELECT n, n FROM generate_series(0, 39) AS n;
      INSERT INTO path SELECT n, n FROM generate_series(0, 19) AS n;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE CASCADE;`);
    const move = 'UPDATE inode SET k = 30, ino = 99 WHERE k = 15';
    await new Execution().migrate('AddForeignKeys');
    expect(await guarded(observer)).toEqual(['inode_0']);
    await expect(observer.query(move)).rejects.toMatchObject(refusal);

    const back = new Execution();
    await back.plan({ operation: 'rollback' });
    await back.fence(null);
    await back.dropPairForeignKeys();
    await back.verifyRolledBack();

    expect(await guarded(observer)).toEqual([]);
    expect(await rowsOf(observer, 'path')).toEqual({ rows: 20 });
  });

  it('a migration that an older edition began gets its guards when it goes on; its own guard is rolled back, too', async () => {
    const { observer } = await databaseWith();
    const before = await everything(observer);
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    await observer.query(
      ['inode_1', 'inode_2', 'inode_3']
        .map((leaf) => `DROP TRIGGER "~p2pfk_row_movement_guard_1" ON ${leaf}`)
        .join(';'),
    );

    await execution.run('AddForeignKeys');
    expect(await guarded(observer)).toEqual(['inode_1', 'inode_2', 'inode_3']);

    await observer.query(`
      DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_1;
      CREATE TRIGGER p2pfk_row_movement_guard_1 BEFORE UPDATE OF medium ON inode FOR EACH ROW
        WHEN (OLD.medium IS DISTINCT FROM NEW.medium) EXECUTE FUNCTION p2pfk.refuse_row_movement()`);
    await nothingMoves(observer);
    await execution.rollBack();
    expect(await everything(observer)).toBe(before);
  });
});
