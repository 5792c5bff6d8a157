/**
 * Services of pg_service.conf: named sets of connection parameters.
 * https://www.postgresql.org/docs/current/libpq-pgservice.html
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidInput } from '../../contracts/errors.ts';
import { isKeyword } from './connection-string.ts';
import { inHome } from './home.ts';
import type { ConnectionSettings } from './keywords.ts';

/** Where the packages of Debian, PGDG for Red Hat, and PostgreSQL's own build keep the file of the whole machine. */
const SYSTEM_FOLDERS = ['/etc/postgresql-common', '/etc/sysconfig/pgsql', '/etc', '/usr/local/pgsql/etc'];

/**
 * The parameters of a service, from the user's file, otherwise from that of the machine.
 *
 * @throws InvalidInput where no file defines it, or the file that does cannot be read
 */
export function readService(name: string): ConnectionSettings {
  const files = serviceFiles();
  for (const file of files) {
    const service = serviceIn(file, name);
    if (service) return service;
  }
  const looked = files.length === 0 ? 'there is no pg_service.conf' : `it is not in ${files.join(', ')}`;
  throw new InvalidInput(`the connection service ${JSON.stringify(name)} is not defined: ${looked}`);
}

function serviceFiles(): string[] {
  const { PGSERVICEFILE: given, PGSYSCONFDIR: folder } = process.env;
  const ofUser = given || inHome('.pg_service.conf');
  const ofMachine = (folder ? [folder] : SYSTEM_FOLDERS).map((each) => join(each, 'pg_service.conf'));
  const first = ofMachine.find((file) => existsSync(file));
  return [...(given || existsSync(ofUser) ? [ofUser] : []), ...(first ? [first] : [])];
}

function serviceIn(file: string, name: string): ConnectionSettings | null {
  let found: Map<string, string> | null = null;
  for (const [index, raw] of read(file).split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      if (found) return found;
      if (line.startsWith(`[${name}]`)) found = new Map();
      continue;
    }
    if (!found) continue;
    const at = line.indexOf('=');
    const keyword = line.slice(0, at);
    if (line.startsWith('ldap')) throw invalid(file, index, 'LDAP look-ups are not supported');
    if (at < 0 || !isKeyword(keyword)) throw invalid(file, index, 'it is not keyword=value with a keyword of libpq');
    if (keyword === 'service') throw invalid(file, index, 'a service cannot name another one');
    if (!found.has(keyword)) found.set(keyword, line.slice(at + 1));
  }
  return found;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidInput(`the service file ${file} cannot be read`, {}, { cause: error });
  }
}

/** Without the line itself, which may hold a password. */
function invalid(file: string, index: number, reason: string): InvalidInput {
  return new InvalidInput(`line ${index + 1} of the service file ${file} is invalid: ${reason}`);
}
