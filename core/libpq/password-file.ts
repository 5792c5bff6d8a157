/**
 * Passwords of `~/.pgpass`, or of the file that `passfile` or PGPASSFILE names.
 * https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../text.ts';
import { inHome } from './home.ts';

export interface PasswordKey {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
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
  const wanted = [key.host, String(key.port), key.database, key.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    if (fields.length > wanted.length && wanted.every((value, index) => matches(fields[index], value))) {
      return { password: unescaped(fields[wanted.length] ?? ''), reason: '' };
    }
  }
  return { password: null, reason: `${file} has none for it` };
}

function defaultFile(): string {
  return process.platform === 'win32'
    ? join(process.env.APPDATA ?? inHome(), 'postgresql', 'pgpass.conf')
    : inHome('.pgpass');
}

/** The password itself may hold what separates the fields before it only if that is escaped. */
function fieldsOf(line: string): string[] {
  return line.match(/(?:^|:)(?:[^:\\]|\\.|\\$)*/g)?.map((field, index) => (index === 0 ? field : field.slice(1))) ?? [];
}

function unescaped(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}

function matches(field: string | undefined, value: string): boolean {
  return field !== undefined && (field === '*' || unescaped(field) === value);
}

/** libpq ignores a file that others can read, and so do we. */
function readPrivate(file: string): string | { readonly reason: string } {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) return { reason: `${file} is not a plain file` };
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
      return { reason: `${file} is ignored, because its group or others may read it: chmod 0600 ${shellWord(file)}` };
    }
    return readFileSync(file, 'utf8');
  } catch {
    return { reason: `there is no readable ${file}` };
  }
}
