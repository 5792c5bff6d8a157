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

/** Behind the scheme and before the last `@` of a word: a user, or a user and the beginning of a password that may hold anything. */
const USER = /[a-z0-9+.-]:\/\/[^/?#:@]*(?:[:@]|$)/i;
/**
 * The same before the last `@` of a text, where user and password may have blanks and line breaks in them: all up to an `@` without a slash
 * on the way, as psql reads it, or anything behind a user and a colon. Web pages have no such users, but ports, and people write sentences
 * behind them.
 */
const USER_WITH_BLANKS = /(?<![a-z0-9+.-])[0-9+.-]*(?!https?:)[a-z][a-z0-9+.-]*:\/\/(?:[^@/]*(?:@|$)|[^@/?#\s]*:)/i;
const PASSWORD = /(?:password|passwd|pwd)(?:["']?\s*=|["']\s*:)/i;

export const HOLDS_CREDENTIALS =
  'holds a connection string with a user or a password, and would be kept: leave that out (a name that looks like one is written in double quotes, as SQL does)';

/**
 * Whether `text` is, or has in it, a URL with user information, or has `password=`. It is where a connection would take a user or password
 * from it (test/core/contracts/credentials.test.ts compares it with the parser), and where a character in one was not encoded.
 *
 * @example
 * holdsCredentials('postgres://app@db/orders') && holdsCredentials('host=db password=x')
 */
export function holdsCredentials(text: string): boolean {
  const decoded = text.replace(/%([2-7][0-9a-f])/gi, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return [text, decoded].some(
    (one) =>
      PASSWORD.test(one) ||
      isBeforeAt(one, USER_WITH_BLANKS) ||
      (one.match(/\S+/g) ?? []).some((word) => isBeforeAt(word, USER)),
  );
}

function isBeforeAt(text: string, user: RegExp): boolean {
  const at = text.lastIndexOf('@');
  return at > 0 && user.test(text.slice(0, at));
}

/** For a schema: a text that may be kept. */
export const isFree = (text: string): boolean => !holdsCredentials(text);

/** The same for names as SQL writes them. */
export const areFreeNames = (text: string): boolean => isFree(text.replace(QUOTED_NAME, ''));

/** Whether the value of that key, which may be a text or contain texts, holds credentials. */
export function isCredential(key: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((each) => isCredential(key, each));
  if (typeof value !== 'string') return credentialsIn(value).length > 0;
  if (NAMES.has(key)) return !areFreeNames(value);
  return holdsCredentials(LITERALS.has(key) ? value.replace(QUOTED_VALUE, '') : value);
}

/**
 * The same with `***` in the place of each text that holds credentials, and of each key. For what others kept before it was refused, as AWS
 * does with an execution's input.
 */
export function withoutCredentials(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return isCredential(key, value) ? '***' : value;
  if (Array.isArray(value)) return value.map((each) => withoutCredentials(each, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      holdsCredentials(name) ? '***' : name,
      withoutCredentials(each, name),
    ]),
  );
}

/** The keys of an execution input whose values hold credentials. One that does so itself is called `a key`. */
export function credentialsIn(values: unknown): string[] {
  if (typeof values !== 'object' || values === null) return [];
  return Object.entries(values).flatMap(([key, value]) =>
    holdsCredentials(key) ? ['a key'] : isCredential(key, value) ? [key] : [],
  );
}
