/** The environment of the programs that an embedded server runs. */

/**
 * Where programs and their libraries are, the time zone, and what Windows needs to start a process. Everything else stays here:
 * as root the server runs as another user, who can read the environment of its processes, and ours may hold
 * DATABASE_URL, AWS keys or a password of the console.
 */
const KEPT = /^(PATH|TZ|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|SYSTEMROOT|WINDIR|SYSTEMDRIVE|PATHEXT|COMSPEC|TEMP|TMP)$/;

export function programEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  // Windows has its own spelling of these names, such as Path.
  const kept = Object.entries(env).filter(([name]) => KEPT.test(name.toUpperCase()));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}
