/**
 * The JSON documents that the command line prints; their shapes are fixed by contract. Nothing in this folder uses a database, so
 * `infra/` and `report/` may import it. docs/glossary.md defines the terms.
 */
import * as z from 'zod';
import type { Timed } from './forecast.ts';

/** A verified drop that was done on the live database and rolled back. */
export interface Rehearsal {
  /** ISO 8601. */
  readonly at: string;
  /** Milliseconds from the request of the first exclusive lock to ROLLBACK. */
  readonly lockedMs: number;
  /** Milliseconds of these after the last lock was granted; absent in ledgers of older versions. */
  readonly workMs?: number;
  readonly checks: readonly Check[];
  /** Message of the finding `standby-readers` about standbys, where the locks are replayed; absent without standbys. */
  readonly standbys?: string;
}

/** How serious a finding is: an error refuses the migration. */
export type Severity = 'error' | 'warning' | 'info';

/** Something that the operator should know before anything runs. */
export interface Finding {
  /** Stable, kebab-case; documented in docs/findings.md. */
  readonly id: string;
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
}

/** A finding of the plan. */
export interface PlanFinding extends Finding {
  /** Something that works today would fail or be lost: `migrate` refuses until a person accepts the finding by its id. */
  readonly needsAcceptance: boolean;
}

/** A finding that needed acceptance, and who accepted it. */
export interface AcceptedFinding {
  readonly id: string;
  readonly message: string;
  /** The database role of the execution whose input contained the acceptance. */
  readonly role: string;
  /** The login, which differs from `role` after SET ROLE. */
  readonly sessionUser: string;
  /** Person, as stated: not verified. Absent if none was stated. */
  readonly by?: string;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * - `attach`: a valid FK from each referencing leaf to the referenced parent, then the parent FK attaches them: no scan under a
 *   strong lock.
 * - `not-valid`: PostgreSQL 18+: parent FK NOT VALID, then VALIDATE.
 * - `blocking`: the FK is simply added again, which scans every row while writes wait.
 */
export type RollbackStrategy = 'attach' | 'not-valid' | 'blocking';

/** One pair of `plan --json`. */
export interface PlannedPair {
  readonly referencing: string;
  readonly referenced: string;
  /** `FOR VALUES ...` or `DEFAULT`, as `pg_get_expr` prints it. */
  readonly bound: string;
  /** Referencing rows by the planner's statistics. */
  readonly rows: number;
  /** Heap bytes of the referencing partition. */
  readonly bytes: number;
  /** Whether a valid index serves the FK columns of the referencing partition. */
  readonly hasIndex: boolean;
  /** The pair FK's name after the drop of the parent FK. */
  readonly pairConstraint: string;
}

/** A leaf partition of `plan --json` that is in no pair. */
export interface UnpairedPartition {
  readonly partition: string;
  readonly side: 'referencing' | 'referenced';
  readonly rows: number;
  /** What the migration does about it, as text. */
  readonly decision: string;
}

/** One statement of `plan --json`. */
export interface PlannedStatement {
  /** State of the state machine that runs it. */
  readonly step: string;
  readonly sql: string;
  /** Strongest table lock and the relations it is taken on, as text. */
  readonly lock: string;
}

/** Forecasts of `plan --json`. */
export interface Estimate {
  readonly rows: number;
  readonly bytes: number;
  /** Seconds for index builds, validation and checks together, at `maxConcurrency`. */
  readonly seconds: number;
  /** Milliseconds that the drop holds ACCESS EXCLUSIVE locks. */
  readonly dropLockedMs: number;
  /**
   * Milliseconds for which a try of the drop may wait for its locks within the budget; 0: no time is left, so every try is
   * NOWAIT.
   */
  readonly dropWaitMs: number;
  readonly rollback: RollbackForecast;
  /** For each kind of long step that is left, the pair whose statement holds its snapshot longest. */
  readonly snapshots: readonly SnapshotForecast[];
  /** WAL that the index builds write; absent where none is built. */
  readonly indexWalBytes?: number;
  /** How much of Step Functions' event limit one execution needs. */
  readonly execution: EventBudget;
  /** Absent where the parent FK is gone, and on a standby, which does not count what is written. */
  readonly writes?: WriteForecast;
}

export interface RollbackForecast {
  readonly strategy: RollbackStrategy;
  readonly writesBlockedMs: number;
  readonly note: string;
  /** With `attach`: milliseconds for which a plain re-add would block writes instead. With few rows in many pairs it is the shorter one. */
  readonly plainMs?: number;
}

/** While a snapshot is held, VACUUM removes no row of the database that was deleted after it was taken. */
export interface SnapshotForecast {
  readonly step: Timed;
  readonly referencing: string;
  /** Of an index build at most, because each of its two scans has a snapshot of its own. */
  readonly seconds: number;
}

/** What the application writes, on average, and how many partitions a session locks for it. */
export interface WriteForecast {
  /** Rows inserted into the referencing partitions. */
  readonly insertsPerSecond: number;
  /** Rows deleted from the referenced partitions. */
  readonly deletesPerSecond: number;
  /** ISO 8601: the server's statistics count from then on. */
  readonly since: string;
  /** Leaf partitions that the first foreign key checks of a session lock, under the parent FK. */
  readonly partitionsLocked: number;
  /** The same under pair FKs, where the session writes to one pair. */
  readonly partitionsLockedAfter: number;
}

/** The ledger's entry of the foreign key: the first line of a plan. */
export interface PlanLedger {
  /** `missing`: pair foreign keys exist that belong to no open entry. `unreadable`: the role cannot read the ledger. */
  readonly state:
    | 'never-migrated'
    | 'running'
    | 'paused'
    | 'migrated'
    | 'rolling-back'
    | 'rolled-back'
    | 'missing'
    | 'unreadable';
  readonly migrationId: string | null;
  /** The execution that works on it, or did so last. */
  readonly execution: string | null;
  /** The database role that opened the migration. */
  readonly role: string | null;
  /** ISO 8601. */
  readonly since: string | null;
  /** One line, for example why it paused. */
  readonly reason: string | null;
  /** One line where the drop was approved, and not done yet: by whom, and whether that counts for the options of this plan. */
  readonly approval?: string;
}

/** `plan --json`. */
export interface Plan {
  /** Absent in plans of older versions. */
  readonly ledger?: PlanLedger;
  readonly table: string;
  readonly referencedTable: string;
  readonly constraint: string;
  readonly definition: string;
  readonly serverVersion: string;
  readonly pairs: readonly PlannedPair[];
  readonly unpaired: readonly UnpairedPartition[];
  readonly findings: readonly PlanFinding[];
  readonly statements: readonly PlannedStatement[];
  readonly estimate: Estimate;
}

/** Ids of the six checks. */
export const CheckId = {
  /** Every pair has a valid, enforced pair FK. */
  PairForeignKeys: 'pair-foreign-keys',
  /** No parent FK exists any more. */
  ParentForeignKey: 'parent-foreign-key',
  /** Every pair FK references the partition that holds its keys. */
  ForeignKeyTargets: 'foreign-key-targets',
  /** DELETE on the referenced side is fast; rolled back. */
  DeletePerformance: 'delete-performance',
  /** No referencing row lacks its referenced row, in any pair. */
  Orphans: 'orphans',
  /** The list of all pair FKs, and every leaf partition is accounted for. */
  Inventory: 'inventory',
} as const;
export type CheckId = (typeof CheckId)[keyof typeof CheckId];

/** Result of one check. */
export const Check = z
  .object({
    id: z.enum(CheckId),
    title: z.string(),
    passed: z.boolean(),
    /** One line; for `inventory` one line for each pair FK. */
    detail: z.string(),
  })
  .readonly();
export type Check = z.infer<typeof Check>;

/** `verify --json`, and `verification` of `migrate --json`. */
export interface Verification {
  readonly passed: boolean;
  readonly checks: readonly Check[];
}

/** How far a pair is, in the ledger. */
export type PairState = 'planned' | 'indexed' | 'added' | 'validated' | 'restored' | 'rolled-back';

/** One pair of `migrate --json`. */
export interface MigratedPair {
  readonly referencing: string;
  readonly referenced: string;
  readonly state: PairState;
  readonly rows: number;
  readonly validateMs: number;
  readonly lockWaitMs: number;
}

/** For how long locks of ours blocked readers or writers at most: from the request of each try's first such lock to its end. */
export interface Blocked {
  /** Milliseconds of the longest try. */
  readonly longestMs: number;
  /** Milliseconds of all tries together. */
  readonly totalMs: number;
  /** Number of tries, including failed tries and rehearsals. */
  readonly tries: number;
}

/**
 * `DUPLICATE`: another execution has worked on this opening of the maintenance window, so this one did nothing; `note` names it.
 */
export type MigrationStatus =
  | 'MIGRATED'
  | 'ALREADY_MIGRATED'
  | 'ROLLED_BACK'
  | 'PAUSED'
  | 'REFUSED'
  | 'ROLLBACK_FAILED'
  | 'DRY_RUN'
  | 'DUPLICATE';

/** `migrate --json` and `rollback --json`. */
export interface MigrationReport {
  readonly status: MigrationStatus;
  readonly migrationId: string | null;
  readonly executionArn: string | null;
  readonly pairs: readonly MigratedPair[];
  readonly durationMs: number;
  /** Of this execution; null where the ledger could not be read. */
  readonly blocked: Blocked | null;
  readonly verification: Verification | null;
  readonly error: { readonly name: string; readonly message: string } | null;
  /** One line that qualifies a good status, for example that the ledger does not have the migration. */
  readonly note?: string;
}

/** How much of Step Functions' event limit an execution would use. */
export interface EventBudget {
  /** Iterations of each Map state. */
  readonly iterations: number;
  /** Pairs in the longest iteration; 1: each pair has its own iteration in the visual history. */
  readonly pairsPerIteration: number;
  /** Events without any failure, including the turns of work that outlives a function. */
  readonly events: number;
  /** Events that a rollback after the drop would add. */
  readonly rollbackEvents: number;
  /** Events that counting the orphans of all pairs would add, three times: before an approval, after it, and after the drop. */
  readonly countEvents: number;
  /** Events that the longest wait for an approval would add; 0 where no approval is wanted. */
  readonly approvalEvents: number;
  /** Events left for refused locks and for throttled pairs. */
  readonly reserve: number;
  readonly limit: number;
}
