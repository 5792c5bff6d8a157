/** Events of the steps of an execution. */
import * as z from 'zod';

/** Event of the `plan` function. */
export const PlanEvent = z.object({ input: z.unknown(), execution: z.string().min(1) });
export type PlanEvent = z.infer<typeof PlanEvent>;

/** The database that a plan was made in. See core/ledger/schema/identity.ts. */
export const PlannedDatabase = z.object({
  /** System identifier of the cluster; null where the role may not read it. */
  systemIdentifier: z.string().nullable(),
  databaseOid: z.int(),
  database: z.string(),
  /** `host:port`, or several separated by commas. */
  endpoint: z.string(),
});
export type PlannedDatabase = z.infer<typeof PlannedDatabase>;

/** Event of every function that works on the migration as a whole. */
export const MigrationEvent = z.object({
  migrationId: z.string().min(1),
  execution: z.string().min(1),
  /** From the plan's result. A step whose session leads to another database refuses. Absent in executions of older versions. */
  database: PlannedDatabase.nullish(),
});
export type MigrationEvent = z.infer<typeof MigrationEvent>;

/** Event of `verify-gate` and `verify-migration`. */
export const CheckEvent = MigrationEvent.extend({
  /**
   * The caller has the pairs of a result `COUNTING` counted by `count-orphans` before it calls again. Without it, as in executions of older
   * versions and in a reconciliation, the function counts them itself.
   */
  countsPairs: z.boolean().optional(),
});
export type CheckEvent = z.infer<typeof CheckEvent>;

/**
 * Event of every function that works on one pair, or on a run of neighbouring pairs. `pair` counts from 1, largest pair first.
 * `last` is the last pair of the run; for a single pair it is absent or the same.
 */
export const PairEvent = MigrationEvent.extend({
  pair: z.int().min(1),
  last: z.int().min(1).optional(),
  referencing: z.string().optional(),
});
export type PairEvent = z.infer<typeof PairEvent>;

/**
 * Value of `Error` where a person asked for the rollback. It is a name, because AWS does not document what a state does with a
 * literal null.
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

/** Event of `reconcile`: an execution that has ended, and may have left its migration unfinished. */
export const ReconcileEvent = z.object({
  /** ARN of the execution that ended. */
  execution: z.string().min(1),
  /** How it ended, as Step Functions' status. It overrides the ledger's lease, so pass it only when it is known. */
  reason: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
  /**
   * Name of a rollback that this function returned and Step Functions refused, because another execution has or had that name.
   */
  refused: z.string().min(1).optional(),
});
export type ReconcileEvent = z.infer<typeof ReconcileEvent>;

/** Event of `look`. */
export const LookEvent = z.object({
  /** Prefix of the ARNs of this stack's executions. */
  executions: z.string().startsWith('arn:'),
});
export type LookEvent = z.infer<typeof LookEvent>;
