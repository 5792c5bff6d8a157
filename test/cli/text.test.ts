import { describe, expect, it } from 'vitest';
import {
  clock,
  definitionWithoutSchemaOf,
  roughly,
  shellWord,
  size,
  visible,
  withoutSchemaOf,
} from '../../cli/text.ts';
import { cut, padEnd, padStart, width, wrapped } from '../../cli/width.ts';

it.each([
  [0, '00:00:00.000'],
  [23.4, '00:00:00.023'],
  [999, '00:00:00.999'],
  [42_000, '00:00:42'],
  [3_723_400, '01:02:03'],
  [360_000_000, '100:00:00'],
])('%d ms is written %s', (milliseconds, text) => {
  expect(clock(milliseconds)).toBe(text);
});

it.each([
  [0.2, '1 ms'],
  [850, '850 ms'],
  [3_140, '3.1 s'],
  [5_000, '5 s'],
  [9_960, '10 s'],
  [12_000, '12 s'],
  [200_000, '3 min 20 s'],
  [3_900_000, '1 h 5 min'],
])('about %d ms is written %s', (milliseconds, text) => {
  expect(roughly(milliseconds)).toBe(text);
});

it.each([
  [0, '0 bytes'],
  [8192, '8192 bytes'],
  [16_384, '16 kB'],
  [12_884_901_888, '12 GB'],
])('%d bytes are written %s, as pg_size_pretty does', (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

describe('names', () => {
  it('cannot send escapes, line breaks or a change of direction to the terminal', () => {
    expect(visible('a\u001b[2Jb\r\nc\u202ed\u009b')).toBe('a\\x1b[2Jb\\x0d\\x0ac\\u202ed\\x9b');
  });

  it.each([
    ['public.path', 'public.path_p_1', 'path_p_1'],
    ['public.path', 'archive.path_p_1', 'archive.path_p_1'],
    ['"My ""S".t', '"My ""S"."p.1"', '"p.1"'],
    ['path', 'path_p_1', 'path_p_1'],
    ['"a.b"', '"a.b".c', '"a.b".c'],
  ])('of a pair of %s are written without its schema: %s is %s', (table, name, short) => {
    expect(withoutSchemaOf(table, name)).toBe(short);
  });

  it.each([
    ['ASCII', 'path', 4],
    ['CJK', '日本', 4],
    ['CJK of the supplementary planes', '𠮷𡈽', 4],
    ['kana and a half-width voice mark', 'ｶﾞ', 2],
    ['Hangul written in its parts', '\u1112\u1161\u11ab', 2],
    ['a letter and its accent', 'e\u0301', 1],
    ['an emoji', '🚀', 2],
    ['one that is an emoji by a selector', '❤\ufe0f', 2],
    ['a family of three', '👩‍👩‍👧', 2],
    ['one with a colour of skin', '👍🏽', 2],
    ['a flag', '🇪🇺', 2],
    ['a keycap', '1\ufe0f⃣', 2],
    ['a joiner alone', '\u200d', 0],
    ['colours', '\u001b[32mpath\u001b[39m', 4],
  ])('are measured by the columns they take: %s', (_what, name, columns) => {
    expect(width(name)).toBe(columns);
  });

  it('are cut and padded by these columns, and never within a character', () => {
    expect(cut('日本語', 5)).toBe('日本…');
    expect(cut('𠮷𡈽𠮷', 5)).toBe('𠮷𡈽…');
    expect(cut('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…');
    expect(cut('👩‍👩‍👧👩‍👩‍👧', 4)).toBe('👩‍👩‍👧👩‍👩‍👧');
    expect(cut('path', 4)).toBe('path');
    expect(cut('path', 0)).toBe('');
    expect(padEnd('👍🏽', 4)).toBe('👍🏽  ');
    expect(padStart('𠮷', 4)).toBe('  𠮷');
  });

  it('are wrapped by these columns, and stay as they were written', () => {
    expect(wrapped('  👩‍👩‍👧 👩‍👩‍👧 👩‍👩‍👧', 7, 4)).toEqual(['  👩‍👩‍👧 👩‍👩‍👧', '    👩‍👩‍👧']);
    const decomposed = 'DROP TABLE "cafe\u0301"';
    expect(wrapped(decomposed, 80, 0)).toEqual([decomposed]);
  });
});

it.each([
  ['public.path', 'public.path'],
  ['"we""ird; DROP TABLE x"', `'"we""ird; DROP TABLE x"'`],
  ["it's", `'it'\\''s'`],
])('%s is written for a shell as %s', (text, word) => {
  expect(shellWord(text)).toBe(word);
});

it.each([
  [
    'public.path',
    'FOREIGN KEY (a) REFERENCES public.inode(a) ON DELETE CASCADE',
    'FOREIGN KEY (a) REFERENCES inode(a) ON DELETE CASCADE',
  ],
  ['public.path', 'FOREIGN KEY (a) REFERENCES other.inode(a)', 'FOREIGN KEY (a) REFERENCES other.inode(a)'],
  ['public.path', 'FOREIGN KEY (a) REFERENCES inode(a)', 'FOREIGN KEY (a) REFERENCES inode(a)'],
  [
    '"My ""S".t',
    'FOREIGN KEY (" REFERENCES public.x(") REFERENCES "My ""S"."r(1)"(a)',
    'FOREIGN KEY (" REFERENCES public.x(") REFERENCES "r(1)"(a)',
  ],
])('for %s, %s is written %s', (table, definition, text) => {
  expect(definitionWithoutSchemaOf(table, definition)).toBe(text);
});
