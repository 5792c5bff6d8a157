/**
 * Removal of secrets from what people read.
 *
 * {@link redact} is for text from elsewhere (a message of PostgreSQL, Node.js or the AWS SDK, an argument as it was typed), and
 * is called where that text is received, before it becomes a part of our own sentence. Text that we have written is never changed
 * afterwards: it may contain names that are quoted for a shell or for SQL, and a missing quotation mark would change its meaning.
 * {@link withheld} is for such text.
 */
import { visible, visibleJson } from './safe-text.ts';

// Everything up to the last `@` counts, because a password may contain `@` or `/` that was not encoded. Each pattern begins where
// a name begins, so that a long word from the database takes only time in proportion to its length. The example in messages,
// user:password@host, is no secret.
const USER_INFO = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):\S*$/i;
// The same without the scheme's slashes, which may have been forgotten; `x::jsonb@>` and times of day must not match.
const BARE_USER_INFO = /(?<![^\s:/?#@"'])([^\s:/?#@"']+):(?![/:])\S*$/;
const SETTING =
  /\b(aws_secret_access_key|secret_?access_?key|\w*password|passwd|pwd|secret|token|x-amz-security-token)\b(\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&;,]+)/gi;
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
  return knownSecrets()
    .flatMap(({ spellings }) => spellings)
    .sort((one, other) => other.length - one.length)
    .reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
    .replace(/\S+/g, hideUserInfo)
    .replace(SETTING, (match, name: string, sign: string) =>
      // "password authentication failed" and "no password: ..." are sentences, not settings.
      sign.includes('=') || /secret|token/i.test(name) ? `${name}${sign}***` : match,
    )
    .replace(ACCESS_KEY, '$1***');
}

/**
 * An argument as it was typed, to be quoted in a sentence: as JSON, without anything that looks like a secret. Every quotation of
 * an option, or of a key of an execution input, is made by this function.
 */
export function echoed(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'string' ? redact(each) : each)) ?? 'nothing';
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
 * the like are blanks. One quoting inside another then makes no difference. Twice, because a backslash before a letter or digit may be an
 * escape of JSON or SQL, or a character of the secret.
 */
const BARE: readonly ((text: string) => string)[] = [
  (text) => unquoted(decoded(text)),
  (text) => unquoted(ofSql(decoded(text)).replace(/(?<!\\)\\+[bfnrt]/g, ' ')),
];

/** A URL in a URL is encoded twice. */
const DEEPEST = 3;

function decoded(text: string): string {
  let shown = text;
  for (let round = 0; round < DEEPEST && shown.includes('%'); round += 1)
    shown = shown.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString());
  return shown.replace(/(?<!\\)\\+(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2}))/gi, character);
}

/** `U&'\001B'` */
function ofSql(text: string): string {
  return text.replace(/(?<!\\)\\+(?:\+([0-9a-f]{6})|([0-9a-f]{4}))/gi, character);
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

function hideUserInfo(word: string): string {
  const hidden = before(word, word.lastIndexOf('@'), USER_INFO);
  let last = hidden.lastIndexOf('@');
  while (last > 0 && !/[\w[]/.test(hidden.charAt(last + 1))) last = hidden.lastIndexOf('@', last - 1);
  return before(hidden, last, BARE_USER_INFO);
}

/** Replaces what `pattern` matches before the `@` at `end`, if there is one. */
function before(word: string, end: number, pattern: RegExp): string {
  if (end <= 0) return word;
  const rest = word.slice(end);
  const isExample = /^@host\b/.test(rest);
  return `${word.slice(0, end).replace(pattern, (match, name: string) => (isExample && match === `${name}:password` ? match : `${name}:***`))}${rest}`;
}
