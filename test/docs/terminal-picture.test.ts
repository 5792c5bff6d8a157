/** The moving picture of a terminal: what a reader sees of it, with motion and without. */
import { describe, expect, it } from 'vitest';
import { type Line, pictureOf } from '../../scripts/terminal-svg.ts';

const plain = (text: string): Line => [{ column: 0, text, color: null, bold: false, dim: false }];
const SCREEN = { columns: 20, lines: 3, title: '$ p2pfk migrate' };
const of = (...frames: readonly (readonly [number, readonly Line[]])[]) =>
  pictureOf(
    frames.map(([atMs, lines]) => ({ atMs, lines })),
    SCREEN,
  );
const groups = (svg: string) =>
  [...svg.matchAll(/<g class="l ((?:z )?)(k\d+)"><text[^>]*>([^<]*)/g)].map(([, last, name, text]) => ({
    text,
    isLast: last !== '',
    times: new RegExp(`@keyframes ${name}{(.*?)}\\.${name}{`).exec(svg)?.[1],
  }));

describe('a picture of a terminal', () => {
  it('has each line once, for as long as it is seen, and without motion the last frame', () => {
    const svg = of(
      [0, [plain('plan'), plain('0/17')]],
      [2_000, [plain('plan'), plain('9/17')]],
      [4_000, [plain('plan')]],
    );
    expect(groups(svg)).toEqual([
      { text: 'plan', isLast: true, times: '0%{visibility:visible}' },
      { text: '0/17', isLast: false, times: '0%{visibility:visible}20%,100%{visibility:hidden}' },
      { text: '9/17', isLast: false, times: '0%{visibility:hidden}20%{visibility:visible}40%,100%{visibility:hidden}' },
    ]);
    expect(svg).toMatch(/^\.l\{visibility:hidden\}\.z\{visibility:visible\}$/m);
    expect(svg).toContain('@media (prefers-reduced-motion:no-preference)');
  });

  it('leaves out what is seen too briefly to be read, but never the end', () => {
    const svg = of([0, [plain('a')]], [1_000, [plain('b')]], [1_040, [plain('c')]], [1_080, [plain('d')]]);
    expect(groups(svg).map(({ text }) => text)).toEqual(['a', 'b', 'd']);
  });

  it('is a picture: no text of the terminal becomes a tag, and nothing is run or loaded', () => {
    const svg = of([0, [plain('<script>"&')]]);
    expect(svg).toContain('&lt;script&gt;&quot;&amp;');
    expect(svg).not.toMatch(/<script|href|@import|url\(/);
  });
});
