/** Never exit code 0 without having done what was asked for: a rollback that is half done, a reader that goes away, a full disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { databaseWith, foreignKeys, oneRow } from '../core/case.helpers.ts';
import { migratedTo } from '../core/execution.helpers.ts';
import { cleanEnvironment, MAIN, NODE, p2pfk } from './cli.helpers.ts';

const MIGRATE = ['migrate', '--table', 'path', '--yes', '--lock-timeout-ms', '10000'];

it('migrate that meets a rollback that is half done finishes it, and migrates then', async () => {
  const { db, observer, execution: dead } = await migratedTo('DropParentForeignKey');
  await dead.fence();

  const { code, stdout } = await p2pfk([...MIGRATE, '-d', db.url]);

  expect(stdout).toContain('✓✓✓ EARLIER ROLLBACK FINISHED ✓✓✓');
  expect(stdout).toContain('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
  expect(code).toBe(0);
  expect(await foreignKeys(observer)).toHaveLength(3);
  const { rows } = await observer.query('SELECT state FROM p2pfk.migration ORDER BY id');
  expect(rows.map(({ state }) => state)).toEqual(['rolled-back', 'migrated']);
});

it('a reader that goes away ends no migration, and no exit code says more than was done', async () => {
  const { db, observer } = await databaseWith();
  const command = [NODE, MAIN, ...MIGRATE, '-d', db.url].map((word) => `'${word}'`).join(' ');
  const shell = (pipe: string) =>
    spawnSync('bash', ['-c', `${command} | ${pipe} >/dev/null; echo "\${PIPESTATUS[0]}"`], {
      encoding: 'utf8',
      env: cleanEnvironment(),
    });

  const early = Number(shell('true').stdout.trim().split('\n').at(-1));
  const states = async () =>
    (await observer.query('SELECT state FROM p2pfk.migration').catch(() => ({ rows: [] }))).rows;
  if (early === 0) expect(await states()).toEqual([{ state: 'migrated' }]);
  const late = Number(shell('head -n 3').stdout.trim().split('\n').at(-1));
  if (late === 0) expect(await states()).toEqual([{ state: 'migrated' }]);
  expect(await oneRow(observer, 'SELECT count(*)::int AS rows FROM path')).toMatchObject({ rows: expect.any(Number) });
});

/** A file system of its own with no space left, or null where this user may not mount one. */
function fullDirectory(): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'p2pfk-full-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400k,mode=700', 'tmpfs', directory]).status === 0;
  onTestFinished(() => {
    if (mounted) execFileSync('umount', ['-l', directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  return mounted ? directory : null;
}

it('a full state directory stops neither a migration nor its rollback', async (context) => {
  const directory = fullDirectory();
  if (directory === null) return context.skip('only root may mount a small file system');
  const { db, observer } = await databaseWith();
  await p2pfk(['plan', '--table', 'path', '-d', db.url]);
  await p2pfk(['migrate', '--table', 'path', '--dry-run', '--yes', '-d', db.url, '--state-dir', directory]);
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(join(directory, 'filler'), Buffer.alloc(bavail * bsize));
  expect(statfsSync(directory).bavail).toBe(0);

  const there = await p2pfk([...MIGRATE, '-d', db.url, '--state-dir', directory]);
  expect(there.stderr).toMatch(/^! .*not kept.*--state-dir/m);
  expect(there.code).toBe(0);
  expect(await foreignKeys(observer)).toHaveLength(3);

  const back = await p2pfk([
    'rollback',
    '--table',
    'path',
    '--yes',
    '--lock-timeout-ms',
    '10000',
    '-d',
    db.url,
    '--state-dir',
    directory,
  ]);
  expect(back.code).toBe(0);
});
