/** Results of the functions of the state machine. Each is small; details are kept in the ledger. */
import * as z from 'zod';
import { Check } from '../documents.ts';
import type { ExecutionInput } from '../execution-input.ts';
import { PlannedDatabase } from './events.ts';

/** One item of the Map states. As small as possible, because every event of the iteration repeats it. */
export const PairItem = z
  .object({
    pair: z.number(),
    /** The same as `pair`, unless there are so many pairs that one iteration takes a run of them. */
    last: z.number(),
    /** Schema-qualified, quoted where needed; only for readers of the visual history. */
    referencing: z.string(),
  })
  .readonly();
export type PairItem = z.infer<typeof PairItem>;

/** Result of `plan`. */
export const PlanResult = z
  .object({
    /** `DUPLICATE`: another execution has worked on this opening of the maintenance window; `reason` names it. */
    status: z.enum([
      'PLANNED',
      'ALREADY_MIGRATED',
      'DRY_RUN',
      'ROLLBACK_REQUESTED',
      'NOTHING_TO_ROLL_BACK',
      'DUPLICATE',
    ]),
    migrationId: z.string().nullable(),
    /** The database that it was made in: every later step has to be there, too. */
    database: PlannedDatabase,
    table: z.string(),
    referencedTable: z.string(),
    constraint: z.string(),
    /** One item for each pair, or fewer where so many would not fit into one execution. */
    pairs: z.array(PairItem).readonly(),
    pairCount: z.number(),
    maxConcurrency: z.number(),
    /** True where catalog and options were compared with `planHash` of the input, and match the reviewed plan; else absent. */
    asReviewed: z.boolean().exactOptional(),
    /** True where an earlier execution has begun the migration, and this one goes on with it; else absent. */
    resumed: z.boolean().exactOptional(),
    /** One line; only where nothing is done although something could be. */
    reason: z.string().exactOptional(),
  })
  .readonly();
export type PlanResult = z.infer<typeof PlanResult>;

/** A counter of the server at the beginning and at the end of a call. */
const Positions = z.tuple([z.number(), z.number()]).readonly().nullable();

/** What a long step has cost others, as far as one call has seen it. Of several calls for one statement, the first and the last position count. */
export const CostToOthers = z
  .object({
    /** Bytes of WAL, of the whole server; null where the server does not say. */
    wal: Positions,
    /** Bytes that all sessions have read into shared buffers of the tables that the step reads; null where they are not known. */
    read: Positions,
    /** The greatest lag of a standby that was seen, in seconds; null where there is none, or this role may not see it. */
    lagSeconds: z.number().nullable(),
  })
  .readonly();
export type CostToOthers = z.infer<typeof CostToOthers>;

const OnePairResult = z.object({
  /**
   * `RUNNING`: started and left running; call again after `waitSeconds`. Every other status is final for this step. `SKIPPED`:
   * the catalog showed that nothing was left to do.
   */
  status: z.enum(['DONE', 'SKIPPED', 'RUNNING']),
  pair: z.number(),
  of: z.number(),
  /** Names for messages: without the schema where it is the table's own. */
  referencing: z.string(),
  referenced: z.string(),
  /** Name of the constraint or index that the step made or found; empty where no index was wanted. */
  object: z.string(),
  /** Referencing rows, by the planner's statistics until the validation has counted them. */
  rows: z.number(),
  /** Milliseconds of the statement itself. */
  durationMs: z.number(),
  lockWaitMs: z.number(),
  waitSeconds: z.number(),
  /** Why it was not begun, where the pair is throttled; or what a statement waits for. */
  note: z.string().exactOptional(),
  /** Of an index build, a validation and a count. */
  cost: CostToOthers.exactOptional(),
});

/** Result of the functions that work on one pair, or on a run of pairs. */
export const PairResult = OnePairResult.extend({
  /** For a run of pairs: its last pair; `pair` is its first. */
  last: z.number().exactOptional(),
  /**
   * For a run of pairs: the pairs that this call worked on. In a final result, all other pairs of the run were complete before.
   */
  batch: z.array(OnePairResult.readonly()).readonly().exactOptional(),
}).readonly();
export type PairResult = z.infer<typeof PairResult>;

/** What `count-orphans` has to do before the step that returned this is called again. */
const PairsToCount = z
  .object({ pairs: z.array(PairItem).readonly(), maxConcurrency: z.number(), pairCount: z.number() })
  .readonly();
export type PairsToCount = z.infer<typeof PairsToCount>;

/** Result of `verify-gate`. */
export const GateResult = z
  .object({
    /**
     * - `COUNTING`: the pairs of `count` are to be counted first.
     * - `AWAITING_APPROVAL`, `HELD`: call again after `waitSeconds`.
     * - `REHEARSED`, `APPROVAL_TIMED_OUT`: the gate passed, and the execution has to pause.
     */
    status: z.enum(['PASSED', 'FAILED', 'COUNTING', 'AWAITING_APPROVAL', 'HELD', 'REHEARSED', 'APPROVAL_TIMED_OUT']),
    pairs: z.number(),
    /** One line; empty when passed. */
    reason: z.string(),
    waitSeconds: z.number(),
    /** With `COUNTING`. */
    count: PairsToCount.exactOptional(),
  })
  .readonly();
export type GateResult = z.infer<typeof GateResult>;

/** Result of `drop-parent-foreign-key`. */
export const DropResult = z
  .object({
    status: z.enum(['DROPPED', 'SKIPPED']),
    constraint: z.string(),
    /** Milliseconds from the request of the first exclusive lock to COMMIT, of the try that succeeded. */
    lockedMs: z.number(),
  })
  .readonly();
export type DropResult = z.infer<typeof DropResult>;

/** Result of `verify-migration`, and output of a successful execution. */
export const VerifyMigrationResult = z
  .object({
    status: z.enum(['MIGRATED', 'FAILED', 'COUNTING']),
    migrationId: z.string(),
    /** Replaces the plan's value in the state: a rollback that follows has to be in the same database. */
    database: PlannedDatabase,
    table: z.string(),
    constraint: z.string(),
    pairs: z.number(),
    /** Long details are cut; the ledger has the whole text. */
    checks: z.array(Check).readonly(),
    reason: z.string(),
    /** With `COUNTING`: the pairs that are to be counted first. */
    count: PairsToCount.exactOptional(),
  })
  .readonly();
export type VerifyMigrationResult = z.infer<typeof VerifyMigrationResult>;

/** Result of `fence`. */
export const FenceResult = z
  .object({
    status: z.literal('FENCED'),
    parentForeignKey: z.enum(['PRESENT', 'DROPPED']),
    /** How the parent FK will be restored (`RollbackStrategy`); `NONE` where it was never dropped. */
    strategy: z.enum(['attach', 'not-valid', 'blocking', 'NONE']),
    pairs: z.array(PairItem).readonly(),
    pairCount: z.number(),
    maxConcurrency: z.number(),
  })
  .readonly();
export type FenceResult = z.infer<typeof FenceResult>;

/** Result of `attach-parent`. */
export const AttachResult = z
  .object({
    /** `RUNNING` while the parent FK is being validated; the next call finds the validation. */
    status: z.enum(['DONE', 'SKIPPED', 'RUNNING']),
    /** Name of the parent FK. */
    object: z.string(),
    waitSeconds: z.number(),
    durationMs: z.number(),
    lockWaitMs: z.number(),
    /** Of the validation. */
    cost: CostToOthers.exactOptional(),
  })
  .readonly();
export type AttachResult = z.infer<typeof AttachResult>;

/** Result of `drop-pair-foreign-keys`. */
export const DropPairsResult = z
  .object({
    status: z.literal('DROPPED'),
    foreignKeys: z.number(),
    indexes: z.number(),
    /**
     * Indexes that this migration built and the rollback keeps: with `keepIndexes`, or after a validation found orphaned rows.
     */
    keptIndexes: z.number(),
  })
  .readonly();
export type DropPairsResult = z.infer<typeof DropPairsResult>;

/** Result of `verify-rolled-back`, and output of an execution that rolled back as asked. */
export const RolledBackResult = z
  .object({
    status: z.literal('ROLLED_BACK'),
    migrationId: z.string(),
    table: z.string(),
    constraint: z.string(),
    definition: z.string(),
  })
  .readonly();
export type RolledBackResult = z.infer<typeof RolledBackResult>;

/** Result of `pause`, and output of an execution that paused. */
export const PauseResult = z
  .object({
    /** `CHECKS_PENDING`: the parent FK is gone, in a verified transaction; the checks after the drop are still to be run. */
    status: z.enum(['PAUSED', 'CHECKS_PENDING']),
    migrationId: z.string(),
    table: z.string(),
    reason: z.string(),
  })
  .readonly();
export type PauseResult = z.infer<typeof PauseResult>;

/** Result of `look`. */
export interface LookResult {
  /** Unfinished migrations that no execution works on, wherever they were started. */
  readonly deadExecutions: number;
  /** Those of this stack. `execution` is the one that began the work, even if its reconciliation died. */
  readonly dead: readonly { readonly migrationId: string; readonly execution: string }[];
}

/** Result of `reconcile`. */
export interface ReconcileResult {
  /**
   * - `NOTHING_TO_DO`: the execution's migration is finished or paused, or another execution owns it by now.
   * - `OWNER_ALIVE`: a step of the execution still runs, or the execution is not dead at all; nothing was changed. Call again
   *   after `waitSeconds`.
   * - `RUNNING`: begun; call again after `waitSeconds`, and it continues.
   * - `ROLL_BACK`: the migration has to be rolled back, and any execution may take it over: start `rollback`.
   * - `GIVEN_UP`: as `ROLL_BACK`, but too many rollbacks in a row have died: a person is needed, `reason` says why.
   */
  readonly status: 'NOTHING_TO_DO' | 'OWNER_ALIVE' | 'RUNNING' | 'PAUSED' | 'MIGRATED' | 'ROLL_BACK' | 'GIVEN_UP';
  readonly migrationId: string | null;
  readonly waitSeconds: number;
  readonly rollback?: RollbackToStart;
  readonly reason?: string;
}

/** The execution with which the migration's state machine rolls back what a dead execution left. */
export interface RollbackToStart {
  /**
   * The same for each call after the same death, so that it is started once; a different one after the next death, or when it was
   * refused.
   */
  readonly name: string;
  /** Its ARN in the state machine of the dead execution. */
  readonly execution: string;
  readonly input: Partial<ExecutionInput> & Pick<ExecutionInput, 'table' | 'operation' | 'migrationId'>;
}
