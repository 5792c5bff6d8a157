/**
 * Text of others as Markdown that shows it and does nothing else: no name ends a cell, begins a tag, a link, an image, a list or an
 * emphasis, or mentions a person. For GitHub Flavored Markdown, and for what renderers and trackers add to it.
 */
import { visible } from '../core/contracts/safe-text.ts';

declare const MARKDOWN: unique symbol;
/**
 * Text that {@link text}, {@link code} or {@link md} has made. The page takes nothing else, so that a value cannot get into it as it is: not
 * even one that a formatter or an enumeration is believed to have made, because ledger, history and input are text of others.
 */
export type Markdown = string & { readonly [MARKDOWN]: true };

/** What is written here in the source, and Markdown in between. */
export function md(written: TemplateStringsArray, ...values: readonly Markdown[]): Markdown {
  return String.raw({ raw: written }, ...values) as Markdown;
}

export function joined(parts: readonly Markdown[], between: string): Markdown {
  return parts.join(between) as Markdown;
}

/**
 * Words that a renderer makes a link of, or a tracker a mention, without any markup: addresses, `www.`, `@name`, `#12`. An escape does
 * not help, because that is looked for after it was read; nothing looks into a span of code.
 */
const LINKED = /@|\/\/|:\/|www\.|#\w/i;
const MARK = /[\\`*_[\]<>|#~&]/g;
/** At the beginning of a line: a list, a heading's underline, a rule. */
const BLOCK = /^(?:[-+=]|\d+(?=[.)]$))/;

/** A sentence. */
export function text(value: string | number): Markdown {
  return oneLine(String(value))
    .trim()
    .split(/(\s+)/)
    .map((word, index) => (LINKED.test(word) ? code(word) : escaped(word, index === 0)))
    .join('') as Markdown;
}

/**
 * Spans of code. A pipe ends a cell even there, and a backslash before it is read in two ways where the text has one of its own: so it
 * stands between two spans, where `\|` is a pipe to every reader.
 */
export function code(value: string): Markdown {
  return oneLine(value).split('|').map(span).join('\\|') as Markdown;
}

/** Fenced by more backticks than it holds; empty, it would be a fence that another one closes. */
function span(part: string): string {
  if (part === '') return '';
  const longest = Math.max(0, ...[...part.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = /^[` ]|[` ]$/.test(part) && part.trim() !== '' ? ' ' : '';
  return `${fence}${pad}${part}${pad}${fence}`;
}

function escaped(word: string, first: boolean): string {
  const line = word.replace(MARK, (mark) => (mark === '<' ? '&lt;' : mark === '&' ? '&amp;' : `\\${mark}`));
  if (!first) return line;
  return line.replace(BLOCK, (begin) => (/\d/.test(begin) ? `${begin}\\` : `\\${begin}`));
}

function oneLine(value: string): string {
  return visible(value.replace(/\s*\n\s*/g, ' '));
}
