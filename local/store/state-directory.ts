/** The directory of the execution store: one for each user, where the XDG base directory specification puts state. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * @returns `given` (`--state-dir`), else `P2PFK_STATE_DIR`, else `$XDG_STATE_HOME/p2pfk`, else `~/.local/state/p2pfk`; on Windows
 *   `%LOCALAPPDATA%\p2pfk`
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function stateDirectory(given?: string, env: NodeJS.ProcessEnv = process.env): string {
  const named = given || env.P2PFK_STATE_DIR;
  if (named) return resolve(named);
  if (process.platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'p2pfk');
  // The specification says that a relative path is invalid and has to be ignored.
  const base = env.XDG_STATE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'p2pfk');
}
