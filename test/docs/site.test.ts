/** The documentation as a site: it has all pages, its links lead somewhere, it loads nothing from other hosts, and its search knows words. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSite } from './site.helpers.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let site: string;
let pages: readonly string[];

beforeAll(async () => {
  site = await buildSite();
  pages = globSync('**/*.html', { cwd: site });
}, 900_000);
afterAll(() => rm(site, { recursive: true }));

const read = (page: string): string => readFileSync(join(site, page), 'utf8');

it('has a page for each Markdown file of the repository, and the sidebar leads to it', async () => {
  const { stdout } = await run('git', ['ls-files', '*.md', ':!.github', ':!docs/source'], { cwd: ROOT });
  const expected = stdout
    .trim()
    .split('\n')
    .map((file) => (file === 'README.md' ? 'index.html' : file.replace(/md$/, 'html')));
  expect(expected.filter((page) => !pages.includes(page))).toEqual([]);

  const sidebar = linksOf(read('docs/tutorial.html')).map((link) => link.replace(/^\//, ''));
  expect(expected.filter((page) => page !== 'index.html' && !sidebar.includes(page))).toEqual([]);
});

it('has no link to a page, a section or a file that is not there', () => {
  const dead = pages.flatMap((page) =>
    linksOf(read(page)).flatMap((link) =>
      problemOf(page, link) ? [`${page}: ${link}: ${problemOf(page, link)}`] : [],
    ),
  );
  expect(dead).toEqual([]);
  expect(problemOf('docs/chaos.html', './nothing.html')).toBe('no such file');
  expect(problemOf('docs/chaos.html', './operations.html#nothing')).toBe('no such section');
});

it('shows the source files that pages link to, and has JSON schemas as they are', () => {
  expect(linksOf(read('docs/security.html'))).toContain('/docs/source/sql/session.sql.html');
  expect(read('docs/source/sql/session.sql.html')).toContain('search_path');
  expect(read('docs/scan.schema.json')).toBe(readFileSync(join(ROOT, 'docs/scan.schema.json'), 'utf8'));
});

it('loads nothing from another host', () => {
  const loaded = pages.flatMap((page) => {
    const html = read(page);
    const tags = html.match(/<(?:script|img|iframe|source|video|link)\b[^>]*>/g) ?? [];
    return tags.filter((tag) => /(?:src|srcset|href)="?(?:[a-z]+:)?\/\//.test(tag)).map((tag) => `${page}: ${tag}`);
  });
  const styles = globSync('**/*.css', { cwd: site }).filter((file) =>
    /(?:url\(|@import)["' ]*(?:[a-z]+:)?\/\//.test(read(file)),
  );
  const scripts = globSync('**/*.js', { cwd: site }).filter((file) =>
    /(?:import|fetch)\(["'`]https?:/.test(read(file)),
  );
  expect({ loaded, styles, scripts }).toEqual({ loaded: [], styles: [], scripts: [] });
});

it('can be searched for the terms of the product, and not for the text of source files', async () => {
  const [index = ''] = globSync('assets/chunks/@localSearchIndexroot*.js', { cwd: site });
  const text = await readFile(join(site, index), 'utf8');
  for (const word of ['rehearsal', 'untrusted', 'lockTimeoutMs', 'provision'])
    expect(text.toLowerCase()).toContain(word.toLowerCase());
  expect(text).toContain('docs/operations.html#by-exit-code');
  expect(text).not.toContain('docs/source/');
});

/** All places that a page leads to or loads from this site; `&amp;` is the only entity in them. */
function linksOf(html: string): string[] {
  return [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link = '']) => link.replaceAll('&amp;', '&'));
}

function problemOf(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = '', section] = link.split('#');
  const file = path === '' ? page : path.startsWith('/') ? path.slice(1) || 'index.html' : join(dirname(page), path);
  if (!existsSync(join(site, decodeURI(file)))) return 'no such file';
  if (section === undefined || section === '' || !file.endsWith('.html')) return undefined;
  return read(file).includes(`id="${decodeURIComponent(section)}"`) ? undefined : 'no such section';
}
