/** What a session brings along, and what ours make of it: settings, a search_path with planted names, row security. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { verifyTable } from '../../../core/checks/verification.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { connect, connectReadOnly, rolledBack } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { run } from '../../../core/postgres/sql.ts';
import { describeWithPsql, psql, psqlInOrder, STEPS } from '../../psql/psql.helpers.ts';
import { databaseWith, everything, oneRow, type TestCase, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

/** A table without any pair FK is refused before anything is looked at. */
const ONE_PAIR_KEY =
  'ALTER TABLE path_1 ADD FOREIGN KEY (medium, ino) REFERENCES inode_1 (medium, ino) ON DELETE CASCADE';

/** Settings that change how texts are read and printed, or what a transaction may do. */
const HOSTILE = Object.entries({
  standard_conforming_strings: 'off',
  quote_all_identifiers: 'on',
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'serializable',
  transform_null_equals: 'on',
  array_nulls: 'off',
})
  .map(([name, value]) => `    EXECUTE format('ALTER DATABASE %I SET ${name} = ''${value}''', current_database());\n`)
  .join('');

/** Names of PostgreSQL, planted in a schema that comes first in everybody's search_path; whoever meets one fails. */
const PLANTED = `
  CREATE SCHEMA planted;
  CREATE FUNCTION planted.fail() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a planted name was used'; END $$;
  CREATE FUNCTION planted.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT planted.fail()';
  CREATE FUNCTION planted.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT planted.fail()';
  CREATE FUNCTION planted.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
  CREATE FUNCTION planted.pg_backend_pid() RETURNS int LANGUAGE sql AS 'SELECT length(planted.fail())';
  CREATE FUNCTION planted.to_regclass(text) RETURNS regclass LANGUAGE sql AS 'SELECT planted.fail()::regclass';
  CREATE FUNCTION planted.pg_get_constraintdef(oid) RETURNS text LANGUAGE sql AS 'SELECT planted.fail()';
  CREATE FUNCTION planted.count() RETURNS bigint LANGUAGE sql AS 'SELECT length(planted.fail())::bigint';
  CREATE FUNCTION planted.equal(anyelement, anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT planted.fail() IS NULL';
  CREATE TABLE planted.pg_class (oid oid, relname name);
  CREATE TABLE planted.pg_constraint (oid oid);
  CREATE TABLE planted.pg_settings (name text, setting text, context text);
  CREATE DOMAIN planted.jsonb AS int;
  CREATE DOMAIN planted.text AS int;
  DO $$
  DECLARE type text;
  BEGIN
    FOREACH type IN ARRAY ARRAY['text', 'name', 'oid', 'int', 'bigint', 'boolean', 'tid', '"char"'] LOOP
      EXECUTE format('CREATE FUNCTION planted.fail(%1$s, %1$s) RETURNS boolean LANGUAGE sql AS ''SELECT planted.fail() IS NULL''', 'pg_catalog.' || CASE type WHEN 'int' THEN 'int4' WHEN 'bigint' THEN 'int8' WHEN 'boolean' THEN 'bool' ELSE type END);
      EXECUTE format('CREATE OPERATOR planted.= (FUNCTION = planted.fail, LEFTARG = %1$s, RIGHTARG = %1$s)', 'pg_catalog.' || CASE type WHEN 'int' THEN 'int4' WHEN 'bigint' THEN 'int8' WHEN 'boolean' THEN 'bool' ELSE type END);
      EXECUTE format('CREATE OPERATOR planted.<> (FUNCTION = planted.fail, LEFTARG = %1$s, RIGHTARG = %1$s)', 'pg_catalog.' || CASE type WHEN 'int' THEN 'int4' WHEN 'bigint' THEN 'int8' WHEN 'boolean' THEN 'bool' ELSE type END);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET search_path = planted, pg_catalog, public', current_database());
${HOSTILE}  END $$;`;

/** An event trigger whose function names its table and its helper without a schema. */
const LOGGED = `
  CREATE TABLE ddl_log (at timestamptz DEFAULT now(), tag text);
  CREATE FUNCTION note(tag text) RETURNS void LANGUAGE sql AS 'INSERT INTO ddl_log (tag) VALUES (tag)';
  CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM note(tg_tag); END $$;
  CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION log_ddl();`;

const LOGGED_NOWHERE = LOGGED.replace('CREATE EVENT TRIGGER', 'DROP TABLE ddl_log; CREATE EVENT TRIGGER');

/** As few as show it: one pair, whose index has to be built. */
const ONE_PAIR = `
  CREATE TABLE inode (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text, ino bigint, name text) PARTITION BY LIST (medium);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one');
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
  INSERT INTO inode SELECT 'one', n FROM generate_series(1, 20) AS n;
  INSERT INTO path SELECT medium, ino, 'a name' FROM inode;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;
  COMMENT ON CONSTRAINT path_fk ON path IS 'a comment';`;

async function migrateAndRollBack(): Promise<void> {
  const execution = new Execution();
  await execution.migrate();
  await execution.rollBack(null);
}

describe('a setting of the database', () => {
  it('that this role may not change is refused, with the name of who set it', async () => {
    const testCase = await databaseWith();
    const { role, url } = await plainRole(testCase);
    await testCase.observer.query(`ALTER ROLE ${role} SET session_replication_role = replica`);

    const refused = { name: 'SettingRefused', message: expect.stringContaining(`set for role ${role}`) };
    await expect(connect({ databaseUrl: url, applicationName: 'test' })).rejects.toMatchObject(refused);
    await expect(connectReadOnly({ databaseUrl: url, applicationName: 'test' })).rejects.toMatchObject(refused);

    await testCase.observer.query(`ALTER ROLE ${role} RESET session_replication_role`);
    await testCase.observer.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$`,
    );
    const ofDatabase = { ...refused, message: expect.stringContaining('is replica, set for database ') };
    await expect(connect({ databaseUrl: url, applicationName: 'test' })).rejects.toMatchObject(ofDatabase);
  });

  describeWithPsql('in psql', () => {
    it('is refused too', async () => {
      const testCase = await databaseWith();
      const { role, url } = await plainRole(testCase);
      await testCase.observer.query(`ALTER ROLE ${role} SET session_replication_role = replica`);

      const { code, errors } = await psql(url, 'step4');

      expect(code).toBe(3);
      expect(errors.join()).toContain(`session_replication_role is replica, set for role ${role}`);
    });
  });
});

describe("names planted in the caller's search_path, and hostile settings,", () => {
  it('change nothing, there and back', async () => {
    const { observer } = await databaseWith(ONE_PAIR);
    // A clone does not take over what was set for the database.
    await observer.query(PLANTED);
    await migrateAndRollBack();
  });

  describeWithPsql('in psql', () => {
    it('change nothing, there and back', async () => {
      const { db, observer } = await databaseWith(ONE_PAIR);
      await observer.query(PLANTED);
      await psqlInOrder(db.url, [...STEPS, 'rollback']);
    });
  });
});

describe("the application's own code", () => {
  async function tags(observer: Client): Promise<string[]> {
    const { rows } = await observer.query<{ tag: string }>('SELECT DISTINCT tag FROM ddl_log ORDER BY tag');
    return rows.map(({ tag }) => tag);
  }
  const FIRED = ['ALTER TABLE', 'COMMENT', 'CREATE INDEX', 'CREATE TABLE', 'CREATE VIEW'];

  it('finds what it names without a schema, there and back', async () => {
    const { observer } = await databaseWith(`${ONE_PAIR} ${LOGGED}`);
    await migrateAndRollBack();
    expect(await tags(observer)).toEqual(expect.arrayContaining(FIRED));
  });

  describeWithPsql('in psql', () => {
    it('finds what it names without a schema, there and back', async () => {
      const { db, observer } = await databaseWith(`${ONE_PAIR} ${LOGGED}`);
      await psqlInOrder(db.url, [...STEPS, 'rollback']);
      expect(await tags(observer)).toEqual(expect.arrayContaining(FIRED));
    });

    it('is named where it fails', async () => {
      const { db, observer } = await databaseWith(ONE_PAIR);
      await psqlInOrder(db.url, ['step1']);
      await observer.query(LOGGED_NOWHERE);

      const { code, errors } = await psql(db.url, 'step2');

      expect(code).toBe(3);
      expect(errors.join()).toMatch(/"ddl_log" does not exist \(in .*note/);
    });
  });

  it('sees the searchPath of the input, and so does the name of the table', async () => {
    const { observer } = await databaseWith(
      `CREATE SCHEMA app; SET search_path = app; ${ONE_PAIR} ${LOGGED} RESET search_path`,
    );
    const execution = new Execution();
    await execution.migrate('VerifyMigration', { searchPath: 'app, public' });
    await execution.rollBack(null);
    expect((await oneRow<{ n: number }>(observer, 'SELECT count(*)::int AS n FROM app.ddl_log')).n).toBeGreaterThan(10);
    await expect(new Execution().plan({ searchPath: 'a,,b' })).rejects.toMatchObject({ name: 'InvalidInput' });
  });

  it('that names a table that is not there is reported as that; a partition that is gone, as a changed set', async () => {
    const { observer } = await databaseWith(THREE_PAIRS);
    const execution = new Execution();
    await execution.migrate('BuildIndexes');
    await observer.query(LOGGED_NOWHERE);
    await expect(execution.addForeignKey(1)).rejects.toMatchObject({
      name: 'StatementFailed',
      message: expect.stringMatching(/"ddl_log" does not exist.*in: .*note/),
    });
    await observer.query('DROP EVENT TRIGGER log_ddl');
    await execution.addForeignKey(2);
    await observer.query('DROP TABLE path_2');
    await expect(execution.validateForeignKey(2)).rejects.toMatchObject({ name: 'PartitionSetChanged' });
  });
});

describe('row-level security that applies to this role', () => {
  it('is an error of its own, as no privilege is missing', async () => {
    const testCase: TestCase = await databaseWith();
    const { role, url } = await plainRole(testCase);
    await testCase.observer.query(`
      ${ONE_PAIR_KEY};
      ALTER TABLE path_2 OWNER TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
      ALTER TABLE path_2 ENABLE ROW LEVEL SECURITY; ALTER TABLE path_2 FORCE ROW LEVEL SECURITY;
      CREATE POLICY few ON path_2 USING (ino < 5)`);
    const client = await connectReadOnly({ databaseUrl: url, applicationName: 'test' });
    try {
      await expect(verifyTable(client, { table: 'path' })).rejects.toMatchObject({
        name: 'RowSecurityApplies',
        message: expect.stringContaining('path_2'),
      });
    } finally {
      await client.end();
    }
  });
});

it('a referencing partition in two pairs is refused', async () => {
  const { observer } = await databaseWith();
  const pairs = [1, 2].map((n) => ({
    pair: n,
    referencing_oid: 7,
    referencing: 'public.path_1',
    referenced: `public.inode_${n}`,
  }));
  const rows = await run(observer, 'findings/leaf-in-two-pairs', { pairs, referenced_table: 'public.inode' });
  expect(rows).toMatchObject([
    {
      severity: 'error',
      message: expect.stringContaining('2 partitions of public.inode (public.inode_1, public.inode_2)'),
    },
  ]);
});

describe('a session that reads only', () => {
  it('writes nothing, keeps no lock on what it has counted, and leaves a command that fails in peace', async () => {
    const { db, observer } = await databaseWith();
    await observer.query(ONE_PAIR_KEY);
    const before = await everything(observer);
    const client = await connectReadOnly({ databaseUrl: db.url, applicationName: 'p2pfk verify' });
    try {
      await planMigration(client, ExecutionInput.parse({ table: 'path' }));
      expect((await verifyTable(client, { table: 'path' })).checks).toHaveLength(6);
      await expect(rolledBack(client, () => client.query('DELETE FROM public.path'))).resolves.toMatchObject({
        rowCount: 440,
      });
      const locked = await oneRow<{ n: number }>(
        observer,
        `SELECT count(*)::int AS n FROM pg_locks WHERE relation IN ('path_1'::regclass, 'inode_1'::regclass)`,
      );
      expect(locked.n).toBe(0);
      await expect(client.query('DELETE FROM public.path')).rejects.toMatchObject({ code: '25006' });
    } finally {
      await client.end();
    }
    expect(await everything(observer)).toBe(before);
  });
});
