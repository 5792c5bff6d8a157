import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { catalogSnapshot } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { holdLock } from '../support/observe.ts';
import { p2pfk, start } from './cli.helpers.ts';

async function sourceCase() {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  return { db, env: { DATABASE_URL: db.url }, observer: await db.client() };
}

async function parentForeignKeys(observer: Client): Promise<string[]> {
  const { rows } = await observer.query<{ line: string }>(
    `SELECT conname || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint
     WHERE conrelid = 'public.path'::regclass AND contype = 'f' AND conparentid = 0`,
  );
  return rows.map(({ line }) => line);
}

describe('there and back again', () => {
  it('migrate, verify, migrate once more, rollback, migrate: exit codes, documents and catalog', async () => {
    const { env, observer } = await sourceCase();
    const before = await catalogSnapshot(observer);

    const first = await p2pfk(['migrate', '-t', 'path', '--json'], env);
    expect(first.code).toBe(0);
    const report = JSON.parse(first.stdout);
    expect(report).toMatchObject({ status: 'MIGRATED', error: null, verification: { passed: true } });
    expect(report.migrationId).toBeTruthy();
    expect(report.executionArn).toMatch(/^arn:aws:states:/);
    expect(report.pairs).toHaveLength(17);
    for (const pair of report.pairs)
      expect(pair).toMatchObject({
        state: 'validated',
        validateMs: expect.any(Number),
        lockWaitMs: expect.any(Number),
      });
    expect(await parentForeignKeys(observer)).toEqual([]);

    const verified = await p2pfk(['verify', '-t', 'path', '--json'], env);
    expect(verified.code).toBe(0);
    const { passed, checks } = JSON.parse(verified.stdout);
    expect(passed).toBe(true);
    expect(checks.map(({ id }: { id: string }) => id)).toEqual([
      'pair-foreign-keys',
      'parent-foreign-key',
      'foreign-key-targets',
      'delete-performance',
      'orphans',
      'inventory',
    ]);

    const again = await p2pfk(['migrate', '-t', 'path', '--json'], env);
    expect({ code: again.code, status: JSON.parse(again.stdout).status }).toEqual({
      code: 0,
      status: 'ALREADY_MIGRATED',
    });

    const back = await p2pfk(['rollback', '-t', 'path', '--json'], env);
    expect({ code: back.code, status: JSON.parse(back.stdout).status }).toEqual({ code: 0, status: 'ROLLED_BACK' });
    expect(await catalogSnapshot(observer)).toBe(before);

    const unmigrated = await p2pfk(['verify', '-t', 'path'], env);
    expect(unmigrated).toMatchObject({ code: 4, stdout: '' });
    expect(unmigrated.stderr).toMatch(/^p2pfk: public.path is not migrated, and there is nothing to verify: .*\n$/);

    expect(await p2pfk(['rollback', '-t', 'path'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to roll back'),
    });
    expect((await p2pfk(['migrate', '-t', 'path', '--quiet'], env)).code).toBe(0);
  });

  it('reads like the example', async () => {
    const { env } = await sourceCase();

    const { code, stdout, stderr } = await p2pfk(['migrate', '-t', 'public.path'], env);

    const lines = stdout.split('\n');
    const order = [
      /^\[1\/17\] ✓ Built index idx_path_p_\w+_fk on path_p_\w+ in \d\d:\d\d:\d\d/,
      /^Successfully built 17 indexes$/,
      /^\[1\/17\] ✓ Added NOT VALID FK for partition: path_p_(\w+) → inode_p_\1$/,
      /^\[17\/17\] ✓ Added NOT VALID FK for partition: /,
      /^Successfully added 17 partition-level FK constraints$/,
      /^\[1\/17\] ✓ Validated FK for path_p_\w+ \(\d+ rows\) in \d\d:\d\d:\d\d/,
      /^\[17\/17\] ✓ Validated FK for /,
      /^Successfully validated 17 partition-level FK constraints$/,
      /^✓ No FK violations found - all data is valid$/,
      /^✓ Preflight check passed: All 17 partition-level FKs are VALID$/,
      /^Found parent-level FK constraint: path_medium_hash_ino_fkey$/,
      /^✓ Successfully dropped parent-level FK constraint$/,
      /^\[1\/6\] Checking partition-level FK constraints\.\.\. {3}total 17, validated 17, not validated 0$/,
      /^\[2\/6\] Checking for parent-level FK\.\.\. {14}✓ PASS: No parent-level FK found$/,
      /^\[3\/6\] Verifying FK targets\.\.\. {22}✓ PASS: All FK constraints reference matching partition pairs$/,
      /^\[4\/6\] Testing DELETE performance\.\.\. {16}✓ Deleted \d+ rows in \d\d:\d\d:\d\d\.\d{3} {3}✓ PASS$/,
      /^\[5\/6\] Verifying data integrity\.\.\. {18}✓ PASS: No orphaned rows found/,
      /^\[6\/6\] Listing all partition-to-partition FK constraints\.\.\.$/,
      /^✓✓✓ MIGRATION SUCCESSFUL ✓✓✓$/,
    ];
    const found = order.map((pattern) => lines.findIndex((line) => pattern.test(line)));
    expect(found).not.toContain(-1);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
  });
});

it('many rows without a proof are counted pair by pair, before the drop and after it', async () => {
  const { env, observer } = await sourceCase();
  await observer.query('CREATE INDEX ON path (medium_hash, ino)');
  // What the planner believes.
  await observer.query(`UPDATE pg_class SET reltuples = 1e6 WHERE relname LIKE 'path\\_p\\_%' AND relkind = 'r'`);

  const { code, stdout } = await p2pfk(['migrate', '-t', 'path', '--proof-max-age', '0s', '--recount', 'all'], env);

  expect(code).toBe(0);
  const lines = stdout.split('\n');
  const counted = lines.flatMap((line, index) => (/^.*✓ Counted the orphans of path_p_/.test(line) ? [index] : []));
  expect(counted).toHaveLength(2 * 17);
  const dropped = lines.findIndex((line) => line.includes('Successfully dropped parent-level FK'));
  expect(counted.filter((index) => index < dropped)).toHaveLength(17);
  expect(lines[counted[16] ?? 0]).toContain('[17/17]');
  expect(lines[counted[33] ?? 0]).toContain('[17/17]');
  expect(stdout).toContain('No orphaned rows found in 17 pairs checked');
});

describe('a migration that is not to go through', () => {
  it('--dry-run plans through the state machine and changes nothing', async () => {
    const { env, observer } = await sourceCase();
    const before = await catalogSnapshot(observer);

    const { code, stdout } = await p2pfk(['migrate', '-t', 'path', '--dry-run', '--json'], env);

    expect({ code, status: JSON.parse(stdout).status }).toEqual({ code: 0, status: 'DRY_RUN' });
    expect(await catalogSnapshot(observer)).toBe(before);
  });

  it('goes on where executions cannot be kept, and says so', async () => {
    const { env } = await sourceCase();

    const { code, stderr } = await p2pfk(['migrate', '-t', 'path', '--dry-run', '--state-dir', '/dev/null/x'], env);

    expect(code).toBe(0);
    expect(stderr).toMatch(/^! executions are not kept, because .*null.*; choose another with --state-dir\n$/);
  });

  it('a window that is over lets nothing begin, exit 6; without it the same command goes on', async () => {
    const { env, observer } = await sourceCase();

    const late = await p2pfk(['migrate', '-t', 'path', '--deadline', '2020-01-01T00:00:00Z', '--json'], env);
    const later = await p2pfk(['migrate', '-t', 'path', '--json'], env);

    expect({ code: late.code, status: JSON.parse(late.stdout).status }).toEqual({ code: 6, status: 'PAUSED' });
    expect({ code: later.code, status: JSON.parse(later.stdout).status }).toEqual({ code: 0, status: 'MIGRATED' });
    expect(await parentForeignKeys(observer)).toEqual([]);
  });
});

describe('a lock that somebody holds', () => {
  it('is named, and the migration goes on when it is released', async () => {
    const { db, env } = await sourceCase();
    const reader = await db.client();
    const { rows } = await reader.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const lock = await holdLock(reader, 'SELECT count(*) FROM public.path');
    const migration = start(['migrate', '-t', 'path', '--lock-timeout-ms', '300'], env);

    await migration.says('↻ Attempt 2: drop of the parent-level FK, after LockTimeout: ');
    await lock.release();

    const { code, stdout } = await migration.finished;
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(
      new RegExp(`↻ Attempt 2: drop of the parent-level FK, after LockTimeout: .*pid ${rows[0]?.pid}\\b`),
    );
  });

  it('Ctrl-C stops in good order, exit 130, and the same command goes on', async () => {
    const { db, env, observer } = await sourceCase();
    const lock = await holdLock(await db.client(), 'SELECT count(*) FROM public.path');
    const migration = start(['migrate', '-t', 'path', '--json', '--lock-timeout-ms', '300'], env);
    await migration.says('↻ Attempt 2');

    migration.child.kill('SIGINT');

    const { code, stdout, stderr } = await migration.finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'PAUSED', error: { name: 'Interrupted' } });
    expect(stderr).toContain('The same command goes on from here; this undoes it: p2pfk rollback --table path');
    expect(await parentForeignKeys(observer)).toHaveLength(1);

    await lock.release();
    const resumed = await p2pfk(['migrate', '-t', 'path', '--json'], env);
    expect({ code: resumed.code, status: JSON.parse(resumed.stdout).status }).toEqual({ code: 0, status: 'MIGRATED' });
    expect(resumed.stderr).toContain('FK is there for partition');
  });
});

describe('--json and --verbose', () => {
  it('keep stdout to one document, with log lines on stderr', async () => {
    const { env } = await sourceCase();

    const { stdout, stderr } = await p2pfk(['migrate', '-t', 'path', '--json', '--verbose', '--dry-run'], env);

    expect(JSON.parse(stdout).status).toBe('DRY_RUN');
    const logged = stderr.split('\n').filter((line) => line.startsWith('{'));
    expect(logged.length).toBeGreaterThan(0);
    for (const line of logged) expect(JSON.parse(line)).toMatchObject({ service: 'p2pfk' });
  });

  it('and --quiet leave stderr empty', async () => {
    const { env } = await sourceCase();

    const { code, stderr } = await p2pfk(['migrate', '-t', 'path', '--json', '--quiet', '--no-color'], env);

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
