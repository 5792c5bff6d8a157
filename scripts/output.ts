/**
 * Writes the files of a build. A build may run while the command line runs: the first `npx p2pfk` in a clone runs `prepare`
 * again, and npm 10 does so several times at once. So unchanged files are not written, and changed files are replaced atomically.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** One file of a build. */
export interface OutputFile {
  /** Absolute. */
  readonly path: string;
  readonly contents: Uint8Array;
}

/** Writes the files whose content has changed. */
export async function writeChanged(files: readonly OutputFile[]): Promise<void> {
  await Promise.all(files.map(writeIfChanged));
}

async function writeIfChanged({ path, contents }: OutputFile): Promise<void> {
  const present = await readFile(path).catch(() => null);
  if (present?.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

/**
 * Removes what an earlier build left in a folder, so that nothing stale is packed or deployed.
 *
 * @param keep by file name
 */
export async function removeOthers(folder: string, keep: (name: string) => boolean): Promise<void> {
  const stale = (await readdir(folder)).filter((name) => !keep(name));
  await Promise.all(stale.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}
