/** Builds the site of the documentation, as `npm run docs:build` does, in a folder of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'node_modules', '.bin');

/** @returns the folder, which the caller removes */
export async function buildSite(): Promise<string> {
  const site = await mkdtemp(join(tmpdir(), 'p2pfk-site-'));
  await promisify(execFile)(join(BIN, 'vitepress'), ['build', 'docs', '--outDir', site], {
    cwd: ROOT,
    env: { PATH: `${BIN}:${process.env.PATH}`, NODE_ENV: 'production' },
  });
  return site;
}
