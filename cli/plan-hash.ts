/**
 * The hash of a saved plan: of the whole document, so also of what only people read, such as findings, statements and who made it.
 * It is what goes into a ticket. A file that was edited no longer fits its hash; one whose hash was made anew has another hash than the
 * ticket.
 */
import { planDocumentHash, sha256 } from '../core/plan/plan-document.ts';

/**
 * `sha256:` and 64 digits. The order of keys and the white space do not count: a file that a tool has formatted is the same plan.
 *
 * @param document as JSON has it; its own `hash` is left out
 */
export function documentHash(document: Readonly<Record<string, unknown>>): string {
  const { catalogHash, madeAt, madeBy } = document;
  return planDocumentHash({ catalogHash, madeAt, madeBy, restHash: restHash(document) });
}

/** Of all that the hash does not name by itself; what `planRestHash` of an execution input is. */
export function restHash({
  hash: _own,
  catalogHash: _catalog,
  madeAt: _at,
  madeBy: _by,
  ...rest
}: Readonly<Record<string, unknown>>): string {
  return sha256(canonical(rest));
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}

const STRING_OR_SPACE = /("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g;

/**
 * Whether `value` is all that the text shows. It is not where a key is there twice, of which JSON.parse takes the last and a person may
 * read the first, or where a number has more digits than are read.
 */
export function showsAll(text: string, value: unknown): boolean {
  return text.replace(STRING_OR_SPACE, '$1') === JSON.stringify(value);
}
