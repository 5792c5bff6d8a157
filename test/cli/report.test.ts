import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { p2pfk } from './cli.helpers.ts';

async function directoryAndDatabase() {
  const directory = mkdtempSync(join(tmpdir(), 'p2pfk-test-report-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  return { directory, db, env: { DATABASE_URL: db.url } };
}

it('migrate --report leaves a file; report makes it again from the execution, with and without the database', async () => {
  const { directory, db, env } = await directoryAndDatabase();
  const file = join(directory, 'made', 'migration.html');

  const migrated = await p2pfk(
    ['migrate', '-t', 'path', '--lock-timeout-ms', '20000', '--json', '--report', file],
    env,
  );

  expect(migrated.code, migrated.stderr).toBe(0);
  const { executionArn } = JSON.parse(migrated.stdout);
  expect(migrated.stderr).toContain(`✓ Report: ${file}`);
  const page = readFileSync(file, 'utf8');
  expect(page).toContain('<title>public.path → public.inode: migrated – p2pfk</title>');
  expect(page).toContain('VALIDATE CONSTRAINT');
  expect(page).not.toContain(new URL(db.url).password);

  const again = await p2pfk(['report', '--execution', executionArn, '--format', 'json'], env);
  expect(again.code, again.stderr).toBe(0);
  const report = JSON.parse(again.stdout);
  expect(report).toMatchObject({ version: 1, status: 'MIGRATED', people: { role: 'postgres' } });
  expect(report.statements.length).toBeGreaterThan(17 * 3);

  const elsewhere = await p2pfk(['report', '--execution', executionArn, '--format', 'markdown'], {
    DATABASE_URL: 'postgres://nobody:a-secret@127.0.0.1:1/nowhere',
  });
  expect(elsewhere.code).toBe(0);
  expect(elsewhere.stdout).toMatch(/^# Migrated: public.path → public.inode/);
  expect(elsewhere.stdout).toContain('> The ledger at 127.0.0.1:1/nowhere could not be read');
  expect(`${elsewhere.stdout}${elsewhere.stderr}`).not.toContain('a-secret');
});

it('a report that cannot be written does not change how the work ended', async () => {
  const { env } = await directoryAndDatabase();
  const dry = await p2pfk(['migrate', '-t', 'path', '--dry-run', '--report', '/dev/null/report.html'], env);
  expect(dry.code, dry.stderr).toBe(0);
  expect(dry.stderr).toMatch(/! No report was written to \/dev\/null\/report.html: the report cannot be written/);
});

it.each([
  { args: ['report', '-e', 'nonsense'], says: 'no execution on this machine is called "nonsense"' },
  {
    args: ['report', '-e', 'arn:aws:states:local:000000000000:execution:p2pfk:never'],
    says: 'cannot read the execution',
  },
  {
    args: ['report', '-e', 'arn:aws:states:local:000000000000:execution:p2pfk:never', '--format', 'pdf'],
    says: '--format must be html, markdown or json',
  },
  { args: ['serve', '--host', '192.0.2.1'], says: 'set P2PFK_CONSOLE_PASSWORD' },
])('refuses in one line: $args', async ({ args, says }) => {
  const { code, stderr } = await p2pfk(args);
  expect(code, stderr).toBe(2);
  expect(stderr).toContain(says);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
