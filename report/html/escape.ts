/**
 * HTML is written with hono's tagged template: whatever is put in is escaped, in text and in quoted attributes, unless it
 * is HTML of such a template itself. `raw` is for text of our own only: built style and script, and JSON made safe here.
 */
import { html as escaping, raw } from 'hono/html';
import { visible, visibleJson } from '../../core/contracts/safe-text.ts';

export { raw };
export type Html = ReturnType<typeof escaping>;

/** Names may also hold marks that turn the direction of writing: they are shown, as the terminal shows them. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
  return escaping(strings, ...values.map(shown));
}

function shown(value: unknown): unknown {
  if (typeof value === 'string') return value.split('\n').map(visible).join('\n');
  return Array.isArray(value) ? value.map(shown) : value;
}

/** JSON for a data block: no text in it can end the block. */
export function jsonBlock(value: unknown): Html {
  return raw(visibleJson(value).replaceAll('<', '\\u003c'));
}
