/** Names in the Markdown report, as two parsers of GitHub Flavored Markdown read them. */
import fc from 'fast-check';
import { marked } from 'marked';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { expect, it } from 'vitest';
import type { Report } from '../../report/contracts.ts';
import { toMarkdown } from '../../report/markdown.ts';
import { code, text } from '../../report/markdown-text.ts';
import { buildReport } from '../../report/report.ts';
import { story } from './story.helpers.ts';

const READERS: Readonly<Record<string, (page: string) => string>> = {
  marked: (page) => marked.parse(page, { async: false, gfm: true }),
  // Its own extension takes dangerous tags out of the HTML, which others do not.
  micromark: (page) => micromark(page, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] }),
};

/** All tags that the pages below are made of. */
const OURS = /^(h[1-3]|p|table|thead|tbody|tr|th|td|ul|li|strong|blockquote|code)$/;

function pageOf(one: string, other: string): string {
  return [
    `# Migrated: ${text(one)}`,
    text(one),
    `> ${text(one)}`,
    `- warning ${code(one)}: ${text(other)} – **${text(one)}**\n- ${text(other)}: ${code(one)}`,
    `| a | b | c |\n| --- | --- | --- |\n| ${code(one)} | ${text(other)} | last |\n| ${code(other)}; ${code(one)} | **${text(one)}** | last |`,
  ].join('\n\n');
}

function decoded(html: string): string {
  return html
    .replace(/<[^>]*>/g, '')
    .replace(
      /&(lt|gt|amp|quot|#39);/g,
      (_all, name: string) => ({ lt: '<', gt: '>', amp: '&', quot: '"' })[name] ?? "'",
    );
}

function expectOnlyText(one: string, other: string): void {
  const page = pageOf(one, other);
  for (const [reader, read] of Object.entries(READERS)) {
    const html = read(page);
    const tags = [...html.matchAll(/<\/?([a-z][a-z0-9]*)\b[^>]*>|<[!?]/gi)].map(([, tag = '(comment)']) => tag);
    for (const tag of tags) expect(tag, `${reader}: ${page}\n${html}`).toMatch(OURS);
    const cells = [...html.matchAll(/<t[dh][^>]*>([\s\S]*?)<\/t[dh]>/g)].map(([, cell = '']) => decoded(cell));
    const tidy = (shown: string): string => shown.replace(/\s+/g, ' ').trim();
    expect(cells.map(tidy), `${reader}: ${page}`).toEqual(
      ['a', 'b', 'c', one, other, 'last', `${other}; ${one}`, one, 'last'].map(tidy),
    );
    expect(html.match(/<(ul|li|blockquote|h1|table|strong)\b/g), `${reader}: ${page}`).toEqual(
      ['h1', 'blockquote', 'ul', 'li', 'strong', 'li', 'table', 'strong'].map((tag) => `<${tag}`),
    );
  }
}

it.each([
  ['p\\|<img src=https://evil.example/i>', 'i\\|[click](https://evil.example/a) '],
  ['c https://evil.example/c www.evil.example', '@org/team #12 a@evil.example'],
  ['a`b', '``'],
  ['`', '|'],
  ['\\', '||\\'],
  ['- a', '1. b'],
  ['===', '+ ~~x~~'],
  ['<!-- x', '&lt;b&gt; <b>'],
  ['[x]: https://evil.example', '![x][x]'],
  ['[^1]', 'mailto:a@b.example'],
])('%j and %j are shown as they are', expectOnlyText);

it('a name of any characters is shown as it is, and no markup comes out but ours', () => {
  const piece = fc.constantFrom(
    ...'\\`*_[]()<>|#~&!@:/.-+="\' a1'.split(''),
    ...['https://e.example', 'www.e.example', '<img src=x>', '](', '``', '\\|', '&lt;', '@org/x', 'é', '   '],
  );
  const name = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(
      name.filter((one) => one.trim() !== ''),
      name.filter((one) => one.trim() !== ''),
      expectOnlyText,
    ),
    {
      numRuns: 400,
    },
  );
});

const FORGED =
  'x |\n\n## Approved by the security team\n\n![](https://evil.example/pixel.png) [All 6 checks passed](https://evil.example/) @everyone <img src=x onerror=alert(1)>';

/** The same with `forged` in the place of each text, but for those that choose a word of ours. */
function forgedIn<Value>(value: Value, forged: string): Value {
  const given = JSON.stringify(value, (key, one: unknown) =>
    typeof one === 'string' && !['status', 'parent'].includes(key) ? forged : one,
  );
  return JSON.parse(given) as Value;
}

it('no value of a report is more than text in it: no time, state, mode, severity or name', () => {
  const made = '2027-01-31T04:00:00Z';
  const people = { approvedBy: 'ana', approvalReason: 'CHG-1', approvedLogin: 'ana', role: 'app' };
  const withdrawn = { at: made, by: 'ana', login: 'ana', reason: 'CHG-1' };
  const hash = `sha256:${'0'.repeat(64)}`;
  const all = { compared: true, proven: true, catalogHash: hash, hash, madeAt: made, madeBy: 'ana' };
  const [one] = [{ id: 'x', message: 'x', role: 'app', sessionUser: 'ana', by: 'ana', at: made }];
  for (const ending of ['migrated', 'rolled-back', 'rehearsed', 'refused'] as const) {
    const told = buildReport(story({ pairs: 2, ending, retryEvery: 2 }));
    const report: Report = {
      ...told,
      reviewedPlan: all,
      people: { ...told.people, ...people, withdrawn },
      executions: [...told.executions, ...told.executions],
      accepted: [{ ...told.accepted[0], ...one }],
      notes: ['a note'],
    };
    for (const read of Object.values(READERS)) {
      const html = read(toMarkdown(forgedIn(report, FORGED)));
      const tags = [...html.matchAll(/<\/?([a-z][a-z0-9]*)\b[^>]*>|<[!?]/gi)].map(([, tag = '(comment)']) => tag);
      expect(tags.filter((tag) => !OURS.test(tag))).toEqual([]);
      const headings = (page: string) => [...page.matchAll(/<h[1-3]/g)].length;
      expect(headings(html)).toBe(headings(read(toMarkdown(report))));
      expect(html.split('<h2>Approved by the security team')).toHaveLength(1);
    }
  }
});
