/** Removal of an embedded server's files, in a way in which its user cannot make root remove other files. */
import { spawnSync } from 'node:child_process';
import { lstatSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerUser } from './binaries.ts';
import { programEnvironment } from './environment.ts';

/**
 * Removes everything, synchronously. `directory` belongs to this process's user; `data` in it belongs to the server's user. Other
 * processes of that user may still put links into `data`, which a recursive removal by root would follow. So `data` is emptied
 * with the rights of that user only. What cannot be removed that way is left.
 *
 * @param user null where the server ran as the user of this process
 */
export function removeCluster(directory: string, user: ServerUser | null): void {
  if (user !== null && !removeData(join(directory, 'data'), user)) return;
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}

/**
 * @returns whether `data` is gone, or belongs to root. If it belongs to root, the server's user never had it, for example because
 *   a copy was not finished.
 */
function removeData(data: string, { uid, gid }: ServerUser): boolean {
  const found = lstatSync(data, { throwIfNoEntry: false });
  if (found === undefined || found.uid !== uid) return true;
  spawnSync('rm', ['-rf', '--', data], { uid, gid, env: programEnvironment(), stdio: 'ignore' });
  try {
    rmdirSync(data);
    return true;
  } catch {
    return lstatSync(data, { throwIfNoEntry: false }) === undefined;
  }
}
