/** Reads a profile of `p2pfk.config.json`, or of the key `p2pfk` in package.json, in the working directory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { holdsCredentials } from '../../core/contracts/credentials.ts';
import { InvalidInput, messageOf } from '../../core/contracts/errors.ts';
import { nearest } from '../../core/contracts/nearest.ts';
import { echoed } from '../../core/contracts/redact.ts';
import { isRecord } from '../../core/history/json.ts';
import { holdsPassword, parseConnectionString } from '../../core/postgres/libpq/connection-string.ts';
import { readTrustedFile } from '../../local/private-file.ts';
import { CONFIG_KEYS, type ConfigValue, URL_PARAMETERS } from './keys.ts';

const CONFIG_FILE = 'p2pfk.config.json';
const PACKAGE_FILE = 'package.json';

export interface Profile {
  /** File and profile, for messages. */
  readonly place: string;
  readonly values: Readonly<Record<string, ConfigValue>>;
}

export interface ReadOptions {
  /** The working directory: those above it are not searched. */
  readonly directory: string;
  readonly name: string;
  /** Attributes of all options of the command line, with their flags: to say of one that it may not come from a file. */
  readonly flags: ReadonlyMap<string, string>;
}

/**
 * @throws InvalidInput, one line with the file and the place in it, where there is no such profile, it says what a file may not say,
 *   or another user could have written it
 */
export async function readProfile({ directory, name, flags }: ReadOptions): Promise<Profile> {
  const { file, config } = await readConfig(directory);
  refuseUnknown(file, '', Object.keys(config), ['profiles']);
  const { profiles } = config;
  if (!isRecord(profiles)) throw wrong(file, '', 'it has no "profiles": { "NAME": { ... } }');
  if (!Object.hasOwn(profiles, name))
    throw new InvalidInput(`${file} has no profile ${echoed(name)}; ${offered(name, Object.keys(profiles))}`);
  const profile = profiles[name];
  const place = `profile ${echoed(name)}`;
  if (!isRecord(profile)) throw wrong(file, place, 'it must be an object of options');
  const known = Object.keys(CONFIG_KEYS);
  for (const key of Object.keys(profile)) {
    const flag = flags.get(key);
    if (flag !== undefined && !known.includes(key))
      throw wrong(file, place, `${echoed(key)} may not come from a file: give it as ${flag}`);
  }
  refuseUnknown(file, place, Object.keys(profile), known);
  const values = Object.entries(profile).map(([key, value]) => [key, checked(file, place, key, value)] as const);
  return { place: `${file}, ${place}`, values: Object.fromEntries(values) };
}

async function readConfig(
  directory: string,
): Promise<{ readonly file: string; readonly config: Readonly<Record<string, unknown>> }> {
  const own = join(directory, CONFIG_FILE);
  if (existsSync(own)) {
    const config = await readJson(own);
    if (!isRecord(config)) throw wrong(own, '', 'it must be an object');
    return { file: own, config };
  }
  const shared = join(directory, PACKAGE_FILE);
  const found = existsSync(shared) ? await readJson(shared) : {};
  const config = isRecord(found) ? found.p2pfk : undefined;
  if (isRecord(config)) return { file: `${shared}, key "p2pfk"`, config };
  throw new InvalidInput(
    `--profile needs a ${CONFIG_FILE} in ${directory}, or a key "p2pfk" in its ${PACKAGE_FILE}, and there is none; a profile of AWS is named with --aws-profile`,
  );
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readTrustedFile(file);
  } catch (error) {
    throw new InvalidInput(`${file} is not used: ${messageOf(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse quotes the text, which may hold a password.
    throw new InvalidInput(`${file} is not JSON`);
  }
}

function checked(file: string, place: string, key: string, value: unknown): ConfigValue {
  if (!isValue(value) || CONFIG_KEYS[key]?.fits(value) !== true)
    throw wrong(file, place, `${key} must be ${CONFIG_KEYS[key]?.expected ?? 'left out'}`);
  if (typeof value !== 'string') return value;
  if (key === 'databaseUrl') refuseParameters(file, place, key, value);
  else if (holdsCredentials(value))
    throw wrong(file, place, `${key} holds a connection string; only databaseUrl takes one`);
  return value;
}

function isValue(value: unknown): value is ConfigValue {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** The file is shared and kept in version control: no secret belongs in it. */
function refuseParameters(file: string, place: string, key: string, url: string): void {
  if (holdsPassword(url)) throw wrong(file, place, `${key} holds a password: leave it out, and keep it in ~/.pgpass`);
  for (const parameter of parseConnectionString(url).keys()) {
    if (!URL_PARAMETERS.has(parameter))
      throw wrong(file, place, `${key} may not have ${parameter}: give it in --database-url or DATABASE_URL`);
  }
}

function refuseUnknown(file: string, place: string, keys: readonly string[], known: readonly string[]): void {
  const unknown = keys.find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw wrong(file, place, `unknown key ${echoed(unknown)}; ${offered(unknown, known)}`);
}

function offered(written: string, known: readonly string[]): string {
  const [near] = nearest(written, known, 1);
  if (near !== undefined) return `did you mean ${echoed(near)}?`;
  return known.length === 0 ? 'it has none' : `it may be ${known.map(echoed).join(', ')}`;
}

function wrong(file: string, place: string, what: string): InvalidInput {
  return new InvalidInput(`${file}${place === '' ? '' : `, ${place}`}: ${what}`);
}
