/**
 * Rebuilds `dist/`, which the command line runs, where a source is newer: in a clone, `bin/p2pfk.js` calls this, so that the
 * working tree is what runs. The npm package does not contain `scripts/`, and is never rebuilt.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['cli', 'core', 'infra', 'lambdas', 'local', 'report', 'scripts', 'sql'];
/** The construct and its bundles: the package `p2pfk-cdk` contains only files below `infra/`. */
const BUILT = join('infra', 'dist');
/** Its modification time is when the last successful build began. */
const STAMP = join(root, 'dist', '.built');

/** @returns the output of a build that failed; null where `dist/` is now up to date */
export function rebuildIfChanged(): string | null {
  if (isBuilt()) return null;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'build.ts')], {
    encoding: 'utf8',
  });
  return status === 0 ? null : `${stderr}${stdout}`;
}

/** Whether `dist/` was built after the last change of a source. */
export function isBuilt(): boolean {
  return existsSync(STAMP) && newestSource() <= statSync(STAMP).mtimeMs;
}

/**
 * Notes a successful build.
 *
 * @param beganAt milliseconds since 1970; a source that changed during the build is built again
 */
export function noteBuilt(beganAt: number): void {
  writeFileSync(STAMP, '');
  utimesSync(STAMP, beganAt / 1_000, beganAt / 1_000);
}

/**
 * The newest modification time. Folders are included, because removing a file changes only its folder; what a build writes is
 * not.
 */
function newestSource(): number {
  const files = SOURCES.flatMap((folder) => [
    folder,
    ...readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => join(folder, file))
      .filter((file) => !file.startsWith(BUILT)),
  ]);
  return Math.max(...['package.json', ...files].map((file) => statSync(join(root, file)).mtimeMs));
}
