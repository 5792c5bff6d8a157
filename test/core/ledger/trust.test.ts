/** A schema p2pfk that somebody else has made first, or may change: nothing of it is read, and nothing in it runs with our rights. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, connectReadOnly } from '../../../core/ledger/connect.ts';
import { newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { runOne } from '../../../core/postgres/sql.ts';
import { p2pfk } from '../../cli/cli.helpers.ts';
import { describeWithPsql, psql, STEPS } from '../../psql/psql.helpers.ts';
import { databaseWith, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

/** A role that may CREATE in the database, and a function of it that makes it superuser where a superuser runs it. */
async function attacked(): Promise<TestCase & { mallory: string; as: (sql: string) => Promise<void> }> {
  const testCase = await databaseWith();
  const { db, observer } = testCase;
  const mallory = `mallory_${randomBytes(4).toString('hex')}`;
  await observer.query(
    `CREATE ROLE ${mallory} LOGIN PASSWORD 'plain'; GRANT CREATE ON DATABASE ${db.name} TO ${mallory}`,
  );
  onTestFinished(async () => {
    await observer.query(`DROP OWNED BY ${mallory} CASCADE; DROP ROLE ${mallory}`);
  });
  const as = async (sql: string) => {
    await observer.query(`SET ROLE ${mallory}`);
    try {
      await observer.query(sql);
    } finally {
      await observer.query('RESET ROLE');
    }
  };
  await as(`CREATE SCHEMA trap;
    CREATE FUNCTION trap.spring() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN ALTER ROLE ${mallory} SUPERUSER; END IF; RETURN 1; END $$;
    CREATE FUNCTION trap.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.spring(); RETURN NEW; END $$;
    GRANT USAGE ON SCHEMA trap TO PUBLIC`);
  return { ...testCase, mallory, as };
}

const inTrap = (sql: string) => (mallory: string) => sql.replaceAll('MALLORY', mallory);

/** What mallory makes alone, before anybody else comes. */
const PLANTED: readonly (readonly [string, string])[] = [
  ['an empty schema', 'CREATE SCHEMA p2pfk'],
  [
    'a trigger on ledger_version',
    `${newLedger()}; CREATE TRIGGER t BEFORE INSERT OR UPDATE ON p2pfk.ledger_version FOR EACH ROW EXECUTE FUNCTION trap.fire()`,
  ],
  [
    'a view in place of a table',
    `${newLedger()}; GRANT USAGE ON SCHEMA p2pfk TO PUBLIC; ALTER TABLE p2pfk.migration RENAME TO real;
     CREATE VIEW p2pfk.migration AS SELECT r.* FROM (SELECT trap.spring() AS x) s LEFT JOIN p2pfk.real r ON s.x > 0;
     GRANT SELECT ON ALL TABLES IN SCHEMA p2pfk TO PUBLIC`,
  ],
];

/** What is left of mallory in a schema and tables that belong to a superuser: made when it was allowed to, or given away. */
const LEFT_BEHIND: readonly (readonly [string, (mallory: string) => string])[] = [
  [
    'a trigger with a function of another',
    inTrap('CREATE TRIGGER t BEFORE INSERT ON p2pfk.event FOR EACH ROW EXECUTE FUNCTION trap.fire()'),
  ],
  ['a column default', inTrap('ALTER TABLE p2pfk.event ADD COLUMN x int DEFAULT trap.spring()')],
  ['a CHECK', inTrap('ALTER TABLE p2pfk.event ADD CHECK (trap.spring() > 0) NOT VALID')],
  ['a rule', inTrap('CREATE RULE r AS ON UPDATE TO p2pfk.migration DO ALSO SELECT trap.spring()')],
  ['a policy', inTrap('CREATE POLICY p ON p2pfk.migration USING (trap.spring() > 0)')],
  ['a view of its function', inTrap('CREATE OR REPLACE VIEW p2pfk.more AS SELECT trap.spring()')],
  [
    'an index on an expression',
    inTrap(
      'CREATE FUNCTION trap.same(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$SELECT $1$$; ALTER FUNCTION trap.same(int) OWNER TO MALLORY; CREATE INDEX ON p2pfk.ledger_version (trap.same(version))',
    ),
  ],
  [
    'a generated column',
    inTrap(
      'CREATE FUNCTION trap.same(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$SELECT $1$$; ALTER FUNCTION trap.same(int) OWNER TO MALLORY; ALTER TABLE p2pfk.pair ADD COLUMN y int GENERATED ALWAYS AS (trap.same(pair)) STORED',
    ),
  ],
  [
    'a domain',
    inTrap(
      'CREATE DOMAIN trap.d AS int CHECK (trap.spring() > 0); ALTER DOMAIN trap.d OWNER TO MALLORY; ALTER TABLE p2pfk.event ADD COLUMN z trap.d',
    ),
  ],
  [
    'a child by inheritance',
    inTrap('CREATE TABLE trap.child () INHERITS (p2pfk.migration); ALTER TABLE trap.child OWNER TO MALLORY'),
  ],
  [
    'a foreign key of its table',
    inTrap('CREATE TABLE trap.spy (id bigint REFERENCES p2pfk.migration); ALTER TABLE trap.spy OWNER TO MALLORY'),
  ],
  [
    'a function beside ours',
    inTrap(
      'CREATE FUNCTION p2pfk.enter(text, text) RETURNS void LANGUAGE sql AS $$SELECT trap.spring()$$; ALTER FUNCTION p2pfk.enter(text, text) OWNER TO MALLORY',
    ),
  ],
  [
    'an operator',
    inTrap(
      'CREATE OPERATOR p2pfk.@@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq); ALTER OPERATOR p2pfk.@@@ (int, int) OWNER TO MALLORY',
    ),
  ],
  ['a type', inTrap('CREATE TYPE p2pfk.mine AS ENUM (); ALTER TYPE p2pfk.mine OWNER TO MALLORY')],
  ['a table of ours that was given away', inTrap('ALTER TABLE p2pfk.event OWNER TO MALLORY')],
  ['CREATE on the schema', inTrap('GRANT CREATE ON SCHEMA p2pfk TO MALLORY')],
  ['CREATE on the schema for PUBLIC', inTrap('GRANT CREATE ON SCHEMA p2pfk TO PUBLIC')],
  ['TRIGGER on a table', inTrap('GRANT TRIGGER ON p2pfk.pair TO MALLORY')],
  ['UPDATE, by which it would write what we run', inTrap('GRANT UPDATE ON p2pfk.migration TO MALLORY')],
  ['UPDATE of a column that we run', inTrap('GRANT UPDATE (definition) ON p2pfk.migration TO MALLORY')],
];

describe('refused is, with its owner named, and nothing of it runs,', () => {
  it.each(PLANTED)('%s', async (_, sql) => {
    const { db, observer, mallory, as } = await attacked();
    await as(sql);
    const refused = {
      name: 'LedgerNotTrusted',
      message: expect.stringMatching(new RegExp(`^refused, nothing was changed: .*${mallory}`)),
    };

    await expect(connect({ databaseUrl: db.url, applicationName: 'test' })).rejects.toMatchObject(refused);
    await expect(connectReadOnly({ databaseUrl: db.url, applicationName: 'test' })).rejects.toMatchObject(refused);
    await expect(new Execution().plan()).rejects.toMatchObject(refused);

    expect(await oneRow(observer, `SELECT rolsuper FROM pg_roles WHERE rolname = '${mallory}'`)).toEqual({
      rolsuper: false,
    });
  });

  it('whatever is left behind in a ledger of a superuser’s', async () => {
    const { db, observer, mallory } = await attacked();
    const session = { databaseUrl: db.url, applicationName: 'test' };
    await observer.query(newLedger());
    await (await connect(session)).end();
    const said: Record<string, boolean> = {};
    for (const [name, sql] of LEFT_BEHIND) {
      await observer.query(`BEGIN; ${sql(mallory)}`);
      const { refusal } = await runOne(observer, 'ledger/state', { ledger_owner: '' });
      await observer.query('ROLLBACK');
      said[name] = refusal.includes(mallory) || refusal.includes('PUBLIC has');
    }
    expect(said).toEqual(Object.fromEntries(LEFT_BEHIND.map(([name]) => [name, true])));
    expect(await oneRow(observer, `SELECT rolsuper FROM pg_roles WHERE rolname = '${mallory}'`)).toEqual({
      rolsuper: false,
    });
  });

  it('a schema that comes after the session has begun', async () => {
    const { db, as } = await attacked();
    const execution = new Execution();
    const session = await connect({ databaseUrl: db.url, applicationName: 'test' });
    onTestFinished(() => session.end());
    await as(PLANTED[2]?.[1] ?? '');

    const { openMigrations } = await import('../../../core/ledger/migrations.ts');
    await expect(openMigrations(session, 1)).rejects.toMatchObject({ name: 'LedgerNotTrusted' });
    await expect(execution.plan()).rejects.toMatchObject({ name: 'LedgerNotTrusted' });
  });

  it.each([
    'GRANT CREATE ON SCHEMA p2pfk TO PUBLIC',
    'GRANT TRIGGER ON p2pfk.pair TO PUBLIC',
    'ALTER TABLE p2pfk.running OWNER TO MALLORY',
    'GRANT UPDATE (definition) ON p2pfk.migration TO MALLORY',
    'ALTER FUNCTION p2pfk.enter(bigint, text) OWNER TO MALLORY',
    'CREATE TRIGGER t BEFORE INSERT ON p2pfk.event FOR EACH ROW EXECUTE FUNCTION trap.fire()',
    "ALTER TABLE p2pfk.event ALTER COLUMN at SET DEFAULT now() + trap.spring() * interval '1 s'",
    'ALTER SCHEMA p2pfk RENAME TO ours; CREATE SCHEMA p2pfk AUTHORIZATION MALLORY',
  ])('what a session before it found in order: %s', async (sql) => {
    const { db, observer, mallory } = await attacked();
    const session = { databaseUrl: db.url, applicationName: 'test' };
    await observer.query(newLedger());
    for (let n = 0; n < 2; n++) await (await connect(session)).end();
    await observer.query(inTrap(sql)(mallory));

    await expect(connect(session)).rejects.toMatchObject({ name: 'LedgerNotTrusted' });
  });

  it('by every command, with exit code 4', async () => {
    const { db, as, observer, mallory } = await attacked();
    await as(PLANTED[1]?.[1] ?? '');
    const codes = new Map<string, number | null>();

    for (const command of ['plan', 'migrate', 'verify', 'rollback', 'approve', 'audit'])
      codes.set(
        command,
        (await p2pfk([command, '-d', db.url, ...(command === 'audit' ? [] : ['--table', 'path'])])).code,
      );

    expect(Object.fromEntries(codes)).toEqual({ plan: 4, migrate: 4, verify: 4, rollback: 4, approve: 4, audit: 4 });
    expect(await oneRow(observer, `SELECT rolsuper FROM pg_roles WHERE rolname = '${mallory}'`)).toEqual({
      rolsuper: false,
    });
  });
});

describeWithPsql('the psql scripts', () => {
  it.each(PLANTED)('refuse %s', async (_, sql) => {
    const { db, observer, mallory, as } = await attacked();
    await as(sql);

    for (const script of [...STEPS, 'rollback'] as const) {
      expect(await psql(db.url, script)).toMatchObject({
        code: 3,
        errors: [expect.stringMatching(new RegExp(`refused, nothing was changed: .*${mallory}`))],
      });
    }
    expect(await oneRow(observer, `SELECT rolsuper FROM pg_roles WHERE rolname = '${mallory}'`)).toEqual({
      rolsuper: false,
    });
  });
});

it('two first runs at once make one ledger', async () => {
  const { observer } = await databaseWith();
  const outcomes = await Promise.allSettled([new Execution().plan(), new Execution().plan(), new Execution().plan()]);

  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'MigrationInProgress' });
  expect(await oneRow(observer, 'SELECT count(*)::int AS n FROM p2pfk.ledger_version')).toEqual({ n: 6 });
});

it('what default privileges give others is taken back when the ledger is made, but SELECT', async () => {
  const { observer, mallory } = await attacked();
  await observer.query(
    `ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ${mallory}; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO ${mallory}; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO ${mallory}`,
  );

  await new Execution().plan();
  await new Execution().plan().catch((error: Error) => expect(error).toMatchObject({ name: 'MigrationInProgress' }));

  expect(
    await oneRow(
      observer,
      `SELECT has_table_privilege('${mallory}', 'p2pfk.migration', 'SELECT') AS reads, has_table_privilege('${mallory}', 'p2pfk.migration', 'UPDATE') AS writes,
              (SELECT string_agg(DISTINCT a.privilege_type, ' ') FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
                WHERE c.relnamespace = 'p2pfk'::regnamespace AND a.grantee = '${mallory}'::regrole) AS rights`,
    ),
  ).toEqual({ reads: true, writes: false, rights: 'SELECT' });
});
