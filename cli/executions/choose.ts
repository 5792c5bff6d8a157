/** Which execution a command means: by its ARN, by its name or a part of it, by its table, or the newest one. */
import { InvalidInput } from '../../core/contracts/errors.ts';
import { echoed } from '../../core/contracts/redact.ts';
import { mayMeanTheSame } from '../../core/contracts/sql-names.ts';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import { type DatabaseIdentity, readIdentity } from '../../core/ledger/schema/identity.ts';
import { type MigrationStatus, readTableStatus } from '../../core/ledger/status.ts';
import { type DatabaseFlags, databaseUrlOf, type ExecutionFlags } from '../options.ts';
import type { Output } from '../output.ts';
import { executionInWords, shellWord } from '../text.ts';
import { regionOf } from './client.ts';
import {
  type Item,
  isRightHere,
  itemsOf,
  type KnownExecution,
  newestFirst,
  openSource,
  type Source,
  whereabouts,
} from './known.ts';

export type ChooseFlags = ExecutionFlags &
  DatabaseFlags & {
    /** False with `--no-ledger`: the database is not asked. */
    readonly ledger?: boolean;
  };

export interface ChooseOptions {
  readonly output: Pick<Output, 'complain' | 'quiet'>;
  /** What the command does to it: only an execution that runs on this very database can be stopped without being named. */
  readonly toStop?: boolean;
}

/** Executions whose database or table is compared; the list of names is longer. */
const MOST = 200;
const MOST_NAMES = 1_000;
const MOST_CANDIDATES = 5;

/**
 * @returns its ARN; which one was chosen is said on stderr, unless it was named in full
 * @throws InvalidInput with one line where there is none, or several may be meant
 */
export async function chooseExecution(flags: ChooseFlags, options: ChooseOptions): Promise<string> {
  const { execution: given, table } = flags;
  if (given !== undefined && table !== undefined)
    throw new InvalidInput('--execution and --table both say which execution is meant: give one of them');
  if (given !== undefined && !isName(given)) {
    regionOf(given, 'execution');
    return given;
  }
  const { complain, quiet } = options.output;
  const warn = (line: string): void => complain(`! ${line}`);
  const source = await openSource(flags, warn);
  try {
    const chosen = given === undefined ? await newest(source, flags, options) : await byName(source, given);
    // What is stopped is said in any case.
    if (chosen.executionArn !== given && (!quiet || options.toStop === true))
      complain(`${chosen.why}: ${executionInWords(chosen.executionArn)}`);
    return chosen.executionArn;
  } finally {
    source?.close();
  }
}

interface Chosen {
  readonly executionArn: string;
  readonly why: string;
}

/** An ARN has colons, and a name has none: what is neither is told as a wrong ARN. */
function isName(given: string): boolean {
  return /^[A-Za-z0-9_-]{1,80}$/.test(given);
}

async function byName(source: Source | null, given: string): Promise<Chosen> {
  const matching: Item[] = [];
  if (source !== null) {
    for await (const item of itemsOf(source, MOST_NAMES)) {
      if (item.name === given) return { executionArn: item.executionArn, why: 'Execution' };
      if (item.name.startsWith(given) || item.name.endsWith(given)) matching.push(item);
    }
  }
  const [only, other] = matching;
  if (only === undefined)
    throw new InvalidInput(
      `no execution ${source?.place === 'aws' ? 'in that state machine' : 'on this machine'} is called ${echoed(given)}, or has a name that begins or ends so; p2pfk list --no-ledger shows what there is`,
    );
  if (other !== undefined)
    throw new InvalidInput(
      `${echoed(given)} may be ${candidates(matching.map(({ name }) => name))}: give more of the name`,
    );
  return { executionArn: only.executionArn, why: 'Execution' };
}

function candidates(names: readonly string[]): string {
  const more = names.length - MOST_CANDIDATES;
  return `${names.slice(0, MOST_CANDIDATES).join(', ')}${more > 0 ? ` or ${more} more` : ''}`;
}

interface Asked {
  readonly here: DatabaseIdentity | null;
  /** The newest migration of the table, where the ledger has one. */
  readonly migration: MigrationStatus | null;
}

async function newest(source: Source | null, flags: ChooseFlags, options: ChooseOptions): Promise<Chosen> {
  const { table } = flags;
  const { here, migration } = await askDatabase(flags);
  const fitting: KnownExecution[] = [];
  for await (const one of source === null ? [] : newestFirst(source, MOST)) {
    if (!fits(one, here, options) || (table !== undefined && !mayMeanTheSame(table, one.table))) continue;
    fitting.push(one);
    // Without a schema the table's name may mean several tables, and of several that run none is stopped by chance.
    if (table === undefined && options.toStop !== true) break;
  }
  const of = `${table === undefined ? '' : ` of ${table}`}${here === null ? '' : ` on database "${here.database}"`}`;
  const [first] = fitting;
  const inLedger = ledgerExecution(migration, first, flags, options);
  if (inLedger !== null) return { executionArn: inLedger, why: `The execution${of} that the ledger has` };
  if (first === undefined) throw noneFound(source, of, options);
  const tables = [...new Set(fitting.filter((one) => one.isPlanned).map((one) => one.table))];
  if (table !== undefined && tables.length > 1)
    throw new InvalidInput(`table ${echoed(table)} may be ${candidates(tables)}: name it with its schema`);
  if (options.toStop === true && fitting.length > 1)
    throw new InvalidInput(
      `${fitting.length} executions${of} are running (${candidates(fitting.map(({ name }) => name))}): name one with --execution`,
    );
  return { executionArn: first.executionArn, why: `The newest execution${of}` };
}

function fits(one: KnownExecution, here: DatabaseIdentity | null, { toStop }: ChooseOptions): boolean {
  if (toStop !== true) return here === null || whereabouts(one, here) !== 'other';
  return (
    one.status === 'RUNNING' &&
    (here === null || (one.place === 'local' ? isRightHere(one, here) : whereabouts(one, here) !== 'other'))
  );
}

/** An execution in AWS that works on the table, or did last: the ledger knows it without a `--state-machine`. */
function ledgerExecution(
  migration: MigrationStatus | null,
  newestHere: KnownExecution | undefined,
  { stateMachine, endpointUrl }: ChooseFlags,
  { toStop }: ChooseOptions,
): string | null {
  if (migration === null || stateMachine !== undefined || endpointUrl !== undefined) return null;
  const { execution, owner, since } = migration;
  if (!/^arn:aws[\w-]*:states:(?!local:)[a-z0-9-]+:\d{12}:execution:[\w-]{1,80}:[\w-]{1,80}$/.test(execution))
    return null;
  if (toStop === true && owner?.life !== 'alive') return null;
  return newestHere?.startedAt == null || newestHere.startedAt < since ? execution : null;
}

function noneFound(source: Source | null, of: string, { toStop }: ChooseOptions): InvalidInput {
  const inAws = source?.place === 'aws';
  const where = inAws ? 'in that state machine' : 'on this machine';
  const hint = inAws ? '' : '; one in AWS is found with --state-machine ARN';
  const what =
    toStop === true ? `nothing to stop: no execution${of} is running ${where}` : `no execution${of} is known ${where}`;
  return new InvalidInput(`${what}; p2pfk list --no-ledger shows what there is${hint}`);
}

/** libpq's variables that choose a server or a database. */
const CHOOSING = ['PGHOST', 'PGHOSTADDR', 'PGDATABASE', 'PGSERVICE'];

async function askDatabase(flags: ChooseFlags): Promise<Asked> {
  const databaseUrl = databaseUrlOf(flags);
  const isGiven = databaseUrl !== undefined || CHOOSING.some((name) => process.env[name]);
  if (flags.ledger === false || !isGiven) return { here: null, migration: null };
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk executions' });
  try {
    const here = await readIdentity(client);
    const { table } = flags;
    if (table === undefined) return { here, migration: null };
    // What is wrong with the name or the ledger does not keep an execution from being found in the store.
    const status = await readTableStatus(client, { table }).catch(() => null);
    return { here, migration: status?.migration ?? null };
  } finally {
    await client.end();
  }
}

/** How a person names an execution in a command to copy: short on this machine, in full elsewhere. */
export function shortName({ executionArn, name, place }: KnownExecution): string {
  return shellWord(place === 'local' && isName(name) ? name : executionArn);
}
