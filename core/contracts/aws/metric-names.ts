/** Names of the metrics that the handlers publish in AWS and the stack monitors. */
export const METRIC_NAMESPACE = 'p2pfk';

/** Metrics; each has the dimension `deployment`. */
export const METRIC_NAMES = [
  /** Pair FKs that were validated. */
  'PairsValidated',
  /** Seconds of the validation statement of one pair. */
  'ValidationSeconds',
  /** Locks that were not granted within the lock budget, and deadlocks. */
  'LockRefusals',
  /** Referencing rows without a referenced row, where a validation found some. */
  'Orphans',
  /** 1 each time the database refused the IAM token of the daily audit. */
  'TokenRefused',
  /** Unfinished migrations that no execution works on. Published at each look, even if it is 0. */
  'DeadExecutions',
  /** 1 when the gate begins to wait for a person's approval. */
  'AwaitingApproval',
  /** Time since the plan, in percent of the plan's forecast. */
  'ForecastUsed',
  /** From the daily audit: partitions without a valid, enforced pair FK. Published every day, even if it is 0. */
  'UnprotectedPartitions',
  /**
   * From the daily audit: tables that it could not read completely, for example because of another role's code. Published even if
   * it is 0.
   */
  'TablesNotRead',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];
