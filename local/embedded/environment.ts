/** Environment variables of the programs that an embedded server runs. */

/**
 * Kept: where programs and their libraries are, the time zone, and what Windows needs to start a process. Nothing else is passed
 * on. As root, the server runs as another user, who can read the environment of its processes, and ours may contain DATABASE_URL,
 * AWS keys or a password of the console.
 */
const KEPT = /^(PATH|TZ|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|SYSTEMROOT|WINDIR|SYSTEMDRIVE|PATHEXT|COMSPEC|TEMP|TMP)$/;

/** @returns the environment to start a program with: the kept variables, and LC_ALL */
export function programEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  // Windows spells these names differently, for example Path.
  const kept = Object.entries(env).filter(([name]) => KEPT.test(name.toUpperCase()));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}
