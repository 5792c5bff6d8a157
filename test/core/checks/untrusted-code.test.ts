/** Code of the application never runs with more rights than its own statements would give it: attacks that made its author a superuser. */
import { Client } from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { verifyTable } from '../../../core/checks/verification.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { connect, connectReadOnly } from '../../../core/ledger/connect.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { describeWithPsql, psql } from '../../psql/psql.helpers.ts';
import { waitForLockWait } from '../../support/observe.ts';
import { coreSession, databaseWith, oneRow, type TestCase, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

/** An enum whose cast, the function of a role without rights, takes what the caller may. */
const CAST = `
  CREATE TYPE number AS ENUM ('1', '2');
  CREATE FUNCTION to_int(number) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
      EXECUTE pg_catalog.format('ALTER ROLE %I SUPERUSER', pg_catalog.current_setting('attack.role', true));
    END IF;
    RETURN pg_catalog.enum_out($1)::text::int; END $$;
  CREATE CAST (number AS int) WITH FUNCTION to_int(number) AS IMPLICIT;
  CREATE TABLE inode (medium text, ino int, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE path (medium text, ino number, name text) PARTITION BY LIST (medium);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one');
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
  INSERT INTO inode VALUES ('one', 1), ('one', 2);
  INSERT INTO path VALUES ('one', '1', 'a name');
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;`;

async function attacked(): Promise<TestCase & { readonly role: string; readonly url: string }> {
  const testCase = await databaseWith('SELECT 1');
  const { role, url } = await plainRole(testCase);
  await testCase.observer.query(`
    CREATE SCHEMA app AUTHORIZATION ${role}; SET ROLE ${role}; SET search_path = app; ${CAST} RESET ROLE; RESET search_path;
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET attack.role = ${role}', current_database()); END $$`);
  return { ...testCase, role, url };
}

const isSuperuser = ({ observer, role }: { readonly role: string } & TestCase) =>
  oneRow<{ yes: boolean }>(observer, 'SELECT rolsuper AS yes FROM pg_roles WHERE rolname = $1', [role]);

describe('a cast by a function of another role, in the comparison of keys,', () => {
  it('is refused by every command, and its owner gains nothing', async () => {
    const attack = await attacked();
    const refused = {
      name: 'UntrustedCode',
      message: expect.stringContaining('function app.to_int(app.number) of'),
    };

    await expect(new Execution().plan({ table: 'app.path' })).rejects.toMatchObject(refused);
    const core = await coreSession(attack.db.url);
    await expect(verifyTable(core, { table: 'app.path' })).rejects.toMatchObject(refused);
    expect(await isSuperuser(attack)).toEqual({ yes: false });

    // Pair foreign keys that the application has added itself.
    await attack.observer.query(`
      SET ROLE ${attack.role}; ALTER TABLE app.path DROP CONSTRAINT path_fk;
      ALTER TABLE app.path_1 ADD CONSTRAINT pair_fk FOREIGN KEY (medium, ino) REFERENCES app.inode_1; RESET ROLE`);
    await expect(auditAndRepair(core, { table: 'app.path', lockTimeoutMs: 500 })).rejects.toMatchObject(refused);
    await expect(verifyTable(core, { table: 'app.path' })).rejects.toMatchObject(refused);
    expect(await isSuperuser(attack)).toEqual({ yes: false });
  });

  it('is no obstacle to its owner, nor where a superuser has taken it over', async () => {
    const { observer, url, db } = await attacked();
    const own = await connect({ databaseUrl: url, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => own.end());
    expect(await resolveForeignKey(own, { table: 'app.path' }, 'migrate')).toMatchObject({ table: 'app.path' });

    await observer.query('ALTER FUNCTION app.to_int(app.number) OWNER TO CURRENT_USER');
    const core = await coreSession(db.url);
    await expect(resolveForeignKey(core, { table: 'app.path' }, 'migrate')).rejects.toThrow('casts of type app.number');
    await observer.query('ALTER TYPE app.number OWNER TO CURRENT_USER');
    await expect(resolveForeignKey(core, { table: 'app.path' }, 'migrate')).rejects.toThrow(
      'give it a path of its own: ALTER FUNCTION app.to_int(app.number) SET search_path = pg_catalog, pg_temp',
    );
    await observer.query('ALTER FUNCTION app.to_int(app.number) SET search_path = pg_catalog, pg_temp');
    expect(await resolveForeignKey(core, { table: 'app.path' }, 'migrate')).toMatchObject({ table: 'app.path' });
  });

  it('is not accepted because the database says that its owner is trusted', async () => {
    const attack = await attacked();
    await attack.observer.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET p2pfk.trusted_owners = ${attack.role}', current_database()); END $$`,
    );
    const core = await coreSession(attack.db.url);
    await expect(verifyTable(core, { table: 'app.path' })).rejects.toMatchObject({ name: 'UntrustedCode' });

    vi.stubEnv('P2PFK_TRUST_OWNERS', `another,${attack.role}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const trusting = await coreSession(attack.db.url);
    await expect(resolveForeignKey(trusting, { table: 'app.path' }, 'verify')).resolves.toMatchObject({
      table: 'app.path',
    });
    const plan = await planMigration(trusting, ExecutionInput.parse({ table: 'app.path' }));
    expect(plan.findings.filter(({ id }) => id === 'trusted-owner')).toMatchObject([
      { severity: 'info', message: expect.stringContaining(`code of role ${attack.role} on these tables may run`) },
    ]);
  });

  describeWithPsql('in psql', () => {
    it('an unqualified name that leads to it before a table of another role is refused', async () => {
      const attack = await attacked();
      await attack.observer.query(
        `CREATE TABLE public.path (); DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, public', current_database()); END $$`,
      );
      const { code, errors } = await psql(attack.db.url, 'step1', { table: 'path' });
      expect([code, errors.join()]).toEqual([
        3,
        expect.stringContaining(`leads to app.path of ${attack.role}, which stands in front of public.path of`),
      ]);
    });

    it.each(['step1', 'step4'] as const)('is refused by %s', async (script) => {
      const attack = await attacked();
      const { code, errors } = await psql(attack.db.url, script, { table: 'app.path' });
      expect([code, errors.join()]).toEqual([3, expect.stringContaining('function app.to_int(app.number) of')]);
      expect(await isSuperuser(attack)).toEqual({ yes: false });

      const others = { table: 'app.path', trust_owners: 'another' };
      expect((await psql(attack.db.url, script, others)).errors.join()).toContain('function app.to_int(app.number) of');
      const owner = { table: 'app.path', trust_owners: `another,${attack.role}` };
      expect((await psql(attack.db.url, script, owner)).errors.join()).not.toContain('to_int');
    });
  });
});

/** A role that owns nothing but the schema `lo`, and functions in it which make it superuser if a superuser runs them. */
async function intruder(sql: string): Promise<TestCase & { readonly role: string; readonly core: Client }> {
  const testCase = await databaseWith(sql);
  const { role } = await plainRole(testCase);
  await testCase.observer.query(`
    CREATE SCHEMA lo AUTHORIZATION ${role}; SET ROLE ${role};
    CREATE FUNCTION lo.take() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE 'ALTER ROLE ${role} SUPERUSER'; RETURN 1;
    EXCEPTION WHEN OTHERS THEN RETURN 0; END $$;
    CREATE FUNCTION lo.evil() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lo.take(); END';
    CREATE FUNCTION lo.evil(int[]) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lo.take(); END';
    CREATE FUNCTION lo.evil(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lo.take() >= 0; END';
    CREATE FUNCTION lo.f(x bigint, y int DEFAULT lo.evil()) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN x; END';
    RESET ROLE`);
  return { ...testCase, role, core: await coreSession(testCase.db.url) };
}

const UNTRUSTED = { name: 'UntrustedCode', message: expect.stringContaining('function lo.evil') };
// One in which the planner calls the function on its own, in any command that reads the table.
const HIDDEN = [
  ['the default of an argument', 'lo.f(ino)'],
  ['a call with an empty array', 'lo.evil(ARRAY[]::int[])'],
] as const;

describe('code that is hidden in an index', () => {
  it('nor is that of a function of a superuser, which VALIDATE finds by the search_path of the caller', async () => {
    const attack = await intruder(THREE_PAIRS);
    await attack.observer.query(`
      CREATE FUNCTION public.far(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN earth() * $1; END';
      DO $$ BEGIN EXECUTE format('CREATE SCHEMA %I AUTHORIZATION ${attack.role}', session_user); END $$;
      ALTER TABLE path_1 OWNER TO ${attack.role}; GRANT CREATE ON SCHEMA public TO ${attack.role}; SET ROLE ${attack.role};
      DO $$ BEGIN EXECUTE format('CREATE FUNCTION %I.earth() RETURNS int IMMUTABLE LANGUAGE plpgsql AS ''BEGIN RETURN lo.take(); END''', session_user); END $$;
      CREATE STATISTICS public.s ON (public.far(1) * ino), (ino + 1) FROM path_1; RESET ROLE`);
    const found = {
      name: 'UntrustedCode',
      message: expect.stringContaining('function public.far(integer), which finds'),
    };
    await expect(new Execution().plan({ table: 'path' })).rejects.toMatchObject(found);
    await expect(verifyTable(attack.core, { table: 'path' })).rejects.toMatchObject(found);
    expect(await isSuperuser(attack)).toEqual({ yes: false });
  });

  it('a cast of a role that can only connect keeps no command from its work', async () => {
    const testCase = await databaseWith(THREE_PAIRS);
    const stranger = new Client({ connectionString: (await plainRole(testCase)).url });
    await stranger.connect();
    onTestFinished(() => stranger.end());
    await stranger.query(`
      CREATE TYPE pg_temp.z AS ENUM ('x');
      CREATE FUNCTION pg_temp.f(pg_temp.z) RETURNS text LANGUAGE sql AS 'SELECT ''a''::text';
      CREATE CAST (pg_temp.z AS text) WITH FUNCTION pg_temp.f(pg_temp.z);
      CREATE FUNCTION pg_temp.g(pg_temp.z) RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE CAST (pg_temp.z AS int) WITH FUNCTION pg_temp.g(pg_temp.z)`);
    await expect(new Execution().plan({ table: 'path' })).resolves.toBeDefined();
  });

  it.each(HIDDEN)(
    'in %s, by the owner of one partition, is not run by plan, migrate, verify, nor audit',
    async (_, call) => {
      const attack = await intruder(THREE_PAIRS);
      await attack.observer.query(`
      ALTER TABLE path_1 OWNER TO ${attack.role}; GRANT CREATE ON SCHEMA public TO ${attack.role};
      SET ROLE ${attack.role}; CREATE INDEX ON path_1 (${call}); RESET ROLE`);

      await expect(new Execution().plan()).rejects.toMatchObject(UNTRUSTED);
      await expect(new Execution().migrate()).rejects.toMatchObject(UNTRUSTED);
      await expect(verifyTable(attack.core, { table: 'path' })).rejects.toMatchObject(UNTRUSTED);
      await attack.observer.query(
        'ALTER TABLE path DROP CONSTRAINT path_fk; ALTER TABLE path_1 ADD CONSTRAINT pair_fk FOREIGN KEY (medium, ino) REFERENCES inode_1 NOT VALID',
      );
      const all = { lockTimeoutMs: 500, accept: ['all'] };
      await expect(auditAndRepair(attack.core, { ...all, table: 'path' })).rejects.toMatchObject(UNTRUSTED);
      expect(notRead(await auditAndRepair(attack.core, all))).toEqual([['public.path', attack.role]]);

      expect(await isSuperuser(attack)).toEqual({ yes: false });
    },
  );

  it('of tables that a stranger has made is not run, whether audit finds them or an unqualified name leads to them', async () => {
    const attack = await intruder('SELECT 1');
    const { rows } = await attack.observer.query<{ login: string }>('SELECT session_user AS login');
    const schema = rows[0]?.login;
    await attack.observer.query(`
      CREATE SCHEMA ${schema} AUTHORIZATION ${attack.role}; SET ROLE ${attack.role}; SET search_path = ${schema};
      ${THREE_PAIRS} CREATE INDEX ON path_1 (lo.f(ino)); RESET ROLE; RESET search_path`);
    await expect(new Execution().plan({ table: `${schema}.path` })).rejects.toMatchObject(UNTRUSTED);
    const trap = `table path leads to ${schema}.path of ${attack.role}, which stands in front`;
    const named = (where: string) => ({ name: 'InvalidInput', message: `${trap} ${where}: name it with its schema` });
    await expect(new Execution().plan({ table: 'path' })).rejects.toMatchObject(
      named('in a schema with the name of your role'),
    );

    await attack.observer.query(
      `ALTER TABLE ${schema}.path DROP CONSTRAINT path_fk; ALTER TABLE ${schema}.path_1 ADD CONSTRAINT pair_fk FOREIGN KEY (medium, ino) REFERENCES ${schema}.inode_1 NOT VALID`,
    );
    // Migrated, and with drift that is to be found all the same.
    await attack.observer.query(`SET search_path = public; ${THREE_PAIRS} RESET search_path`);
    await expect(new Execution().plan({ table: 'PATH' })).rejects.toMatchObject({
      message: expect.stringContaining(`which stands in front of public.path of ${schema}: name it with its schema`),
    });
    await new Execution().migrate(undefined, { table: 'public.path' });
    await attack.observer.query('ALTER TABLE public.path_1 DROP CONSTRAINT fk_path_to_inode_1');
    const done = await auditAndRepair(attack.core, { lockTimeoutMs: 500, accept: ['all'] });
    expect(done.outcomes).toMatchObject([{ id: 'missing-pair-foreign-key', status: 'REPAIRED' }]);
    expect(notRead(done)).toEqual([[`${schema}.path`, attack.role]]);

    expect(await isSuperuser(attack)).toEqual({ yes: false });
  });

  it('is not even looked for where a stranger owns a partition of a table that no person has named', async () => {
    const attack = await intruder(THREE_PAIRS);
    await attack.observer.query(`
      ALTER TABLE path DROP CONSTRAINT path_fk; ALTER TABLE path_1 ADD CONSTRAINT pair_fk FOREIGN KEY (medium, ino) REFERENCES inode_1;
      ALTER TABLE inode_2 OWNER TO ${attack.role}`);
    const statements = vi.spyOn(attack.core, 'query');
    expect(notRead(await auditAndRepair(attack.core, { lockTimeoutMs: 500 }))).toEqual([['public.path', attack.role]]);
    // One that its owner adds after the look must not run either.
    expect(
      statements.mock.calls.map(([text]) => JSON.stringify(text)).filter((text) => /path_1|inode_1/.test(text)),
    ).toEqual([]);
    expect(await auditAndRepair(attack.core, { table: 'path', lockTimeoutMs: 500 })).toMatchObject({
      audited: [{ table: 'public.path', pairs: 3 }],
    });
  });
});

/** Tables of which an audit read nothing, and the roles that are named as the reason. */
const notRead = ({ audited }: Awaited<ReturnType<typeof auditAndRepair>>) =>
  audited.flatMap(({ table, drift }) =>
    drift.flatMap(({ finding: { id, message } }) =>
      id === 'table-not-read' ? [[table, /\bplain_\w+/.exec(message)?.[0]]] : [],
    ),
  );

it.each([
  ['that calls a function', 'lo.evil(value)', UNTRUSTED.message],
  [
    'that gives SQL to a function of PostgreSQL',
    "query_to_xml('SELECT lo.take()', true, false, '') IS NOT NULL",
    expect.stringContaining('function query_to_xml(text,boolean,boolean,text) in a CHECK of domain lo.med'),
  ],
])('the CHECK of a domain %s is not run when a partition is added', async (_, check, message) => {
  const attack = await intruder('SELECT 1');
  await attack.observer.query(`
    SET ROLE ${attack.role}; CREATE DOMAIN lo.med AS text; RESET ROLE;
    ${THREE_PAIRS.replaceAll('medium text', 'medium lo.med')}`);
  await new Execution().migrate();
  await attack.observer.query(
    `SET ROLE ${attack.role}; ALTER DOMAIN lo.med ADD CHECK (${check}) NOT VALID; RESET ROLE`,
  );

  const request = { table: 'path', bound: "FOR VALUES IN ('five')", dryRun: false, lockTimeoutMs: 500 };
  await expect(provision(attack.core, request)).rejects.toMatchObject({ ...UNTRUSTED, message });

  expect(await isSuperuser(attack)).toEqual({ yes: false });
});

describe('code that comes after the plan', () => {
  const EVIL = 'CREATE INDEX evil ON path_1 (lo.evil(ARRAY[]::int[]))';
  /** Tables of the login, a partition of which belongs to the intruder. */
  const owned = async () => {
    const attack = await intruder(THREE_PAIRS);
    const add = (client = attack.observer) => client.query(`SET ROLE ${attack.role}; ${EVIL}; RESET ROLE`);
    await attack.observer.query(
      `ALTER TABLE path_1 OWNER TO ${attack.role}; GRANT CREATE ON SCHEMA public TO ${attack.role}`,
    );
    return { ...attack, add };
  };
  const ACCEPT = { accept: ['all'] };

  it('is refused by each step that reads rows, before it does', async () => {
    const { add, ...attack } = await owned();
    const execution = new Execution();
    const withCode = async (step: () => Promise<unknown>) => {
      await add();
      await expect(step()).rejects.toMatchObject(UNTRUSTED);
      await attack.observer.query('DROP INDEX public.evil');
    };
    await execution.migrate('AddForeignKeys', ACCEPT);
    await withCode(() => execution.validateForeignKey(1));
    await execution.run('ValidateForeignKeys');
    await withCode(() => execution.verifyGate());
    await execution.verifyGate();
    await withCode(() => execution.dropParentForeignKey());
    await execution.dropParentForeignKey();
    await withCode(() => execution.verifyMigration());

    expect(await isSuperuser(attack)).toEqual({ yes: false });
    expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
  });

  it('is refused where it comes to a partition of the login through a table of another role', async () => {
    const attack = await intruder(THREE_PAIRS);
    await attack.observer.query(
      `ALTER TABLE path OWNER TO ${attack.role}; GRANT CREATE ON SCHEMA public TO ${attack.role}`,
    );
    const execution = new Execution();
    await execution.migrate('AddForeignKeys', ACCEPT);
    // A harmless one: PostgreSQL builds the index of each partition as that partition's owner.
    await attack.observer.query(`SET ROLE ${attack.role};
      CREATE FUNCTION lo.harmless(int[]) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
      CREATE INDEX ON path (lo.harmless(ARRAY[]::int[])); RESET ROLE`);
    await expect(execution.validateForeignKey(1)).rejects.toMatchObject({
      ...UNTRUSTED,
      message: expect.stringContaining('function lo.harmless(integer[])'),
    });
  });

  it('and while VALIDATE waits for its lock, by VALIDATE', async () => {
    const { add, ...attack } = await owned();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys', ACCEPT);
    const other = await attack.db.client();
    await other.query('BEGIN; LOCK TABLE ONLY path_1 IN SHARE UPDATE EXCLUSIVE MODE');
    const validating = expect(execution.validateForeignKey(1)).rejects.toMatchObject(UNTRUSTED);
    await waitForLockWait(attack.observer, /VALIDATE CONSTRAINT/);
    await add(other);
    await other.query('COMMIT');

    await validating;
    expect(await isSuperuser(attack)).toEqual({ yes: false });
  });
});

describeWithPsql('in the psql scripts', () => {
  it('code that comes while they run is refused before the next pair is read', async () => {
    const attack = await intruder(THREE_PAIRS);
    await attack.observer.query(
      `ALTER TABLE path_2 OWNER TO ${attack.role}; ALTER TABLE path_3 OWNER TO ${attack.role}; GRANT CREATE ON SCHEMA public TO ${attack.role}`,
    );
    expect(await psql(attack.db.url, 'step1', { table: 'path', accept: 'all' })).toMatchObject({ code: 0 });
    // With the first validation, which an event trigger sees.
    await attack.observer.query(`
      CREATE FUNCTION at_that_moment() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF to_regclass('public.evil') IS NULL AND EXISTS (SELECT FROM pg_constraint WHERE conname = 'fk_path_to_inode_1' AND convalidated) THEN
          CREATE INDEX evil ON public.path_2 (lo.evil(ARRAY[]::int[])); CREATE INDEX evil_3 ON public.path_3 (lo.evil(ARRAY[]::int[]));
        END IF; END $$;
      CREATE EVENT TRIGGER at_that_moment ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION at_that_moment()`);

    const { code, errors } = await psql(attack.db.url, 'step2');

    expect([code, errors.join()]).toEqual([
      3,
      expect.stringMatching(/refused: reading public\.path_[23] and .* function lo\.evil\(integer\[\]\) of plain_/),
    ]);
    expect(await isSuperuser(attack)).toEqual({ yes: false });
  });
});

it('nor is code of a third table, which the new partition references as well', async () => {
  const attack = await intruder(THREE_PAIRS);
  await attack.observer.query(`
    CREATE TABLE third (medium text PRIMARY KEY); INSERT INTO third SELECT DISTINCT medium FROM inode;
    ALTER TABLE path ADD CONSTRAINT third_fk FOREIGN KEY (medium) REFERENCES third`);
  await new Execution().migrate(undefined, { constraint: 'path_fk' });
  await attack.observer.query(`ALTER TABLE third OWNER TO ${attack.role}; GRANT CREATE ON SCHEMA public TO ${attack.role};
    SET ROLE ${attack.role}; CREATE INDEX ON third (medium) WHERE lo.evil(ARRAY[]::int[]) > 0; RESET ROLE`);

  const request = {
    table: 'path',
    constraint: 'path_fk',
    bound: "FOR VALUES IN ('five')",
    nameSuffix: '5',
    lockTimeoutMs: 5_000,
  };
  for (const dryRun of [true, false])
    await expect(provision(attack.core, { ...request, dryRun })).rejects.toMatchObject({
      ...UNTRUSTED,
      message: expect.stringContaining('reading public.third and comparing its keys would run code'),
    });
  await attack.observer.query(`CREATE TABLE path_5 PARTITION OF path FOR VALUES IN ('five')`);
  const { outcomes } = await auditAndRepair(attack.core, { table: 'path', lockTimeoutMs: 5_000 });
  expect(outcomes).toEqual([]);

  expect(await isSuperuser(attack)).toEqual({ yes: false });
});

describe('a function that fits better than PostgreSQL’s own', () => {
  const PLANTED = (role: string) => `
    GRANT CREATE ON SCHEMA public TO ${role}; SET ROLE ${role};
    CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE pg_catalog.format('ALTER ROLE %I SUPERUSER', '${role}'); RETURN $1; END $$;
    CREATE FUNCTION public.format(text, name, name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE pg_catalog.format('ALTER ROLE %I SUPERUSER', '${role}'); RETURN $1; END $$;
    RESET ROLE`;

  it('is not run by plan, nor by what the ledger is made of', async () => {
    const testCase = await databaseWith();
    const { role } = await plainRole(testCase);
    await testCase.observer.query(PLANTED(role));
    const execution = new Execution();

    await execution.migrate();
    await testCase.observer.query('TABLE p2pfk.foreign_key_architecture; TABLE p2pfk.delete_activity');
    await execution.rollBack(null);

    expect(await isSuperuser({ ...testCase, role })).toEqual({ yes: false });
  });
});

it('a temporary view with the name of a catalog, made in our session, is not read', async () => {
  const { db } = await databaseWith(THREE_PAIRS);
  for (const open of [connect, connectReadOnly]) {
    const client = await open({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => client.end());
    if (open === connect)
      await client.query(
        `CREATE TEMPORARY VIEW pg_class AS SELECT 1 / (SELECT 0) AS oid; CREATE TEMPORARY VIEW pg_constraint AS SELECT 1 / (SELECT 0) AS oid`,
      );
    expect(await resolveForeignKey(client, { table: 'path' }, 'migrate')).toMatchObject({ constraint_name: 'path_fk' });
    const { rows } = await client.query(`SELECT current_setting('search_path') AS path`);
    expect(rows).toEqual([{ path: 'pg_catalog, pg_temp' }]);
  }
});
