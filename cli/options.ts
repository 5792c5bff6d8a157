/** Options that several commands share, declared once. Nothing here is heavier than commander. */
import { channel } from 'node:diagnostics_channel';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { INPUT_OPTIONS } from '../core/contracts/options/all.ts';
import { connectionStringsIn, holdsPassword } from '../core/postgres/libpq/connection-string.ts';
import { PARAMETERS_READ, READERS, TRUST_OWNERS } from '../core/postgres/libpq/keywords.ts';
import { declare, type InputFlags, inputOption } from './input-options.ts';
import { createOutput } from './output.ts';

/** What commander hands to the action of every command. */
export interface OutputFlags {
  readonly json?: boolean;
  /** Only of the commands that follow an execution; see addJsonLinesOption. */
  readonly jsonLines?: boolean;
  /** False with `--no-color`. */
  readonly color: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export interface DatabaseFlags {
  readonly databaseUrl?: string;
  readonly sessionPooler?: boolean;
  readonly showBlockingQueries?: boolean;
  readonly ledgerOwner?: string;
  readonly trustOwner?: readonly string[];
}

export type RelinkFlag = Pick<InputFlags, 'relink'>;

export interface ReportFlag {
  /** File. */
  readonly report?: string;
}

export interface StateFlags {
  readonly stateDir?: string;
}

/** Where an execution is asked after; see executions/connection.ts. */
export interface EndpointFlags extends StateFlags {
  readonly region?: string;
  readonly awsProfile?: string;
  readonly endpointUrl?: string;
}

/** Which execution is meant; see executions/choose.ts. */
export interface ExecutionFlags extends EndpointFlags {
  /** ARN, name, or the beginning or end of a name. */
  readonly execution?: string;
  readonly table?: string;
  readonly stateMachine?: string;
}

/** Who acts, and why; see people.ts. */
export type PeopleFlags = Pick<InputFlags, 'by' | 'reason'>;

export type TableFlags = Pick<InputFlags, 'table' | 'constraint'>;

/**
 * `--table` is required, but asked for last: commander looks for mandatory options first, and would answer a mistyped
 * `--tabel` with "required option not specified". An option that needs no table implies `withoutTable`.
 */
export function addTableOptions(command: Command): Command {
  return declare(command, 'table', 'constraint').hook('preAction', (_, acting) => {
    const { table, withoutTable } = acting.opts();
    if (table === undefined && withoutTable !== true)
      acting.error(
        `required option '-t, --table <table>' not specified${acting.name() === 'plan' ? ': p2pfk scan shows which tables have a foreign key to migrate' : ''}`,
      );
  });
}

/** Headings of the help text. Options that belong to one command stand under commander's own, which comes first. */
const OWN = 'Options:';
const PEOPLE = 'Who and why; noted in ledger and report as stated, not verified:';
export const PACE = 'Locks and pace:';
/** Not repeated in a command line to copy. */
export const OUTPUT = 'Output:';

/** Options that `add` declares stand under `heading`, what comes after them under the command's own again. */
export function grouped(command: Command, heading: string, add: (command: Command) => void): Command {
  command.optionsGroup(heading);
  add(command);
  return command.optionsGroup(OWN);
}

/** What the URL is for, where an execution is looked for. */
export const OF_DATABASE =
  'of executions that are not named, only those that worked on this database, with host, user and name as psql takes them';

/** The URL alone, for the commands that ask the database only which one it is. */
export function addDatabaseUrlOption(
  command: Command,
  help = 'postgres://user@host:port/database?sslmode=..., or "host=... dbname=...", as psql takes it: the server, not a pooler',
): Command {
  return command
    .addOption(new Option('-d, --database-url <url>', help).env('DATABASE_URL').helpGroup(OWN))
    .hook('preAction', (_, acting) => {
      if (acting.getOptionValueSource('databaseUrl') === 'cli')
        warnOfPassword('--database-url', acting.opts().databaseUrl);
    });
}

export function addDatabaseOptions(command: Command): Command {
  return addDatabaseUrlOption(command)
    .addOption(
      new Option(
        '--session-pooler',
        'the URL leads to a pooler in session mode, or to a proxy with its own cancel key',
      ).helpGroup(OWN),
    )
    .addOption(
      new Option(
        '--show-blocking-queries',
        'tell the query, without its literals, of a session that holds a lock; it goes into ledger and report',
      ).helpGroup(OWN),
    )
    .addOption(inputOption('ledgerOwner').env('P2PFK_LEDGER_OWNER').helpGroup(OWN))
    .addOption(
      new Option(
        '--trust-owner <role>',
        'a role whose functions and types on the tables may run with the rights of this login (repeatable): all who can act as it could do what the login may',
      )
        .argParser(collectRoles)
        .helpGroup(OWN),
    )
    .addOption(
      new Option(
        '--profile <name>',
        'options of that profile in p2pfk.config.json, or in the key p2pfk of package.json, in the working directory; what is typed or in the environment wins',
      ).helpGroup(OWN),
    )
    .hook('preAction', (_, acting) => {
      if (acting.opts().trustOwner !== undefined) process.env[TRUST_OWNERS] = acting.opts().trustOwner.join(',');
      if (acting.opts().ledgerOwner !== undefined) process.env.P2PFK_LEDGER_OWNER = acting.opts().ledgerOwner;
      // Every session of this process is opened with it, those of the steps too.
      if (acting.opts().sessionPooler === true) process.env.P2PFK_SESSION_POOLER = 'true';
      if (acting.opts().showBlockingQueries === true) process.env.P2PFK_SHOW_BLOCKING_QUERIES = 'true';
    });
}

function collectRoles(role: string, before: readonly string[] = []): readonly string[] {
  if (role === '' || role.includes(','))
    throw new InvalidArgumentError('must be the name of a role, and without a comma in it');
  return [...before, role];
}

/** Of the commands that take ACCESS EXCLUSIVE locks, or say what they would do. */
export function addReaderOption(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--reader <url>',
        'a standby that people read from, such as postgres://host: asked before each exclusive lock; what it leaves out is as in the database URL; repeatable',
      )
        .argParser((url: string, before: readonly string[] = []) => [...before, url])
        .helpGroup(PACE),
    )
    .hook('preAction', (_, acting) => {
      const readers: readonly string[] | undefined = acting.opts().reader;
      if (readers === undefined) return;
      // Like the database URL they are this process's own: an execution input is kept, and may be read by others.
      process.env[READERS] = readers.join('\n');
      const withPassword = readers.flatMap(connectionStringsIn).find(holdsPassword);
      if (withPassword !== undefined) warnOfPassword('--reader', withPassword);
    });
}

/**
 * Arguments of a process can be read by every user of the machine, and the shell keeps them in its history. The warning is printed
 * before anything connects, but not together with the error of wrong usage or of an invalid URL.
 */
function warnOfPassword(option: string, databaseUrl: string): void {
  if (!holdsPassword(databaseUrl)) return;
  const parametersRead = channel(PARAMETERS_READ);
  const warn = (): void => {
    parametersRead.unsubscribe(warn);
    createOutput({}).complain(
      `! the password in ${option} is visible in the process list: use ${option === '--reader' ? 'P2PFK_READERS' : 'DATABASE_URL'}, PGPASSWORD or ~/.pgpass`,
    );
  };
  parametersRead.subscribe(warn);
}

/** Of the commands that run an execution in this process. */
export function addReportOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--report <file>',
      'afterwards a report, readable by you alone: .html, complete in itself, or .md, or .json',
    ).helpGroup(OUTPUT),
  );
}

/** Of the commands that keep local executions, or read them. */
export function addStateOptions(command: Command): Command {
  return command.addOption(
    new Option(
      '--state-dir <path>',
      'where local executions are kept, a directory that no other user may write to (default: ~/.local/state/p2pfk)',
    )
      .env('P2PFK_STATE_DIR')
      .helpGroup(OWN),
  );
}

/** Of the commands that speak to Step Functions. */
export function addEndpointOptions(command: Command): Command {
  return command
    .option('--region <region>', "AWS region (default: the ARN's)")
    .option('--aws-profile <profile>', 'profile of the shared AWS configuration (default: AWS_PROFILE)')
    .option('--endpoint-url <url>', 'another Step Functions endpoint, such as http://127.0.0.1:8083');
}

/** Of the commands that look at executions in AWS, besides those of this machine. */
export function addStateMachineOption(command: Command, help: string): Command {
  return command.addOption(new Option('-s, --state-machine <arn>', help).helpGroup(OWN));
}

/** Of the commands that look at one execution, in AWS or of this machine. */
export function addExecutionOptions(command: Command): Command {
  command.option(
    '-e, --execution <arn>',
    'ARN of the execution, or its name, or the beginning or end of its name (default: the newest one)',
  );
  declare(command, 'table');
  addStateMachineOption(command, 'look for it among the executions of this state machine in AWS');
  return addStateOptions(addEndpointOptions(command));
}

/** Of the commands that act on what the ledger remembers. */
export function addRelinkOption(command: Command): Command {
  return command.addOption(inputOption('relink').helpGroup(OWN));
}

/** Of the commands that do something to a migration. */
export function addPeopleOptions(command: Command, who = 'the user of this machine, user@host'): Command {
  return grouped(command, PEOPLE, (people) =>
    people.addOption(inputOption('by', `${INPUT_OPTIONS.by.help} (default: ${who})`)).addOption(inputOption('reason')),
  );
}

/** Who is signed in to AWS is asked there. */
export const AWS_PERSON = 'the identity in AWS, else user@host';

export interface PlanFlag {
  /** File of a saved plan. */
  readonly plan?: string;
}

/** Of the commands that carry out a saved plan: it names table and options, so `--table` may be left out. */
export function addPlanFileOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--plan <file>',
      'carry out a plan that p2pfk plan --out has saved; refused where anything has changed since',
    )
      .implies({ withoutTable: true })
      .helpGroup(OWN),
  );
}

export interface YesFlag {
  readonly yes?: boolean;
}

/** Answers the question whether to start, which is asked on a terminal; findings are accepted by `--accept` alone. */
export function addYesOption(
  command: Command,
  description = 'on a terminal, start without being asked; it accepts no finding',
): Command {
  return command.option('-y, --yes', description);
}

/** The id of a migration in the ledger. */
export function migrationNumber(text: string): string {
  if (/^[1-9]\d{0,17}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the id of a migration in the ledger, such as 7.');
}

export function addOutputOptions(command: Command): Command {
  return grouped(command, OUTPUT, (output) =>
    output
      .option('--json', 'one JSON document on stdout; everything else on stderr')
      .option('-q, --quiet', 'no progress, only the result')
      .option('-v, --verbose', "the steps' JSON log lines on stderr")
      .option('--no-color', 'no colours'),
  );
}

/** Of the commands that follow an execution. */
export function addJsonLinesOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--json-lines',
      'one JSON object a line on stdout, as it happens: each event, then { type: "Result", result }; everything else on stderr',
    )
      .conflicts('json')
      .helpGroup(OUTPUT),
  );
}

/** `--verbose`: handlers log only where `P2PFK_LOG` says. Must be set before the first handler is loaded. */
export function applyVerbose(flags: OutputFlags): void {
  if (flags.verbose === true) process.env.P2PFK_LOG ??= 'stderr';
}

/** How many lines of a list, from 1 to 1,000. */
export function listLimit(text: string): number {
  if (/^[1-9]\d{0,2}$|^1000$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
}

/** An empty `DATABASE_URL=` means none: libpq's variables decide. */
export function databaseUrlOf(flags: DatabaseFlags): string | undefined {
  return flags.databaseUrl === undefined || flags.databaseUrl.trim() === '' ? undefined : flags.databaseUrl;
}
