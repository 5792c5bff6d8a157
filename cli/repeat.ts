/** Options of a command line as text to copy into another one. */
import type { Command, Option } from 'commander';
import { connectionStringsIn, withoutPassword } from '../core/postgres/libpq/connection-string.ts';
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
  const values = (Array.isArray(value) ? value : [value]).map(String);
  const shown = CONNECTIONS[name] ?? ((one) => [one]);
  return values.flatMap((one) => shown(one)).flatMap((one) => [name, shellWord(one)]);
}

/** Options whose value may hold a password: without it, PGPASSWORD or ~/.pgpass has to give it. */
const CONNECTIONS: Readonly<Record<string, (value: string) => readonly string[]>> = {
  '--database-url': (url) => (url.trim() === '' ? [url] : [withoutPassword(url)]),
  '--reader': (text) => connectionStringsIn(text).map(withoutPassword),
};
