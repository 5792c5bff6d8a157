/** Options of a command line as text to copy into another one. */
import type { Command, Option } from 'commander';
import { InvalidInput } from '../core/contracts/errors.ts';
import { connectionStringsIn, withoutPassword } from '../core/postgres/libpq/connection-string.ts';
import { OUTPUT } from './options.ts';
import { shellWord } from './text.ts';

/**
 * The options that were typed for `command` and that its sister command `other` takes, too, quoted for a shell. Left out: those
 * of the output, what comes from the environment (it holds for `other` as well), and passwords in a URL.
 *
 * @param leftOut long names of options that are not repeated
 */
export function repeatedOptions(command: Command, other: string, leftOut: ReadonlySet<string> = new Set()): string {
  const taken = optionsOf(command, other);
  return typed(command, ({ long = '' }) => taken.has(long) && !leftOut.has(long)).join(' ');
}

/** Options that lead another command to the same foreign key of the same database. */
const SAME_PLACE: ReadonlySet<string | undefined> = new Set([
  '--constraint',
  '--database-url',
  '--session-pooler',
  '--ledger-owner',
  '--trust-owner',
  '--profile',
]);

/** What follows `p2pfk rollback --table T`, where it is printed by `command`: with a blank before it, or empty. */
export function samePlace(command: Command): string {
  return typed(command, ({ long }) => SAME_PLACE.has(long))
    .map((word) => ` ${word}`)
    .join('');
}

/** The same command line once more, with each table that may have been meant, to be copied. */
export function withTheseInstead(error: unknown, command: Command | null): string[] {
  // Where nothing may have been meant, options may be what is wrong: they are not read once more.
  if (!(error instanceof InvalidInput) || error.choices.length === 0 || command === null) return [];
  const others = typed(command, ({ long }) => long !== '--table' && long !== '--constraint');
  return error.choices.map(({ table, constraint }) => {
    const foreignKey = constraint === undefined ? [] : ['--constraint', shellWord(constraint)];
    return ['p2pfk', command.name(), '--table', shellWord(table), ...foreignKey, ...others].join(' ');
  });
}

function typed(command: Command, which: (option: Option) => boolean): string[] {
  return command.options
    .filter((option) => which(option) && option.helpGroupHeading !== OUTPUT)
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .flatMap((option) => words(option, command.getOptionValue(option.attributeName())));
}

/** Long names of the options of a sister command. */
function optionsOf(command: Command, other: string): ReadonlySet<string> {
  const sister = command.parent?.commands.find((candidate) => candidate.name() === other);
  return new Set(sister?.options.map(({ long = '' }) => long));
}

/** Makes a line to copy: `p2pfk <other>` with these parts, each a flag with its value, quoted for a shell. */
export type Composer = (other: string, parts: readonly string[], leftOut?: readonly string[]) => string;

/** Options that say which migration or execution is meant: a line to copy names its own. */
const SUBJECTS = ['--table', '--constraint', '--execution', '--state-machine'];

/**
 * Lines to copy for the sister commands of `command`. A part that the other command does not take is left out; what was typed for
 * `command` is repeated as by {@link repeatedOptions}.
 */
export function composerFor(command: Command): Composer {
  return (other, parts, leftOut = []) => {
    const taken = optionsOf(command, other);
    const own = parts.filter((part) => taken.has(flagOf(part)));
    const repeated = repeatedOptions(command, other, new Set([...SUBJECTS, ...leftOut, ...own.map(flagOf)]));
    return ['p2pfk', other, ...own, ...(repeated === '' ? [] : [repeated])].join(' ');
  };
}

function flagOf(part: string): string {
  return part.split(' ', 1)[0] ?? '';
}

function words(option: Option, value: unknown): string[] {
  const name = option.long ?? '';
  if (typeof value === 'boolean') return value === option.negate ? [] : [name];
  const values = (Array.isArray(value) ? value : [value]).map(String);
  const shown = CONNECTIONS[name] ?? ((one) => [one]);
  return values.flatMap((one) => shown(one)).flatMap((one) => [name, shellWord(one)]);
}

/**
 * Options whose value may hold a password: without it, PGPASSWORD or ~/.pgpass has to give it. A webhook's URL may have its token
 * anywhere, and is left out.
 */
const CONNECTIONS: Readonly<Record<string, (value: string) => readonly string[]>> = {
  '--database-url': (url) => (url.trim() === '' ? [url] : [withoutPassword(url)]),
  '--notify-url': () => [],
  '--reader': (text) => connectionStringsIn(text).map(withoutPassword),
};
