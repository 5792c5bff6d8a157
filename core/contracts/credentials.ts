/**
 * Connection strings where none belongs. What is typed as an option, or comes with an execution input, is kept in store, history, ledger
 * and report, and in AWS by others: a text that holds a user or password of a connection is refused before anything is started.
 */

/** Texts in which names are written as SQL does: what is in double quotes there is a name, however much it looks like something else. */
const NAMES: ReadonlySet<string> = new Set(['table', 'constraint', 'searchPath']);
/** A partition's bound: what is in single quotes there is a value of the partition key. */
const LITERALS: ReadonlySet<string> = new Set(['bound']);

const QUOTED_NAME = /"(?:[^"]|"")*"/g;
const QUOTED_VALUE = /'(?:[^']|'')*'/g;

/** Behind the scheme and before the last `@`: a user, or a user and the beginning of a password that may hold anything. */
const USER = /[a-z0-9+.-]:\/\/[^/?#:@]*(?:[:@]|$)/i;
const PASSWORD = /(?:password|passwd|pwd)(?:["']?\s*=|["']\s*:)/i;

export const HOLDS_CREDENTIALS =
  'holds a connection string with a user or a password, and would be kept: leave that out (a name that looks like one is written in double quotes, as SQL does)';

/**
 * Whether `text` is, or has in it, a URL with user information, or has `password=`.
 *
 * @example
 * holdsCredentials('postgres://app@db/orders') && holdsCredentials('host=db password=x')
 */
function holdsCredentials(text: string): boolean {
  return PASSWORD.test(text) || (text.match(/\S+/g) ?? []).some(holdsUser);
}

function holdsUser(word: string): boolean {
  const at = word.lastIndexOf('@');
  return at > 0 && USER.test(word.slice(0, at));
}

/** Whether the value of that key, a text or anything with texts in it, holds credentials. */
export function isCredential(key: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((each) => isCredential(key, each));
  if (typeof value !== 'string') return credentialsIn(value).length > 0;
  if (NAMES.has(key)) return holdsCredentials(value.replace(QUOTED_NAME, ''));
  return holdsCredentials(LITERALS.has(key) ? value.replace(QUOTED_VALUE, '') : value);
}

/** The keys of an execution input, or of options, whose values hold credentials. */
export function credentialsIn(values: unknown): string[] {
  if (typeof values !== 'object' || values === null) return [];
  return Object.entries(values).flatMap(([key, value]) => (isCredential(key, value) ? [key] : []));
}
