/** Copyright notices of other projects' code in a bundle: their licences want to be given along with the code. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** Name of the file in each package. */
export const NOTICES = 'THIRD-PARTY-NOTICES.txt';

/** Folder of a package in node_modules, in the path of one of its files; the last one where packages are nested. */
const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/**
 * The text of the file.
 *
 * @param root folder to which the paths of the metafiles are relative
 * @throws Error where a package names no licence
 */
export function noticesOf(root: string, metafiles: readonly Metafile[]): Buffer {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
    ),
  );
  const folders = new Set(inputs.flatMap((path) => PACKAGE.exec(path)?.[1] ?? []));
  const notices = [...folders].map((folder) => noticeOf(join(root, folder)));
  const head = 'The bundles in this folder contain code of these packages, under the licences that follow.\n';
  return Buffer.from([head, ...[...new Set(notices)].sort()].join(`\n${'-'.repeat(80)}\n\n`));
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  if (license === undefined) throw new Error(`${name} ${version} names no licence: it cannot be bundled`);
  const texts = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .sort()
    .map((file) => `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`);
  return `${name} ${version}: ${license}\n${texts.join('')}`;
}
