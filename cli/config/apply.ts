/** Gives a command the options of the profile that `--profile` names, where neither the command line nor the environment has them. */
import { type Command, CommanderError, type Option } from 'commander';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { asKeywords, connectionStringsIn, parseConnectionString } from '../../core/postgres/libpq/connection-string.ts';
import { checkValues, HOST_OF_FILE, KEYWORDS, READERS } from '../../core/postgres/libpq/keywords.ts';
import type { ConfigValue } from './keys.ts';
import { refuseLessProtection } from './protection.ts';
import { readProfile } from './read-profile.ts';

/**
 * @throws InvalidInput as readProfile, where a value is not one of the option, where a password would go to a server of the file,
 *   and where the file would weaken a connection
 */
export async function applyProfile(program: Command, acting: Command, directory: string): Promise<void> {
  const name: unknown = acting.opts().profile;
  if (typeof name !== 'string') return;
  const { place, values } = await readProfile({ directory, name, flags: flagsOf(program) });
  for (const [key, value] of Object.entries(values)) {
    // What concerns other commands is left to them.
    const option = acting.options.find((one) => one.attributeName() === key);
    if (option === undefined || isGiven(acting, key)) continue;
    const used =
      key === 'databaseUrl' ? environmentFirst(place, String(value), readersOf(acting)) : parsed(option, value);
    if (used !== '') acting.setOptionValueWithSource(key, used, 'config');
  }
}

function parsed(option: Option, value: ConfigValue): unknown {
  if (typeof value === 'boolean' || option.parseArg === undefined) return value;
  try {
    return option.parseArg(String(value), undefined);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new InvalidInput(`${option.attributeName()} of the profile cannot be used: ${error.message}`);
  }
}

function isGiven(command: Command, key: string): boolean {
  const source = command.getOptionValueSource(key);
  // An empty DATABASE_URL= is none.
  return source === 'cli' || (source === 'env' && String(command.getOptionValue(key)).trim() !== '');
}

function flagsOf(program: Command): ReadonlyMap<string, string> {
  return new Map(
    program.commands.flatMap((command) =>
      command.options.map((option): [string, string] => [option.attributeName(), option.long ?? option.flags]),
    ),
  );
}

/** Where the server is: a host of the environment with a port of the file would be none of the two. */
const PLACE = ['host', 'hostaddr', 'port'];

/**
 * The connection of a profile without what the environment has: libpq's variables would give way to a URL, and a file must not weaken
 * the protection of the connection, nor lead a password to another server than the one that the password is for.
 */
function environmentFirst(place: string, url: string, readers: readonly string[]): string {
  // A service has everything, its password among it.
  if (process.env.PGSERVICE) return '';
  const settings = parseConnectionString(url);
  const isSet = (keyword: string): boolean => Boolean(process.env[KEYWORDS[keyword] ?? '']);
  const placed = PLACE.some(isSet);
  const left = new Map([...settings].filter(([keyword]) => !isSet(keyword) && !(placed && PLACE.includes(keyword))));
  if (isSet('password') && PLACE.some((keyword) => left.has(keyword)))
    throw new InvalidInput(
      'PGPASSWORD would be sent to the server that a file names: set PGHOST, too, or keep the password in ~/.pgpass, where it is for one server',
    );
  checkValues(left);
  refuseLessProtection(place, left, readers.map(parseConnectionString));
  if (left.has('host')) return asKeywords([...left, [HOST_OF_FILE, 'yes']]);
  return left.size === settings.size ? url : asKeywords(left);
}

/** The readers that this command asks, which take from the database URL what they leave out. */
function readersOf(acting: Command): string[] {
  const typed: unknown = acting.opts().reader;
  return connectionStringsIn(Array.isArray(typed) ? typed.join('\n') : (process.env[READERS] ?? ''));
}
