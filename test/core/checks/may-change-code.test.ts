/** Whether a role without the login's rights could have added code to tables since the plan: of a type that only an expression names. */
import { describe, expect, it } from 'vitest';
import { mayHaveNewCode } from '../../../core/catalog/untrusted-code.ts';
import { coreSession, databaseWith, oneRow, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const TABLES = `
  CREATE TABLE top (medium text, ino bigint, name text, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
  CREATE TABLE inode PARTITION OF top FOR VALUES IN ('one') PARTITION BY LIST (medium);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one');
  CREATE TABLE path (medium text, ino bigint, name text) PARTITION BY LIST (medium);
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
  CREATE DOMAIN dom AS text CHECK (VALUE <> '');
  CREATE TABLE below (medium text, ino bigint, name text) PARTITION BY LIST ((name::dom::text));
  CREATE TABLE beside PARTITION OF below FOR VALUES IN ('x') PARTITION BY LIST (medium);
  CREATE FUNCTION plain(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
  CREATE FUNCTION of_domain(text, dom DEFAULT 'x') RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';`;

describe('a role that owns a type alone could have added code', () => {
  it.each([
    ['an index on an expression', 'CREATE INDEX ON path_1 ((name::dom))'],
    ['the predicate of an index', 'CREATE INDEX ON inode_1 (ino) WHERE name::dom IS NOT NULL'],
    ['a CHECK', 'ALTER TABLE path ADD CHECK (name::dom IS NOT NULL)'],
    ['a CHECK that does not show it as a dependency', 'ALTER TABLE path_1 ADD CHECK (ARRAY[]::dom[] IS NOT NULL)'],
    ['extended statistics', 'CREATE STATISTICS s ON (name::dom), ino FROM path_1'],
    ['a function that an index calls', 'CREATE INDEX ON path_1 (of_domain(name))'],
    [
      'an operator in a CHECK',
      `CREATE FUNCTION like_domain(text, dom) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
      CREATE OPERATOR === (FUNCTION = like_domain, LEFTARG = text, RIGHTARG = dom); ALTER TABLE path ADD CHECK (name === 'x'::dom)`,
    ],
    ['the partition key of a table above', '', 'beside'],
  ])('where it is in %s', async (_, sql, referenced = 'inode') => {
    expect(await mayChange(sql, referenced)).toBe(true);
  });

  it('but not where expressions are of PostgreSQL’s types and of functions alone that name no other', async () => {
    const sql = `CREATE INDEX ON path_1 (plain(name)); CREATE INDEX ON inode_1 (lower(name)) WHERE ino > 0;
      ALTER TABLE path ADD CHECK (name <> ''); CREATE STATISTICS s ON (lower(name)), ino FROM path_1;
      CREATE TABLE other (name dom)`;
    expect(await mayChange(sql)).toBe(false);
  });
});

async function mayChange(sql: string, referenced = 'inode'): Promise<boolean> {
  const { db, observer } = await databaseWith(TABLES);
  await observer.query(sql);
  const oids = await oneRow<{ referencing_oid: number; referenced_oid: number }>(
    observer,
    `SELECT 'path'::regclass::oid::int8 AS referencing_oid, '${referenced}'::regclass::oid::int8 AS referenced_oid`,
  );
  return mayHaveNewCode(await coreSession(db.url), { table: 'path', ...oids });
}

it('a CHECK that comes to a domain which only an expression names is seen by the steps', async () => {
  const testCase = await databaseWith(THREE_PAIRS);
  const { observer } = testCase;
  const { role } = await plainRole(testCase);
  await observer.query(`CREATE SCHEMA lo AUTHORIZATION ${role}; SET ROLE ${role};
    CREATE DOMAIN lo.dom AS text CHECK (VALUE <> ''); RESET ROLE;
    CREATE INDEX ON path_1 (ino) WHERE name::lo.dom IS NOT NULL`);
  const execution = new Execution();
  await execution.migrate('AddForeignKeys', { accept: ['all'] });
  await observer.query(`SET ROLE ${role};
    CREATE FUNCTION lo.code(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
    ALTER DOMAIN lo.dom ADD CHECK (lo.code(VALUE)) NOT VALID; RESET ROLE`);

  await expect(execution.validateForeignKey(1)).rejects.toMatchObject({
    name: 'UntrustedCode',
    message: expect.stringContaining('function lo.code(text)'),
  });
});
