/** The audit trail: what the ledger of one database has about one migration, for people who have to explain it afterwards. */
import type { Finding, PairState, Rehearsal, Verification } from './documents.ts';

/** The plan's findings and forecast when the migration began. */
export interface RecordedPlan {
  readonly serverVersion: string;
  /** Warnings and hints that the operator saw before anything ran. Errors would have refused the migration. */
  readonly findings: readonly Finding[];
  /** Forecast of seconds for indexes, validation and checks. */
  readonly estimatedSeconds: number;
  /** The DELETE probe with the parent FK, before anything was built; null where it was not tried. */
  readonly deleteBefore: DeleteProbe | null;
}

/** Result of the DELETE probe. */
export interface DeleteProbe {
  /** One line, for example `Deleted 10 rows in 00:00:00.004`. */
  readonly detail: string;
  /** Whether it finished in time, and was not slow. */
  readonly passed: boolean;
}

/** The migration. Times are ISO 8601, by the database's clock. */
export interface TrailMigration {
  readonly id: string;
  /** Schema-qualified, quoted where needed. */
  readonly table: string;
  readonly referencedTable: string;
  readonly constraint: string;
  /** `pg_get_constraintdef` of the parent FK as it was before. */
  readonly definition: string;
  /** The same of the parent FK as it is now; null where none exists. */
  readonly standingDefinition: string | null;
  readonly state: string;
  /** ARN of the execution that worked on it last. */
  readonly execution: string;
  /** Role that opened the migration. */
  readonly role: string;
  /** Person who started it first, and why, as stated: not verified, like all persons and reasons in the ledger. */
  readonly startedBy: string | null;
  readonly reason: string | null;
  /** What it was asked to do: `ExecutionInput` without table and constraint. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Null where the migration was opened by the psql scripts, or by an older version. */
  readonly plan: RecordedPlan | null;
  /** All times are ISO 8601, by the database's clock. */
  readonly startedAt: string;
  readonly approvalAskedAt: string | null;
  readonly approvedAt: string | null;
  readonly approvedBy: string | null;
  /** Login of the session that approved it, noted by the database. */
  readonly approvedLogin: string | null;
  readonly approvalReason: string | null;
  /** Options that it was approved for, noted by the database; null: not known, or not approved. */
  readonly approvedOptions: Readonly<Record<string, unknown>> | null;
  /** When an approval was last withdrawn. */
  readonly withdrawnAt: string | null;
  readonly withdrawnBy: string | null;
  /** Login of the session that withdrew it, noted by the database. */
  readonly withdrawnLogin: string | null;
  readonly withdrawnReason: string | null;
  readonly rehearsal: Rehearsal | null;
  readonly fencedAt: string | null;
  readonly droppedAt: string | null;
  readonly finishedAt: string | null;
  /** Milliseconds for which the drop held its exclusive locks. */
  readonly lockedMs: number | null;
  readonly verification: Verification | null;
  readonly error: { readonly name: string; readonly message: string } | null;
}

/** One pair of the migration. */
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

/** A lock that a transaction of ours held. */
export interface HeldLock {
  /** `schema.relation` */
  readonly relation: string;
  /** Name in `pg_locks`: `ShareRowExclusiveLock`. */
  readonly mode: string;
}

/**
 * One event of the ledger: a statement that ran, a statement that failed, or an action of a person (neither `sql` nor `error`).
 */
export interface TrailEvent {
  readonly id: string;
  /** Null where it concerns the whole migration. */
  readonly pair: number | null;
  /** When the statement ended; ISO 8601, by the database's clock. */
  readonly at: string;
  readonly role: string;
  /** The login; null in events of older versions, as are the next three. */
  readonly login: string | null;
  /** ARN of the execution that did it; null also for actions of a person outside of executions. */
  readonly execution: string | null;
  readonly person: string | null;
  readonly reason: string | null;
  /** State of the state machine; `Plan` without SQL means that an execution began. */
  readonly step: string;
  readonly sql: string | null;
  /** Locks held just before COMMIT; null for what ran outside a transaction of ours. */
  readonly locks: readonly HeldLock[] | null;
  readonly lockWaitMs: number | null;
  /** One for each try: milliseconds for which its locks blocked others at most. Null: they block no reader and no writer. */
  readonly lockHeldMs?: number | null;
  readonly durationMs: number | null;
  readonly error: string | null;
  /** Whether it concerns the ledger itself, for example a statement that made it. */
  readonly ofLedger?: boolean;
}

/** The audit trail of one migration. */
export interface Trail {
  /** `host:port/database`, without a password. */
  readonly target: string;
  readonly database: string;
  /** Version of the server now. */
  readonly serverVersion: string;
  readonly migration: TrailMigration;
  readonly pairs: readonly TrailPair[];
  readonly events: readonly TrailEvent[];
}
