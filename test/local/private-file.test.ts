/** Files that the command line writes and reads back, next to another user of the machine. */
import { execFileSync } from 'node:child_process';
import fs, {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { readPlanFile } from '../../cli/plan-file.ts';
import { writeReport } from '../../cli/report/write.ts';
import { binariesIn, refuseForeign, temporaryRoot } from '../../local/embedded/binaries.ts';
import { HeldDirectory } from '../../local/held-directory.ts';
import { readTrustedFile, writePrivateFile } from '../../local/private-file.ts';
import { preparePrivateDirectory } from '../../local/store/private-directory.ts';

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

const NOBODY = 65534;

it.runIf(process.getuid?.() === 0)('nothing is written where a link of another user leads', async () => {
  const ours = join(folder, 'ours');
  const theirs = join(folder, 'theirs');
  mkdirSync(ours);
  mkdirSync(theirs);
  writeFileSync(join(ours, 'x.json'), 'as it was');
  chownSync(theirs, NOBODY, NOBODY);
  symlinkSync(ours, join(theirs, 'reports'));
  lchownSync(join(theirs, 'reports'), NOBODY, NOBODY);
  for (const name of ['x.json', 'y.json', 'made/z.json']) {
    await expect(writeReport(join(theirs, 'reports', name), 'a report'), name).rejects.toThrow(
      /cannot be written to \S+: \S+theirs\/reports is a link, and it belongs to another user \(uid 65534\)/,
    );
  }
  // Nor by way of a link of ours.
  symlinkSync('theirs/reports', join(folder, 'way'));
  await expect(writeReport(join(folder, 'way', 'x.json'), 'a report')).rejects.toThrow(/theirs\/reports is a link/);
  expect(readdirSync(ours)).toEqual(['x.json']);
  expect(readFileSync(join(ours, 'x.json'), 'utf8')).toBe('as it was');

  // A directory of another person or of a team is one to write to, also where a link of ours leads there.
  await writeReport(join(theirs, 'x.json'), 'a report');
  chownSync(ours, 0, NOBODY);
  chmodSync(ours, 0o2775);
  lchownSync(join(theirs, 'reports'), 0, 0);
  await writeReport(join(folder, 'way', 'x.json'), 'a report');
  expect(readFileSync(join(ours, 'x.json'), 'utf8')).toBe('a report');
  expect(readdirSync(theirs).sort()).toEqual(['reports', 'x.json']);
});

it.runIf(process.getuid?.() === 0)(
  'a directory is not exchanged for a link between the look and the file',
  async () => {
    const victim = join(folder, 'victim');
    mkdirSync(victim);
    writeFileSync(join(victim, 'x.json'), 'as it was');
    const reports = join(folder, 'reports');
    const exchange = () => {
      renameSync(reports, join(folder, 'moved'));
      symlinkSync(victim, reports);
      lchownSync(reports, NOBODY, NOBODY);
    };
    mkdirSync(reports);
    const written = writeReport(join(reports, 'x.json'), 'a report');
    exchange();
    await written.catch(() => undefined);
    expect(readFileSync(join(victim, 'x.json'), 'utf8')).toBe('as it was');

    // As on a system without names below an open directory.
    rmSync(reports);
    mkdirSync(reports);
    rmSync(join(folder, 'moved'), { recursive: true });
    const held = HeldDirectory.open(reports, false);
    held.confirm(reports);
    exchange();
    expect(() => held.confirm(reports)).toThrow(/reports is a link, and it belongs to another user/);
    lchownSync(reports, 0, 0);
    expect(() => held.confirm(reports)).toThrow(/its name leads to \S+victim now/);
  },
);

it.runIf(process.getuid?.() === 0)('the embedded server is put where no other user can replace its files', () => {
  const { TMPDIR } = process.env;
  onTestFinished(() => {
    process.env.TMPDIR = TMPDIR;
    if (TMPDIR === undefined) delete process.env.TMPDIR;
  });
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  expect(temporaryRoot(null)).toBe(folder);
  chownSync(folder, NOBODY, NOBODY);
  expect(temporaryRoot(null)).not.toBe(folder);
});

it.runIf(process.getuid?.() === 0)('the embedded server is not one that another user could have written', () => {
  const native = join(folder, 'native');
  for (const part of ['bin', 'lib']) mkdirSync(join(native, part), { recursive: true });
  const library = join(native, 'lib', 'libpq.so');
  const paths = [join(native, 'bin', 'postgres'), library, join(native, 'lib'), native, folder];
  for (const file of paths.slice(0, 2)) writeFileSync(file, '', { mode: 0o755 });
  chmodSync(folder, 0o755);
  expect(() => refuseForeign(binariesIn(native))).not.toThrow();
  for (const path of paths) {
    chownSync(path, NOBODY, NOBODY);
    expect(() => refuseForeign(binariesIn(native)), path).toThrow(
      /^The embedded PostgreSQL in \S+ is not started, because another user could have written it \(.*\(uid 65534\)\): [^\n]+$/,
    );
    chownSync(path, 0, 0);
  }
  chmodSync(library, 0o777);
  expect(() => refuseForeign(binariesIn(native))).toThrow(/libpq\.so: it may be written by every user/);
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

it.runIf(process.getuid?.() === 0)(
  'a pipe of another user is refused, and not waited for; one of our own is read to its end',
  async () => {
    const pipe = join(folder, 'plan.json');
    execFileSync('mkfifo', [pipe]);
    chownSync(pipe, NOBODY, NOBODY);
    const refused = readPlanFile(pipe).catch((error: Error) => error.message);
    const first = await Promise.race([refused, new Promise((late) => setTimeout(late, 1_000, 'waits'))]);
    // Ends an open that waits, without which this process could not end.
    if (first === 'waits') execFileSync('bash', ['-c', ': 1<>"$0"', pipe]);
    expect(first).toMatch(/it belongs to another user \(uid 65534\)/);

    chownSync(pipe, 0, 0);
    const [text] = await Promise.all([readTrustedFile(pipe), writeFile(pipe, '{ "all": "of it" }')]);
    expect(text).toBe('{ "all": "of it" }');
  },
);

it.runIf(process.getuid?.() === 0)(
  'the mode of a new state directory is not set where a link has taken its place',
  () => {
    const victim = join(folder, 'victim');
    mkdirSync(victim);
    chmodSync(victim, 0o755);
    const [theirs, wanted] = [join(folder, 'x'), join(folder, 'x', 'y')];
    // Another user makes the directory above between the look and mkdir, and exchanges the new one at once.
    const { mkdirSync: make } = fs;
    fs.mkdirSync = ((...given: Parameters<typeof make>) => {
      const made = make(...given);
      chownSync(theirs, NOBODY, NOBODY);
      if (existsSync(wanted)) {
        renameSync(wanted, join(theirs, 'z'));
        symlinkSync(victim, wanted);
        lchownSync(wanted, NOBODY, NOBODY);
      }
      return made;
    }) as typeof make;
    syncBuiltinESMExports();
    try {
      expect(() => preparePrivateDirectory(wanted, [])).toThrow();
    } finally {
      fs.mkdirSync = make;
      syncBuiltinESMExports();
    }
    expect(lstatSync(wanted).isSymbolicLink()).toBe(true);
    expect(statSync(victim).mode & 0o777).toBe(0o755);

    const umask = process.umask(0o277);
    onTestFinished(() => void process.umask(umask));
    preparePrivateDirectory(join(folder, 'ours'), []);
    expect(statSync(join(folder, 'ours')).mode & 0o777).toBe(0o700);
  },
);

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
