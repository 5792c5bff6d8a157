/** Options that several commands share, declared once. Nothing here is heavier than commander. */
import { type Command, InvalidArgumentError, Option } from 'commander';

/** What commander hands to the action of every command. */
export interface OutputFlags {
  readonly json?: boolean;
  /** False with `--no-color`. */
  readonly color: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export interface DatabaseFlags {
  readonly databaseUrl?: string;
}

export interface TableFlags {
  readonly table: string;
  readonly constraint?: string;
}

/** Flags that become the execution input; see input.ts. */
export interface InputFlags extends TableFlags {
  readonly dryRun?: boolean;
  readonly maxConcurrency?: number;
  /** Milliseconds. */
  readonly lockTimeoutMs?: number;
  readonly deadline?: string;
  readonly approval?: string;
  readonly keepIndexes?: boolean;
  readonly allowBlockingRollback?: boolean;
}

/** Digits only: `1e3`, `0x10` and `5s` are typing errors here, not numbers. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/**
 * `--table` is required, but asked for last: commander looks for mandatory options first, and would answer a mistyped
 * `--tabel` with "required option not specified".
 */
export function addTableOptions(command: Command): Command {
  return command
    .option('-t, --table <table>', 'the referencing partitioned table, as SQL writes it: public.path (required)')
    .option('-c, --constraint <name>', 'the parent-level foreign key, where the table has several')
    .hook('preAction', (_, acting) => {
      if (acting.opts().table === undefined) acting.error("required option '-t, --table <table>' not specified");
    });
}

export function addDatabaseOptions(command: Command): Command {
  return command.addOption(
    new Option('-d, --database-url <url>', 'postgres://user:password@host:port/database').env('DATABASE_URL'),
  );
}

/** Options that hold for a migration and for a rollback, on its own or as part of one. */
export function addPaceOptions(command: Command): Command {
  return addTableOptions(command)
    .option('--max-concurrency <n>', 'pairs worked on side by side, 1 to 40 (default: 4)', wholeNumber)
    .option('--lock-timeout-ms <ms>', 'longest wait for locks, in all, per statement (default: 500)', wholeNumber)
    .option('--keep-indexes', 'a rollback leaves the indexes that the migration built')
    .option('--allow-blocking-rollback', 'allow a rollback that blocks writes, where no online one is possible');
}

/** Options of the commands that start a migration. A rollback neither waits for a window nor for a word. */
export function addInputOptions(command: Command): Command {
  return addPaceOptions(command)
    .option('--dry-run', 'plan and preflight only, through the state machine; change nothing')
    .option('--deadline <time>', 'end of the maintenance window, ISO 8601 with offset: 2027-01-31T04:00:00Z')
    .option(
      '--approval <mode>',
      'auto, or manual: stop before the parent-level foreign key is dropped (default: auto)',
    );
}

export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'one JSON document on stdout; everything else on stderr')
    .option('-q, --quiet', 'no progress, only the result')
    .option('-v, --verbose', "the steps' JSON log lines on stderr")
    .option('--no-color', 'no colours');
}

/** `--verbose`: handlers log only where `P2PFK_LOG` says. Must be set before the first handler is loaded. */
export function applyVerbose(flags: OutputFlags): void {
  if (flags.verbose === true) process.env.P2PFK_LOG ??= 'stderr';
}

/** An empty `DATABASE_URL=` means none: libpq's variables decide. */
export function databaseUrlOf(flags: DatabaseFlags): string | undefined {
  return flags.databaseUrl === undefined || flags.databaseUrl.trim() === '' ? undefined : flags.databaseUrl;
}
