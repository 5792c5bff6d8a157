/** Files of libpq in the user's home directory. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** In a container whose user has neither a name nor HOME there are none: a path at which nothing is. */
export function inHome(...path: readonly string[]): string {
  try {
    return join(homedir(), ...path);
  } catch {
    return join('/nonexistent', ...path);
  }
}
