/** docs/security.md names a test for each claim: each is there. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const page = read('docs/security.md');

/** `test/a.test.ts` with what follows it: titles in quotation marks, in parentheses or behind a colon. */
const NAMED = /`(test\/[\w/.-]+\.test\.ts)`(?:: ("[^"]+")| \(("[^"]+"(?:, "[^"]+")*)\))?/g;

it('every test that the security page names exists, with that title', () => {
  const named = [...page.matchAll(NAMED)];
  const missing = named.flatMap(([, file = '', one, several]) => {
    if (!existsSync(new URL(file, root))) return [file];
    const titles = [...(one ?? several ?? '').matchAll(/"([^"]+)"/g)].map(([, title]) => title ?? '');
    const source = read(file);
    return titles.filter((title) => !source.includes(title)).map((title) => `${file}: ${title}`);
  });

  expect(missing).toEqual([]);
  expect(named.length).toBeGreaterThan(60);
  // None is written in another form, which would not be looked at.
  expect(page.match(/test\/[\w/-]+\.test/g)?.length).toBe(named.length);
});

it('every link to a heading or a file of the security pages leads somewhere', () => {
  const anchors = new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  expect(links.filter((link) => link.startsWith('#') && !anchors.has(link.slice(1)))).toEqual([]);
  const files = links.filter((link) => !/^(#|https:)/.test(link)).map((link) => link.replace(/#.*/, ''));
  expect(files.filter((file) => !existsSync(new URL(`docs/${file}`, root)))).toEqual([]);
  expect(page).toMatch(/SECURITY\.md/);
  expect(read('SECURITY.md')).toMatch(/Report a vulnerability/);
});
