/** What the ledger of one database remembers of one migration, for whoever has to explain it afterwards. */
import type { Finding, PairState, Rehearsal, Verification } from './documents.ts';

/** What the plan found when the migration began. */
export interface RecordedPlan {
  readonly serverVersion: string;
  /** Warnings and hints that the operator was told before anything ran. Errors would have refused it. */
  readonly findings: readonly Finding[];
  /** Seconds that indexes, validation and checks were expected to take. */
  readonly estimatedSeconds: number;
  /** The DELETE probe under the parent FK, before anything was built; null where it was not tried. */
  readonly deleteBefore: DeleteProbe | null;
}

export interface DeleteProbe {
  /** One line, such as `Deleted 10 rows in 00:00:00.004`. */
  readonly detail: string;
  /** It ended within its time, and was not slow. */
  readonly passed: boolean;
}

export interface TrailMigration {
  readonly id: string;
  /** Schema-qualified, quoted where needed. */
  readonly table: string;
  readonly referencedTable: string;
  readonly constraint: string;
  /** `pg_get_constraintdef` of the parent FK as it was before. */
  readonly definition: string;
  /** The same of the parent FK as it stands now; null where none stands. */
  readonly standingDefinition: string | null;
  readonly state: string;
  /** ARN of the execution that worked on it last. */
  readonly execution: string;
  /** Role that opened the migration. */
  readonly role: string;
  /** Person who started it first, and why, as stated: not verified. So are all persons and reasons of the ledger. */
  readonly startedBy: string | null;
  readonly reason: string | null;
  /** What it was asked to do, as `ExecutionInput` without table and constraint. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Null where the migration was opened by the psql scripts, or by an older edition. */
  readonly plan: RecordedPlan | null;
  /** All times are ISO 8601, by the database's clock. */
  readonly startedAt: string;
  readonly approvalAskedAt: string | null;
  readonly approvedAt: string | null;
  readonly approvedBy: string | null;
  /** Login of the session that approved it, noted by the database. */
  readonly approvedLogin: string | null;
  readonly approvalReason: string | null;
  /** The last time that an approval was taken back. */
  readonly withdrawnAt: string | null;
  readonly withdrawnBy: string | null;
  /** Login of the session that took it back, noted by the database. */
  readonly withdrawnLogin: string | null;
  readonly withdrawnReason: string | null;
  readonly rehearsal: Rehearsal | null;
  readonly fencedAt: string | null;
  readonly droppedAt: string | null;
  readonly finishedAt: string | null;
  /** Milliseconds that the drop held its exclusive locks. */
  readonly lockedMs: number | null;
  readonly verification: Verification | null;
  readonly error: { readonly name: string; readonly message: string } | null;
}

export interface TrailPair {
  readonly pair: number;
  readonly referencing: string;
  readonly referenced: string;
  readonly bound: string;
  readonly rows: number;
  readonly bytes: number;
  readonly constraint: string;
  readonly constraintAdded: boolean;
  readonly index: string;
  readonly indexAdded: boolean;
  readonly state: PairState;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly lockWaitMs: number;
  readonly indexMs: number | null;
  readonly addMs: number | null;
  readonly validateMs: number | null;
  /** Rows without a referenced row, as last counted; null where not counted. */
  readonly orphans: number | null;
}

export interface HeldLock {
  /** `schema.relation` */
  readonly relation: string;
  /** As `pg_locks` names it: `ShareRowExclusiveLock`. */
  readonly mode: string;
}

/** One note of the ledger: a statement that ran, one that failed, or what a person did (neither `sql` nor `error`). */
export interface TrailEvent {
  readonly id: string;
  /** Null where it is about the whole migration. */
  readonly pair: number | null;
  /** ISO 8601, by the database's clock: when the statement was through. */
  readonly at: string;
  readonly role: string;
  /** Role that had logged in; null in notes of an older edition, as are the next three. */
  readonly login: string | null;
  /** ARN of the execution that did it; null also for what a person did from outside. */
  readonly execution: string | null;
  readonly person: string | null;
  readonly reason: string | null;
  /** State of the state machine; `Plan` without SQL: an execution began. */
  readonly step: string;
  readonly sql: string | null;
  /** Held just before COMMIT; null for what ran outside a transaction of ours. */
  readonly locks: readonly HeldLock[] | null;
  readonly lockWaitMs: number | null;
  /** One for each try: how long its locks blocked others at most. Null: they block no reader and no writer. */
  readonly lockHeldMs?: number | null;
  readonly durationMs: number | null;
  readonly error: string | null;
  /** It concerns the ledger itself, such as a statement that made it. */
  readonly ofLedger?: boolean;
}

export interface Trail {
  /** Without a password: `host:port/database`. */
  readonly target: string;
  readonly database: string;
  /** Of the server now. */
  readonly serverVersion: string;
  readonly migration: TrailMigration;
  readonly pairs: readonly TrailPair[];
  readonly events: readonly TrailEvent[];
}
