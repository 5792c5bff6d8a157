/** Statements with their values as literals mean what they mean with parameters. */
import { globSync, readFileSync } from 'node:fs';
import { escapeLiteral } from 'pg';
import { expect, it } from 'vitest';
import { asOneMessage, doStatement, executePrepared } from '../../../core/postgres/literals.ts';
import { databaseWith } from '../case.helpers.ts';

const VALUES = [
  "it's",
  'a \\ back',
  '$1',
  '',
  '-5',
  '{"a": [1, "b\\"c"]}',
  '--',
  '/*',
  "'; DROP TABLE t; --",
  '\u{1F600}',
];

it('each value arrives as it is, also where strings are not standard', async () => {
  const { observer } = await databaseWith('CREATE TABLE t (n int)');
  for (const standard of ['on', 'off']) {
    await observer.query(`SET standard_conforming_strings = ${standard}; SET escape_string_warning = off`);
    await observer.query(`PREPARE "named/one" AS SELECT $1::text AS value`);
    for (const value of VALUES) {
      const inline = await observer.query(asOneMessage('SELECT $1::text AS value', [value]));
      const executed = await observer.query(executePrepared('named/one', [value]));
      expect([inline.rows, executed.rows]).toEqual([[{ value }], [{ value }]]);
    }
    await observer.query('DEALLOCATE ALL');
  }
});

it('only parameters are replaced', async () => {
  expect(asOneMessage(`SELECT $1, $2, '$1', "$1", $$ $1 $$, $a$ $1 $a$ -- $1\n, $1`, [true, null])).toBe(
    `SELECT 'true', NULL, '$1', "$1", $$ $1 $$, $a$ $1 $a$ -- $1\n, 'true'`,
  );
  expect(asOneMessage('SELECT $1', [])).toBe('SELECT $1');
  expect(asOneMessage('SELECT $1::jsonb', [{ a: "it's" }])).toBe(`SELECT '{"a":"it''s"}'::jsonb`);
  expect(() => asOneMessage('SELECT $1, $2', ['one'])).toThrow('there is no value for $2');
  expect(() => asOneMessage('SELECT $1', [['one']])).toThrow('a list');
});

it('a DO statement is one, whatever names its body has', async () => {
  const { observer } = await databaseWith('CREATE TABLE t (name text)');
  for (const name of ['$check$', '$check_$ $check$', '$$', '$check', "'; DROP TABLE t; $check$"]) {
    await observer.query(doStatement(`BEGIN INSERT INTO t VALUES (${escapeLiteral(name)}); END`));
    expect((await observer.query('DELETE FROM t RETURNING name')).rows).toEqual([{ name }]);
  }
});

it('no other code writes a DO statement around names', () => {
  const root = new URL('../../../', import.meta.url);
  const files = globSync('{core,cli,lambdas,local}/**/*.ts', { cwd: root });
  expect(files.length).toBeGreaterThan(300);
  const written = files.filter((file) => /\bDO \$\w*\$/.test(readFileSync(new URL(file, root), 'utf8')));
  // Without a name: what a setting holds is run, and a constant text is raised.
  expect(written.sort()).toEqual([
    'core/plan/script/migration-script.ts',
    'core/postgres/literals.ts',
    'core/steps/validation.ts',
  ]);
});
