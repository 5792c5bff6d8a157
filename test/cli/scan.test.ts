/** `p2pfk scan` as a process: its texts, its documents, its exit codes, and the commands to copy. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { scanLines } from '../../cli/render/scan-text.ts';
import { width } from '../../cli/width.ts';
import { ScanDocument, type ScannedForeignKey } from '../../core/contracts/scan-document.ts';
import { databaseWith } from '../core/case.helpers.ts';
import { pairForeignKey, parentForeignKey, twoTables } from '../core/scan/scan.helpers.ts';
import { p2pfk } from './cli.helpers.ts';

const ONE: ScannedForeignKey = {
  status: 'convertible',
  table: 'public.a_rather_long_name_of_a_table_that_references',
  constraint: 'a_rather_long_name_of_a_constraint_fkey',
  referencedTable: 'public.a_rather_long_name_of_a_table_that_is_referenced',
  by: null,
  pairs: 1_000,
  unpaired: 3,
  rows: 12_345_678,
  bytes: 9_876_543_210,
  missingIndexes: 17,
  reasons: [],
  unprotected: [],
  gain: {
    truncateEmptiesRows: 12_345_678,
    partitionsNotDetachable: 1_003,
    insertsPerSecond: 1_234.5,
    deletesPerSecond: 0.5,
    partitionsLocked: 2_003,
    partitionsLockedAfter: 2,
  },
  cost: { seconds: 210, dropLockedMs: 455, rollback: { strategy: 'attach', writesBlockedMs: 3_000 } },
  next: 'p2pfk plan --table public.a_rather_long_name_of_a_table_that_references --constraint a_rather_long_name_of_a_constraint_fkey',
};

const DOCUMENT: ScanDocument = {
  database: 'shop',
  serverVersion: '17.10',
  standby: false,
  schemas: null,
  statisticsSince: '2026-11-28T00:00:00Z',
  ledger: 'read',
  failed: [],
  summary: { unprotected: 1, 'half-done': 0, convertible: 1, unclear: 0, refused: 0, converted: 1, plain: 1 },
  foreignKeys: [
    {
      ...ONE,
      status: 'unprotected',
      reasons: Array.from({ length: 5 }, (_, index) => ({
        id: 'missing-pair-foreign-key',
        message: `public.a_rather_long_name_of_a_table_that_references_${index} has no pair foreign key to public.other_${index}`,
        remedy: 'p2pfk audit --fix prints the repair',
      })),
      gain: null,
      cost: null,
    },
    ONE,
    { ...ONE, status: 'converted', gain: null, cost: null },
    {
      ...ONE,
      status: 'plain',
      pairs: 0,
      reasons: [{ id: 'to-plain-table', message: 'x '.repeat(80), remedy: '' }],
      gain: null,
      cost: null,
      next: null,
    },
  ],
  unseen: [
    {
      table: 'hidden.b',
      referencedTable: 'hidden.c',
      constraint: null,
      why: 'schema',
      message: 'this role has no USAGE on schema "hidden"',
      remedy: 'GRANT USAGE ON SCHEMA ... TO this role, or scan as another one',
    },
  ],
};

describe('the text', () => {
  it.each([80, 100, 200])('fits a terminal of %i columns, but for the commands to copy', (columns) => {
    const lines = scanLines(DOCUMENT, { columns, quiet: false });
    const long = lines.filter((line) => width(line) > columns && !line.includes(' next: '));
    expect(long).toEqual([]);
    expect(lines.join('\n')).toContain(`next: ${ONE.next}`);
  });

  it('tells what a conversion brings and costs, why, and what was not looked at', () => {
    const text = scanLines(DOCUMENT, { columns: null, quiet: false }).join('\n');
    expect(text).toContain('TRUNCATE of a partition no longer empties all of public.a_rather');
    expect(text).toContain('lock 2 partitions, not 2,003');
    expect(text).toContain('costs: about 3 min 30 s in all, exclusive locks for about 455 ms');
    expect(text).toContain('17 pairs without an index');
    expect(text).toContain('… and 2 more reasons');
    expect(text).toContain('1 foreign key not looked at');
    expect(text).toContain('✓ Scanned: 1 unprotected, 1 convertible, 1 converted, 1 plain; 1 not looked at');
  });
});

describe('the command', () => {
  it('ends with 3 for what --fail-on names, and prints a document that has the documented form', async () => {
    const { db } = await databaseWith(`
      ${twoTables('a')} ${parentForeignKey('a')}
      ${twoTables('gap')} ${pairForeignKey('gap', 1)}`);
    const env = { DATABASE_URL: db.url };

    const found = await p2pfk(['scan', '--json', '--fail-on', 'unprotected', '--fail-on', 'convertible'], env);
    const document = ScanDocument.parse(JSON.parse(found.stdout));
    expect(document.failed).toEqual(['convertible', 'unprotected']);
    expect(document.foreignKeys.map(({ next }) => next)).toEqual([
      'p2pfk audit --table public.gap',
      'p2pfk plan --table public.a',
    ]);
    expect(found.code).toBe(3);

    const text = await p2pfk(['scan'], env);
    expect(text.code).toBe(0);
    expect(text.stdout).toContain('✓ Scanned: 1 unprotected, 1 convertible');
  });

  it('ends with 0 where what --fail-on names is not there, and with 2 where it names nothing known', async () => {
    const { db } = await databaseWith(`${twoTables('a')} ${parentForeignKey('a')}`);
    const env = { DATABASE_URL: db.url };
    expect((await p2pfk(['scan', '--fail-on', 'unprotected'], env)).code).toBe(0);
    const wrong = await p2pfk(['scan', '--fail-on', 'everything'], env);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('It must be convertible or unprotected');
  });

  it('prints commands that a shell reads as they are meant, with the connection that was given and no password', async () => {
    const name = `a'b "c"\n\u001b[31m\\d`;
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const { db } = await databaseWith(`
      CREATE TABLE ref (p int, id bigint, PRIMARY KEY (p, id)) PARTITION BY LIST (p);
      CREATE TABLE ref_1 PARTITION OF ref FOR VALUES IN (1);
      CREATE TABLE ${quoted} (p int, id bigint, other bigint) PARTITION BY LIST (p);
      CREATE TABLE leaf_1 PARTITION OF ${quoted} FOR VALUES IN (1);
      ALTER TABLE ${quoted} ADD CONSTRAINT "-x" FOREIGN KEY (p, id) REFERENCES ref;
      ALTER TABLE ${quoted} ADD CONSTRAINT other FOREIGN KEY (p, other) REFERENCES ref;`);
    const { password } = new URL(db.url);

    const { stdout } = await p2pfk(['scan', '--database-url', db.url]);

    expect(stdout).not.toContain(decodeURIComponent(password));
    const commands = stdout.split('\n').flatMap((line) => / next: (.*)$/.exec(line)?.[1] ?? []);
    expect(commands).toHaveLength(2);
    const words = commands.map((command) =>
      execFileSync('bash', ['-c', `p2pfk() { printf '%s\\0' "$@"; }; ${command}`], { encoding: 'utf8' }).split('\0'),
    );
    const url = new URL(db.url);
    url.password = '';
    expect(words.map((list) => list.slice(0, 4)).sort()).toEqual([
      ['plan', '--table', `public.${quoted}`, '--constraint'],
      ['plan', '--table', `public.${quoted}`, '--constraint=-x'],
    ]);
    for (const list of words) expect(list).toContain(url.href);
    for (const command of commands) {
      const args = execFileSync('bash', ['-c', `p2pfk() { printf '%s\\0' "$@"; }; ${command}`], { encoding: 'utf8' });
      const planned = await p2pfk([...args.split('\0').slice(0, -1), '--json'], {
        PGPASSWORD: decodeURIComponent(password),
      });
      expect(JSON.parse(planned.stdout)).toMatchObject({ table: `public.${quoted}` });
    }
  });

  it('is what plan without a table points to', async () => {
    const { stderr, code } = await p2pfk(['plan']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('p2pfk scan shows which tables');
    expect(code).toBe(2);
  });
});
