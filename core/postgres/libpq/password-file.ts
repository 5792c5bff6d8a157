/**
 * Passwords of `~/.pgpass`, or of the file that `passfile` or PGPASSFILE names.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../../contracts/safe-text.ts';
import { DEFAULT_SOCKET_FOLDER } from './default-socket.ts';
import { inHome } from './home.ts';

/**
 * The name in the file of the default folder alone, compared letter by letter as in libpq. The socket of another folder may be any
 * user's, and has the folder's path as its host.
 */
const LOCAL = 'localhost';

/** A field that fits every value. */
const EVERY = '*:';

export interface PasswordKey {
  /** `host` as it was given, or `hostaddr` where there is no host. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** A file of the working directory named the host: a line for every host (`*`) is not meant for it. */
  readonly hostOfFile: boolean;
}

export interface FoundPassword {
  readonly password: string | null;
  /** Why there is none, as a part of a sentence. */
  readonly reason: string;
}

/** @param given `passfile`; where absent, the user's own file */
export function passwordFromFile(given: string | undefined, key: PasswordKey): FoundPassword {
  const file = given || defaultFile();
  const text = readPrivate(file);
  if (typeof text !== 'string') return { password: null, reason: text.reason };
  const host = key.host === DEFAULT_SOCKET_FOLDER ? LOCAL : key.host;
  const wanted = [host, String(key.port), key.database, key.user].map(bytesOf);
  let ofEveryHost = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const password = passwordOf(line.replace(/\r+$/, ''), wanted);
    if (password === null) continue;
    if (!key.hostOfFile || !line.startsWith(EVERY)) return readable(password, file);
    ofEveryHost = true;
  }
  if (ofEveryHost)
    return {
      password: null,
      reason: `${file} has only one for every host ("*"), which is not sent to a server that a profile names: give it a line with this host`,
    };
  return {
    password: null,
    reason: `${file} has none for it${host === key.host ? '' : ` (its host is ${LOCAL} there)`}`,
  };
}

function defaultFile(): string {
  return process.platform === 'win32'
    ? join(process.env.APPDATA ?? inHome(), 'postgresql', 'pgpass.conf')
    : inHome('.pgpass');
}

/** As the file is read: a character for each byte, because other lines may be in another encoding. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Still escaped; null where the line is for another connection. */
function passwordOf(line: string, wanted: readonly string[]): string | null {
  let at = 0;
  for (const value of wanted) {
    const end = endOfField(line, at, value);
    if (end === null) return null;
    at = end;
  }
  return line.slice(at);
}

/**
 * Where the next field begins, if this one is `value`. What follows a backslash is meant as it is; a colon in the value does not need
 * one (`::1`), which is what libpq does and its documentation does not say.
 */
function endOfField(line: string, begin: number, value: string): number | null {
  if (line.startsWith(EVERY, begin)) return begin + 2;
  let at = begin;
  for (const character of value) {
    if (line[at] === '\\') at += 1;
    if (line[at] !== character) return null;
    at += 1;
  }
  return line[at] === ':' ? at + 1 : null;
}

/** It ends at a colon that is not escaped. The first line that fits counts, even if nothing can be sent for it. */
function readable(escaped: string, file: string): FoundPassword {
  const [field = ''] = escaped.match(/^(?:\\.|[^:])*/s) ?? [];
  if (field === '') return { password: null, reason: `the line for it in ${file} has an empty password` };
  try {
    const bytes = Buffer.from(field.replace(/\\(.)/gs, '$1'), 'latin1');
    return { password: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), reason: '' };
  } catch {
    // The driver sends UTF-8 alone: anything else would be another password.
    return { password: null, reason: `the password for it in ${file} is not UTF-8` };
  }
}

/** libpq ignores a file that others can read, and so do we. */
function readPrivate(file: string): string | { readonly reason: string } {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) return { reason: `${file} is not a plain file` };
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
      return { reason: `${file} is ignored, because its group or others may read it: chmod 0600 ${shellWord(file)}` };
    }
    return readFileSync(file, 'latin1');
  } catch {
    return { reason: `there is no readable ${file}` };
  }
}
