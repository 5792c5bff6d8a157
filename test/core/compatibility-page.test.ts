/** docs/compatibility.md has a row for every scenario of the matrix: CI finds a missing one only after it has run them all. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { columnsOf } from '../matrix/compatibility-page.ts';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

it('is compared in the columns of the versions that ran', () => {
  const page = `# Page

| scenario | 13 | 14 | 18 |
| --- | --- | --- | --- |
| runs | yes | NO | yes |
| of 14 \\| alone |  | yes |  |
| of 18 |  |  | yes |
`;
  expect(columnsOf(page, ['13', '18'])).toBe(`# Page

| scenario | 13 | 18 |
| --- | --- | --- |
| of 18 |  | yes |
| runs | yes | yes |
`);
  expect(columnsOf(page, ['14'])).toContain('| of 14 \\| alone | yes |\n| runs | NO |\n');
});

it('lists every scenario of the oldest and of the newest version', async () => {
  const projects = ['--project', 'postgres-13', '--project', 'postgres-18'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [VITEST, 'list', '--config', 'vitest.matrix.config.ts', ...projects, '--json'],
    { cwd: ROOT, env: withoutVitest(), maxBuffer: 2 ** 26 },
  );
  const page = readFileSync(join(ROOT, 'docs/compatibility.md'), 'utf8');
  const scenarios: readonly { readonly name: string }[] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  const titles = new Set(scenarios.map(({ name }) => name.slice(name.indexOf(' > ') + 3).replaceAll('|', '\\|')));
  expect(titles.size).toBeGreaterThan(100);
  expect([...titles].filter((title) => !page.includes(`\n| ${title} |`))).toEqual([]);
});

/**
 * The environment without what this run of vitest has set. The rest is needed: where a version is not installed yet, npm reads
 * from it how to reach its registry.
 */
function withoutVitest(): NodeJS.ProcessEnv {
  const own = /^(VITEST|TEST$|NODE_ENV$|P2PFK_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
