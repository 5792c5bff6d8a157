/** Private directories: other users of the machine may not read, change or replace the files in them. */
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { HeldDirectory } from '../held-directory.ts';
import { intruderAbove } from '../trusted-path.ts';

const GROUP_AND_OTHERS = 0o077;
const WRITE_OF_GROUP_AND_OTHERS = 0o022;
/** Mode bit of a directory such as /tmp: only the owner of an entry may rename or remove it. */
const STICKY = 0o1000;

/**
 * Makes a private directory, with mode 0700, where it is missing. A directory that others may write to is closed to them if it is
 * ours and contains only our files; one that they may only read stays as it is. The files get mode 0600. On Windows the directory
 * is only made.
 *
 * @param files names of our files
 * @throws InvalidInput where another user owns or may change the directory, one above it, or one of the files
 * @throws Error of Node where it cannot be made or opened
 */
export function preparePrivateDirectory(directory: string, files: readonly string[]): void {
  refuseForeignPath(directory);
  const isMissing = lookAt(directory) === null;
  HeldDirectory.open(directory).close();
  // In /tmp another user may have been the first to make a directory or a link of that name. From here on no user can replace it.
  refuseForeignPath(directory);
  const user = process.geteuid?.();
  if (user === undefined) return;
  const handle = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const { uid, mode } = fstatSync(handle);
    if (uid !== user) throw refusal(directory, `it belongs to another user (uid ${uid})`);
    // A narrow umask has reduced the mode.
    if (isMissing && readdirSync(directory).length === 0) fchmodSync(handle, 0o700);
    else if ((mode & WRITE_OF_GROUP_AND_OTHERS) !== 0) {
      const shared = (mode & STICKY) !== 0 || readdirSync(directory).some((name) => !files.includes(name));
      if (shared) throw refusal(directory, 'other users may write to it: chmod go-w');
      fchmodSync(handle, 0o700);
    }
  } finally {
    closeSync(handle);
  }
  for (const name of files) closeFile(join(directory, name), user);
}

/**
 * Why a directory, which may not exist yet, would not be used for private files, in one line; null where it would. Changes nothing, so
 * that a directory of ours that is only to be closed to others counts as usable.
 *
 * @throws Error of Node where a directory may not be searched
 */
export function privateDirectoryProblem(directory: string): string | null {
  try {
    refuseForeignPath(directory);
    const found = lookAt(directory);
    const user = process.geteuid?.();
    if (found === null || user === undefined) return null;
    if (!found.isDirectory()) return refusal(directory, 'it is no directory').message;
    return found.uid === user ? null : refusal(directory, `it belongs to another user (uid ${found.uid})`).message;
  } catch (error) {
    if (error instanceof InvalidInput) return error.message;
    throw error;
  }
}

/**
 * A directory above may be open to every user for entering. But if it is neither ours nor root's nor sticky, its entries could be
 * replaced.
 */
function refuseForeignPath(directory: string): void {
  const intruder = intruderAbove(directory);
  if (intruder === null) return;
  throw refusal(directory, `of ${intruder.path} above it: ${intruder.reason}`);
}

function closeFile(path: string, user: number): void {
  const found = lookAt(path);
  if (found === null) return;
  if (!found.isFile() || found.nlink > 1) throw refusal(path, 'it is a link or no regular file');
  if (found.uid !== user) throw refusal(path, `it belongs to another user (uid ${found.uid})`);
  if ((found.mode & GROUP_AND_OTHERS) === 0) return;
  const handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    fchmodSync(handle, 0o600);
  } finally {
    closeSync(handle);
  }
}

function lookAt(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function refusal(path: string, reason: string): InvalidInput {
  return new InvalidInput(`${path} is not used for executions, because ${reason}`);
}
