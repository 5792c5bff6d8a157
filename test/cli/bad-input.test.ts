import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { catalogSnapshot, rowsSnapshot } from '../support/catalog.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Finished, p2pfk } from './cli.helpers.ts';

/** Schema and data, but for the ledger. */
const everything = async (observer: Client) => `${await catalogSnapshot(observer)}\n${await rowsSnapshot(observer)}`;

/** Runs a command and expects that it left the database as it was. */
async function unchangedBy(observer: Client, command: () => Promise<Finished>): Promise<Finished> {
  const before = await everything(observer);
  const finished = await command();
  expect(await everything(observer)).toBe(before);
  return finished;
}

/** A database whose tables `sql` makes, gone after the test. */
async function databaseWith(sql: string): Promise<{ db: TestDatabase; observer: Client }> {
  const db = await createDatabase('empty');
  onTestFinished(() => db.drop());
  const observer = await db.client();
  await observer.query(sql);
  return { db, observer };
}

/** `p` references `r` in two pairs; `more` comes after it. */
const pairOfTables = (more = '') => `
  CREATE TABLE r (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
  CREATE TABLE p (k int, id int, note text) PARTITION BY LIST (k);
  CREATE TABLE r_1 PARTITION OF r FOR VALUES IN (1);
  CREATE TABLE r_2 PARTITION OF r FOR VALUES IN (2);
  CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
  CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2);
  INSERT INTO r SELECT k, id FROM generate_series(1, 2) AS k, generate_series(1, 50) AS id;
  INSERT INTO p SELECT k, id, 'x' FROM generate_series(1, 2) AS k, generate_series(1, 50) AS id;
  ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r (k, id) ON DELETE CASCADE;
  ${more}`;

describe('a table that cannot be planned', () => {
  let db: TestDatabase;
  let observer: Client;
  beforeAll(async () => {
    db = await createDatabase('empty');
    observer = await db.client();
    await observer.query(`
      ${pairOfTables('ALTER TABLE p ADD CONSTRAINT p_again FOREIGN KEY (k, id) REFERENCES r (k, id);')}
      CREATE TABLE plain (id int PRIMARY KEY);
      CREATE TABLE lone (k int) PARTITION BY LIST (k);
      CREATE TABLE lone_1 PARTITION OF lone FOR VALUES IN (1);
      CREATE TABLE half (k int, id int CONSTRAINT half_fk REFERENCES plain) PARTITION BY LIST (k);
      CREATE TABLE half_1 PARTITION OF half FOR VALUES IN (1);`);
  });
  afterAll(() => db.drop());

  const cases: [what: string, args: string[], message: RegExp][] = [
    ['an unknown table', ['-t', 'nope'], /nope does not exist/],
    [
      'a connection string without its scheme',
      ['-t', 'app:hunter2hunter2@db/x'],
      /table app:\*{3}@db\/x does not exist/,
    ],
    ['an unknown schema', ['-t', 'nowhere.p'], /nowhere/],
    ['a name that is none', ['-t', 'a.b.c.d.e'], /a\.b\.c\.d\.e/],
    ['a table that is not partitioned', ['-t', 'plain'], /plain.* not partitioned/],
    ['a table without a foreign key', ['-t', 'lone'], /lone.* no foreign key/],
    ['several foreign keys and none chosen', ['-t', 'p'], /p_again.*p_fk|p_fk.*p_again/],
    ['a foreign key that is not there', ['-t', 'p', '-c', 'nope'], /nope/],
    ['a foreign key to an unpartitioned table', ['-t', 'half'], /plain.* not partitioned/],
  ];

  const commandsFor = (what: string) =>
    what === 'an unknown table' ? ['plan', 'migrate', 'verify', 'rollback'] : ['plan', 'migrate'];
  it.each(
    cases.flatMap(([what, args, message]) => commandsFor(what).map((command) => ({ what, command, args, message }))),
  )('$what: p2pfk $command says so in one message, exit 2, nothing changed', async ({ command, args, message }) => {
    const { code, stdout, stderr } = await unchangedBy(observer, () =>
      p2pfk([command, ...args], { DATABASE_URL: db.url }),
    );

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    // One line, and the commands to copy, where it is known what may have been meant.
    expect(stderr).toMatch(/^p2pfk: [^\n]+\n( {2}p2pfk [^\n]+\n)*$/);
  });

  it('with --json still is one document', async () => {
    const { code, stdout } = await p2pfk(['migrate', '-t', 'nope', '--json', '--quiet'], { DATABASE_URL: db.url });

    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'REFUSED',
      migrationId: null,
      pairs: [],
      verification: null,
      error: { name: 'InvalidInput', message: expect.stringContaining('nope') },
    });
  });
});

describe('a database that cannot be reached', () => {
  it.each(['plan', 'migrate', 'verify', 'rollback'])('p2pfk %s without a server: one line, exit 2', async (command) => {
    const { code, stdout, stderr } = await p2pfk([command, '-t', 'path', '-d', 'postgres://app:s3cret@127.0.0.1:1/x']);

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^! the password in --database-url .*\np2pfk: cannot connect to PostgreSQL at 127\.0\.0\.1:1\/x: [^\n]*\n$/,
    );
    expect(stderr).not.toContain('s3cret');
  });

  it.each([
    [['migrate', '-t', 'path'], 'ConnectionLost'],
    [['rollback', '-t', 'path', '--max-concurrency', '99'], 'InvalidInput'],
  ])('%j with --json still prints one document', async (args, name) => {
    const { code, stdout } = await p2pfk([...args, '--json', '-d', 'postgres://app:s3cret@127.0.0.1:1/x']);

    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'REFUSED', pairs: [], error: { name } });
  });

  it('wrong password, unknown role, unknown database: exit 2, and the password is not shown', async () => {
    const db = await createDatabase('empty');
    onTestFinished(() => db.drop());
    const elsewhere = new URL(db.url);
    elsewhere.pathname = '/nowhere';

    const urls = [db.urlAs('postgres', 'hunter22'), db.urlAs('nobody', 'hunter22'), elsewhere.href];
    for (const url of urls) {
      for (const command of ['plan', 'migrate']) {
        const { code, stdout, stderr } = await p2pfk([command, '-t', 'path', '-d', url]);

        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
        expect(stderr).toMatch(
          /^! the password in --database-url .*\np2pfk: PostgreSQL at 127\.0\.0\.1:\d+\/\w+ refuses the connection: .*\n {2}SQLSTATE: (28P01|3D000)\n$/,
        );
        expect(stderr).not.toContain('hunter22');
        expect(stderr).not.toContain(new URL(url).password);
      }
    }
  });

  it.each(['mysql://app:s3cret@h/x', 'not a url', 'postgres://app:s3 cret@h:99999/x'])(
    '%s is no database URL, exit 2',
    async (url) => {
      const { code, stderr } = await p2pfk(['plan', '-t', 'path', '-d', url]);

      expect(code).toBe(2);
      expect(stderr).toMatch(/^p2pfk: the database URL /);
      expect(stderr).not.toMatch(/s3 ?cret/);
    },
  );

  it('libpq’s variables are enough', async () => {
    const { db } = await databaseWith(pairOfTables());
    const { hostname, port, username, password, pathname } = new URL(db.url);

    const { code } = await p2pfk(['plan', '-t', 'p'], {
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: decodeURIComponent(password),
      PGDATABASE: pathname.slice(1),
    });

    expect(code).toBe(0);
  });
});

describe('a role without the privileges', () => {
  it('can plan with SELECT alone, but not migrate: exit 4, nothing changed', async () => {
    const { db, observer } = await databaseWith(pairOfTables());
    const role = `reader_${db.name}`;
    await observer.query(`
      CREATE ROLE ${role} LOGIN PASSWORD 'reader';
      GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};`);
    const env = { DATABASE_URL: db.urlAs(role, 'reader') };

    const plan = await unchangedBy(observer, () => p2pfk(['plan', '-t', 'p', '--json'], env));
    const migrate = await unchangedBy(observer, () => p2pfk(['migrate', '-t', 'p'], env));

    expect(plan.code).toBe(0);
    expect(JSON.parse(plan.stdout).findings).toContainEqual(
      expect.objectContaining({ id: 'not-owner', severity: 'warning' }),
    );
    expect(migrate.code).toBe(4);
    expect(migrate.stdout).toContain('✗✗✗ REFUSED - NOTHING WAS CHANGED ✗✗✗');
    expect(migrate.stdout).toMatch(/does not own/);
    const { rows } = await observer.query("SELECT FROM pg_namespace WHERE nspname = 'p2pfk'");
    expect(rows).toHaveLength(0);
  });
});

describe('data that does not allow it', () => {
  it('orphaned rows: rolled back, exit 1, everything as before but for the indexes, which serve the next try', async () => {
    const { db, observer } = await databaseWith(
      pairOfTables(`
      SET session_replication_role = replica;
      INSERT INTO p VALUES (2, 777, 'orphan');
      RESET session_replication_role;`),
    );
    const before = await everything(observer);

    const { code, stdout } = await p2pfk(['migrate', '-t', 'p'], { DATABASE_URL: db.url });

    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ OrphanedRows: .*p_2/);
    expect(stdout).toContain('✗✗✗ MIGRATION ROLLED BACK ✗✗✗');
    await observer.query('DROP INDEX idx_p_1_fk; DROP INDEX idx_p_2_fk');
    expect(await everything(observer)).toBe(before);
  });

  it('an unpaired referencing partition with rows: refused, exit 4, nothing changed', async () => {
    const { db, observer } = await databaseWith(
      pairOfTables(`
      CREATE TABLE p_3 PARTITION OF p FOR VALUES IN (3);
      SET session_replication_role = replica;
      INSERT INTO p VALUES (3, 1, 'alone');
      RESET session_replication_role;`),
    );
    const env = { DATABASE_URL: db.url };

    const plan = await unchangedBy(observer, () => p2pfk(['plan', '-t', 'p'], env));
    const migrate = await unchangedBy(observer, () => p2pfk(['migrate', '-t', 'p', '--json'], env));

    expect(plan.code).toBe(4);
    expect(plan.stdout).toMatch(/Errors\n {2}✗ unpaired-referencing-partition: .*p_3/);
    expect(plan.stdout).toContain('✗ Refused: 1 error to remove first');
    expect(migrate.code).toBe(4);
    expect(JSON.parse(migrate.stdout)).toMatchObject({ status: 'REFUSED', error: { name: 'PreflightFailed' } });
  });
});

describe('hostile names', () => {
  const table = '"we""ird; DROP TABLE x"';
  const sql = `
    CREATE SCHEMA "sch'ema; --";
    SET search_path = "sch'ema; --";
    CREATE TABLE x (id int);
    CREATE TABLE "ref""d $1 %I" ("k;1" int, "i""d" int, PRIMARY KEY ("k;1", "i""d")) PARTITION BY LIST ("k;1");
    CREATE TABLE ${table} ("k;1" int, "i""d" int) PARTITION BY LIST ("k;1");
    CREATE TABLE "ref""d\n1" PARTITION OF "ref""d $1 %I" FOR VALUES IN (1);
    CREATE TABLE "we""ird; DROP TABLE x\n--1" PARTITION OF ${table} FOR VALUES IN (1);
    INSERT INTO "ref""d $1 %I" SELECT 1, i FROM generate_series(1, 20) AS i;
    INSERT INTO ${table} SELECT 1, i FROM generate_series(1, 20) AS i;
    ALTER TABLE ${table} ADD CONSTRAINT "f'k; \u001b[31m" FOREIGN KEY ("k;1", "i""d") REFERENCES "ref""d $1 %I" ON DELETE CASCADE;`;

  it('are planned, migrated, verified and rolled back like any other', async () => {
    const { db, observer } = await databaseWith(sql);
    const before = await everything(observer);
    const args = ['-t', `"sch'ema; --".${table}`];
    const env = { DATABASE_URL: db.url };

    const plan = await p2pfk(['plan', ...args], env);
    const asSql = await p2pfk(['plan', ...args, '--sql'], env);
    const migrate = await p2pfk(['migrate', ...args], env);
    const verify = await p2pfk(['verify', ...args], env);
    const rollback = await p2pfk(['rollback', ...args], env);

    expect([plan, asSql, migrate, verify, rollback].map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(`${plan.stdout}${migrate.stdout}${verify.stdout}`).not.toContain('\u001b');
    expect(migrate.stdout).toContain('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
    expect(await everything(observer)).toBe(before);
  });
});
