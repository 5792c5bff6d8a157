/** Files of libpq in the user's home directory. */
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * In a container whose user has neither a name nor HOME there are none: a path at which nothing is. An empty HOME counts as none, as in
 * libpq: files of the current directory may be another user's.
 */
export function inHome(...path: readonly string[]): string {
  try {
    return join(homedir() || userInfo().homedir, ...path);
  } catch {
    return join('/nonexistent', ...path);
  }
}
