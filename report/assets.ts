/** Style and script of the pages, as `npm run build` bundled them into `dist/browser/`. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type AssetName = 'report.js' | 'report.css' | 'console.js' | 'console.css';

const texts = new Map<AssetName, string>();

/** @throws Error when the package was not built */
export function asset(name: AssetName): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const path = join(packageRoot(), 'dist', 'browser', name);
  if (!existsSync(path)) throw new Error(`The page's ${name} is not built: ${path} is missing. Run npm run build.`);
  const text = readFileSync(path, 'utf8');
  texts.set(name, text);
  return text;
}

/** This file is part of it, as source or bundled. */
function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && directory !== dirname(directory))
    directory = dirname(directory);
  return directory;
}
