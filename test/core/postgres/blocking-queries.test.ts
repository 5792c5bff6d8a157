/** What `--show-blocking-queries` shows of another session's text: never its data. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { run } from '../../../core/postgres/sql.ts';
import { databaseWith } from '../case.helpers.ts';

/** Each text holds `s3cr3t` or a number as data, and is followed by what may be shown of it. */
const TEXTS: readonly (readonly [text: string, shown: string])[] = [
  [`SELECT 's3cr3t', name FROM path WHERE ino = 4711`, `SELECT '...', name FROM path WHERE ino = ...`],
  [`/* don't retry */ SELECT 's3cr3t' -- it's s3cr3t`, `SELECT '...'`],
  [`/* a /* nested ' */ 's3cr3t */ SELECT 1 /* s3cr3t */`, 'SELECT ...'],
  [`SELECT 1 AS "it's", 's3cr3t' AS "x--y"`, `SELECT ... AS "it's", '...' AS "x--y"`],
  [`SELECT $$it's s3cr3t$$, $a$ $$s3cr3t$$ 4711 $a$, $é$s3cr3t$é$`, 'SELECT $$...$$, $$...$$, $$...$$'],
  [`SELECT E'it\\'s s3cr3t', e'\\\\', 's3cr3t'`, `SELECT '...', '...', '...'`],
  [`SELECT U&'s3cr3t', N's3cr3t', B'0101'`, `SELECT '...', '...', '...'`],
  [`SELECT 'a''s3cr3t', 'b' \n 's3cr3t'`, `SELECT '...', '...' '...'`],
  ['SELECT 4711.5, 1e10, .4711, 4711e-7, -4711', 'SELECT ..., ..., ..., ..., -...'],
  [
    `SELECT length('s3cr3t') AS n4711, relname FROM pg_class c1 LIMIT 0`,
    `SELECT length('...') AS n4711, relname FROM pg_class c1 LIMIT ...`,
  ],
  [`SELECT 'back\\slash', 's3cr3t'`, 'SELECT ...'],
  ['SET app.token TO s3cr3t', 'SET ...'],
  [`SELECT 1; SET app.token TO s3cr3t`, 'SELECT ...'],
  [`DO 'BEGIN PERFORM 4711; END'`, 'DO ...'],
  ['LISTEN s3cr3t', '...'],
];

it('strings, numbers and comments of another session are left out, as PostgreSQL reads them', async () => {
  const { db, observer } = await databaseWith();
  const holder = await db.client();
  const { rows } = await observer.query<{ oid: string }>(`SELECT 'path'::regclass::oid::text AS oid`);
  const shown = async () => {
    const [first] = await run(observer, 'checks/lock-holders', {
      relations: rows.map(({ oid }) => oid),
      mode: 'ACCESS EXCLUSIVE',
      blocking_queries: true,
    });
    return first?.query;
  };
  const begin = () => holder.query('BEGIN; LOCK TABLE path IN ACCESS SHARE MODE');

  await begin();
  for (const [text, expected] of TEXTS) {
    await holder.query(text);
    expect(await shown(), text).toBe(expected);
  }
  await holder.query('SAVEPOINT one');
  await holder.query('SELECT s3cr3t FROM path').catch(() => undefined);
  expect(await shown()).toBe('SELECT ...');

  await holder.query('ROLLBACK; SET standard_conforming_strings = off');
  await begin();
  await holder.query(`SELECT 'it\\'s', 's3cr3t'`);
  expect(await shown()).toBe('SELECT ...');
  await holder.query(`SELECT ${'name, '.repeat(20)} '${'s3cr3t'.repeat(500)}' FROM path`);
  expect(await shown()).toMatch(/^SELECT (name, ){20}'\.\.\.'$/);
});

it('both queries that show one leave its data out by the same text', () => {
  const [one, other] = ['lock-holders', 'blockers'].map((name) => {
    const text = readFileSync(new URL(`../../../sql/checks/${name}.sql`, import.meta.url), 'utf8');
    return /-- The text without its data[\s\S]*? ON :'blocking_queries'::boolean/.exec(text)?.[0];
  });
  expect(one).toBeDefined();
  expect(one).toBe(other);
});
