/** What the functions of the state machine return. Each result is small: the detail goes to the ledger. */
import * as z from 'zod';
import { Check } from '../documents.ts';
import type { ExecutionInput } from '../execution-input.ts';
import { PlannedDatabase } from './events.ts';

/** One item of the Map states. Kept tiny, because every iteration's events repeat it. */
export const PairItem = z
  .object({
    pair: z.number(),
    /** The same as `pair`, but where there are so many pairs that one iteration takes a run of them. */
    last: z.number(),
    /** Schema-qualified, quoted where needed; for the reader of the visual history only. */
    referencing: z.string(),
  })
  .readonly();
export type PairItem = z.infer<typeof PairItem>;

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
    /** Where it was made: every later step has to be there, too. */
    database: PlannedDatabase,
    table: z.string(),
    referencedTable: z.string(),
    constraint: z.string(),
    /** One item a pair, or fewer where they would not fit into one execution. */
    pairs: z.array(PairItem).readonly(),
    pairCount: z.number(),
    maxConcurrency: z.number(),
    /** Catalog and options were compared with `planHash` of the input, and are those of the reviewed plan; else absent. */
    asReviewed: z.boolean().exactOptional(),
    /** One line; only where nothing is done though something could be. */
    reason: z.string().exactOptional(),
  })
  .readonly();
export type PlanResult = z.infer<typeof PlanResult>;

const OnePairResult = z.object({
  /**
   * `RUNNING`: started and left; ask again after `waitSeconds`. Everything else is final for this step.
   * `SKIPPED`: the catalog showed that nothing was left to do.
   */
  status: z.enum(['DONE', 'SKIPPED', 'RUNNING']),
  pair: z.number(),
  of: z.number(),
  /** Names as a person reads them: without the schema where it is the table's own. */
  referencing: z.string(),
  referenced: z.string(),
  /** Name of the constraint or index that the step made or found; empty where no index was wanted. */
  object: z.string(),
  /** Referencing rows, estimated by the planner's statistics until validation has counted them. */
  rows: z.number(),
  /** Milliseconds of the statement itself. */
  durationMs: z.number(),
  lockWaitMs: z.number(),
  waitSeconds: z.number(),
  /** Why it was not begun, where it was held back. */
  note: z.string().exactOptional(),
});

/** Result of the functions that work on one pair, or on a run of pairs. */
export const PairResult = OnePairResult.extend({
  /** Of a run of pairs: its last one, `pair` being its first. */
  last: z.number().exactOptional(),
  /** Of a run of pairs: those that this call has worked on. Final, all others of the run were complete before. */
  batch: z.array(OnePairResult.readonly()).readonly().exactOptional(),
}).readonly();
export type PairResult = z.infer<typeof PairResult>;

export const GateResult = z
  .object({
    /**
     * - `COUNTING`: the handler's time was used up; call again, it goes on where it stopped.
     * - `AWAITING_APPROVAL`: call again after `waitSeconds`.
     * - `REHEARSED`, `APPROVAL_TIMED_OUT`: all is ready, and the execution is to end paused.
     */
    status: z.enum(['PASSED', 'FAILED', 'COUNTING', 'AWAITING_APPROVAL', 'REHEARSED', 'APPROVAL_TIMED_OUT']),
    pairs: z.number(),
    /** One line, empty when passed. */
    reason: z.string(),
    waitSeconds: z.number(),
  })
  .readonly();
export type GateResult = z.infer<typeof GateResult>;

export const DropResult = z
  .object({
    status: z.enum(['DROPPED', 'SKIPPED']),
    constraint: z.string(),
    /** Milliseconds from the request of the first exclusive lock to COMMIT, of the try that succeeded. */
    lockedMs: z.number(),
  })
  .readonly();
export type DropResult = z.infer<typeof DropResult>;

/** Also the output of a successful execution. */
export const VerifyMigrationResult = z
  .object({
    status: z.enum(['MIGRATED', 'FAILED', 'COUNTING']),
    migrationId: z.string(),
    /** It takes the plan's place in the state: a rollback after it has to be in the same database. */
    database: PlannedDatabase,
    table: z.string(),
    constraint: z.string(),
    pairs: z.number(),
    /** Long details are cut: the ledger has them whole. */
    checks: z.array(Check).readonly(),
    reason: z.string(),
  })
  .readonly();
export type VerifyMigrationResult = z.infer<typeof VerifyMigrationResult>;

export const FenceResult = z
  .object({
    status: z.literal('FENCED'),
    parentForeignKey: z.enum(['PRESENT', 'DROPPED']),
    /** How the parent FK comes back (`RollbackStrategy`); `NONE` where it never left. */
    strategy: z.enum(['attach', 'not-valid', 'blocking', 'NONE']),
    pairs: z.array(PairItem).readonly(),
    pairCount: z.number(),
    maxConcurrency: z.number(),
  })
  .readonly();
export type FenceResult = z.infer<typeof FenceResult>;

export const AttachResult = z
  .object({
    /** `RUNNING` while the parent FK is being validated: call again, it is found. */
    status: z.enum(['DONE', 'SKIPPED', 'RUNNING']),
    /** Name of the parent FK. */
    object: z.string(),
    waitSeconds: z.number(),
    durationMs: z.number(),
    lockWaitMs: z.number(),
  })
  .readonly();
export type AttachResult = z.infer<typeof AttachResult>;

export const DropPairsResult = z
  .object({
    status: z.literal('DROPPED'),
    foreignKeys: z.number(),
    indexes: z.number(),
    /** Indexes that this migration built and the rollback leaves: with `keepIndexes`, or after a validation found orphaned rows. */
    keptIndexes: z.number(),
  })
  .readonly();
export type DropPairsResult = z.infer<typeof DropPairsResult>;

/** Also the output of an execution that ended as asked: rolled back. */
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

/** Also the output of an execution that paused. */
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

export interface LookResult {
  /** Unfinished migrations for which nothing works, wherever they were started. */
  readonly deadExecutions: number;
  /** Those of this stack. `execution` is the one that began the work, also where its reconciliation died. */
  readonly dead: readonly { readonly migrationId: string; readonly execution: string }[];
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
