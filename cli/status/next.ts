/** What comes next for a migration: commands to copy, each with the reason. Pure. */
import { beyondDefaults } from '../../core/contracts/decisive-options.ts';
import type { MigrationStatus } from '../../core/ledger/status.ts';
import { decisiveFlags } from '../render/approved.ts';
import type { Composer } from '../repeat.ts';
import { shellWord } from '../text.ts';

export interface Next {
  readonly why: string;
  /** Null where nothing is to be run from here. */
  readonly command: string | null;
}

export interface NextOptions {
  readonly compose: Composer;
  /** The table as a command line names it; default: with its schema. */
  readonly table?: string;
  /** Whether a command line has to name the constraint. */
  readonly needsConstraint: boolean;
  /** Whether the store of this machine has the execution; null: not known. */
  readonly isHere: boolean | null;
}

/** The first one is what to do; those after it are alternatives. */
export function nextSteps(migration: MigrationStatus, options: NextOptions): readonly Next[] {
  if (!migration.tableExists)
    return [{ why: 'the table is gone; this shows what is left', command: options.compose('audit', []) }];
  switch (migration.state) {
    case 'running':
    case 'rolling-back':
      return [atWork(migration, options)];
    case 'paused':
      return paused(migration, options);
    case 'migrated':
      return [{ why: 'six checks, at any time', command: on('verify', migration, options) }];
    case 'rolled-back':
      return [{ why: 'what another try would do', command: on('plan', migration, options) }];
  }
}

/** Where an execution in AWS is asked after. A line about an execution of this machine must not repeat it. */
const ENDPOINT = ['--region', '--aws-profile', '--endpoint-url'];
const DATABASE = ['--database-url', '--session-pooler', '--show-blocking-queries', '--ledger-owner', '--trust-owner'];

function atWork(migration: MigrationStatus, options: NextOptions): Next {
  const { owner, approval, execution, state } = migration;
  if (owner?.life === 'unknown')
    return { why: 'whether its execution lives cannot be seen from here: ask the primary', command: null };
  if (owner?.life !== 'alive') {
    return state === 'running'
      ? { why: 'its execution is dead; this takes over and does what is left', command: again(migration, options) }
      : { why: 'its execution is dead; this goes on with the rollback', command: undo(migration, options) };
  }
  if (migration.pace?.hold)
    return { why: 'it is held, and goes on with this', command: on('resume', migration, options) };
  if (approval !== null && (approval.state === 'awaited' || approval.state === 'void'))
    return { why: 'it waits for this', command: on('approve', migration, options) };
  const status = on('status', migration, options);
  if (owner.place === 'psql') return { why: 'a psql script works on it; look again', command: status };
  if (owner.place === 'reconciliation') return { why: 'reconciliation works on it; look again', command: status };
  if (owner.place === 'local' && options.isHere === false)
    return {
      why: `it runs on another machine, or with another --state-dir, where p2pfk watch --execution ${shellWord(execution)} follows it; here look again`,
      command: status,
    };
  const leftOut = owner.place === 'local' ? [...DATABASE, ...ENDPOINT] : [...DATABASE, '--state-dir'];
  return {
    why: 'it is at work; this follows it',
    command: options.compose('watch', [`--execution ${shellWord(execution)}`], leftOut),
  };
}

const WAITING: ReadonlySet<string> = new Set(['ApprovalNeeded', 'Rehearsed']);

function paused(migration: MigrationStatus, options: NextOptions): Next[] {
  const { approval, dropped, error } = migration;
  const back = { why: 'this undoes it', command: undo(migration, options) };
  const onward = { why: 'this goes on from there', command: again(migration, options) };
  if (dropped)
    return [{ ...onward, why: 'the parent foreign key is dropped; this runs the checks that are left' }, back];
  const waits = approval !== null && approval.state !== 'approved';
  if (waits && (approval.askedAt !== null || WAITING.has(error?.name ?? '')))
    return [
      { why: 'the drop needs this first', command: on('approve', migration, options) },
      { ...onward, why: 'once it is approved, this goes on' },
      back,
    ];
  return [onward, back];
}

/** A command of this machine about the table. */
function on(command: string, migration: MigrationStatus, options: NextOptions, flags: readonly string[] = []): string {
  return options.compose(
    command,
    [...subject(migration, options.table ?? migration.table, options), ...flags],
    ENDPOINT,
  );
}

function subject({ constraint }: MigrationStatus, table: string, { needsConstraint }: NextOptions): string[] {
  return [`--table ${shellWord(table)}`, ...(needsConstraint ? [`--constraint ${shellWord(constraint)}`] : [])];
}

/** Options of the next execution, so that it does what this one was to do. */
function flagsOf({ options }: MigrationStatus): string[] {
  return [...(options.approval === 'manual' ? ['--approval manual'] : []), ...decisiveFlags(beyondDefaults(options))];
}

function again(migration: MigrationStatus, options: NextOptions): string {
  return where(migration, options, 'migrate');
}

function undo(migration: MigrationStatus, options: NextOptions): string {
  return where(migration, options, 'rollback');
}

/** `arn:aws:states:<region>:<account>:execution:<state machine>:<name>`, not of this machine. */
const IN_AWS = /^(arn:aws[\w-]*:states:(?!local:)[a-z0-9-]+:\d{12}):execution:([^:\s]+):[^:\s]+$/;

/** Where the last execution ran. */
function where(migration: MigrationStatus, options: NextOptions, operation: 'migrate' | 'rollback'): string {
  const [, prefix, name] = IN_AWS.exec(migration.execution.replace(/^reconcile:/, '')) ?? [];
  const flags = flagsOf(migration);
  if (prefix === undefined || name === undefined) return on(operation, migration, options, flags);
  // The functions have a search_path of their own.
  const parts = subject(migration, migration.table, options);
  const back = operation === 'rollback' ? ['--operation rollback'] : [];
  return options.compose('start', [
    `--state-machine ${shellWord(`${prefix}:stateMachine:${name}`)}`,
    ...back,
    ...parts,
    // An execution input for a rollback takes no option that is for the way forward alone.
    ...(operation === 'rollback'
      ? flags.filter((flag) => /^--(?:keep-indexes|allow-blocking-rollback)\b/.test(flag))
      : flags),
    '--wait',
  ]);
}
