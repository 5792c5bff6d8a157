/**
 * The command line runs `dist/`. In a clone, `bin/p2pfk.js` has it built anew where a source is newer, so that what runs is what the
 * working tree says. The package of npm has no scripts, and is never built.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['cli', 'core', 'infra', 'lambdas', 'local', 'report', 'scripts', 'sql'];
/** Its time is the moment when the last successful build began. */
const STAMP = join(root, 'dist', '.built');

/** @returns what a build printed that failed; null where `dist/` is up to date, or is so now */
export function rebuildIfChanged(): string | null {
  if (existsSync(STAMP) && newestSource() <= statSync(STAMP).mtimeMs) return null;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'build.ts')], {
    encoding: 'utf8',
  });
  return status === 0 ? null : `${stderr}${stdout}`;
}

/** @param beganAt milliseconds since 1970; a source that is changed while it is built is built again */
export function noteBuilt(beganAt: number): void {
  writeFileSync(STAMP, '');
  utimesSync(STAMP, beganAt / 1_000, beganAt / 1_000);
}

/** Folders count as well: a file that is removed changes only its folder. */
function newestSource(): number {
  const files = SOURCES.flatMap((folder) => [
    folder,
    ...readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  ]);
  return Math.max(...['package.json', ...files].map((file) => statSync(join(root, file)).mtimeMs));
}
