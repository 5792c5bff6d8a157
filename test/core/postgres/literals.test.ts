/** Statements with their values as literals mean what they mean with parameters. */
import { expect, it } from 'vitest';
import { asOneMessage, executePrepared } from '../../../core/postgres/literals.ts';
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
