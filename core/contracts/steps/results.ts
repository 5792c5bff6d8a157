/** What the steps of an execution return. Each result is small: the detail goes to the ledger. */

import type { Check, RollbackStrategy } from '../documents.ts';
import type { ExecutionInput } from '../execution-input.ts';
import type { PlannedDatabase } from './events.ts';

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
  /** Catalog and options were compared with `planHash` of the input, and are those of the reviewed plan; else absent. */
  readonly asReviewed?: boolean;
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
