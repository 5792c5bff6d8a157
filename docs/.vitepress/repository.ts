/**
 * What the site needs to know about the repository around docs/.
 *
 * Pages link to source files by relative paths, which is what a reader of the repository needs. A site has no source files, and p2pfk has no
 * repository on the web that the links could lead to. So each file that a page links to has a page of its own on the site, below docs/source/,
 * and each folder a list of its files. JSON schemas are copied as they are, because programs read them.
 */
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { marked } from 'marked';

export const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** All pages of the site, by their paths in the repository. */
const PAGES: readonly string[] = globSync(['*.md', 'docs/*.md', '{bench,infra,sql}/*.md'], {
  cwd: PROJECT_ROOT,
}).sort();

/** The file or folder of the repository that a link of a page leads to; undefined for other links, and for those to pages. */
function sourceOf(page: string, link: string): string | undefined {
  if (/^([a-z]+:|#|\/)/.test(link)) return undefined;
  const path = posix.join(posix.dirname(page), decodeURIComponent(link.replace(/#.*/, ''))).replace(/\/$/, '');
  return path.endsWith('.md') ? undefined : path;
}

const isCopied = (path: string): boolean => path.startsWith('docs/') && extname(path) === '.json';

/** Files that the site has as they are in the repository. */
export const copiedFiles = (): string[] => globSync('docs/**/*.schema.json', { cwd: PROJECT_ROOT });

/** Where the site shows the source file or folder that a link of a page leads to; undefined for all other links. */
export function sourcePageOf(page: string, link: string): string | undefined {
  const source = sourceOf(page === 'index.md' ? 'README.md' : page, link);
  return source === undefined || isCopied(source) ? undefined : `/docs/source/${source}.html`;
}

/** Every source file and folder that has a page on the site, and the Markdown of that page. */
export function sourcePages(): { readonly path: string; readonly text: string }[] {
  const linked = new Set(
    PAGES.flatMap((page) => linksOf(page).flatMap((link) => sourceOf(page, link) ?? [])).filter(
      (path) => !isCopied(path),
    ),
  );
  for (const path of linked) for (const file of filesOf(path)) linked.add(file);
  return [...linked].sort().map((path) => ({ path, text: textOf(path) }));
}

function linksOf(page: string): string[] {
  const links: string[] = [];
  marked.walkTokens(marked.lexer(readFileSync(join(PROJECT_ROOT, page), 'utf8')), (token) => {
    if (token.type === 'link') links.push(token.href);
  });
  return links;
}

/** The files in a folder; none where the path is that of a file. */
function filesOf(path: string): string[] {
  const full = join(PROJECT_ROOT, path);
  if (!statSync(full).isDirectory()) return [];
  return readdirSync(full, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? `${path}/${entry.name}` : []));
}

function textOf(path: string): string {
  const files = filesOf(path);
  if (files.length > 0) {
    return [`# ${path}`, '', ...files.map((file) => `- [${basename(file)}](/docs/source/${file}.html)`), ''].join('\n');
  }
  const code = readFileSync(join(PROJECT_ROOT, path), 'utf8');
  // A fence is longer than any run of backticks in what it encloses.
  const fence = '`'.repeat(Math.max(3, ...[...code.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `# ${path}\n\n${fence}${LANGUAGES[extname(path)] ?? 'text'}\n${code}${fence}\n`;
}

const LANGUAGES: Readonly<Record<string, string>> = { '.ts': 'ts', '.sql': 'sql', '.json': 'json', '.cjs': 'js' };

/** The anchor of a heading, as GitHub makes it, so that a link to a section works in both places. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
