/** What the documentation lets others run: on their machines, and in their pipelines with DATABASE_URL. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** `npx p2pfk` installs what has that name in the registry, where no package of the project has it. */
const MAY_INSTALL = /\b(?:npx|npm exec|pnpm dlx|bunx|yarn dlx)(?! --no(?:-install)? )(?:\s+-\S+)*\s+p2pfk\b/;

it('no pipeline and no hook in the documentation runs what npx would install', () => {
  const steps = PAGES.flatMap((page) =>
    read(page)
      .split('\n')
      .filter((line) => /^\s*(?:- )?(?:run|entry): /.test(line) && MAY_INSTALL.test(line))
      .map((line) => `${page}: ${line.trim()}`),
  );

  expect(MAY_INSTALL.test('run: npx p2pfk scan') && MAY_INSTALL.test('run: npx --yes p2pfk scan')).toBe(true);
  expect(steps).toEqual([]);
  expect(read('docs/ci.md').match(/(?:run|entry): npx --no-install p2pfk /g)).toHaveLength(2);
});
