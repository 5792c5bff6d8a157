/**
 * Connection strings of libpq: `postgres://` URIs, and `keyword=value` strings. Messages never quote the text, because a
 * password that is not encoded ends up anywhere in it. Nothing else in p2pfk takes such a text apart: another parser, such as URL, finds
 * the end of a password somewhere else.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */
import { InvalidInput } from '../../contracts/errors.ts';
import { type ConnectionSettings, HOST_OF_FILE, KEYWORDS } from './keywords.ts';

const SCHEME = /^postgres(ql)?:\/\//;

/** @throws InvalidInput where psql would not read it either */
export function parseConnectionString(text: string): ConnectionSettings {
  if (SCHEME.test(text)) return parseUri(text);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !text.includes('=')) {
    throw new InvalidInput(
      'the database URL must begin with postgres:// or postgresql://, or be a string such as "host=... dbname=..."',
    );
  }
  return parseKeywords(text);
}

/** Several of them in one text, as P2PFK_READERS and `--reader` have them: one a line, or URLs separated by blanks. */
export function connectionStringsIn(text: string): string[] {
  const found = text.split(/[\r\n]+|\s+(?=postgres(?:ql)?:\/\/)/).map((one) => one.trim());
  return [...new Set(found)].filter((one) => one !== '');
}

const RAW_AT =
  'it has an "@" inside its host or database; in a user, password or database name write "@" as %40, ":" as %3A, "/" as %2F and "?" as %3F';

function unreadable(reason: string): InvalidInput {
  return new InvalidInput(
    `the database URL cannot be read: ${reason}; expected postgres://user@host:port/database or "host=... dbname=..."`,
  );
}

interface UriParts {
  /** Of user and password, as they are written; null where there is no `@` behind them. */
  readonly user: string | null;
  readonly password: string;
  readonly authority: string;
  /** With its slash, or empty. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
}

/** `postgres://[user[:password]@][host[:port],...][/database][?keyword=value&...]` */
function partsOf(uri: string): UriParts {
  const text = uri.replace(SCHEME, '');
  const userInfo = /^([^@/]*)@/.exec(text);
  const [user = '', ...password] = (userInfo?.[1] ?? '').split(':');
  const rest = text.slice(userInfo?.[0].length ?? 0);
  const [authority = ''] = /^[^/?]*/.exec(rest) ?? [];
  const [path = ''] = /^(\/[^?]*)?/.exec(rest.slice(authority.length)) ?? [];
  const query = rest.slice(authority.length + path.length + 1);
  return { user: userInfo ? user : null, password: password.join(':'), authority, path, query };
}

function parseUri(uri: string): ConnectionSettings {
  const settings = new Map<string, string>();
  const set = (keyword: string, value: string): void => {
    if (value !== '') settings.set(keyword, decode(value));
  };
  const { user, password, authority, path, query } = partsOf(uri);
  set('user', user ?? '');
  set('password', password);
  // libpq takes it for a part of the host or the database, and its messages, like ours, name both.
  if (`${authority}${path}`.includes('@')) throw unreadable(RAW_AT);
  readHosts(authority, set);
  set('dbname', path.slice(1));
  for (const [keyword, value] of queryOf(query)) settings.set(keyword, value);
  return settings;
}

/** `host:port,[::1]:port`. Hosts and ports become libpq's two lists. */
function readHosts(authority: string, set: (keyword: string, value: string) => void): void {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const each of authority.split(',')) {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::([^:]*))?$/.exec(each);
    if (!match) throw unreadable('its host is not complete');
    hosts.push(match[1] ?? match[2] ?? '');
    ports.push(match[3] ?? '');
  }
  if (hosts.some(Boolean)) set('host', hosts.join(','));
  if (ports.some(Boolean)) set('port', ports.join(','));
}

function queryOf(query: string): [keyword: string, value: string][] {
  if (query === '') return [];
  return query.split('&').flatMap((pair): [string, string][] => {
    const [encoded = '', value, more] = pair.split('=');
    if (value === undefined) throw unreadable('a parameter after the question mark has no "="');
    if (more !== undefined) throw unreadable('a parameter after the question mark has more than one "="');
    const keyword = decode(encoded);
    // As JDBC writes it.
    if (keyword === 'ssl' && value === 'true') return [['sslmode', 'require']];
    // node-postgres prints a warning that asks for this parameter. What it switches on is how p2pfk always behaves.
    if (keyword === 'uselibpqcompat') return [];
    if (!isKeyword(keyword)) throw unreadable(unknown(keyword, query));
    return [[keyword, decode(value)]];
  });
}

function decode(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw unreadable('a "%" in it is not followed by two hexadecimal digits');
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw unreadable('its percent-encoding is not UTF-8');
  }
  if (decoded.includes('\0')) throw unreadable('it holds a zero byte');
  return decoded;
}

/** `host=h dbname='a b' password=it\'s`. */
function parseKeywords(text: string): ConnectionSettings {
  const settings = new Map<string, string>();
  const pair = /\s*([^\s=]+)\s*(=?)\s*(?:'((?:[^'\\]|\\[\s\S])*)'|((?:[^\s'\\]|\\[\s\S])(?:[^\s\\]|\\[\s\S])*)?)/y;
  while (/\S/.test(text.slice(pair.lastIndex))) {
    const match = pair.exec(text);
    if (!match?.[1]) throw unreadable('it is not a list of keyword=value');
    const [, keyword, sign, quoted, bare] = match;
    if (sign !== '=') throw unreadable('one of its keywords has no "=" after it');
    // A quote that begins a value and does not end matches as an empty value before it.
    if (quoted === undefined && bare === undefined && text.slice(pair.lastIndex).startsWith("'")) {
      throw unreadable('a quoted value in it does not end');
    }
    if (!isKeyword(keyword) && keyword !== HOST_OF_FILE) throw unreadable(unknown(keyword, text));
    settings.set(keyword, (quoted ?? bare ?? '').replace(/\\([\s\S])/g, '$1'));
  }
  return settings;
}

/** Parameters that are secrets. */
const SECRETS: ReadonlySet<string> = new Set(['password', 'sslpassword']);

/**
 * The same connection without its passwords, which PGPASSWORD or ~/.pgpass then has to give. Without a secret in it, the text as it is.
 *
 * @throws InvalidInput where it cannot be read
 */
export function withoutPassword(text: string): string {
  const settings = parseConnectionString(text);
  if (![...settings.keys()].some((keyword) => SECRETS.has(keyword))) return text;
  if (!SCHEME.test(text)) return asKeywords([...settings].filter(([keyword]) => !SECRETS.has(keyword)));
  const { user, authority, path, query } = partsOf(text);
  const kept = query.split('&').filter((pair) => !SECRETS.has(decode(pair.split('=')[0] ?? '')));
  const [scheme = ''] = SCHEME.exec(text) ?? [];
  return `${scheme}${user === null ? '' : `${user}@`}${authority}${path}${kept.join('&') === '' ? '' : `?${kept.join('&')}`}`;
}

/** `host='h' dbname='it\'s'` */
export function asKeywords(settings: Iterable<readonly [keyword: string, value: string]>): string {
  return [...settings].map(([keyword, value]) => `${keyword}='${value.replace(/[\\']/g, '\\$&')}'`).join(' ');
}

/** Whether a person has written a password into it, readable or not. */
export function holdsPassword(text: string): boolean {
  try {
    const settings = parseConnectionString(text);
    return [...SECRETS].some((keyword) => settings.get(keyword));
  } catch {
    return /:[^/@]+@|password\s*=/i.test(text);
  }
}

export function isKeyword(name: string): boolean {
  return Object.hasOwn(KEYWORDS, name);
}

/** The name is quoted only where it cannot be a part of a password. */
function unknown(keyword: string, around: string): string {
  const plain = /^[a-z_]{1,40}$/i.test(keyword) && !/@|pass/i.test(around);
  return plain ? `libpq knows no parameter "${keyword}"` : 'one of its parameters is none of libpq';
}
