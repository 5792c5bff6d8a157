/**
 * The shapes that cross a border: execution input, what handlers receive and return, and the JSON documents that the
 * command line prints. Nothing here touches a database, so `infra/` and `report/` may import it.
 *
 * Words. *Referencing* table or partition: the one that holds the foreign key (`path`). *Referenced*: the one it points
 * at (`inode`). *Pair*: a referencing leaf partition and the referenced leaf partition that holds its keys. *Parent FK*:
 * the one constraint between the two partitioned tables. *Pair FK*: a constraint between the two leaves of a pair.
 * *Ledger*: the schema `p2pfk` in the target database. *Fence*: the ledger's word that no forward DDL may run any more.
 */
import * as z from 'zod';
import type { EventBudget } from './event-budget.ts';
import { FINDING_IDS } from './finding-ids.ts';
import { StatedPerson, StatedReason } from './person.ts';

// ---------------------------------------------------------------------------------------------------------------------
// Execution input

const PlanHash = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be the hash of a saved plan');

export const Approval = z.enum(['auto', 'manual']);

/** The input of one execution, and nothing else: unknown keys are refused, so that a typing error cannot be ignored. */
export const ExecutionInput = z.strictObject({
  /** The referencing partitioned table as SQL writes it; `to_regclass` decides. */
  table: z.string().min(1),
  /** The parent FK's name as SQL writes it; needed only where the table has several. */
  constraint: z.string().min(1).optional(),
  /**
   * The search_path under which `table` is looked up and the application's own code runs that our DDL fires (CHECK functions,
   * event triggers), as SET search_path takes it. Left out, the one that the session comes with.
   */
  searchPath: z.string().min(1).optional(),
  /**
   * The role that owns the ledger and the tables, where that is neither the current role nor a superuser; sessions SET ROLE to it. In
   * AWS it has to be the one that the functions were deployed with.
   */
  ledgerOwner: z.string().min(1).optional(),
  /** `rollback` goes straight to the rollback branch and ends in success. */
  operation: z.enum(['migrate', 'rollback']).default('migrate'),
  /**
   * For a rollback: the migration in the ledger that is meant. If it is no longer open, nothing is rolled back, although a later
   * migration of the same foreign key may be. Reconciliation sets it.
   */
  migrationId: z
    .string()
    .regex(/^[1-9]\d{0,17}$/, 'must be the id of a migration in the ledger')
    .optional(),
  dryRun: z.boolean().default(false),
  /**
   * The word of a person that the database which this execution reaches is the one that its ledger is to be used for: needed
   * once after a restore, a copy or an upgrade, and once for an endpoint that the ledger does not know. See core/ledger/schema/relink.ts.
   */
  relink: z.boolean().default(false),
  /** Pairs worked on side by side in each Map state. */
  maxConcurrency: z.int().min(1).max(40).default(4),
  /** Milliseconds that a statement of ours may stand in a lock queue, in all. */
  lockTimeoutMs: z.int().min(1).max(60_000).default(500),
  /** End of the maintenance window: no new work is begun after it. */
  deadline: z.iso.datetime({ offset: true }).optional(),
  /**
   * Instead of `deadline`, for schedules: when the window opened. With `windowMinutes` the plan step computes the deadline,
   * and a second execution of the same opening does nothing.
   */
  opensAt: z.iso.datetime({ offset: true }).optional(),
  /** Length of the window that opened at `opensAt`. */
  windowMinutes: z.int().min(1).max(1_440).optional(),
  /** `manual` stops before the parent FK is dropped, until the migration is approved. */
  approval: Approval.default('auto'),
  /** With `manual`: seconds to wait for `p2pfk approve` before the execution ends paused. */
  approvalTimeoutSeconds: z.int().min(0).max(2_592_000).default(3_600),
  /**
   * The approver must not have started an execution of the migration: neither with the same database login, which is verified, nor
   * under the same stated name. Needs `approval` `manual`. Later executions of the same migration keep it.
   */
  approverMustDiffer: z.boolean().default(false),
  /** Who starts it, as stated: it is not verified. */
  by: StatedPerson.optional(),
  /** Why, for example a ticket. */
  reason: StatedReason.optional(),
  /**
   * Of the saved plan that is carried out: hash of the catalog and of the options that it was made for (core/plan/reviewed-plan.ts). Refused
   * where they are others.
   */
  planHash: PlanHash.optional(),
  /**
   * For the report: the hash of the whole plan, by which people know it, and when and by whom it was made, as stated. p2pfk checks that
   * hash where it reads the file.
   */
  planDocumentHash: PlanHash.optional(),
  planMadeAt: z.iso.datetime({ offset: true }).optional(),
  planMadeBy: StatedPerson.optional(),
  /** Prove the drop on the live database, roll it back, and end paused. */
  rehearse: z.boolean().default(false),
  /** Ends sessions that hold a lock we need and have been idle in a transaction for that many seconds; else never. */
  terminateIdleBlockersAfterSeconds: z.int().min(1).optional(),
  /** Megabytes for each validation; by default a share of what the server says it has. */
  maintenanceWorkMemMb: z.int().min(1).max(65_536).optional(),
  /** Begin no pair while a standby, or a reader of an Aurora cluster, is further behind than that many seconds. */
  maxReplicaLagSeconds: z.number().positive().optional(),
  /** Begin no pair while more sessions than that are active in the database. */
  maxActiveSessions: z.int().min(1).optional(),
  /**
   * A query that returns one boolean; no pair is begun while it is true. It runs as the migrating role, so it is refused
   * where the operator has not allowed it: see core/steps/throttle.ts.
   */
  holdBackQuery: z.string().min(1).optional(),
  /** Refuse UPDATEs that would move a referenced row to another partition, where the FK would act on them silently. */
  rowMovementGuard: z.boolean().default(true),
  /** Build no index: a DELETE or UPDATE on the referenced side scans a referencing partition that has none, as before. */
  noIndexes: z.boolean().default(false),
  /** Leave the indexes that the migration built when it is rolled back. */
  keepIndexes: z.boolean().default(false),
  /** Allow a rollback that blocks writes while it re-checks every row, where no online strategy is possible. */
  allowBlockingRollback: z.boolean().default(false),
  /**
   * Names of the pair FKs once the parent FK is dropped. `auto`: the parent FK's name where it is DEFERRABLE and all leaves are in
   * the table's schema, so that SET CONSTRAINTS by name still works; else the documented names.
   */
  pairConstraintNames: z.enum(['auto', 'documented', 'parent']).default('auto'),
  /**
   * Ids of findings that need acceptance and are accepted, or `all`; without it such a finding refuses the migration. `ID:HASH`
   * accepts it only while it says what it said (core/checks/preflight/acceptance.ts). It holds for what the plan step finds; what comes up
   * later needs acceptance of its own.
   */
  accept: z
    .array(
      z
        .string()
        .refine(
          (text) => text === 'all' || FINDING_IDS.includes(text.replace(/:[0-9a-f]{12}$/, '')),
          'must be the id of a finding, or all',
        ),
    )
    .default([]),
});
export type ExecutionInput = z.infer<typeof ExecutionInput>;

// ---------------------------------------------------------------------------------------------------------------------
// Handler events and results. Each result is small: the detail goes to the ledger.

/** Event of the `plan` function. */
export const PlanEvent = z.object({ input: z.unknown(), execution: z.string().min(1) });
export type PlanEvent = z.infer<typeof PlanEvent>;

/** The database that a plan was made in. See core/ledger/schema/identity.ts. */
export const PlannedDatabase = z.object({
  /** Of the cluster; null where the role may not ask for it. */
  systemIdentifier: z.string().nullable(),
  databaseOid: z.int(),
  database: z.string(),
  /** `host:port`, several separated by commas. */
  endpoint: z.string(),
});
export type PlannedDatabase = z.infer<typeof PlannedDatabase>;

/** Event of every function that works on the migration as a whole. */
export const MigrationEvent = z.object({
  migrationId: z.string().min(1),
  execution: z.string().min(1),
  /** What the plan said. A step whose session leads to another database refuses. Absent in executions of an older edition. */
  database: PlannedDatabase.nullish(),
});
export type MigrationEvent = z.infer<typeof MigrationEvent>;

/**
 * Event of every function that works on one pair, or on a run of neighbours. `pair` counts from 1, largest pair first; `last`
 * is the last one of the run, left out or the same where it is one pair.
 */
export const PairEvent = MigrationEvent.extend({
  pair: z.int().min(1),
  last: z.int().min(1).optional(),
  referencing: z.string().optional(),
});
export type PairEvent = z.infer<typeof PairEvent>;

/**
 * Name in place of an error where a person asked for the rollback. A name, because no document of AWS says what a state makes of
 * a literal null.
 */
export const ROLLBACK_REQUESTED = 'RollbackRequested';

/** Event of `fence` and `pause`; `error` is what a Catch put at `$.error`, null when a person asked. */
export const InterruptEvent = MigrationEvent.extend({
  error: z
    .object({ Error: z.string(), Cause: z.string().optional() })
    .nullish()
    .transform((error) => (error?.Error === ROLLBACK_REQUESTED ? null : error)),
});
export type InterruptEvent = z.infer<typeof InterruptEvent>;

/** Event of `reconcile`: an execution that has ended, and may have left its migration on the way. */
export const ReconcileEvent = z.object({
  /** ARN of the execution that ended. */
  execution: z.string().min(1),
  /** How it ended, in Step Functions' words. This word stands above the ledger's lease: give it only when it is known. */
  reason: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
  /** Name of a rollback that this function answered and Step Functions refused, because another execution has or had it. */
  refused: z.string().min(1).optional(),
});
export type ReconcileEvent = z.infer<typeof ReconcileEvent>;

/** Event of `look`. */
export const LookEvent = z.object({
  /** What the ARNs of this stack's executions begin with. */
  executions: z.string().startsWith('arn:'),
});
export type LookEvent = z.infer<typeof LookEvent>;

export interface LookResult {
  /** Unfinished migrations for which nothing works, wherever they were started. */
  readonly deadExecutions: number;
  /** Those of this stack. `execution` is the one that began the work, also where its reconciliation died. */
  readonly dead: readonly { readonly migrationId: string; readonly execution: string }[];
}

/** One item of the Map states. Kept tiny, because every iteration's events repeat it. */
export interface PairItem {
  readonly pair: number;
  /** The same as `pair`, but where there are so many pairs that one iteration takes a run of them. */
  readonly last: number;
  /** Schema-qualified, quoted where needed; for the reader of the visual history only. */
  readonly referencing: string;
}

export interface PlanResult {
  /** `DUPLICATE`: another execution has worked on this opening of the maintenance window; `reason` names it. */
  readonly status:
    | 'PLANNED'
    | 'ALREADY_MIGRATED'
    | 'DRY_RUN'
    | 'ROLLBACK_REQUESTED'
    | 'NOTHING_TO_ROLL_BACK'
    | 'DUPLICATE';
  readonly migrationId: string | null;
  /** Where it was made: every later step has to be there, too. */
  readonly database: PlannedDatabase;
  readonly table: string;
  readonly referencedTable: string;
  readonly constraint: string;
  /** One item a pair, or fewer where they would not fit into one execution. */
  readonly pairs: readonly PairItem[];
  readonly pairCount: number;
  readonly maxConcurrency: number;
  /** One line; only where nothing is done though something could be. */
  readonly reason?: string;
}

/** Result of the functions that work on one pair. */
export interface PairResult {
  /**
   * `RUNNING`: started and left; ask again after `waitSeconds`. Everything else is final for this step.
   * `SKIPPED`: the catalog showed that nothing was left to do.
   */
  readonly status: 'DONE' | 'SKIPPED' | 'RUNNING';
  readonly pair: number;
  readonly of: number;
  /** Names as a person reads them: without the schema where it is the table's own. */
  readonly referencing: string;
  readonly referenced: string;
  /** Name of the constraint or index that the step made or found; empty where no index was wanted. */
  readonly object: string;
  /** Referencing rows, estimated by the planner's statistics until validation has counted them. */
  readonly rows: number;
  /** Milliseconds of the statement itself. */
  readonly durationMs: number;
  readonly lockWaitMs: number;
  readonly waitSeconds: number;
  /** Why it was not begun, where it was held back. */
  readonly note?: string;
  /** Of a run of pairs: its last one, `pair` being its first. */
  readonly last?: number;
  /** Of a run of pairs: those that this call has worked on. Final, all others of the run were through before. */
  readonly batch?: readonly PairResult[];
}

export interface GateResult {
  /**
   * - `COUNTING`: the handler's time was used up; call again, it goes on where it stopped.
   * - `AWAITING_APPROVAL`: call again after `waitSeconds`.
   * - `REHEARSED`, `APPROVAL_TIMED_OUT`: all is ready, and the execution is to end paused.
   */
  readonly status: 'PASSED' | 'FAILED' | 'COUNTING' | 'AWAITING_APPROVAL' | 'REHEARSED' | 'APPROVAL_TIMED_OUT';
  readonly pairs: number;
  /** One line, empty when passed. */
  readonly reason: string;
  readonly waitSeconds: number;
}

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

export interface DropResult {
  readonly status: 'DROPPED' | 'SKIPPED';
  readonly constraint: string;
  /** Milliseconds from the request of the first exclusive lock to COMMIT, of the try that succeeded. */
  readonly lockedMs: number;
}

/** Also the output of a successful execution. */
export interface VerifyMigrationResult {
  readonly status: 'MIGRATED' | 'FAILED' | 'COUNTING';
  readonly migrationId: string;
  /** It takes the plan's place in the state: a rollback after it has to be in the same database. */
  readonly database: PlannedDatabase;
  readonly table: string;
  readonly constraint: string;
  readonly pairs: number;
  /** Long details are cut: the ledger has them whole. */
  readonly checks: readonly Check[];
  readonly reason: string;
}

export interface FenceResult {
  readonly status: 'FENCED';
  readonly parentForeignKey: 'PRESENT' | 'DROPPED';
  /** How the parent FK comes back; `NONE` where it never left. */
  readonly strategy: RollbackStrategy | 'NONE';
  readonly pairs: readonly PairItem[];
  readonly pairCount: number;
  readonly maxConcurrency: number;
}

export interface RestoreResult {
  readonly status: 'RESTORED' | 'SKIPPED';
  readonly constraint: string;
  readonly durationMs: number;
}

export interface DropPairsResult {
  readonly status: 'DROPPED';
  readonly foreignKeys: number;
  readonly indexes: number;
  /** Indexes that this migration built and the rollback leaves: with `keepIndexes`, or after a validation found orphaned rows. */
  readonly keptIndexes: number;
}

/** Also the output of an execution that ended as asked: rolled back. */
export interface RolledBackResult {
  readonly status: 'ROLLED_BACK';
  readonly migrationId: string;
  readonly table: string;
  readonly constraint: string;
  readonly definition: string;
}

export interface ReconcileResult {
  /**
   * - `NOTHING_TO_DO`: the execution's migration is at rest, or owned by another execution by now.
   * - `OWNER_ALIVE`: a step of the execution is still in flight, or the execution is not dead at all; nothing was changed. Call again
   *   after `waitSeconds`.
   * - `RUNNING`: begun; call again after `waitSeconds`, it goes on where it stopped.
   * - `ROLL_BACK`: the migration has to be rolled back, and any execution may take it over: start `rollback`.
   * - `GIVEN_UP`: as `ROLL_BACK`, but too many executions in a row have died on the way back: a person is needed, `reason` says why.
   */
  readonly status: 'NOTHING_TO_DO' | 'OWNER_ALIVE' | 'RUNNING' | 'PAUSED' | 'MIGRATED' | 'ROLL_BACK' | 'GIVEN_UP';
  readonly migrationId: string | null;
  readonly waitSeconds: number;
  readonly rollback?: RollbackToStart;
  readonly reason?: string;
}

/** The execution by which the state machine of the migration rolls back what a dead execution left. */
export interface RollbackToStart {
  /** The same for each call after the same death, so that it is started once; another one after the next death, or once refused. */
  readonly name: string;
  /** The ARN that it gets in the state machine of the dead execution. */
  readonly execution: string;
  readonly input: Partial<ExecutionInput> & Pick<ExecutionInput, 'table' | 'operation' | 'migrationId'>;
}

/** Also the output of an execution that paused. */
export interface PauseResult {
  /** `CHECKS_PENDING`: the parent FK is gone, in a verified transaction; the checks after the drop are still to be run. */
  readonly status: 'PAUSED' | 'CHECKS_PENDING';
  readonly migrationId: string;
  readonly table: string;
  readonly reason: string;
}

// ---------------------------------------------------------------------------------------------------------------------
// JSON documents of the command line (fixed)

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

export interface Check {
  readonly id: CheckId;
  readonly title: string;
  readonly passed: boolean;
  /** One line; for `inventory` one line a pair FK. */
  readonly detail: string;
}

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

export type MigrationStatus =
  | 'MIGRATED'
  | 'ALREADY_MIGRATED'
  | 'ROLLED_BACK'
  | 'PAUSED'
  | 'REFUSED'
  | 'ROLLBACK_FAILED'
  | 'DRY_RUN';

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
