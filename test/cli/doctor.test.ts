/** `p2pfk doctor` from the command line: its lines, its document, its exit code. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { installation, node, states } from '../../cli/doctor/machine.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { p2pfkHere } from './here.helpers.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase('empty');
  const client = await db.client();
  await client.query(`
    CREATE TABLE inode (k int PRIMARY KEY) PARTITION BY LIST (k);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
    CREATE TABLE path (k int CONSTRAINT path_fk REFERENCES inode) PARTITION BY LIST (k);
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
    CREATE TABLE stray (k int CONSTRAINT stray_fk REFERENCES inode) PARTITION BY RANGE (k);
    CREATE TABLE stray_1 PARTITION OF stray FOR VALUES FROM (1) TO (2);`);
});
afterAll(() => db.drop());

interface Document {
  readonly passed: boolean;
  readonly checks: readonly {
    readonly id: string;
    readonly status: string;
    readonly message: string;
    readonly remedy: string;
  }[];
}

describe('p2pfk doctor', () => {
  it('prints a line a check, and passes', async () => {
    const { code, stdout, stderr } = await p2pfkHere(['doctor', '-t', 'path'], { DATABASE_URL: db.url });

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^✓ node: Node \d/m);
    expect(stdout).toMatch(/^✓ connection: 127\.0\.0\.1:/m);
    expect(stdout).toMatch(/^✓ table: path_fk on public\.path, 1 pair: can be planned$/m);
    expect(stdout.trimEnd()).toMatch(/\n\n✓ No problem.*$/);
  });

  it('with --json --quiet is one document, with a remedy wherever something is wrong, and exit code 3', async () => {
    const { code, stdout, stderr } = await p2pfkHere(['doctor', '-t', 'stray', '--json', '--quiet'], {
      DATABASE_URL: db.url,
    });
    const document = JSON.parse(stdout) as Document;

    expect({ code, stderr, passed: document.passed }).toEqual({ code: 3, stderr: '', passed: false });
    const wrong = document.checks.filter(({ status }) => status === 'problem');
    expect(wrong.map(({ id }) => id)).toEqual(['table: partition-strategies-differ', 'table: no-pairs']);
    for (const { status, remedy } of document.checks) expect(remedy === '').toBe(status === 'ok');
  });

  it('names the table that was meant, as a command to copy', async () => {
    const { code, stdout } = await p2pfkHere(['doctor', '-t', 'inode_1', '--quiet'], { DATABASE_URL: db.url });

    expect(code).toBe(3);
    expect(stdout).toContain('✗ table: table public.inode_1 is not partitioned: it is on the referenced side');
    expect(stdout).toContain('    → p2pfk doctor --table public.path');
  });

  it('that cannot connect says so in one check, and what comes after was not looked at', async () => {
    const { code, stdout } = await p2pfkHere(['doctor', '--quiet', '-d', 'postgres://127.0.0.1:1/x']);

    expect(code).toBe(3);
    expect(stdout).toMatch(/^✗ connection: cannot connect to PostgreSQL at 127\.0\.0\.1:1\/x/m);
    expect(stdout).toContain('what comes after this check was not looked at');
  });

  it('refuses a URL that cannot be read like every other command', async () => {
    expect(await p2pfkHere(['doctor', '-d', 'mysql://h/x'])).toMatchObject({ code: 2, stdout: '' });
    expect(await p2pfkHere(['doctor', '-c', 'x'])).toMatchObject({
      code: 2,
      stderr: 'p2pfk: --constraint has no meaning without --table\n',
    });
  });
});

describeWithPgBouncer('a pooler in between', () => {
  it('is told by the check of poolers, and not as a server that cannot be reached', async () => {
    const pooler = await startPgBouncer(db.url, 'transaction');
    onTestFinished(() => pooler.stop());
    const { code, stdout } = await p2pfkHere(['doctor', '--quiet'], { DATABASE_URL: pooler.url });

    expect(code).toBe(3);
    expect(stdout).toMatch(/^✗ pooler: there is a connection pooler at 127/m);
    expect(stdout).toContain('    → connect to the server itself');
  });
});

describe('this machine', () => {
  it('needs a Node that is new enough', () => {
    expect(node('18.20.0')).toMatchObject({ status: 'problem', remedy: expect.stringContaining('Node 24') });
    expect(node('24.1.0').status).toBe('ok');
  });

  it('has an installation of one version', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'p2pfk-doctor-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    expect(await installation(folder)).toMatchObject({ status: 'problem', remedy: 'install it again: npm ci' });
  });

  it('has a directory for executions that is ours, and is not made by looking', () => {
    const folder = mkdtempSync(join(tmpdir(), 'p2pfk-doctor-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const inside = join(folder, 'a', 'b');
    expect(states(inside)).toMatchObject({ status: 'ok', message: `${inside}, which the first execution makes` });

    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    expect(states(join(open, 'state'))).toMatchObject({
      status: 'problem',
      message: expect.stringContaining('it may be written by every user'),
    });
  });
});
