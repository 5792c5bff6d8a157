/**
 * Credentials in places where they do not belong. Options and execution inputs are kept in store, history, ledger and report, and
 * in AWS by its services. So a text that contains a user or password of a connection is refused before anything is started.
 */

/** Keys whose values are names in SQL: text in double quotes there is a name, even if it looks like a connection string. */
const NAMES: ReadonlySet<string> = new Set(['table', 'constraint', 'searchPath']);
/** Keys whose values are bounds of partitions: text in single quotes there is a value of the partition key. */
const LITERALS: ReadonlySet<string> = new Set(['bound']);

const QUOTED_NAME = /"(?:[^"]|"")*"/g;
const QUOTED_VALUE = /'(?:[^']|'')*'/g;

/**
 * Matches, behind the scheme and before the last `@`, a user, or a user and the beginning of a password, which may contain
 * anything.
 */
const USER = /[a-z0-9+.-]:\/\/[^/?#:@]*(?:[:@]|$)/i;
const PASSWORD = /(?:password|passwd|pwd)(?:["']?\s*=|["']\s*:)/i;

export const HOLDS_CREDENTIALS =
  'holds a connection string with a user or a password, and would be kept: leave that out (a name that looks like one is written in double quotes, as SQL does)';

/**
 * Whether `text` is or contains a URL with user information, or contains `password=`.
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

/** Whether the value of that key, which may be a text or contain texts, holds credentials. */
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
