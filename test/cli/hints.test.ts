/** What is printed where another table was meant, and where no database is named. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closingLines } from '../../cli/progress/closing.ts';
import { NOTHING_YET } from '../../cli/progress/state.ts';
import { withoutPassword } from '../../core/postgres/libpq/connection-string.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { p2pfkHere as p2pfk } from './here.helpers.ts';

const HOSTILE = `"it's; $(touch x)"`;

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase('empty');
  const client = await db.client();
  await client.query(`
    CREATE SCHEMA ${HOSTILE};
    CREATE TABLE inode (k int PRIMARY KEY) PARTITION BY LIST (k);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
    CREATE TABLE path (k int CONSTRAINT path_fk REFERENCES inode) PARTITION BY LIST (k);
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
    CREATE TABLE ${HOSTILE}.${HOSTILE} (k int, CONSTRAINT ${HOSTILE} FOREIGN KEY (k) REFERENCES inode,
      CONSTRAINT other FOREIGN KEY (k) REFERENCES inode ON DELETE CASCADE) PARTITION BY LIST (k);`);
});
afterAll(() => db.drop());

/** The commands below the line, as a shell takes them. */
function commandsIn(stderr: string): string[][] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('  p2pfk '))
    .map((line) =>
      execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
        .split('\0')
        .slice(0, -1),
    );
}

describe.each(['plan', 'migrate'])('p2pfk %s', (command) => {
  it('of a table that does not exist names the nearest, in a command with the connection but no password', async () => {
    const { code, stderr } = await p2pfk([command, '-t', 'paht', '-d', db.url, '--ledger-owner', 'postgres']);

    expect(code).toBe(2);
    expect(stderr).toContain('p2pfk: table paht does not exist (did you mean public.path?); name it as SQL does');
    expect(commandsIn(stderr)).toEqual([
      [
        'p2pfk',
        command,
        '--table',
        'public.path',
        '--database-url',
        withoutPassword(db.url),
        '--ledger-owner',
        'postgres',
      ],
    ]);
    expect(stderr).not.toContain(new URL(db.url).password);
  });

  it.each(['inode', 'inode_1'])(
    'of %s names the table that references it, with --constraint if it has several',
    async (table) => {
      const { code, stderr } = await p2pfk([command, '-t', table], { DATABASE_URL: db.url });

      expect(code).toBe(2);
      const hostile = ['p2pfk', command, '--table', `${HOSTILE}.${HOSTILE}`, '--constraint'];
      expect(commandsIn(stderr)).toEqual([
        [...hostile, HOSTILE.replaceAll('"', '')],
        [...hostile, 'other'],
        ['p2pfk', command, '--table', 'public.path'],
      ]);
    },
  );
});

describe('a table with several foreign keys', () => {
  it('gets a command for each', async () => {
    const { code, stderr } = await p2pfk(['plan', '-t', `${HOSTILE}.${HOSTILE}`], { DATABASE_URL: db.url });

    expect(code).toBe(2);
    expect(commandsIn(stderr).map((words) => words.at(-1))).toEqual([HOSTILE.replaceAll('"', ''), 'other']);
  });
});

describe('no database at all', () => {
  it('is one line that says how to name one', async () => {
    const { code, stdout, stderr } = await p2pfk(['plan', '-t', 'path'], { PGPORT: '1' });

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'p2pfk: no host is given, and there is no /var/run/postgresql/.s.PGSQL.1: name the database with --database-url postgres://user@host:port/database, DATABASE_URL, or PGHOST and the other variables of libpq\n',
    );
  });
});

describe('a refusal of several findings', () => {
  const report = (message: string) => ({
    status: 'REFUSED' as const,
    migrationId: null,
    executionArn: 'arn',
    pairs: [],
    durationMs: 1,
    blocked: null,
    verification: null,
    error: { name: 'PreflightFailed', message },
  });
  const close = (message: string) =>
    closingLines(report(message), {
      operation: 'migrate',
      table: 'path',
      progress: { ...NOTHING_YET, place: ' --database-url postgres://db/app' },
    });

  it('has a line for each, then what accepts them, then a command to copy', () => {
    const message =
      'refused, nothing was changed: 2 findings need acceptance: [one] a; b | [two] c | d; e; accept with --accept one --accept two';
    expect(close(message)).toEqual([
      '',
      '✗✗✗ REFUSED - NOTHING WAS CHANGED ✗✗✗',
      'PreflightFailed: refused, nothing was changed: 2 findings need acceptance:',
      '  ✗ [one] a; b',
      '  ✗ [two] c | d; e',
      'Accept with --accept one --accept two',
      'Every finding, and what to do about it:',
      '  p2pfk plan --table path --database-url postgres://db/app',
    ]);
  });

  it('that is no list of findings stays one line', () => {
    expect(close('refused, nothing was changed: the start was not confirmed')[2]).toBe(
      'PreflightFailed: refused, nothing was changed: the start was not confirmed',
    );
  });
});
