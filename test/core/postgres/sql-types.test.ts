/** What `npm run sql:types` writes is what PostgreSQL says; on 13 to 18: test/matrix/sql-types.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, types } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSql } from '../../../core/postgres/sql-files.ts';
import { describe as describeQuery } from '../../../scripts/sql-types/describe.ts';
import { readHeader, readWhole } from '../../../scripts/sql-types/header.ts';
import { COLUMN_TYPES, makeTables, writeModule, writeQuery } from '../../../scripts/sql-types/module.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { refuseNulls } from '../../support/not-null.ts';

let db: TestDatabase;
let client: Client;
beforeAll(async () => {
  db = await createDatabase('empty');
  client = await db.client();
  await makeTables(client);
});
afterAll(() => db.drop());

it('core/postgres/sql-types.ts is what PostgreSQL says of the files in sql/; else: npm run sql:types', async () => {
  const file = join(import.meta.dirname, '../../../core/postgres/sql-types.ts');

  expect(await writeModule(client)).toBe(readFileSync(file, 'utf8'));
});

describe('the head of a file', () => {
  it('names columns and parameters, on one line or several', () => {
    const sql = `-- A query.
-- not null: id, state,
--   firing
-- types: state MigrationState, firing AlwaysFiring[]
-- may be null: comment
:begin
-- not null: other
SELECT 1`;

    expect(readHeader(sql)).toEqual({
      notNull: new Set(['id', 'state', 'firing']),
      types: new Map([
        ['state', 'MigrationState'],
        ['firing', 'AlwaysFiring[]'],
      ]),
      mayBeNull: new Set(['comment']),
    });
  });

  it.each([
    ['-- not null: sql\n', 'its head says "not null: sql", which it has not'],
    ['-- types: sql string\n', 'its head says "types: sql", which it has not'],
    ['-- may be null: b\n', 'its head says "may be null: b", which it has not'],
  ])('is refused where it does not fit the query: %j', async (head, message) => {
    await expect(writeQuery(client, 'a/b', `${head}SELECT :'a'::int AS a`)).rejects.toThrow(message);
  });

  it('is not in the text that is run and printed, but for what it says to a reader', () => {
    const [first, second] = readWhole('catalog/attached-pairs').split('\n');

    expect(second).toBe('-- not null: pair');
    expect(readSql('catalog/attached-pairs')).toMatch(new RegExp(`^${first}\n:begin\n`));
  });

  it('is compared with what comes back: a NULL where there can be none fails the run', () => {
    const row = { id: 'a', severity: 'error', needs_acceptance: false, message: null, remedy: '' };

    expect(() => refuseNulls({ name: 'findings/rule', rows: [row] })).toThrow(
      'sql/findings/rule.sql has returned NULL in message, which its head calls not null',
    );
  });
});

describe('a query', () => {
  it('becomes its parameters and columns', async () => {
    const sql = `-- not null: a, at
-- types: list string[]
-- may be null: c
SELECT :'a'::bigint AS a, :'b'::jsonb AS list, now() AS at, :'c'::text`;

    expect((await writeQuery(client, 'a/b', sql)).text).toBe(`  'a/b': {
    readonly values: {
      readonly a: number | string;
      readonly b: Json;
      readonly c: string | null;
    };
    readonly row: {
      readonly a: string;
      readonly list: string[] | null;
      readonly at: Date | number;
      readonly text: string | null;
    };
  };`);
  });

  it('has lists of objects and of values as its json parameters, as far as its text says what they hold', async () => {
    const sql = `SELECT 1 AS a
  FROM jsonb_to_recordset(:'pairs'::jsonb) AS p(pair int, name name, "heldBy" jsonb)
  JOIN jsonb_to_recordset(:'pairs'::jsonb)
       AS q(pair int, added boolean) ON q.pair = p.pair
  JOIN jsonb_array_elements_text(:'relations'::jsonb) r(oid) ON true
 WHERE :'options'::jsonb ? 'a'`;

    expect((await writeQuery(client, 'a/b', sql)).text).toContain(`
      readonly pairs: readonly {
        readonly pair: number | null;
        readonly name: string | null;
        readonly heldBy: unknown;
        readonly added: boolean | null;
      }[];
      readonly relations: readonly (number | string)[];
      readonly options: Json;
`);
  });

  it('that the server does not understand is an error, and the session goes on', async () => {
    await expect(describeQuery(client, 'SELECT none FROM nothing')).rejects.toThrow('nothing');
    expect(await describeQuery(client, 'SELECT $1::oid AS a')).toEqual({
      parameters: [26],
      columns: [{ name: 'a', type: 26 }],
    });
  });

  it('with a column of a type that is not known is refused', async () => {
    await expect(writeQuery(client, 'a/b', "SELECT interval '1 s' AS wait")).rejects.toThrow(
      'column wait has type 1186',
    );
  });
});

it.each([
  ["'t'::bool", types.builtins.BOOL],
  ['1::int2', types.builtins.INT2],
  ['1::int4', types.builtins.INT4],
  ['1::int8', types.builtins.INT8],
  ['1::oid', types.builtins.OID],
  ['0.5::float8', types.builtins.FLOAT8],
  ["'a'::text", types.builtins.TEXT],
  [`'a'::"char"`, types.builtins.CHAR],
  ["'a'::name", 19],
  ["'infinity'::timestamptz", types.builtins.TIMESTAMPTZ],
])('%s is returned as the generated type says', async (value, oid) => {
  const { rows } = await client.query<{ value: unknown }>(`SELECT ${value} AS value`);

  expect(COLUMN_TYPES.get(oid)).toContain(typeof rows[0]?.value);
});
