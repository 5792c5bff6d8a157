/**
 * How wide text is in a terminal, and what follows from that. On its own, because Intl.Segmenter takes 20 ms to load, which `--help`
 * has no use for.
 */
import stringWidth from 'string-width';

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that `text` takes in a terminal; escape sequences take none. */
export function width(text: string): number {
  return stringWidth(text);
}

/** `text` in at most `columns` columns, its end given up for an ellipsis. No escape sequences: they would be cut in two. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = '';
  let used = 0;
  // What a person sees as one character may be several code points: an emoji, a letter with its accents.
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += width(segment);
    if (used > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - width(text))) + text;
}

/**
 * `text` in lines of at most `columns`, broken at spaces; lines after the first are indented by `indent`. Not by wrap-ansi, which
 * normalizes (NFC): an identifier that is written decomposed would come out as another one, in a statement to copy.
 */
export function wrapped(text: string, columns: number, indent: number): string[] {
  const lines: string[] = [];
  const [, lead = '', rest = ''] = /^(\s*)(.*)$/s.exec(text) ?? [];
  let line = lead;
  for (const word of rest.split(' ')) {
    const fresh = line.trim() === '';
    if (!fresh && width(line) + 1 + width(word) > columns) {
      lines.push(line);
      line = ' '.repeat(indent) + word;
    } else {
      line += fresh ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}
