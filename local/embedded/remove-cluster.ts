/** Removes what an embedded server had on disk, without letting its user lead root to other files. */
import { spawnSync } from 'node:child_process';
import { lstatSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerUser } from './binaries.ts';
import { programEnvironment } from './environment.ts';

/**
 * Blocks until it is done. `directory` itself is ours; below it, `data` is the server user's. Other processes of that user may still put
 * links into it, which a recursive removal by root would follow: so `data` is emptied with that user's rights alone. What cannot be
 * removed in that way stays.
 *
 * @param user null where the server ran as ourselves
 */
export function removeCluster(directory: string, user: ServerUser | null): void {
  if (user !== null && !removeData(join(directory, 'data'), user)) return;
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}

/** Whether it is gone, or root's alone: then its user never had it, as where a copy was not finished. */
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
