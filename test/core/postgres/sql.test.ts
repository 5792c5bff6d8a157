/** The texts of `sql/`: turned into parameters without a change of meaning. What the server says of each: sql-types.test.ts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import {
  askTogether,
  forgetAnswers,
  noteQuestions,
  run,
  runNow,
  runOne,
  toParameters,
  withPlansKept,
} from '../../../core/postgres/sql.ts';
import { readSql } from '../../../core/postgres/sql-files.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const ROOT = join(import.meta.dirname, '../../..');

let db: TestDatabase;
let client: Client;
beforeAll(async () => {
  db = await createDatabase('empty');
  client = await db.client();
  await client.query(newLedger());
});
afterAll(() => db.drop());

describe('psql variables', () => {
  it.each([
    ['a quoted variable', `SELECT :'name'`, 'SELECT $1', ['name']],
    ['its cast stays', `SELECT :'id'::bigint + 1::int`, 'SELECT $1::bigint + 1::int', ['id']],
    [
      'the same name is the same number',
      `SELECT :'a', :'b', :'a'::text, :'c'`,
      'SELECT $1, $2, $1::text, $3',
      ['a', 'b', 'c'],
    ],
    ['a cast of a literal is no variable', `SELECT 'x'::text, ARRAY['a']::text[]`, undefined, []],
    ['dollar-quoted text is left alone', `SELECT $re$E?'(?:[^']|'')*'|:'x'$re$, $$:'y'$$`, undefined, []],
    ['a literal is left alone', `SELECT 'it''s :''x''', ':'`, undefined, []],
    ['a comment is left alone, also one with an apostrophe', `SELECT 1 -- it's what :'table' means`, undefined, []],
    ['what follows a comment is seen', `-- it's :'a'\nSELECT :'b'`, `-- it's :'a'\nSELECT $1`, ['b']],
    ['psql’s other kinds are not ours', 'SELECT :name, :"name"', undefined, []],
    ['the frame of a query is none of it', ':begin\nSELECT 1 AS ":end"\n:end\n', 'SELECT 1 AS ":end"\n', []],
  ])('%s', (_, sql, text, parameters) => {
    expect(toParameters(sql)).toEqual({ text: text ?? sql, parameters });
  });

  it('mean to the server what they mean in the text', async () => {
    const { text, parameters } = toParameters(
      `SELECT :'a'::int - :'b'::int AS difference, $$:'a'$$ AS quoted, :'a'::int AS a`,
    );

    const { rows } = await client.query(text, [7, 3]);

    expect(parameters).toEqual(['a', 'b']);
    expect(rows).toEqual([{ difference: 4, quoted: `:'a'`, a: 7 }]);
  });
});

describe('kept plans', () => {
  const prepared = () => client.query('SELECT name, generic_plans::int, custom_plans::int FROM pg_prepared_statements');
  const mode = async () => (await client.query('SHOW plan_cache_mode')).rows[0].plan_cache_mode;

  it('are made once, answer as before, and leave the session as it was', async () => {
    const values = (oid: number) => ({ constraint_oid: oid });
    await withPlansKept(client, async () => {
      expect(await run(client, 'catalog/is-validated', values(0))).toEqual([]);
      expect(await run(client, 'catalog/is-validated', values(1))).toEqual([]);

      const { rows } = await prepared();
      expect(rows).toEqual([
        { name: expect.stringMatching(/catalog\/is-validated$/), generic_plans: 2, custom_plans: 0 },
      ]);
    });

    expect((await prepared()).rows).toEqual([]);
    expect(await mode()).toBe('auto');
    expect(await run(client, 'catalog/is-validated', values(0))).toEqual([]);
  });

  it('are gone after an error, too', async () => {
    await expect(
      withPlansKept(client, () => run(client, 'catalog/is-validated', { constraint_oid: 1e12 })),
    ).rejects.toThrow('out of range');

    expect((await prepared()).rows).toEqual([]);
    expect(await mode()).toBe('auto');
  });
});

describe('questions that are asked again together', () => {
  const ask = (oid: number) => run(client, 'catalog/is-validated', { constraint_oid: oid });
  const tables = `CREATE TEMP TABLE a (n int PRIMARY KEY); CREATE TEMP TABLE b (n int);
    ALTER TABLE b ADD CONSTRAINT one FOREIGN KEY (n) REFERENCES a NOT VALID; ALTER TABLE b ADD CONSTRAINT two FOREIGN KEY (n) REFERENCES a NOT VALID`;

  async function twoQuestions() {
    await client.query(tables);
    onTestFinished(() => client.query('DROP TABLE b, a').then(() => undefined));
    const { rows } = await client.query<{ oid: number }>(
      `SELECT oid::int FROM pg_constraint WHERE conrelid = 'pg_temp.b'::regclass ORDER BY conname`,
    );
    const [one = 0, two = 0] = rows.map(({ oid }) => oid);
    const { questions } = await noteQuestions(client, async () => [await ask(one), await ask(two)]);
    return { one, two, questions };
  }

  it('have the answers of now, and the first brings those of all', async () => {
    const { one, two, questions } = await twoQuestions();
    await client.query('ALTER TABLE pg_temp.b VALIDATE CONSTRAINT one');

    const answers = await askTogether(client, questions, async () => {
      const first = await ask(one);
      await client.query('ALTER TABLE pg_temp.b VALIDATE CONSTRAINT two');
      return [first, await ask(two), await runNow(client, 'catalog/is-validated', { constraint_oid: two })];
    });

    expect(answers).toEqual([[{ validated: true }], [{ validated: false }], [{ validated: true }]]);
  });

  it('are asked again behind a change', async () => {
    const { one, two, questions } = await twoQuestions();
    const answers = await askTogether(client, questions, async () => {
      const first = await ask(one);
      await client.query('ALTER TABLE pg_temp.b VALIDATE CONSTRAINT two');
      forgetAnswers(client);
      return [first, await ask(two)];
    });

    expect(answers).toEqual([[{ validated: false }], [{ validated: true }]]);
  });

  it('are asked as they come where they are others', async () => {
    const { one, two, questions } = await twoQuestions();
    expect(await askTogether(client, questions.slice(0, 1), async () => [await ask(one), await ask(two)])).toEqual([
      [{ validated: false }],
      [{ validated: false }],
    ]);
  });
});

describe('values', () => {
  it('that a query needs and does not get are named', async () => {
    // A type error, so it is called without types.
    await expect(Reflect.apply(run, undefined, [client, 'catalog/pairs', { referencing_oid: 1 }])).rejects.toThrow(
      'sql/catalog/pairs.sql needs the parameter referenced_oid',
    );
  });

  it('that a query does not name are ignored; lists go as JSON', async () => {
    const more = { more: ['ignored'] };
    const { pairs } = await runOne(client, 'catalog/pairs', {
      referencing_oid: 0,
      referenced_oid: 0,
      column_names: [],
      referenced_column_names: [],
      ...more,
    });
    const rows = await run(client, 'statements/lock-for-autovacuum', { relations: [], ...more });

    expect({ pairs, rows }).toEqual({ pairs: [], rows: [] });
  });

  it('of a query that must return one row are told when it does not', async () => {
    await expect(runOne(client, 'ledger/read-migration', { migration_id: 1 })).rejects.toThrow(
      'sql/ledger/read-migration.sql returned 0 rows instead of 1',
    );
  });
});

/** Names of the files, as core names them: `catalog/pairs`. Not those of the demo and of the psql scripts. */
const files = readdirSync(join(ROOT, 'sql'), { recursive: true, encoding: 'utf8' })
  .filter(
    (file) =>
      file.endsWith('.sql') &&
      !/^(demo|psql)\b|^migrate-|^aws-role|^ledger-(copy|approver)|^ledger.(mark|complete)-copy/.test(file),
  )
  .map((file) => file.replace(/\.sql$/, ''))
  .sort();

describe('every file', () => {
  const sources = ['core', 'cli', 'local'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('sql-types.ts'))
      .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
  );

  it.each(files)('%s is used', (name) => {
    const base = name.slice(name.indexOf('/') + 1);

    expect(sources.some((source) => source.includes(`'${name}'`) || source.includes(`'${base}'`))).toBe(true);
  });

  it.each(files.filter((name) => name.startsWith('statements/')))(
    '%s tells its lock, to the reader and to the plan',
    (name) => {
      const sql = readSql(name);

      expect(sql).toMatch(/^-- Lock: /m);
      expect(sql).toMatch(/ AS lock\b/);
    },
  );
});
