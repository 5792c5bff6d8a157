/** Every link of the documents to a file, a heading or an image of this repository leads somewhere. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { marked, type Token } from 'marked';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', 'docs/*.md', 'sql/*.md', 'bench/*.md', 'infra/*.md', '.github/**/*.md'], { cwd: ROOT });

it.each(PAGES)('of %s lead somewhere', (page) => {
  const dead = linksOf(page).filter((link) => problemOf(page, link) !== undefined);
  expect(dead).toEqual([]);
});

it('are found to be dead, where a file or a heading is missing', () => {
  expect(problemOf('README.md', 'docs/nothing.md')).toBe('no such file');
  expect(problemOf('README.md', 'docs/chaos.md#nothing')).toBe('no such heading');
  expect(problemOf('README.md', '../outside.md')).toBe('not in this repository');
  expect(problemOf('README.md', 'docs/chaos.md#the-chaos-suite')).toBeUndefined();
});

/** What the link lacks; absent for one that leads somewhere, and for one that leads out of the repository. */
function problemOf(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [file = '', heading] = link.split('#');
  const target = file === '' ? join(ROOT, page) : join(ROOT, dirname(page), decodeURIComponent(file));
  if (relative(ROOT, target).startsWith('..')) return 'not in this repository';
  if (!existsSync(target)) return 'no such file';
  if (heading === undefined || !target.endsWith('.md')) return undefined;
  return anchorsOf(target).has(heading) ? undefined : 'no such heading';
}

function linksOf(page: string): string[] {
  const links: string[] = [];
  marked.walkTokens(marked.lexer(readFileSync(join(ROOT, page), 'utf8')), (token) => {
    if (token.type === 'link' || token.type === 'image') links.push(token.href);
  });
  return links;
}

/** The anchors that GitHub gives the headings of a page: the second of the same name ends in `-1`. */
function anchorsOf(file: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  marked.walkTokens(marked.lexer(readFileSync(file, 'utf8')), (token) => {
    if (token.type !== 'heading') return;
    const base = textOf(token.tokens ?? [])
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${base}-${n}`;
    anchors.add(anchor);
  });
  return anchors;
}

function textOf(tokens: readonly Token[]): string {
  return tokens
    .map((token) => ('tokens' in token && token.tokens ? textOf(token.tokens) : token.raw.replace(/^`|`$/g, '')))
    .join('');
}
