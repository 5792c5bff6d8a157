/** Which foreign key is meant, and what is said where none can be. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { InvalidInput } from '../../../core/contracts/errors.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { databaseWith, everything } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

let db: TestDatabase;
let core: Client;
beforeAll(async () => {
  db = await createDatabase('empty');
  core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
  const client = await db.client();
  await client.query(`
    CREATE TABLE plain (id int PRIMARY KEY);
    CREATE TABLE r (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
    CREATE TABLE one (k int, id int, CONSTRAINT one_fk FOREIGN KEY (k, id) REFERENCES r) PARTITION BY LIST (k);
    CREATE TABLE one_1 PARTITION OF one FOR VALUES IN (1);
    CREATE TABLE two (k int, id int, other int,
      CONSTRAINT "Two FK" FOREIGN KEY (k, id) REFERENCES r,
      CONSTRAINT two_other FOREIGN KEY (k, other) REFERENCES r) PARTITION BY LIST (k);
    CREATE TABLE mixed (k int, id int REFERENCES plain, CONSTRAINT mixed_fk FOREIGN KEY (k, id) REFERENCES r) PARTITION BY LIST (k);
    CREATE TABLE lone (k int) PARTITION BY LIST (k);
    CREATE TABLE half (k int, id int CONSTRAINT "half's" REFERENCES plain) PARTITION BY LIST (k);
    CREATE VIEW seen AS SELECT 1 AS id;
    CREATE SCHEMA other;
    CREATE TABLE other.one (k int, id int, CONSTRAINT other_fk FOREIGN KEY (k, id) REFERENCES r) PARTITION BY LIST (k);
    CREATE TABLE "One" (k int, id int, CONSTRAINT upper_fk FOREIGN KEY (k, id) REFERENCES r) PARTITION BY LIST (k);
    CREATE TABLE "we""ird; DROP TABLE x" (k int, id int, CONSTRAINT weird_fk FOREIGN KEY (k, id) REFERENCES r) PARTITION BY LIST (k);`);
});
afterAll(async () => {
  await core.end();
  await db.drop();
});

describe('what cannot be found is said in one clear message', () => {
  it.each([
    ['an unknown table', 'nope', undefined, 'table nope does not exist; name it as SQL does'],
    ['an unknown schema', 'nowhere.one', undefined, 'table nowhere.one does not exist'],
    ['an empty name', ' ', undefined, /is not a table name|does not exist/],
    ['a malformed name', 'we"ird', undefined, /^("we"ird" is not a table name|table we"ird does not exist)/],
    ['too many dots', 'a.b.c.d', undefined, '"a.b.c.d" is not a table name as SQL writes it: '],
    [
      'another database',
      'elsewhere.public.one',
      undefined,
      '"elsewhere.public.one" is not a table name as SQL writes it: ',
    ],
    ['SQL instead of a name', 'one; DROP TABLE one', undefined, /is not a table name|does not exist/],
    ['a table that is not partitioned', 'plain', undefined, 'table public.plain is not partitioned: '],
    ['a view', 'seen', undefined, 'table public.seen is not partitioned: '],
    ['a partition instead of its table', 'one_1', undefined, 'table public.one_1 is not partitioned: '],
    [
      'a table without a foreign key',
      'lone',
      undefined,
      'table public.lone has no foreign key: there is nothing to migrate',
    ],
    [
      'several and none chosen',
      'two',
      undefined,
      'table public.two has 2 foreign keys to partitioned tables (Two FK, two_other): choose one with --constraint',
    ],
    ['an unknown constraint', 'two', 'nope', `table public.two has no foreign key nope: it has "Two FK", two_other`],
    [
      'an unknown constraint where there is none',
      'lone',
      'nope',
      'table public.lone has no foreign key nope: it has no foreign key',
    ],
    [
      'a foreign key to an unpartitioned table',
      'half',
      undefined,
      `foreign key "half's" of public.half references public.plain, which is not partitioned: `,
    ],
    [
      'that one by its name',
      'half',
      `"half's"`,
      `foreign key "half's" of public.half references public.plain, which is not partitioned: `,
    ],
    [
      'one of several, to an unpartitioned table',
      'mixed',
      'mixed_id_fkey',
      'foreign key mixed_id_fkey of public.mixed references public.plain, which is not partitioned: ',
    ],
    ['an upper-case name without its quotes', 'two', 'Two FKs', 'table public.two has no foreign key Two FKs'],
  ])('%s', async (_, table, constraint, message) => {
    const resolving = resolveForeignKey(core, { table, constraint }, 'migrate');

    await expect(resolving).rejects.toThrow(message);
    await expect(resolving).rejects.toBeInstanceOf(InvalidInput);
    await expect(resolving).rejects.toMatchObject({ name: 'InvalidInput' });
  });

  it('and the session goes on in pg_catalog, whatever was asked', async () => {
    await resolveForeignKey(core, { table: 'we"ird' }, 'migrate').catch(() => undefined);

    const { rows } = await core.query(`SELECT current_setting('search_path') AS path`);
    expect(rows).toEqual([{ path: 'pg_catalog, pg_temp' }]);
  });

  it('nor to roll back, where nothing is open', async () => {
    await expect(resolveForeignKey(core, { table: 'one' }, 'rollback')).rejects.toThrow(
      'there is nothing to roll back: the ledger has no open migration of public.one',
    );
  });
});

describe('names are read as SQL reads them', () => {
  it.each([
    ['as they are', 'one', undefined, 'one_fk'],
    ['folded to lower case', 'ONE', undefined, 'one_fk'],
    ['quoted', '"One"', undefined, 'upper_fk'],
    ['with their schema', 'other.one', undefined, 'other_fk'],
    ['hostile ones', '"we""ird; DROP TABLE x"', undefined, 'weird_fk'],
    ['the only key to a partitioned table', 'mixed', undefined, 'mixed_fk'],
    ['a constraint folded to lower case', 'two', 'TWO_OTHER', 'two_other'],
    ['a constraint in quotes', 'two', '"Two FK"', 'Two FK'],
    ['a constraint as it is stored', 'two', 'Two FK', 'Two FK'],
  ])('%s', async (_, table, constraint, expected) => {
    const foreignKey = await resolveForeignKey(core, { table, constraint }, 'migrate');

    expect(foreignKey.constraint_name).toBe(expected);
  });

  it.each([
    ['public, other', 'one_fk'],
    ['other, public', 'other_fk'],
    ['"$user", other', 'other_fk'],
  ])('and the search_path of the caller decides: %s', async (path, expected) => {
    const url = new URL(db.url);
    // As libpq reads it: a + is no space.
    url.search = `?options=${encodeURIComponent(`-c search_path=${path.replaceAll(' ', '')}`)}`;
    const client = await connect({ databaseUrl: url.href, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => client.end());

    const foreignKey = await resolveForeignKey(client, { table: 'one' }, 'migrate');

    expect(foreignKey.constraint_name).toBe(expected);
    // What it prints for a person is printed as that person's session would print it.
    expect(foreignKey.displayDefinition).toBe(
      `FOREIGN KEY (k, id) REFERENCES ${path.includes('public') ? 'r' : 'public.r'}(k, id)`,
    );
    expect(foreignKey.definition).toBe('FOREIGN KEY (k, id) REFERENCES public.r(k, id)');
  });
});

describe('a migrated foreign key', () => {
  const tables = `
    CREATE TABLE r (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
    CREATE TABLE p (k int, id int, CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r) PARTITION BY LIST (k);
    CREATE TABLE r_1 PARTITION OF r FOR VALUES IN (1);
    CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);`;

  it('is found by the ledger, and by its pair foreign keys where no ledger remembers', async () => {
    const { db: own, observer } = await databaseWith(tables);
    await new Execution().migrate('VerifyMigration', { table: 'p' });
    const client = await connect({ databaseUrl: own.url, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => client.end());

    const remembered = await resolveForeignKey(client, { table: 'p' }, 'verify');
    await observer.query('DROP SCHEMA p2pfk CASCADE');
    const witnessed = await resolveForeignKey(client, { table: 'p' }, 'verify');

    expect(remembered).toMatchObject({ constraint_name: 'p_fk', constraint_oid: null, migrationId: '1' });
    expect(witnessed).toMatchObject({
      constraint_name: '',
      constraint_oid: null,
      migrationId: null,
      definition: remembered.definition,
      actions: remembered.actions,
      referencedTable: 'public.r',
    });
    expect((await new Execution().plan({ table: 'p' })).status).toBe('ALREADY_MIGRATED');
    await expect(resolveForeignKey(client, { table: 'p', constraint: 'p_fk' }, 'verify')).rejects.toThrow(
      'table public.p has no foreign key p_fk',
    );
  });

  it('does not hide another that is still there', async () => {
    const { db: own, observer } = await databaseWith(tables);
    await observer.query(
      'ALTER TABLE p ADD COLUMN other int, ADD CONSTRAINT p_other FOREIGN KEY (k, other) REFERENCES r (k, id)',
    );
    await new Execution().migrate('VerifyMigration', { table: 'p', constraint: 'p_fk' });
    const client = await connect({ databaseUrl: own.url, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => client.end());

    const toMigrate = await resolveForeignKey(client, { table: 'p' }, 'migrate');
    const toRollBack = await resolveForeignKey(client, { table: 'p' }, 'rollback');

    expect(toMigrate.constraint_name).toBe('p_other');
    expect(toRollBack.constraint_name).toBe('p_fk');
    await expect(resolveForeignKey(client, { table: 'p' }, 'verify')).rejects.toThrow('choose one with --constraint');
  });
});

it('input that names nothing is refused before the database is asked, and writes nothing', async () => {
  const { observer } = await databaseWith();
  const before = await everything(observer);

  for (const input of [
    { table: '' },
    { tabel: 'path' },
    { table: 'path', maxConcurrency: 0 },
    { table: 'path', deadline: 'soon' },
    null,
  ]) {
    const planning = new Execution().plan(input === null ? { table: 7 } : { table: undefined, ...input });
    await expect(planning).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(/^the execution input is not valid: /),
    });
  }

  expect(await everything(observer)).toBe(before);
  expect((await observer.query(`SELECT FROM pg_namespace WHERE nspname = 'p2pfk'`)).rows).toEqual([]);
});
