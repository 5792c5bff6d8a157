/**
 * Writes what a build made. A build may run while the command line does: the first `npx p2pfk` in a clone runs `prepare`
 * again, and npm 10 does so several times at once. So an unchanged file is left alone, and a changed one replaced whole.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface OutputFile {
  /** Absolute. */
  readonly path: string;
  readonly contents: Uint8Array;
}

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

/** Removes what an earlier build left in a folder, so that nothing stale is packed or deployed. */
export async function removeOthers(folder: string, keep: (name: string) => boolean): Promise<void> {
  const stale = (await readdir(folder)).filter((name) => !keep(name));
  await Promise.all(stale.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}
