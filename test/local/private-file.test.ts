/** Files that the command line writes and reads back, next to another user of the machine. */
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
});
