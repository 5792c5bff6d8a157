/** How the end of an execution becomes the JSON document of the command line. Pure. */
import { type NamedError, readCause } from '../core/contracts/cause.ts';
import type {
  Blocked,
  MigratedPair,
  MigrationReport,
  MigrationStatus,
  Verification,
} from '../core/contracts/documents.ts';
import type {
  PauseResult,
  PlanResult,
  RolledBackResult,
  VerifyMigrationResult,
} from '../core/contracts/steps/results.ts';
import { isRecord, recordOf } from '../core/history/json.ts';
import { INTERRUPTED } from './exit-codes.ts';
import { readError, stringOf } from './progress/events.ts';

/** The end of an execution, as Step Functions tells it. */
export interface ExecutionOutcome {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';
  readonly output?: unknown;
  readonly error?: string | null | undefined;
  readonly cause?: string | null | undefined;
}

/** What was seen on the way, from the events of the execution. */
export interface Seen {
  /** The plan step ended well: from here on, something may have been changed. */
  readonly planned: boolean;
  readonly migrationId: string | null;
  /** What led to the rollback branch or the pause. */
  readonly failure: NamedError | null;
  readonly pairs: readonly MigratedPair[];
  /** This execution has run the final checks; otherwise those in the ledger are of an earlier one. */
  readonly verified: boolean;
}

/** What the ledger in the target database says, where it can be read. */
export interface LedgerReport {
  readonly pairs: readonly MigratedPair[];
  readonly verification: Verification | null;
  readonly blocked: Blocked;
}

export interface Ended {
  readonly executionArn: string | null;
  /** What was asked for; absent where only the execution is known. */
  readonly operation?: 'migrate' | 'rollback';
  readonly outcome: ExecutionOutcome;
  readonly durationMs: number;
  readonly seen: Seen;
  readonly ledger: LedgerReport | null;
}

interface Verdict {
  readonly status: MigrationStatus;
  readonly error: NamedError | null;
  readonly note?: string;
}

export function reportOf(ended: Ended): MigrationReport {
  const verdict = rollbackFinished(ended) ?? judge(ended.outcome, ended.seen);
  const output = recordOf(ended.outcome.output);
  return {
    status: verdict.status,
    migrationId: ended.seen.migrationId ?? (stringOf(output.migrationId) || null),
    executionArn: ended.executionArn,
    pairs: ended.ledger?.pairs ?? ended.seen.pairs,
    durationMs: Math.round(ended.durationMs),
    blocked: ended.ledger?.blocked ?? null,
    verification: ended.seen.verified ? (ended.ledger?.verification ?? null) : null,
    error: verdict.error,
    ...(verdict.note === undefined ? {} : { note: verdict.note }),
  };
}

/** Asked to migrate, an execution that meets a rollback that is half done finishes that: it has not migrated. */
function rollbackFinished({ operation, outcome: { status, output } }: Ended): Verdict | null {
  if (operation !== 'migrate' || status !== 'SUCCEEDED' || !isRecord(output) || output.status !== 'ROLLED_BACK')
    return null;
  const message = 'a rollback that was half done is finished now; the same command migrates';
  return { status: 'ROLLED_BACK', error: { name: ROLLBACK_FINISHED, message } };
}

/** Name of the error where a migration was asked for, and an earlier rollback was finished instead. */
export const ROLLBACK_FINISHED = 'RollbackFinished';

function judge(outcome: ExecutionOutcome, seen: Seen): Verdict {
  switch (outcome.status) {
    case 'SUCCEEDED':
      return judgeSuccess(outcome.output, seen);
    case 'FAILED':
      return judgeFailure(outcome, seen);
    case 'ABORTED':
      // Nothing is undone, nothing is lost: the same command goes on from here. So it is a pause that nobody planned.
      return {
        status: 'PAUSED',
        error: { name: INTERRUPTED, message: outcome.cause || 'the execution was stopped before its end' },
      };
    case 'TIMED_OUT':
      return {
        status: 'PAUSED',
        error: readError(outcome.error || 'States.Timeout', outcome.cause),
      };
  }
}

/** What an execution that succeeds may give as its status: the results of the steps that are its last. */
type SuccessStatus =
  | Exclude<PlanResult['status'], 'PLANNED' | 'ROLLBACK_REQUESTED'>
  | Exclude<VerifyMigrationResult['status'], 'FAILED' | 'COUNTING'>
  | RolledBackResult['status']
  | PauseResult['status'];

type Output = Readonly<Record<string, unknown>>;

/** One verdict for each, so that a new status cannot be left out here: it would be told as a rollback that needs a person. */
const SUCCESSES: Readonly<Record<SuccessStatus, (output: Output, seen: Seen) => Verdict>> = {
  MIGRATED: done('MIGRATED'),
  ALREADY_MIGRATED: done('ALREADY_MIGRATED'),
  DRY_RUN: done('DRY_RUN'),
  DUPLICATE: done('DUPLICATE'),
  ROLLED_BACK: done('ROLLED_BACK'),
  NOTHING_TO_ROLL_BACK: done('ROLLED_BACK'),
  CHECKS_PENDING: ({ reason }) => ({
    status: 'PAUSED',
    error: { name: 'ChecksPending', message: stringOf(reason) },
  }),
  PAUSED: ({ reason }, { failure }) => ({
    status: 'PAUSED',
    error: { name: failure?.name ?? 'Paused', message: stringOf(reason) || (failure?.message ?? 'paused') },
  }),
};

function judgeSuccess(output: unknown, seen: Seen): Verdict {
  const status = isRecord(output) ? output.status : undefined;
  if (isRecord(output) && isSuccess(status)) return SUCCESSES[status](output, seen);
  return stranded({
    name: 'UnknownOutcome',
    message: `the execution succeeded with an unknown status: ${String(status)}`,
  });
}

function isSuccess(status: unknown): status is SuccessStatus {
  return typeof status === 'string' && Object.hasOwn(SUCCESSES, status);
}

/** All is well, with the plan's reason as a note, where it had one although nothing was to be done. */
function done(status: MigrationStatus): (output: Output) => Verdict {
  return ({ reason }) => {
    const note = stringOf(reason);
    return { status, error: null, ...(note === '' ? {} : { note }) };
  };
}

function judgeFailure(outcome: ExecutionOutcome, seen: Seen): Verdict {
  const own = readError(outcome.error, outcome.cause);
  switch (outcome.error) {
    case 'MigrationRolledBack': {
      // The Fail state names the branch; what led there is in its Cause, or was seen on the way.
      const cause = readCause(outcome.cause);
      const name = seen.failure?.name ?? (cause.name || own.name);
      return {
        status: 'ROLLED_BACK',
        error: { name, message: cause.message || (seen.failure?.message ?? own.message) },
      };
    }
    case 'Superseded':
    case 'PauseFailed':
    case 'RollbackInterrupted':
      // Nothing is to be repaired: the migration goes on elsewhere, or from here with the next run.
      return { status: 'PAUSED', error: own };
    case 'RollbackFailed':
      return stranded({ name: 'RollbackFailed', message: own.message });
    default:
      // What gets past every Catch (States.Runtime) has left the migration where it was.
      if (seen.planned) return { status: 'PAUSED', error: own };
      return { status: 'REFUSED', error: own };
  }
}

function stranded(error: NamedError): Verdict {
  return { status: 'ROLLBACK_FAILED', error };
}
