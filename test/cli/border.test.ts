/** What is found in a database may hold escape sequences: none of them gets to a terminal, whatever is printed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { printable, visible, visibleJson, visibleLines, visibleSql } from '../../core/contracts/safe-text.ts';
import { createDatabase } from '../support/database.ts';
import { bidiControls, INVISIBLE, OBEYED, obeyedCharacters } from '../support/obeyed.ts';
import { p2pfk } from './cli.helpers.ts';

/** Colour, an 8-bit CSI, a carriage return, all marks that turn the direction of writing, and what is invisible. */
const TRICK = `\u001b[31m\u009b7m\r${bidiControls()}${INVISIBLE}`;

describe('nothing that a terminal would obey is printed', () => {
  it('by a plan, its SQL, a migration, its report and its history', async () => {
    const db = await createDatabase('source-case');
    onTestFinished(() => db.drop());
    const client = await db.client();
    const table = `pa${TRICK}th`;
    await client.query(`ALTER TABLE path RENAME CONSTRAINT path_medium_hash_ino_fkey TO "f${TRICK}k"`);
    await client.query(`ALTER TABLE path RENAME TO "${table}"`);
    await client.query(`COMMENT ON TABLE "${table}" IS 'a ${TRICK} comment'`);
    const env = { DATABASE_URL: db.url };
    const run = async (...args: string[]) => {
      const finished = await p2pfk(args, env);
      expect(`${finished.stdout}${finished.stderr}`, args.join(' ')).not.toMatch(OBEYED);
      return finished;
    };

    const planned = await run('plan', '-t', `"${table}"`, '--json');
    expect(JSON.parse(planned.stdout).constraint).toContain(TRICK);
    await run('plan', '-t', `"${table}"`);
    await run('plan', '-t', `"${table}`);
    await run('plan', '-t', `"${table}"`, '-c', `no${TRICK}ne`);
    const sql = await run('plan', '-t', `"${table}"`, '--sql');
    expect(sql.stdout).toContain('U&"pa\\001b[31m\\009b7m\\000d\\061c\\200e\\200f\\202a');
    await run(`pl${TRICK}an`);
    const migrated = await run('migrate', '-t', `"${table}"`, '--json', '--verbose');
    const { status, executionArn } = JSON.parse(migrated.stdout);
    expect(status).toBe('MIGRATED');
    for (const format of ['html', 'markdown', 'json']) {
      const report = await run('report', '--execution', executionArn, '--format', format);
      expect(report.code).toBe(0);
    }
    await run('history', '--execution', executionArn);
    await run('audit', '--fix');
    await run('verify', '-t', `"${table}"`);
  });

  it('because nothing but cli/output.ts writes to a stream', () => {
    const folder = join(import.meta.dirname, '..', '..', 'cli');
    const writers = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) =>
        file.endsWith('.ts') &&
        /\b(stdout|stderr)\.write\(|\bconsole\.\w+\(/.test(readFileSync(join(folder, file), 'utf8')),
    );
    // main.ts writes an empty text, to know when everything before it has left.
    expect(writers.sort()).toEqual(['main.ts', 'output.ts']);
  });
});

it('each character that Unicode has for control or direction, or that it calls invisible, is escaped in every way of writing', () => {
  for (const each of obeyedCharacters())
    for (const written of [
      visible(each),
      printable(each),
      visibleLines(each),
      visibleJson(each),
      visibleSql(`"${each}"`),
    ])
      expect(written, each.codePointAt(0)?.toString(16)).not.toMatch(OBEYED);
});

describe('SQL without control characters', () => {
  it.each([
    ['a name', `SELECT 1 AS "a${TRICK}\\b""c'd"`],
    ['a string', `SELECT 'a${TRICK}\\b''c"d' AS value`],
    ['a string with escapes', `SELECT e'a${TRICK}\\n\\'\\\\' AS value`],
    ['a string in dollars', `SELECT $x$a${TRICK}'\\$y$ $x$ AS value, $$${TRICK}$$ AS other`],
    ['what is escaped already', `SELECT U&'\\0041${TRICK}' AS U&"\\0041${TRICK}"`],
    ['a comment, and quotes in it', `-- it's "\u001b\rSELECT 1 AS "x${TRICK}" /* don't ${TRICK} */, 'y' AS y`],
    ['a name with a dollar', `SELECT 1 AS a$b$, 2 AS "${TRICK}", 3 AS c$b$`],
  ])('means the same: %s', async (_, sql) => {
    const db = await createDatabase();
    onTestFinished(() => db.drop());
    const client = await db.client();
    const visible = visibleSql(sql);

    expect(visible).not.toMatch(OBEYED);
    const [before, after] = [await client.query(sql), await client.query(visible)];
    expect(after.rows).toEqual(before.rows);
    expect(after.fields.map(({ name }) => name)).toEqual(before.fields.map(({ name }) => name));
  });

  it('is left as it is where it has none, and JSON reads back as it was', () => {
    const sql = `CREATE TABLE "Ä 'x'" (\n\ta text DEFAULT $$ü$$ -- note\n);\n`;
    expect(visibleSql(sql)).toBe(sql);
    const value = { [TRICK]: [TRICK, 'ü"\\\n'] };
    expect(visibleJson(value)).not.toMatch(OBEYED);
    expect(JSON.parse(visibleJson(value, 2))).toEqual(value);
  });
});
