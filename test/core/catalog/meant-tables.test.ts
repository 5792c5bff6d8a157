/** Which tables are named where another one was meant. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nearestTables, tablesInstead } from '../../../core/catalog/meant-tables.ts';
import { connect, connectReadOnly } from '../../../core/ledger/connect.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const HOSTILE = `"we""ird; DROP TABLE x"`;

let db: TestDatabase;
let core: Client;
let client: Client;
let reader: string;
beforeAll(async () => {
  db = await createDatabase('empty');
  client = await db.client();
  reader = `reader_${db.name}`;
  await client.query(`
    CREATE TABLE inode (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
    CREATE TABLE path (k int, id int, CONSTRAINT path_fk FOREIGN KEY (k, id) REFERENCES inode) PARTITION BY LIST (k);
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
    CREATE SCHEMA app;
    CREATE TABLE app.twice (k int, id int, other int,
      CONSTRAINT "First FK" FOREIGN KEY (k, id) REFERENCES inode,
      CONSTRAINT second_fk FOREIGN KEY (k, other) REFERENCES inode) PARTITION BY LIST (k);
    CREATE TABLE app.twice_1 PARTITION OF app.twice FOR VALUES IN (1) PARTITION BY LIST (id);
    CREATE TABLE app.twice_1_1 PARTITION OF app.twice_1 FOR VALUES IN (1);
    CREATE TABLE ${HOSTILE} (k int) PARTITION BY LIST (k);
    CREATE TABLE pat (k int);
    CREATE TABLE lone (k int) PARTITION BY LIST (k);
    CREATE TABLE lone_1 PARTITION OF lone FOR VALUES IN (1);
    CREATE ROLE ${reader} LOGIN PASSWORD 'reading';
    GRANT SELECT (k) ON path TO ${reader};
    GRANT SELECT ON app.twice TO ${reader};`);
  core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
});
afterAll(async () => {
  await core.end();
  await client.query(`DROP OWNED BY ${reader}; DROP ROLE ${reader}`);
  await db.drop();
});

const named = (tables: readonly { readonly table: string }[]) => tables.map(({ table }) => table);

async function oidOf(table: string): Promise<number> {
  const { rows } = await client.query<{ oid: number }>('SELECT $1::regclass::oid AS oid', [table]);
  return rows[0]?.oid ?? 0;
}

describe('the nearest names', () => {
  it.each([
    ['paht', ['public.path']],
    ['PATHS', ['public.path']],
    ['public.pth', ['public.path']],
    ['nowhere.path', ['public.path']],
    ['"Path"', ['public.path']],
    ['twice', ['app.twice']],
    ['"we""ird; DROP TABLE y"', [`public.${HOSTILE}`]],
    ['path_2', ['public.path']],
    ['pat', ['public.path']],
    ['completely_other', []],
    ['', []],
  ])('to %j are %j: partitioned tables, quoted by PostgreSQL', async (written, expected) => {
    expect(named(await nearestTables(core, written))).toEqual(expected);
  });

  it('are none that this role may not see', async () => {
    const session = await connectReadOnly({
      databaseUrl: db.urlAs(reader, 'reading'),
      applicationName: 'p2pfk/-/test',
    });
    onTestFinished(() => session.end());

    expect(named(await nearestTables(session, 'paht'))).toEqual(['public.path']);
    expect(named(await nearestTables(session, 'inodes'))).toEqual([]);
    expect(named(await nearestTables(session, 'twice'))).toEqual([]);
    expect((await tablesInstead(session, await oidOf('inode')))?.choices).toEqual([{ table: 'public.path' }]);
  });
});

describe('what to name instead', () => {
  const twice = ['First FK', 'second_fk'].map((constraint) => ({ table: 'app.twice', constraint }));

  it.each([
    ['path_1', 'it is a partition of public.path, which is migrated as a whole: name that', [{ table: 'public.path' }]],
    ['app.twice_1', 'it is a partition of app.twice, which is migrated as a whole: name that', twice],
    ['app.twice_1_1', 'it is a partition of app.twice, which is migrated as a whole: name that', twice],
    [
      'inode',
      'it is on the referenced side, and app.twice, public.path reference it: name the referencing table',
      [...twice, { table: 'public.path' }],
    ],
    [
      'inode_1',
      'it is on the referenced side, and app.twice, public.path reference it: name the referencing table',
      [...twice, { table: 'public.path' }],
    ],
  ])('of %s is the table with the foreign key', async (table, reason, choices) => {
    expect(await tablesInstead(core, await oidOf(table))).toEqual({ reason, choices });
  });

  it.each(['lone', 'lone_1', 'pat'])('of %s is nothing', async (table) => {
    expect(await tablesInstead(core, await oidOf(table))).toBeNull();
  });

  it('is the same after the migration, when the pair foreign keys alone are left', async () => {
    await client.query(`
      ALTER TABLE path DROP CONSTRAINT path_fk;
      ALTER TABLE path_1 ADD CONSTRAINT pair_fk FOREIGN KEY (k, id) REFERENCES inode_1;`);
    onTestFinished(async () => {
      await client.query(`
        ALTER TABLE path_1 DROP CONSTRAINT pair_fk;
        ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, id) REFERENCES inode;`);
    });
    const path = [{ table: 'public.path' }];
    expect((await tablesInstead(core, await oidOf('path_1')))?.choices).toEqual(path);
    expect((await tablesInstead(core, await oidOf('inode_1')))?.choices).toEqual(expect.arrayContaining(path));
  });
});
