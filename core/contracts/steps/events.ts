/** What the steps of an execution receive. */
import * as z from 'zod';

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
