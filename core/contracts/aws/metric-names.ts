/** Names of what the handlers publish in AWS and the stack watches. */
export const METRIC_NAMESPACE = 'p2pfk';

export const METRIC_NAMES = [
  /** Pair FKs that were validated. */
  'PairsValidated',
  /** Of one pair; what the statement took. */
  'ValidationSeconds',
  /** Locks that were not granted within the lock budget, and deadlocks. */
  'LockRefusals',
  /** Referencing rows without a referenced row, where a validation found some. */
  'Orphans',
  /** 1 each time the database refused the IAM token of the daily audit. */
  'TokenRefused',
  /** Unfinished migrations for which nothing works. Published at each look, also when it is 0. */
  'DeadExecutions',
  /** 1 when the gate begins to wait for a person's approval. */
  'AwaitingApproval',
  /** Time since the plan, in percent of what the plan foresaw. */
  'ForecastUsed',
  /** Of the daily audit: partitions without a valid, enforced pair FK. Published on every day, also when it is 0. */
  'UnprotectedPartitions',
  /** Of the daily audit: tables of which it did not look at all, such as one with another role's code. Also when it is 0. */
  'TablesNotRead',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];
