/** Private files: saved plans and reports, which only their user may read, and which are read back. */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { HANDLES, HeldDirectory, hasHandles, O_PATH } from './held-directory.ts';
import { changeableByOthers, intruderAbove } from './trusted-path.ts';

/**
 * Writes a file with mode 0600, completely or not at all. A temporary file next to it is renamed to it, so that a link of that
 * name is replaced and not followed.
 *
 * @throws Error where the directory cannot be written to, or a link in its path belongs to another user, or the name is that of a
 *   device, a pipe or a directory
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const file = resolve(path);
  const directory = HeldDirectory.open(dirname(file));
  try {
    await writeInto(directory, file, text);
  } catch (error) {
    throw directory.readable(error);
  } finally {
    directory.close();
  }
}

async function writeInto(directory: HeldDirectory, file: string, text: string): Promise<void> {
  const target = directory.entry(basename(file));
  await refuseOtherThanFile(directory, target);
  const draft = directory.entry(`.${basename(file)}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    directory.confirm(dirname(file));
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Without this check, root could replace /dev/stdout, which is a link, with a file. */
async function refuseOtherThanFile({ path }: HeldDirectory, target: string): Promise<void> {
  if (/^\/(dev|proc|sys)(\/|$)/.test(path)) throw new Error(`${path} is no directory for files`);
  for (const look of [lstat, stat]) {
    const found = await look(target).catch(() => null);
    if (found !== null && !found.isFile() && !found.isSymbolicLink()) throw new Error('it is not a regular file');
  }
}

/**
 * The text of a file that decides what is done, so only its user or root may have been able to write it. A pipe of the shell
 * belongs to its user.
 *
 * @throws Error where it cannot be read, or another user can change or replace it
 */
export async function readTrustedFile(path: string): Promise<string> {
  const handle = await openTrusted(path);
  try {
    const found = await handle.stat();
    refuseChangeable(found);
    // Something that the shell has opened for us, such as a pipe, is in no directory.
    const intruder = found.isFile() ? intruderAbove(path) : null;
    if (intruder !== null) {
      throw new Error(
        `of ${intruder.path} above it: ${intruder.reason}, who can put another file in its place: copy it, and review the copy`,
      );
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * Examines the file before opening it for reading, which could wait forever for the other end of another user's pipe. On Linux
 * the file that was examined is the one that is opened; elsewhere the handle is examined again.
 */
async function openTrusted(path: string): Promise<FileHandle> {
  if (!hasHandles()) {
    refuseChangeable(await stat(path));
    return open(path, constants.O_RDONLY);
  }
  const seen = await open(path, O_PATH);
  try {
    refuseChangeable(await seen.stat());
    return await open(`${HANDLES}/${seen.fd}`, constants.O_RDONLY);
  } finally {
    await seen.close();
  }
}

function refuseChangeable(found: Stats): void {
  const reason = changeableByOthers(found);
  if (reason !== null) throw new Error(`${reason}, who can change it: copy it, and review the copy`);
}
