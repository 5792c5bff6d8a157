/**
 * The JSON documents that the command line prints; they are fixed. Nothing in this folder touches a database, so `infra/` and `report/`
 * may import it.
 *
 * Words. *Referencing* table or partition: the one that holds the foreign key (`path`). *Referenced*: the one it points
 * at (`inode`). *Pair*: a referencing leaf partition and the referenced leaf partition that holds its keys. *Parent FK*:
 * the one constraint between the two partitioned tables. *Pair FK*: a constraint between the two leaves of a pair.
 * *Ledger*: the schema `p2pfk` in the target database. *Fence*: the ledger's word that no forward DDL may run any more.
 */
import * as z from 'zod';

/** The verified drop, done on the live database and rolled back. */
export interface Rehearsal {
  /** ISO 8601. */
  readonly at: string;
  /** Milliseconds from the request of the first exclusive lock to ROLLBACK. */
  readonly lockedMs: number;
  /** Milliseconds of these after the last lock was granted; absent in the ledger of an older edition. */
  readonly workMs?: number;
  readonly checks: readonly Check[];
  /** What the finding `standby-readers` said of standbys, where the locks are replayed; absent without standbys. */
  readonly standbys?: string;
}

export type Severity = 'error' | 'warning' | 'info';

/** Something the operator should know before anything runs. */
export interface Finding {
  /** Stable, kebab-case; documented in docs/findings.md. */
  readonly id: string;
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
}

/** A finding of the plan. */
export interface PlanFinding extends Finding {
  /** Something that works today would fail or be lost: `migrate` refuses until a person accepts it by its id. */
  readonly needsAcceptance: boolean;
}

/** A finding that needed acceptance, and who accepted it. */
export interface AcceptedFinding {
  readonly id: string;
  readonly message: string;
  /** The database role of the execution that brought the acceptance along. */
  readonly role: string;
  /** The login that it was done under, where `role` was taken on with SET ROLE. */
  readonly sessionUser: string;
  /** Person, as stated: not verified. Absent if none was stated. */
  readonly by?: string;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * - `attach`: a valid FK from each referencing leaf to the referenced parent, then the parent FK attaches them: no scan
 *   under a strong lock.
 * - `not-valid`: PostgreSQL 18+: parent FK NOT VALID, then VALIDATE.
 * - `blocking`: the plain re-add, which scans every row while writes wait.
 */
export type RollbackStrategy = 'attach' | 'not-valid' | 'blocking';

export interface PlannedPair {
  readonly referencing: string;
  readonly referenced: string;
  /** `FOR VALUES ...` or `DEFAULT`, as `pg_get_expr` prints it. */
  readonly bound: string;
  /** Referencing rows by the planner's statistics. */
  readonly rows: number;
  /** Heap bytes of the referencing partition. */
  readonly bytes: number;
  /** A valid index serves the FK columns of the referencing partition. */
  readonly hasIndex: boolean;
  /** The pair FK's name after the drop of the parent FK. */
  readonly pairConstraint: string;
}

export interface UnpairedPartition {
  readonly partition: string;
  readonly side: 'referencing' | 'referenced';
  readonly rows: number;
  /** What the migration does about it, in words. */
  readonly decision: string;
}

export interface PlannedStatement {
  /** State of the state machine that runs it. */
  readonly step: string;
  readonly sql: string;
  /** Strongest table lock and the relations it is taken on, in words. */
  readonly lock: string;
}

export interface Estimate {
  readonly rows: number;
  readonly bytes: number;
  /** Seconds for index builds, validation and checks together, at `maxConcurrency`. */
  readonly seconds: number;
  /** Milliseconds that the drop holds ACCESS EXCLUSIVE locks. */
  readonly dropLockedMs: number;
  /** Milliseconds that a try of the drop may wait for its locks within the budget; 0: no room, every try is NOWAIT. */
  readonly dropWaitMs: number;
  readonly rollback: { readonly strategy: RollbackStrategy; readonly writesBlockedMs: number; readonly note: string };
  /** How the pairs fit into one execution of Step Functions. */
  readonly execution: EventBudget;
}

/** What the ledger says of the foreign key: the first line of a plan. */
export interface PlanLedger {
  /** `missing`: pair foreign keys that no open entry knows. `unreadable`: the role cannot read it. */
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
  /** One line: why it paused, for example. */
  readonly reason: string | null;
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

export const CheckId = {
  /** Every pair has a valid, enforced pair FK. */
  PairForeignKeys: 'pair-foreign-keys',
  /** No parent FK stands any more. */
  ParentForeignKey: 'parent-foreign-key',
  /** Every pair FK points at the partition that holds its keys. */
  ForeignKeyTargets: 'foreign-key-targets',
  /** DELETE on the referenced side is fast; rolled back. */
  DeletePerformance: 'delete-performance',
  /** No referencing row lacks its referenced row, in any pair. */
  Orphans: 'orphans',
  /** The list of all pair FKs, and every leaf partition accounted for. */
  Inventory: 'inventory',
} as const;
export type CheckId = (typeof CheckId)[keyof typeof CheckId];

export const Check = z
  .object({
    id: z.enum(CheckId),
    title: z.string(),
    passed: z.boolean(),
    /** One line; for `inventory` one line a pair FK. */
    detail: z.string(),
  })
  .readonly();
export type Check = z.infer<typeof Check>;

/** `verify --json`, and `verification` of `migrate --json`. */
export interface Verification {
  readonly passed: boolean;
  readonly checks: readonly Check[];
}

export type PairState = 'planned' | 'indexed' | 'added' | 'validated' | 'restored' | 'rolled-back';

export interface MigratedPair {
  readonly referencing: string;
  readonly referenced: string;
  readonly state: PairState;
  readonly rows: number;
  readonly validateMs: number;
  readonly lockWaitMs: number;
}

/** How long locks of ours blocked readers or writers, at most: from the request of each try's first such lock to its end. */
export interface Blocked {
  /** Milliseconds of the longest try. */
  readonly longestMs: number;
  /** Milliseconds of all tries together. */
  readonly totalMs: number;
  /** How many tries, those that failed and rehearsals included. */
  readonly tries: number;
}

/** `DUPLICATE`: another execution has worked on this opening of the maintenance window, so this one did nothing; `note` names it. */
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
  /** One line that qualifies a good status, such as a ledger that does not know of the migration. */
  readonly note?: string;
}

/** What an execution would use of Step Functions' limit. */
export interface EventBudget {
  /** Iterations of each Map state. */
  readonly iterations: number;
  /** Pairs in the longest of them; 1: each pair has its own in the visual history. */
  readonly pairsPerIteration: number;
  /** Events if all goes well, with the turns of work that outlives a function. */
  readonly events: number;
  /** What a rollback after the drop would add. */
  readonly rollbackEvents: number;
  /** What waiting for an approval for as long as it may take would add; 0 where none is asked for. */
  readonly approvalEvents: number;
  /** Left for refused locks and for pairs that are held back. */
  readonly reserve: number;
  readonly limit: number;
}
