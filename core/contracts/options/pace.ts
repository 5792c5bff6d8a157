/** Options for the concurrency, limits, approvals and time window of an execution. */
import type { InputOption } from './option.ts';

const DAY = 86_400;

/** Options, by the key of the input. */
export const PACE = {
  /** Pairs that each Map state works on concurrently. */
  maxConcurrency: {
    type: 'whole',
    min: 1,
    max: 40,
    default: 4,
    expected: 'must be a whole number from {min} to {max}',
    flag: '--max-concurrency <n>',
    help: 'pairs worked on side by side, {min} to {max} (default: {default})',
    field: { label: 'Pairs side by side', hint: '{min} to {max}; {default} if left empty', advanced: true },
  },
  /** Milliseconds that other sessions may wait for one try of ours, in all. */
  lockTimeoutMs: {
    type: 'whole',
    min: 1,
    max: 60_000,
    default: 500,
    expected: 'must be a whole number of milliseconds from {min} to {max}',
    flag: '--lock-timeout-ms <ms>',
    help: 'how long other sessions may wait for one try of ours, in all (default: {default})',
    field: {
      label: 'Longest wait for locks, in ms',
      hint: 'In all, for each statement; {default} if left empty',
      advanced: true,
    },
  },
  /** End of the maintenance window: no new work is begun after it. */
  deadline: {
    type: 'instant',
    forwardOnly: true,
    expected: 'must be an ISO 8601 time with offset, such as 2027-01-31T04:00:00Z',
    flag: '--deadline <time>',
    help: 'nothing is begun that would not end by then, ISO 8601 with offset: 2027-01-31T04:00:00Z',
    field: {
      label: 'End of the window',
      hint: 'Nothing is begun that would not end by then: 2027-01-31T04:00:00Z',
      advanced: true,
    },
  },
  /**
   * When the window opened; for schedules, instead of `deadline`. The plan step adds `windowMinutes` to get the deadline, and a
   * second execution of the same opening does nothing.
   */
  opensAt: { type: 'instant' },
  /** Length of the window that opened at `opensAt`. */
  windowMinutes: { type: 'whole', min: 1, max: 1_440 },
  /** `manual` stops before the parent FK is dropped, until the migration is approved. */
  approval: {
    type: 'choice',
    choices: ['auto', 'manual'],
    meanings: ['go on by itself, if every check passes', 'wait until a person approves'],
    forwardOnly: true,
    flag: '--approval <mode>',
    help: 'auto, or manual: wait for p2pfk approve before the drop (default: auto)',
    field: {
      label: 'Before the old foreign key is dropped',
      hint: 'Waiting holds no lock. The drop is rehearsed first, and its result is what you approve.',
    },
  },
  /** With `manual`: seconds to wait for `p2pfk approve` before the execution pauses. */
  approvalTimeoutSeconds: {
    type: 'whole',
    min: 0,
    max: 30 * DAY,
    default: 3_600,
    unit: 's',
    forwardOnly: true,
    expected: 'must be whole seconds, 30 days at most, such as 30m or 8h',
    flag: '--approval-timeout <duration>',
    help: 'with manual: wait no longer than that, then end paused (default: {default})',
    field: { label: 'Wait for approval, in s', hint: 'Then it pauses; {default} if left empty', advanced: true },
  },
  /**
   * The approver must not have started an execution of the migration: neither with the same database login, which is verified, nor
   * under the same stated name. Needs `approval` `manual`. Later executions of the same migration keep it.
   */
  approverMustDiffer: {
    type: 'switch',
    default: false,
    forwardOnly: true,
    flag: '--approver-must-differ',
    help: 'with manual: the approver must not have started it, neither with the same database login nor under the same stated name',
    field: {
      label: 'Approved by another person',
      hint: 'Where a person approves: neither the database login nor the name may be one that started it',
      advanced: true,
    },
  },
  /** Rehearse the drop on the live database, and pause. */
  rehearse: {
    type: 'switch',
    default: false,
    forwardOnly: true,
    flag: '--rehearse',
    help: 'all but the drop; the drop itself is done and rolled back, then it ends paused',
    field: {
      label: 'Rehearse only',
      hint: 'All but the drop; the drop is done on the live database, rolled back, and it ends paused',
    },
  },
  /** End sessions that hold a lock we need and have been idle in a transaction for this many seconds; default: never. */
  terminateIdleBlockersAfterSeconds: {
    type: 'whole',
    min: 1,
    unit: 's',
    expected: 'must be whole seconds from 1 on, such as 30s or 5m',
    flag: '--terminate-idle-blockers <after>',
    help: 'end sessions that hold a lock we need and sit idle in a transaction for longer: 5m (default: never)',
  },
  /** Megabytes for each validation; default: a share of what the server's settings allow. */
  maintenanceWorkMemMb: {
    type: 'whole',
    min: 1,
    max: 65_536,
    unit: 'MB',
    expected: 'must be from {min} to {max}, such as 512MB',
    flag: '--maintenance-work-mem <size>',
    help: "memory of each validation, such as 512MB or 2GB (default: a share of the server's)",
  },
  /**
   * Before the drop, a pair whose last proof began longer ago is counted: its VALIDATE, or its count before the approval.
   * docs/postgresql-facts.md says what may have happened since.
   */
  proofMaxAgeSeconds: {
    type: 'whole',
    min: 0,
    max: 30 * DAY,
    default: 3_600,
    unit: 's',
    forwardOnly: true,
    expected: 'must be whole seconds, 30 days at most, such as 30m or 8h',
    flag: '--proof-max-age <duration>',
    help: 'before the drop, count the orphans of each pair that was validated longer ago; 0s: of all (default: {default})',
    field: {
      label: 'Proof not older than, in s',
      hint: 'Before the drop, pairs that were validated longer ago are counted; {default} if left empty, 0 counts all',
      advanced: true,
    },
  },
  /** After the drop. `p2pfk verify` always counts all. */
  recount: {
    type: 'choice',
    choices: ['sample', 'none', 'all'],
    meanings: ['three pairs, at most 20 s each', 'no pair', 'every pair'],
    forwardOnly: true,
    flag: '--recount <how>',
    help: 'after the drop, count orphans again in: sample (three pairs, 20 s each at most), none or all (default: sample)',
    field: {
      label: 'Count again after the drop',
      hint: 'Every row was proven before it',
      advanced: true,
    },
  },
  /** Greater than 0. Begin no pair while a standby, or a reader of an Aurora cluster, is further behind than this many seconds. */
  maxReplicaLagSeconds: {
    type: 'number',
    unit: 's',
    forwardOnly: true,
    expected: 'must be longer than nothing, such as 2s',
    flag: '--max-replica-lag <duration>',
    help: 'how far the slowest standby, or Aurora reader, may be behind, such as 2s',
    field: {
      label: 'Replica lag at most, in s',
      hint: 'No pair is begun while a standby is further behind',
      advanced: true,
    },
  },
  /**
   * How long a snapshot may be held. Begin no pair while a session of the database that is not ours, or a prepared transaction, is older; and what
   * the plan expects to hold one for longer is begun only where that was accepted: finding `snapshot-age`.
   */
  maxSnapshotAgeSeconds: {
    type: 'whole',
    min: 1,
    forwardOnly: true,
    unit: 's',
    expected: 'must be whole seconds from {min} on, such as 30m',
    flag: '--max-snapshot-age <duration>',
    help: 'how long a snapshot of others or of ours may hold VACUUM back, such as 30m',
    field: {
      label: 'Snapshots not older than, in s',
      hint: 'No pair is begun while a session holds VACUUM back for longer; a step of ours that will needs acceptance',
      advanced: true,
    },
  },
  /** Begin no pair while more than this many sessions are active in the database. */
  maxActiveSessions: {
    type: 'whole',
    min: 1,
    forwardOnly: true,
    expected: 'must be a whole number from {min} on',
    flag: '--max-active-sessions <n>',
    help: 'sessions that may be active in the database, ours left out',
    field: { label: 'Active sessions at most', hint: 'No pair is begun while more are active', advanced: true },
  },
  /**
   * A query that returns one boolean; no pair is begun while it is true. It runs as the migrating role, so it is refused where
   * the operator has not allowed it: see core/steps/throttle.ts.
   */
  holdBackQuery: {
    type: 'text',
    longest: 5_000,
    forwardOnly: true,
    expected: 'must be a query',
    flag: '--hold-back-query <sql>',
    help: 'a query that returns one boolean; true holds back',
  },
} as const satisfies Readonly<Record<string, InputOption>>;
