/** What the command line of a clone runs: the working tree, not what was built from it some time ago. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE = 'cli/program.ts';
const SAID = 'Turns one parent-level foreign key';

let clone = '';
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'p2pfk-clone-'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const file of listed.toString('utf8').split('\0')) {
    if (!/^(?:bin|cli|core|infra|lambdas|local|report|scripts|sql)\/|^[^/]+\.json$/.test(file)) continue;
    if (!existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(ROOT, file), join(clone, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  execFileSync(process.execPath, ['scripts/build.ts'], { cwd: clone });
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

function p2pfk(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(clone, 'bin', 'p2pfk.js'), ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function change(find: string, replace: string): void {
  const path = join(clone, SOURCE);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(find);
  writeFileSync(path, text.replace(find, replace));
}

it('is what the sources say, also after one has changed', () => {
  expect(p2pfk('--help').stdout).toContain(SAID);

  change(SAID, 'Do something else');
  expect(p2pfk('--help')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringContaining('Do something else'),
  });
});

it('says why it cannot be built, and runs nothing old', () => {
  change('import ', 'import import ');
  const { status, stdout, stderr } = p2pfk('--help');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('p2pfk cannot be built from the changed sources');
});
