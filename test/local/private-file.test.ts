/** Files that the command line writes and reads back, next to another user of the machine. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { readPlanFile } from '../../cli/plan-file.ts';
import { writeReport } from '../../cli/report/write.ts';
import { readTrustedFile, writePrivateFile } from '../../local/private-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pfk-private-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

it.skipIf(process.platform === 'win32')('a report takes the place of a link, for its user alone', async () => {
  const victim = join(folder, 'victim');
  const report = join(folder, 'report.md');
  writeFileSync(victim, 'as it was');
  symlinkSync(victim, report);

  await writeReport(report, 'a report');

  expect(readFileSync(victim, 'utf8')).toBe('as it was');
  expect(lstatSync(report).isFile()).toBe(true);
  expect(readFileSync(report, 'utf8')).toBe('a report');
  expect(statSync(report).mode & 0o777).toBe(0o600);

  const open = join(folder, 'open.html');
  writeFileSync(open, 'of before');
  chmodSync(open, 0o666);
  await writeReport(open, 'a report');
  await writeReport(join(folder, 'made', 'for', 'it.json'), '{}');
  expect(statSync(open).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'made')).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder).sort()).toEqual(['made', 'open.html', 'report.md', 'victim']);
});

it.skipIf(process.platform === 'win32')('a device, a directory and a link to one are never replaced', async () => {
  symlinkSync('/dev/null', join(folder, 'null'));
  for (const path of ['/dev/null', '/dev/stdout', '/proc/self/fd/1', folder, join(folder, 'null')]) {
    await expect(writePrivateFile(path, 'text'), path).rejects.toThrow(/not a regular file|no directory for files/);
  }
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  expect(existsSync('/dev/stdout')).toBe(true);
});

it.runIf(process.getuid?.() === 0)('a plan that another user can change is not carried out', async () => {
  const plan = join(folder, 'plan.json');
  await writePrivateFile(plan, '{}');
  await expect(readTrustedFile(plan)).resolves.toBe('{}');
  chmodSync(plan, 0o646);
  await expect(readPlanFile(plan)).rejects.toThrow(
    /cannot be read: it may be written by every user, who can change it/,
  );
  chmodSync(plan, 0o600);
  chownSync(plan, 65534, 65534);
  await expect(readPlanFile(plan)).rejects.toThrow(
    /it belongs to another user \(uid 65534\), who can change it: copy it/,
  );

  // A group of several people, as umask 002 in a directory of a team leaves it.
  chownSync(plan, 0, 65534);
  chmodSync(plan, 0o664);
  await expect(readPlanFile(plan)).rejects.toThrow(/it may be written by its group \(gid 65534\), who can change it/);
  chmodSync(plan, 0o644);
  await expect(readTrustedFile(plan)).resolves.toBe('{}');
  chmodSync(folder, 0o775);
  await expect(readTrustedFile(plan)).resolves.toBe('{}');
  chownSync(folder, 0, 65534);
  await expect(readPlanFile(plan)).rejects.toThrow(
    /above it: it may be written by its group \(gid 65534\), who can put another file in its place: copy it/,
  );
  // A pipe, and a file that the shell has opened, by a name that leads to it.
  chownSync(folder, 0, 0);
  const script = `import { readTrustedFile } from '${new URL('../../local/private-file.ts', import.meta.url)}';
    process.stdout.write(await readTrustedFile('/dev/stdin'));`;
  const read = (command: string) =>
    execFileSync('bash', ['-c', command, process.execPath, script, plan], { encoding: 'utf8' });
  expect(read('cat "$2" | "$0" --input-type=module -e "$1"')).toBe('{}');
  expect(read('"$0" --input-type=module -e "$1" < "$2"')).toBe('{}');
  chmodSync(folder, 0o777);
  expect(() => read('"$0" --input-type=module -e "$1" < "$2" 2>&1')).toThrow();
});

const hasGames = existsSync('/etc/group') && /^games:/m.test(readFileSync('/etc/group', 'utf8'));

it.runIf(process.getuid?.() === 0 && hasGames)(
  'a group that has the name of its only member is that user’s own',
  () => {
    const script = `import { changeableByOthers } from '${new URL('../../local/trusted-path.ts', import.meta.url)}';
    process.setgroups([]); process.setgid('games'); process.setuid('games');
    const [uid, gid] = [process.getuid(), process.getgid()];
    const told = [gid, 65534, 0].map((group) => changeableByOthers({ uid, gid: group, mode: 0o664 }));
    process.stdout.write(JSON.stringify(told));`;
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(JSON.parse(told)).toEqual([null, 'it may be written by its group (gid 65534)', null]);
  },
);
