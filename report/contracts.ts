/**
 * The report as a document: what `p2pfk report --format json` prints, and what HTML and Markdown are drawn from. Times are
 * ISO 8601, durations milliseconds, offsets milliseconds since the execution began. What is not known is null or empty, and
 * `notes` says why.
 */

import type {
  AcceptedFinding,
  Blocked,
  Check,
  Finding,
  MigrationStatus,
  Rehearsal,
} from '../core/contracts/documents.ts';
import type { StageName } from '../core/contracts/steps/catalogue.ts';
import type { PlannedDatabase } from '../core/contracts/steps/events.ts';
import type { HeldLock } from '../core/contracts/trail.ts';

/**
 * `STOPPED`: by a person or a time-out before its end; `INTERRUPTED`: the process that ran it was killed or crashed. Nothing was undone and
 * nothing is lost.
 */
export type ReportStatus = MigrationStatus | 'RUNNING' | 'STOPPED' | 'INTERRUPTED';

/** How one state went. `caught`: it failed, and the machine took another way. */
export type StateOutcome = 'not-entered' | 'running' | 'succeeded' | 'failed' | 'caught' | 'stopped';

export interface Report {
  readonly version: 1;
  /** Such as `p2pfk 0.1.0`. */
  readonly generator: string;
  readonly generatedAt: string;
  readonly status: ReportStatus;
  /** What happened, for somebody who was not there. */
  readonly summary: string;
  readonly subject: ReportSubject;
  readonly execution: ExecutionFacts;
  /** The saved plan that it was started with; null where it carried out none. */
  readonly reviewedPlan: ReviewedPlan | null;
  /** The database that the execution worked on, as its plan has it. Null: it did not come to a plan, or an older edition ran it. */
  readonly workedOn: PlannedDatabase | null;
  /** That database as it was when this report was made; null: it was not read. */
  readonly database: DatabaseFacts | null;
  readonly people: People;
  /** All executions of this migration, in order: from the ledger, and the histories that are still there. Empty without the ledger. */
  readonly executions: readonly MigrationExecution[];
  readonly states: readonly ReportState[];
  readonly transitions: readonly Transition[];
  readonly pairs: readonly ReportPair[];
  /** What each kind of long step of this execution cost others; empty where none ran, or an older edition ran it. */
  readonly costs: readonly ReportCost[];
  /** By all tries for locks of this execution, failed ones and rehearsals included; null where the ledger does not tell. */
  readonly blocked: Blocked | null;
  /** The same by all executions of the migration: what the summary says first. */
  readonly blockedOverall: Blocked | null;
  /** Milliseconds that the try that dropped the parent FK held its exclusive locks; null where it did not come to that. */
  readonly lockedMs: number | null;
  /** Work on the migration as a whole, in the order in which it began. */
  readonly steps: readonly Bar[];
  readonly comparison: readonly Compared[];
  /** The six checks after the drop; empty where it did not come to that. */
  readonly checks: readonly Check[];
  readonly rehearsal: Rehearsal | null;
  readonly statements: readonly ReportStatement[];
  /** What the operator was told before anything ran. Null: not recorded. */
  readonly findings: readonly Finding[] | null;
  /** Findings that needed acceptance, and who accepted them. */
  readonly accepted: readonly AcceptedFinding[];
  readonly errors: readonly ReportError[];
  readonly verifyAgain: readonly { readonly command: string; readonly purpose: string }[];
  /** What could not be read, and why. */
  readonly notes: readonly string[];
  readonly events: readonly ReportEvent[];
}

export interface ReportSubject {
  readonly operation: 'migrate' | 'rollback';
  /** Schema-qualified as soon as the plan was made. */
  readonly table: string;
  readonly referencedTable: string | null;
  readonly constraint: string | null;
  /** Of the parent FK, before. */
  readonly definition: string | null;
  readonly migrationId: string | null;
}

export interface ReviewedPlan {
  /** `sha256:` and 64 digits; of the catalog and the options that decide what is run. */
  readonly catalogHash: string;
  /** The plan step of this execution has compared it with the database, which was as planned. */
  readonly compared: boolean;
  /** Of the file that `p2pfk plan --out` wrote; null where the input names none. */
  readonly hash: string | null;
  /** The file with that hash names this catalog hash, time and maker; else the hash is what the person who started it stated. */
  readonly proven: boolean;
  readonly madeAt: string | null;
  /** As stated, not verified. */
  readonly madeBy: string | null;
}

export interface ExecutionFacts {
  readonly arn: string;
  readonly name: string;
  readonly stateMachineArn: string | null;
  /** Of Step Functions: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED. */
  readonly status: string;
  readonly startedAt: string;
  readonly stoppedAt: string | null;
  /** To its end, or to the moment of this report. */
  readonly durationMs: number;
  /** As it was given, without defaults. */
  readonly input: Readonly<Record<string, unknown>>;
}

export interface DatabaseFacts {
  /** `host:port/database`; never a user's password. */
  readonly target: string;
  readonly serverVersion: string;
  /** `pg_get_constraintdef` of the parent FK when this report was made; null: none stood. */
  readonly standingDefinition: string | null;
}

/** Persons and reasons are as they were stated: not verified. Roles and logins are the database's. */
export interface People {
  /** Database role that did it. */
  readonly role: string | null;
  /** Who started this execution, and why. */
  readonly startedBy: string | null;
  readonly reason: string | null;
  readonly approvalAskedAt: string | null;
  readonly approvedAt: string | null;
  readonly approvedBy: string | null;
  /** Login of the session that approved it. */
  readonly approvedLogin: string | null;
  readonly approvalReason: string | null;
  /** Completes "does not count:" where the approval is for other options than those of this execution. */
  readonly approvalProblem: string | null;
  /** The last time that an approval was taken back. */
  readonly withdrawn: {
    readonly at: string;
    readonly by: string | null;
    /** Login of the session that took it back; null in a ledger that is older than that. */
    readonly login: string | null;
    readonly reason: string | null;
  } | null;
}

/** One execution of the migration that the report is about. */
export interface MigrationExecution {
  readonly arn: string;
  /** The one that the rest of the report is about. */
  readonly isThis: boolean;
  /** Null where neither its history nor its first note tells. */
  readonly operation: 'migrate' | 'rollback' | null;
  readonly startedAt: string;
  /** Its end, by its history; else its last note in the ledger. */
  readonly endedAt: string | null;
  /** As stated, not verified; null if none was stated. */
  readonly startedBy: string | null;
  readonly reason: string | null;
  readonly role: string | null;
  readonly login: string | null;
  /** Notes of statements in the ledger. */
  readonly statements: number;
  /** How it ended, such as `PAUSED`, `STOPPED`, `INTERRUPTED` (its process was killed or crashed) or an error's name; null where its history is gone or out of reach. */
  readonly outcome: string | null;
}

export interface ReportState {
  readonly name: string;
  readonly type: string;
  /** The Map state that it is in. */
  readonly parent: string | null;
  readonly comment: string;
  readonly outcome: StateOutcome;
  /** How often it was entered. */
  readonly entered: number;
  /** Calls of its function; `failures` of them failed. */
  readonly attempts: number;
  readonly failures: number;
  readonly firstEnteredAt: string | null;
  /** From its first entrance to its last exit; null while it runs. */
  readonly durationMs: number | null;
}

export interface Transition {
  readonly from: string;
  readonly to: string;
  readonly kind: 'next' | 'choice' | 'catch';
  /** How often it was taken. */
  readonly taken: number;
}

/** A stretch of work in time. */
export interface Bar {
  readonly state: string;
  /** Offset. */
  readonly from: number;
  readonly durationMs: number;
  readonly outcome: 'done' | 'skipped' | 'failed' | 'running';
  /** Stretches spent waiting for locks. */
  readonly waits: readonly { readonly from: number; readonly durationMs: number }[];
  /** Attempts that failed, by the offset at which they did. */
  readonly failures: readonly { readonly at: number; readonly error: string; readonly message: string }[];
  readonly attempts: number;
}

export interface ReportPair {
  readonly pair: number;
  readonly referencing: string;
  readonly referenced: string;
  readonly bound: string | null;
  readonly rows: number;
  readonly bytes: number | null;
  readonly constraint: string | null;
  readonly index: string | null;
  /** This migration built it; otherwise one was there. */
  readonly indexAdded: boolean | null;
  readonly state: string;
  readonly orphans: number | null;
  readonly lockWaitMs: number;
  /** Attempts that failed. */
  readonly retries: number;
  readonly indexMs: number | null;
  readonly addMs: number | null;
  readonly validateMs: number | null;
  readonly lastError: string | null;
  readonly bars: Readonly<Partial<Record<StageName, Bar>>>;
}

/** What one kind of long step cost others: index builds, validations, counts. */
export interface ReportCost {
  /** Such as `Validate`. */
  readonly step: string;
  readonly statements: number;
  /** How long the oldest snapshot was held; null: not known. */
  readonly snapshotMs: number | null;
  /** Otherwise it was held for at most that time. */
  readonly snapshotIsExact: boolean;
  /** Number of the pair that held it; null where it was the whole table. */
  readonly longestPair: number | null;
  /** WAL of the whole server from the beginning of the first to the end of the last; null: not known. */
  readonly walBytes: number | null;
  /** What all sessions read from files of the tables meanwhile; null: not known. */
  readonly readBytes: number | null;
  /** The greatest lag of a standby that was seen; null: not known. */
  readonly lagSeconds: number | null;
}

/** One measurement, before and after. */
export interface Compared {
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

export interface ReportStatement {
  readonly at: string;
  /** Null where the clocks cannot be compared. */
  readonly offsetMs: number | null;
  /** Whether this execution ran it, or an earlier or later one of the same migration. */
  readonly during: 'before' | 'this' | 'after';
  readonly pair: number | null;
  readonly role: string;
  readonly step: string;
  readonly sql: string;
  readonly locks: readonly HeldLock[];
  readonly lockWaitMs: number | null;
  /** How long this try blocked others at most; null where its locks block no reader and no writer, and on the rows after its LOCK TABLE. */
  readonly lockHeldMs: number | null;
  readonly durationMs: number | null;
  readonly error: string | null;
}

export interface ReportError {
  readonly at: string | null;
  readonly state: string;
  readonly pair: number | null;
  readonly name: string;
  readonly message: string;
  /** How many attempts failed alike. */
  readonly times: number;
  readonly outcome: 'retried' | 'ended the execution' | 'led to the rollback' | 'led to the pause' | 'unknown';
}

/** One event of the execution's history. */
export interface ReportEvent {
  readonly id: number;
  readonly offsetMs: number;
  readonly type: string;
  /** Empty for events of the execution itself. */
  readonly state: string;
  readonly pair: number | null;
  /** Error and cause, or what a state was given or gave back, in one line. */
  readonly detail: string;
}
