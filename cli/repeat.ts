/** Options of a command line as text to copy into another one. */
import type { Command, Option } from 'commander';
import { parseConnectionString } from '../core/postgres/libpq/connection-string.ts';
import { OUTPUT } from './options.ts';
import { shellWord } from './text.ts';

/**
 * The options that were typed for `command` and that its sister command `other` takes, too, quoted for a shell. Left out: those
 * of the output, what comes from the environment (it holds for `other` as well), and passwords in a URL.
 */
export function repeatedOptions(command: Command, other: string): string {
  const sister = command.parent?.commands.find((candidate) => candidate.name() === other);
  const taken = new Set(sister?.options.map(({ long }) => long));
  return command.options
    .filter((option) => taken.has(option.long) && option.helpGroupHeading !== OUTPUT)
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .flatMap((option) => words(option, command.getOptionValue(option.attributeName())))
    .join(' ');
}

function words(option: Option, value: unknown): string[] {
  const name = option.long ?? '';
  if (typeof value === 'boolean') return value === option.negate ? [] : [name];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => [name, shellWord(URLS.has(name) ? withoutPassword(String(one)) : String(one))]);
}

/** Options whose value may hold a password. */
const URLS: ReadonlySet<string> = new Set(['--database-url', '--reader']);
/** URL parameters that are secrets. */
const SECRETS = /^(password|sslpassword)$/i;
/** Stands for the host of `postgres://user@/database`, which URL does not take. */
const NO_HOST = 'p2pfk-no-host';

/**
 * A database URL without its password, which PGPASSWORD or ~/.pgpass then has to give.
 *
 * @throws TypeError when it is none that p2pfk could have connected to
 */
export function withoutPassword(databaseUrl: string): string {
  if (!/^postgres(ql)?:/.test(databaseUrl)) return withoutPasswordKeywords(databaseUrl);
  const hasHost = URL.canParse(databaseUrl);
  const url = new URL(hasHost ? databaseUrl : databaseUrl.replace('@/', `@${NO_HOST}/`));
  const secrets = [...new Set(url.searchParams.keys())].filter((name) => SECRETS.test(name));
  // Without a secret it is repeated as it was typed: URL would write some characters in another way.
  if (url.password === '' && secrets.length === 0) return databaseUrl;
  url.password = '';
  for (const name of secrets) url.searchParams.delete(name);
  return hasHost ? url.href : url.href.replace(`@${NO_HOST}/`, '@/').replace(`//${NO_HOST}/`, '///');
}

/** The same of a string such as `host=... dbname=...`. */
function withoutPasswordKeywords(text: string): string {
  const settings = [...parseConnectionString(text)];
  const kept = settings.filter(([name]) => !SECRETS.test(name));
  if (kept.length === settings.length) return text;
  return kept.map(([name, value]) => `${name}='${value.replace(/[\\']/g, '\\$&')}'`).join(' ');
}
