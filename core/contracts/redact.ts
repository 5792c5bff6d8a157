/**
 * Removal of secrets from what people read.
 *
 * {@link redact} is for text from elsewhere (a message of PostgreSQL, Node.js or the AWS SDK, an argument as it was typed), and
 * is called where that text is received, before it becomes a part of our own sentence. Text that we have written is never changed
 * afterwards: it may contain names that are quoted for a shell or for SQL, and a missing quotation mark would change its meaning.
 * {@link withheld} is for such text.
 */
import { holdsCredentials } from './credentials.ts';
import { visible, visibleJson } from './safe-text.ts';

// Everything up to the last `@` counts, because a password may contain `@` or `/` that was not encoded. Each pattern begins where
// a name begins, so that a long word from the database takes only time in proportion to its length. The example in messages,
// user:password@host, is no secret.
const USER_INFO = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):\S*$/i;
// In a text of several words: a password may also hold blanks. Not behind what looks like a port, and not in the address of a web page.
const USER_INFO_WITH_BLANKS =
  /(?<![a-z0-9+.-])[0-9+.-]*((?!https?:)[a-z][a-z0-9+.-]*:\/\/[^:/@]*):(?:(?!\d{1,5}(?:[/?,\s]|$))|(?=[^/]*$))/i;
// The same where the scheme's slashes were forgotten; `x::jsonb@>` and times of day are not meant.
const BARE_USER_INFO = /(?<![^\s:/?#@"'])([^\s:/?#@"']+):(?![/:])\S*$/;
// A value as libpq, JSON or SQL quotes it; where its quotation does not end, all that follows; then up to a blank that is not escaped, and
// past it where libpq would read a second setting that began without a blank: password=''password = x.
const SETTING =
  /\b(aws_secret_access_key|secret_?access_?key|\w*password|passwd|pwd|secret|token|x-amz-security-token)\b(["']?\s*[=:]\s*)(?:'(?:\\[\s\S]|''|[^'\\])*(?:'|$)|"(?:\\[\s\S]|""|[^"\\])*(?:"|$)|\\[\s\S]|[^\s\\])(?:\s*=\s*(?:'(?:\\[\s\S]|''|[^'\\])*(?:'|$))?|\\[\s\S]|[^\s\\])*/gi;
const PARAMETER = /[?&][^\s=&?]*=/g;
const ACCESS_KEY = /\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g;

/** Environment variables whose values are secrets of this process. */
const SECRET_VARIABLES = [
  'PGPASSWORD',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'P2PFK_CONSOLE_PASSWORD',
] as const;

/** Shorter values, plain words and numbers may be a part of any name or count: replacing them would reveal them. */
const SHORTEST_SECRET = 8;
const SURELY_A_SECRET = 16;
const PLAIN = /^(?:[a-z_]+|\d+)$/i;

export const WITHHELD = '(what was to be printed here holds a password or key of this process, and is not shown)';

const kept = new Set<string>();

interface Known {
  /** As one quoting or encoding of ours writes it. */
  readonly spellings: readonly string[];
  /** What all of them have in common, also one inside another; null where too little is left of it to be looked for. */
  readonly bare: readonly (string | null)[];
}
const known = new Map<string, Known>();

/** From now on `secret`, such as the password of a connection, is known, and printed by nothing that asks here. */
export function keepSecret(secret: string | undefined): void {
  if (secret) kept.add(secret);
}

/** Text from elsewhere with `***` in place of everything that looks like a secret, or is one of ours. */
export function redact(text: string): string {
  const own = knownSecrets()
    .flatMap(({ spellings }) => spellings)
    .sort((one, other) => other.length - one.length)
    .reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
  return hidden(own, [...userInfoIn(own), ...settingsIn(own), ...parametersIn(own), ...accessKeysIn(own)]);
}

/** Of a secret: where it begins and ends. Two may overlap, because what looks like one kind may be a part of another. */
type Span = readonly [from: number, to: number];

function hidden(text: string, spans: readonly Span[]): string {
  let shown = '';
  let end = 0;
  for (const [from, to] of spans.toSorted(([one], [other]) => one - other)) {
    if (to <= end) continue;
    // One that begins inside of the last is a part of the same `***`.
    if (from > end || end === 0) shown += `${text.slice(end, from)}***`;
    end = to;
  }
  return shown + text.slice(end);
}

/**
 * An argument as it was typed, for a sentence that quotes it: as JSON, without what looks like a secret, nothing of a connection string, and of
 * the address of a web page only its host: that of a webhook has its token in the path.
 * Each echo of an option, or of a key of an execution input, comes from here.
 */
export function echoed(value: unknown): string {
  const shown = (text: string): string =>
    holdsCredentials(text) ? '***' : redact(text).replace(/(https?:\/\/[^\s/?#]+)[/?#]\S+/gi, '$1/***');
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'string' ? shown(each) : each)) ?? 'nothing';
}

/**
 * A text of ours exactly as it is; or, where a secret of this process has got into it, in whatever quoting, a note instead of it. Never the
 * text with a part replaced: a command or statement in it would then do something else.
 */
export function withheld(text: string): string {
  const secrets = knownSecrets();
  if (secrets.length === 0) return text;
  const shown = BARE.map((bareOf) => bareOf(text));
  const isIn = ({ spellings, bare }: Known): boolean =>
    spellings.some((one) => text.includes(one)) ||
    bare.some((one, index) => one !== null && shown[index]?.includes(one));
  return secrets.some(isIn) ? WITHHELD : text;
}

/**
 * For a name that is made of a text: `instead` where a secret of this process has got into the text. The name would have it in a spelling of
 * its own, which {@link withheld} does not know.
 */
export function unlessSecret(text: string, instead: string): string {
  return withheld(text) === text ? text : instead;
}

/**
 * A document for JSON with each of its texts as {@link withheld} or the like leaves it; the same document where there is nothing to take out,
 * which is found out by one look at the whole: a report has a hundred thousand texts.
 */
export function cleanTexts<Value>(value: Value, clean: (text: string) => string): Value {
  if (value === undefined) return value;
  const whole = visibleJson(value);
  if (clean(whole) === whole) return value;
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => {
      if (typeof each === 'string') return clean(each);
      if (typeof each === 'number' && clean(String(each)) !== String(each)) return clean(String(each));
      if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
      return Object.fromEntries(Object.entries(each).map(([key, one]) => [clean(key), one]));
    }),
  );
}

function knownSecrets(): Known[] {
  const own = [...kept, ...SECRET_VARIABLES.map((name) => process.env[name] ?? '')].filter(isTelling);
  return [...new Set(own)].map((secret) => {
    const found = known.get(secret) ?? {
      spellings: spellingsOf(secret),
      bare: BARE.map((bareOf) => bareOf(secret).trim()).map((one) => (isTelling(one) ? one : null)),
    };
    known.set(secret, found);
    return found;
  });
}

/** As it is; in a URL, also with every character encoded; in JSON; quoted for SQL, libpq and a shell; with its line breaks shown. */
function spellingsOf(secret: string): string[] {
  const bytes = [...Buffer.from(secret)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const json = visibleJson(secret).slice(1, -1);
  const quoted = [secret.replaceAll("'", "''"), secret.replaceAll("'", "'\\''"), secret.replace(/[\\']/g, '\\$&')];
  return [...new Set([secret, encoded(secret), bytes, bytes.toUpperCase(), json, ...quoted, visible(secret)])];
}

/**
 * A text without all that a quoting adds or changes: encodings are decoded, quotation marks and backslashes left out, and line breaks and
 * the like are blanks. One quoting inside another then makes no difference. Three times, because a backslash before a letter or digit may be
 * an escape of JSON, of SQL or of a shell, or a character of the secret.
 */
const BARE: readonly ((text: string) => string)[] = [
  (text) => unquoted(decoded(text)),
  (text) => unquoted(ofSql(decoded(text)).replace(/(?<!\\)\\+[bfnrt]/g, ' ')),
  (text) => unquoted(decoded(ofShell(ofUrl(text)))),
];

/** A URL in a URL is encoded twice. */
const DEEPEST = 3;

function decoded(text: string): string {
  return ofUrl(text).replace(/(?<!\\)\\+(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2}))/gi, character);
}

/** `%1B`, also of a URL in a URL. */
function ofUrl(text: string): string {
  let shown = text;
  for (let round = 0; round < DEEPEST && shown.includes('%'); round += 1)
    shown = shown.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString());
  return shown;
}

/** `U&'\001B'` */
function ofSql(text: string): string {
  return text.replace(/(?<!\\)\\+(?:\+([0-9a-f]{6})|([0-9a-f]{4}))/gi, character);
}

/** `$'\U000E0041'`, as shellWord of safe-text.ts writes what has no four digits; elsewhere `\u` has four, and digits may follow. */
function ofShell(text: string): string {
  return text.replace(/(?<!\\)\\+U([0-9A-F]{8})/g, character);
}

function character(written: string, ...codes: readonly unknown[]): string {
  const code = Number.parseInt(codes.filter((one) => typeof one === 'string')[0] ?? '', 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : written;
}

function isTelling(secret: string): boolean {
  return secret.length >= (PLAIN.test(secret) ? SURELY_A_SECRET : SHORTEST_SECRET);
}

function unquoted(text: string): string {
  return text.replace(/['"`\\]/g, '').replace(/[\s\p{Cc}]+/gu, ' ');
}

/** As a URL has it, with what it needs no encoding for left as it is. */
function encoded(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    return secret;
  }
}

function userInfoIn(text: string): Span[] {
  const spans = passwordBefore(text, text.lastIndexOf('@'), USER_INFO_WITH_BLANKS);
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    let last = word.lastIndexOf('@');
    const found = passwordBefore(word, last, USER_INFO);
    while (last > 0 && !/[\w[]/.test(word.charAt(last + 1))) last = word.lastIndexOf('@', last - 1);
    found.push(...passwordBefore(word, last, BARE_USER_INFO));
    spans.push(...found.map(([from, to]): Span => [index + from, index + to]));
  }
  return spans;
}

/** Of the user info that `pattern` finds before the `@` at `end`: what follows its colon, if there is any. */
function passwordBefore(text: string, end: number, pattern: RegExp): Span[] {
  const found = end <= 0 ? null : pattern.exec(text.slice(0, end));
  if (found === null) return [];
  const from = found.index + found[0].indexOf(found[1] ?? '') + (found[1] ?? '').length + 1;
  const isExample = text.slice(from, end) === 'password' && /^@host\b/.test(text.slice(end));
  return isExample ? [] : [[from, end]];
}

function settingsIn(text: string): Span[] {
  return (
    [...text.matchAll(SETTING)]
      // "password authentication failed" and "no password: ..." are sentences, not settings.
      .filter(([, name = '', sign = '']) => /[="']/.test(sign) || /secret|token/i.test(name))
      .map(({ 0: all, 1: name = '', 2: sign = '', index }) => [index + name.length + sign.length, index + all.length])
  );
}

/** In a URL, where psql decodes the name as well, and takes blanks for a part of the value. */
function parametersIn(text: string): Span[] {
  const spans: Span[] = [];
  for (const { 0: parameter, index } of text.matchAll(PARAMETER)) {
    if (!holdsCredentials(parameter)) continue;
    const from = index + parameter.length;
    const to = text.indexOf('&', from);
    if (to < 0) return [...spans, [from, text.length]];
    spans.push([from, to]);
  }
  return spans;
}

function accessKeysIn(text: string): Span[] {
  return [...text.matchAll(ACCESS_KEY)].map(
    ({ 0: key, 1: kind = '', index }): Span => [index + kind.length, index + key.length],
  );
}
