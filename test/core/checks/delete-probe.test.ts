/** The check `delete-performance`: proved by plan for every pair; a DELETE only where nothing but the pair is reached. */
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { findCandidates, type ProbedPair, probeDelete } from '../../../core/checks/delete-probe.ts';
import { verifyTable } from '../../../core/checks/verification.ts';
import type { Check } from '../../../core/contracts/documents.ts';
import { run, withPlansKept } from '../../../core/postgres/sql.ts';
import { coreSession, databaseWith, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { failNext } from '../slow-statement.helpers.ts';

async function deleteCheck(core: Client): Promise<Check | undefined> {
  const { checks } = await verifyTable(core, { table: 'path' });
  return checks.find(({ id }) => id === 'delete-performance');
}

/** What the application may have built, how it goes away again, and what the check says of it. */
const OBSTACLES: readonly (readonly [string, string, RegExp])[] = [
  [
    `CREATE TABLE other (medium text, ino bigint, FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE);
     CREATE TRIGGER fires BEFORE DELETE ON other FOR EACH ROW EXECUTE FUNCTION fire()`,
    'DROP TABLE other',
    /public\.other references public\.inode_1$/,
  ],
  [
    'CREATE TRIGGER fires BEFORE DELETE ON inode_1 FOR EACH STATEMENT EXECUTE FUNCTION fire()',
    'DROP TRIGGER fires ON inode_1',
    /trigger fires of public\.inode_1 would fire$/,
  ],
  [
    'CREATE TRIGGER fires AFTER DELETE ON path_1 FOR EACH ROW EXECUTE FUNCTION fire()',
    'DROP TRIGGER fires ON path_1',
    /trigger fires of public\.path_1 would fire$/,
  ],
  [
    `CREATE RULE fires AS ON DELETE TO path_1 DO ALSO SELECT nextval('fired')`,
    'DROP RULE fires ON path_1',
    /rule fires of public\.path_1 would run$/,
  ],
  [
    'ALTER TABLE path_1 ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE path_1 DISABLE ROW LEVEL SECURITY',
    /public\.path_1 has row-level security$/,
  ],
  [
    'ALTER TABLE path_1 ADD CONSTRAINT fires CHECK (called(name))',
    'ALTER TABLE path_1 DROP CONSTRAINT fires',
    /public\.path_1 uses function public\.called\(text\)$/,
  ],
  [
    'ALTER TABLE inode_1 ALTER size SET DEFAULT called_too()',
    'ALTER TABLE inode_1 ALTER size DROP DEFAULT',
    /public\.inode_1 uses function public\.called_too\(\)$/,
  ],
  [
    'CREATE INDEX fires ON path_1 (called(name))',
    'DROP INDEX fires',
    /public\.path_1 uses function public\.called\(text\)$/,
  ],
  [
    `CREATE DOMAIN checked AS text CHECK (called(VALUE)); ALTER TABLE path ADD more checked`,
    'ALTER TABLE path DROP more; DROP DOMAIN checked',
    /public\.path_1 uses function public\.called\(text\)$/,
  ],
];

it('is proved by plan, and no DELETE is executed, where code of the application would be reached', async () => {
  const { db, observer } = await migratedTo('VerifyMigration');
  const core = await coreSession(db.url);
  await observer.query(`
    TRUNCATE inode_2, inode_3 CASCADE;
    CREATE SEQUENCE fired;
    CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.fired'); RETURN OLD; END $$;
    CREATE FUNCTION called(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
    CREATE FUNCTION called_too() RETURNS int LANGUAGE sql AS 'SELECT 1';`);
  expect((await deleteCheck(core))?.detail).toMatch(/^Deleted 10 rows in /);

  for (const [build, remove, reason] of OBSTACLES) {
    await observer.query(build);
    const check = await deleteCheck(core);
    await observer.query(remove);
    expect(check?.detail).toMatch(/^proved by plan for 3 pairs; not executed: /);
    expect(check?.detail).toMatch(reason);
    expect(check?.passed).toBe(true);
  }
  expect(await oneRow(observer, 'SELECT is_called FROM fired')).toEqual({ is_called: false });
});

it('deletes no row that more than a hundred rows reference', async () => {
  const { db, observer } = await migratedTo('VerifyMigration');
  await observer.query(
    `TRUNCATE inode_2, inode_3 CASCADE; INSERT INTO path SELECT medium, ino, 'many' FROM inode, generate_series(1, 101) WHERE medium = 'one'`,
  );
  const core = await coreSession(db.url);

  // The statistics still tell of ten.
  expect((await deleteCheck(core))?.detail).toBe(
    'proved by plan for 3 pairs; not executed: too many rows reference each of the 10 rows that were looked at',
  );
  await observer.query('ANALYZE inode_1; ANALYZE path_1');
  expect((await deleteCheck(core))?.detail).toMatch(
    /; not executed: about 111 rows of public\.path_1 reference each row of/,
  );
});

it.each([
  ['an index on the column that is constant in the partition', 'CREATE INDEX ON path_2 (medium)', false],
  ['an index that begins with another column', 'CREATE INDEX ON path_2 (name, ino, medium)', false],
  ['an index of another collation', 'CREATE INDEX ON path_2 (medium COLLATE "C" text_pattern_ops, name)', false],
  ['an index on the column that varies', 'CREATE INDEX ON path_2 (ino)', true],
  ['a partial index that the lookup implies', 'CREATE INDEX ON path_2 (ino, medium) WHERE ino IS NOT NULL', true],
])('%s: passes %s', async (_, sql, passes) => {
  const { db, observer } = await migratedTo('VerifyMigration');
  await observer.query(`DROP INDEX idx_path_2_fk; ${sql}`);

  const check = await deleteCheck(await coreSession(db.url));

  expect(check?.passed).toBe(passes);
  if (!passes)
    expect(check?.detail).toMatch(
      /no index serves the foreign key of 1 of 3 pairs, the first being public\.path_2 of public\.inode_2$/,
    );
});

it('passes where the operator wanted no indexes, and says that a DELETE scans', async () => {
  const { db, observer } = await migratedTo('VerifyMigration');
  await observer.query(
    `DROP INDEX idx_path_2_fk; UPDATE p2pfk.migration SET options = options || '{"noIndexes": true}'`,
  );

  expect(await deleteCheck(await coreSession(db.url))).toMatchObject({
    passed: true,
    detail: 'a DELETE scans: no index serves 1 of 3 pairs, as no indexes were wanted',
  });
});

it('keeps the parent foreign key where an index is gone before the gate, or under the locks of the drop', async () => {
  const { observer } = await migratedTo('ValidateForeignKeys');
  const execution = new Execution();
  await execution.plan();
  await observer.query(`
    CREATE FUNCTION drop_index() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'path_fk' AND conparentid = 0) THEN DROP INDEX IF EXISTS public.idx_path_2_fk; END IF;
    END $$;
    CREATE EVENT TRIGGER drop_index ON sql_drop WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION drop_index();`);
  const before = await foreignKeys(observer);

  await expect(execution.dropParentForeignKey()).rejects.toThrow(
    /DELETE probe failed: a DELETE scans: no index serves .* 1 of 3 pairs/,
  );
  expect(await foreignKeys(observer)).toEqual(before);

  await observer.query('DROP EVENT TRIGGER drop_index; DROP INDEX idx_path_2_fk');
  expect(await execution.verifyGate()).toMatchObject({
    status: 'FAILED',
    reason: expect.stringMatching(/no index serves/),
  });
  await expect(execution.dropParentForeignKey()).rejects.toThrow(/no index serves/);
});

it('is taken back, and its outcome told, where even that is cut the first time', async () => {
  const { db } = await migratedTo('VerifyMigration');
  const core = await coreSession(db.url);
  failNext(core, /^ROLLBACK TO SAVEPOINT delete_probe/);

  expect(await deleteCheck(core)).toMatchObject({
    passed: true,
    detail: expect.stringMatching(/^Deleted 10 rows in /),
  });
});

/** One pair, whose foreign key is of b. */
const ONE_PAIR = `
  CREATE TABLE a (id int PRIMARY KEY, size int DEFAULT 1 CHECK (size > 0), twice int GENERATED ALWAYS AS (size * 2) STORED);
  CREATE TABLE b (id int DEFAULT 1 CONSTRAINT b_fk REFERENCES a, name text CHECK (name <> '' AND length(name) < 10 OR name IN ('', 'x')));
  CREATE INDEX ON b (id); CREATE INDEX ON b (lower(name)) WHERE name IS NOT NULL;
  INSERT INTO a SELECT generate_series(1, 20); INSERT INTO b SELECT id, 'x' FROM a; ANALYZE`;

const acting = (action: string, deferrable = '') =>
  `ALTER TABLE b DROP CONSTRAINT b_fk, ADD CONSTRAINT b_fk FOREIGN KEY (id) REFERENCES a ON DELETE ${action} ${deferrable}`;

async function onePair(observer: Client): Promise<ProbedPair> {
  const oids = `SELECT 1 AS pair, 'a'::regclass::oid AS referenced_oid, 'b'::regclass::oid AS referencing_oid,
    'b' AS referencing, 'a' AS referenced, (SELECT oid FROM pg_constraint WHERE conname = 'b_fk') AS constraint_oid`;
  return (await observer.query<ProbedPair>(oids)).rows[0] as ProbedPair;
}

const SETS = ['SET NULL', 'SET DEFAULT'];
const ALL = [...SETS, 'CASCADE', 'NO ACTION'];

/** Which statement could run code that pg_depend does not know of, on which actions, and what is said of it. */
const UNKNOWN: readonly (readonly [string, RegExp, readonly string[]])[] = [
  [
    "ALTER TABLE b ADD CONSTRAINT fires CHECK (query_to_xml('SELECT 1', true, false, '') IS NOT NULL)",
    /^CHECK fires of public\.b could run/,
    SETS,
  ],
  ["ALTER TABLE b ADD CONSTRAINT fires CHECK (name::odd <> '')", /^CHECK fires of public\.b could run/, SETS],
  [
    'ALTER TABLE b ADD v text GENERATED ALWAYS AS (name::odd) STORED',
    /^the expression of column v of public\.b could run/,
    SETS,
  ],
  ['ALTER TABLE b ADD v odd', /^domain public\.odd could run/, SETS],
  ['ALTER TABLE b ADD v pair[]', /^domain public\.odd could run/, SETS],
  [
    "ALTER TABLE b ALTER id SET DEFAULT length(query_to_xml('SELECT 1', true, false, '')::text)",
    /^the default of column id of public\.b could run/,
    ['SET DEFAULT'],
  ],
  ['CREATE INDEX ON b (id) WHERE (ARRAY[]::pair[])[1] IS NULL', /^index public\.b_id_idx1 could run/, ALL],
  ['CREATE INDEX ON a (id) WHERE (ARRAY[]::pair[])[1] IS NULL', /^index public\.a_id_idx could run/, ALL],
  // Known: a domain, an enum and functions of PostgreSQL itself.
  [
    `ALTER TABLE b ADD v known DEFAULT 'y', ADD k kind, ADD CHECK (k = 'one' AND lower(v) = v AND CASE WHEN id > 1 THEN coalesce(v, 'z') END <> 'q'),
     ADD g int GENERATED ALWAYS AS (length(v)) STORED; CREATE INDEX ON b (lower(v)) WHERE k = 'one'`,
    /^$/,
    ALL,
  ],
];

it('is not executed where ON DELETE, or the planner, could run code that pg_depend does not know of', async () => {
  const { db, observer } = await databaseWith(ONE_PAIR);
  const core = await coreSession(db.url);
  await observer.query(`
    CREATE DOMAIN odd AS text CHECK (query_to_xml('SELECT 1', true, false, '') IS NOT NULL); CREATE TYPE pair AS (x odd);
    CREATE DOMAIN known AS text CHECK (VALUE <> '' AND VALUE ~ '^[a-z]+$'); CREATE TYPE kind AS ENUM ('one')`);
  for (const action of ALL) {
    for (const [sql, reason, refused] of UNKNOWN) {
      await core.query(`BEGIN; SET LOCAL search_path = public; ${acting(action)}; ${sql}`);
      const pair = await onePair(core);
      await core.query('SET LOCAL search_path = pg_catalog');
      const [found] = await findCandidates(core, { constraint_oid: null }, [pair]);
      await core.query('ROLLBACK');
      const expected = refused.includes(action) && reason.source !== '^$';
      expect([action, sql, found?.obstacle ?? null]).toEqual([
        action,
        sql,
        expected ? expect.stringMatching(reason) : null,
      ]);
    }
  }
});

it('asks nothing by the name of a prepared statement once a row was deleted', async () => {
  const { db, observer } = await databaseWith(ONE_PAIR);
  await observer.query(acting('SET NULL'));
  const core = await coreSession(db.url);
  const pair = await onePair(observer);
  const names = async () =>
    (await core.query<{ name: string }>('SELECT name FROM pg_prepared_statements')).rows.map(({ name }) => name);

  await withPlansKept(core, async () => {
    await run(core, 'checks/delete-verdict', { pairs: [pair], proofs: 'null', outcome: {}, no_indexes: false });
    const [verdict = ''] = await names();
    await core.query('BEGIN');
    // As code in the DELETE could: the name is taken back by no ROLLBACK.
    await core.query(
      `DEALLOCATE "${verdict}"; PREPARE "${verdict}" (text, text, text, text) AS SELECT true AS passed, 'replaced' AS detail`,
    );
    expect(await probeDelete(core, { constraint_oid: null }, [pair], { proofs: null, timeoutMs: 5000 })).toMatchObject({
      detail: expect.stringMatching(/^Deleted 10 rows in /),
    });
    await core.query('ROLLBACK');
  });
});

it('does at once what the foreign key defers, and nothing else that is deferred', async () => {
  const { db, observer } = await databaseWith(ONE_PAIR);
  await observer.query(`${acting('NO ACTION', 'DEFERRABLE INITIALLY DEFERRED')}; CREATE SEQUENCE fired;
    CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.fired'); RETURN NULL; END $$`);
  const core = await coreSession(db.url);
  const pair = await onePair(observer);
  const probe = () => probeDelete(core, { constraint_oid: null }, [pair], { proofs: null, timeoutMs: 5000 });
  await core.query(`BEGIN; CREATE TEMP TABLE t (n int);
    CREATE CONSTRAINT TRIGGER fires AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.fire();
    INSERT INTO t VALUES (1)`);
  expect((await probe()).detail).toMatch(/^A DELETE was refused, as the foreign key says, in /);

  await core.query('CREATE SCHEMA other; CREATE TABLE other.t (n int)');
  await core.query(
    `CREATE CONSTRAINT TRIGGER b_fk AFTER INSERT ON other.t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION public.fire()`,
  );
  expect((await probe()).detail).toMatch(/^A DELETE was refused/);
  await core.query(`CREATE TABLE public.t (n int);
    CREATE CONSTRAINT TRIGGER b_fk AFTER INSERT ON public.t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION public.fire()`);
  expect((await probe()).detail).toMatch(/^Deleted 10 rows/);
  expect(await oneRow(observer, 'SELECT is_called FROM fired')).toEqual({ is_called: false });
  await core.query('ROLLBACK');
});
