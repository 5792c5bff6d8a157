/** How the command line ends: its exit codes, and the one mapping from errors and reports to them. Fixed by contract. */
import { CommanderError } from 'commander';
import type { MigrationReport } from '../core/contracts/documents.ts';
import { P2pfkError } from '../core/contracts/errors.ts';
import type { EmbeddedPostgresUnavailable } from '../local/embedded/binaries.ts';

export const ExitCode = {
  /** Done, or nothing to do. */
  Done: 0,
  /** Failed, and everything was put back. */
  RolledBack: 1,
  /** Bad usage or input: no plan could be made from what was given. */
  BadInput: 2,
  /** `verify`, `audit` or `scan --fail-on` found a problem. */
  CheckFailed: 3,
  /** Preflight refused; nothing was changed. */
  Refused: 4,
  /** The rollback itself failed; a person is needed. */
  RollbackFailed: 5,
  /** Paused: the window closed, or approval is awaited. */
  Paused: 6,
  /** Ended by a signal, as shells report it: 128 and the number of the signal. */
  HungUp: 129,
  Interrupted: 130,
  BrokenPipe: 141,
  Terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** In general, as `--help` shows them. */
export const MEANINGS: Readonly<Record<ExitCode, string>> = {
  [ExitCode.Done]: 'done, or nothing to do',
  [ExitCode.RolledBack]: 'failed, and everything was put back',
  [ExitCode.BadInput]: 'bad usage or input, no connection, wrong password',
  [ExitCode.CheckFailed]: 'a check did not pass',
  [ExitCode.Refused]:
    'refused: preflight, a ledger that is not trusted or of another version, or another execution is at work; nothing was changed',
  [ExitCode.RollbackFailed]: 'the rollback itself failed; a person is needed',
  [ExitCode.Paused]:
    'paused: window closed, rehearsal, approval, lock never free, an outage, partitions changed; or taken over by another execution',
  [ExitCode.HungUp]: 'the terminal was closed',
  [ExitCode.Interrupted]: 'interrupted by Ctrl-C',
  [ExitCode.BrokenPipe]: 'the reader of a pipe went away',
  [ExitCode.Terminated]: 'interrupted by SIGTERM',
};

type NamesIn<Module> = {
  [Key in keyof Module]: Module[Key] extends new (
    ...args: never[]
  ) => P2pfkError & { readonly name: infer Name }
    ? Name
    : never;
}[keyof Module];

type ErrorName = NamesIn<typeof import('../core/contracts/errors.ts')> | EmbeddedPostgresUnavailable['name'];

/** An error that ends a command, by its name. A new class of error without an entry does not compile. */
const OF_ERROR: Readonly<Record<ErrorName, ExitCode>> = {
  ConnectionLost: ExitCode.BadInput,
  ConnectionRefused: ExitCode.BadInput,
  EmbeddedPostgresUnavailable: ExitCode.BadInput,
  InvalidInput: ExitCode.BadInput,

  ApprovalRefused: ExitCode.Refused,
  LedgerElsewhere: ExitCode.Refused,
  LedgerMissing: ExitCode.Refused,
  LedgerNotTrusted: ExitCode.Refused,
  LedgerVersionRefused: ExitCode.Refused,
  MigrationInProgress: ExitCode.Refused,
  NotMigrated: ExitCode.Refused,
  PreflightFailed: ExitCode.Refused,
  PrivilegeMissing: ExitCode.Refused,
  RowSecurityApplies: ExitCode.Refused,
  SettingRefused: ExitCode.Refused,
  UntrustedCode: ExitCode.Refused,

  DeadlockDetected: ExitCode.RolledBack,
  GateFailed: ExitCode.RolledBack,
  IndexBuildFailed: ExitCode.RolledBack,
  InternalFault: ExitCode.RolledBack,
  LockTableFull: ExitCode.RolledBack,
  LockTimeout: ExitCode.RolledBack,
  MigrationFenced: ExitCode.RolledBack,
  OrphanedRows: ExitCode.RolledBack,
  ServerTrouble: ExitCode.RolledBack,
  StatementCanceled: ExitCode.RolledBack,
  StatementFailed: ExitCode.RolledBack,
  VerificationFailed: ExitCode.RolledBack,

  ApprovalNeeded: ExitCode.Paused,
  Held: ExitCode.Paused,
  LedgerNotWritten: ExitCode.Paused,
  NameTaken: ExitCode.Paused,
  PartitionSetChanged: ExitCode.Paused,
  WindowClosed: ExitCode.Paused,

  RollbackFailed: ExitCode.RollbackFailed,
};

/** Of an error that a command ends with. */
export function exitCodeOfError(error: unknown): ExitCode {
  // `--help` and `--version` are errors for commander.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Done : ExitCode.BadInput;
  // An error without a name of ours is a defect of ours. It came before anything ran, or the execution would have caught it.
  return error instanceof P2pfkError ? ofName(error.name) : ExitCode.BadInput;
}

function ofName(name: string): ExitCode {
  return isOurs(name) ? OF_ERROR[name] : ExitCode.BadInput;
}

function isOurs(name: string): name is ErrorName {
  return Object.hasOwn(OF_ERROR, name);
}

/** Name of the error of an execution that was stopped. */
export const INTERRUPTED = 'Interrupted';

/**
 * Of a migration or rollback, by its report.
 *
 * @param signal exit code of the signal that stopped the execution from here; null where none did
 */
export function exitCodeOfReport(
  { status, error }: Pick<MigrationReport, 'status' | 'error'>,
  signal: ExitCode | null = null,
): ExitCode {
  switch (status) {
    case 'MIGRATED':
    case 'ALREADY_MIGRATED':
    case 'DRY_RUN':
    case 'DUPLICATE':
      return ExitCode.Done;
    case 'ROLLED_BACK':
      return error === null ? ExitCode.Done : ExitCode.RolledBack;
    case 'PAUSED':
      return error?.name === INTERRUPTED ? (signal ?? ExitCode.Paused) : ExitCode.Paused;
    case 'REFUSED': {
      // Whatever the plan step failed with, nothing was changed.
      const ours = error !== null && isOurs(error.name) && ofName(error.name) === ExitCode.BadInput;
      return ours ? ExitCode.BadInput : ExitCode.Refused;
    }
    case 'ROLLBACK_FAILED':
      return ExitCode.RollbackFailed;
  }
}
