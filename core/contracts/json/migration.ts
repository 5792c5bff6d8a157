/** The documents of `p2pfk migrate`, `rollback`, `watch` and `start --wait`, and of `p2pfk verify`. */
import * as z from 'zod';
import { BlockedTime, count, milliseconds, NamedProblem, pairState, tableName, time } from './common.ts';

const CheckResult = z.strictObject({
  id: z.enum([
    'pair-foreign-keys',
    'parent-foreign-key',
    'foreign-key-targets',
    'delete-performance',
    'orphans',
    'inventory',
  ]),
  title: z.string(),
  passed: z.boolean(),
  detail: z.string().describe('for inventory one line for each pair foreign key, for all others one line'),
});

/** `p2pfk verify --json`. */
export const VerificationDocument = z.strictObject({
  passed: z.boolean().describe('the exit code is 3 where this is false'),
  checks: z.array(CheckResult),
});

const PairOfMigration = z.strictObject({
  referencing: tableName,
  referenced: tableName,
  state: pairState,
  rows: count,
  validateMs: milliseconds,
  lockWaitMs: milliseconds,
});

/** `p2pfk migrate --json`, and of all commands that end as an execution ends. */
export const MigrationDocument = z.strictObject({
  status: z
    .enum([
      'MIGRATED',
      'ALREADY_MIGRATED',
      'ROLLED_BACK',
      'PAUSED',
      'REFUSED',
      'ROLLBACK_FAILED',
      'DRY_RUN',
      'DUPLICATE',
    ])
    .describe('DUPLICATE: another execution has worked on this opening of the maintenance window'),
  migrationId: z.string().nullable(),
  executionArn: z.string().nullable(),
  pairs: z.array(PairOfMigration),
  durationMs: milliseconds,
  blocked: BlockedTime.nullable().describe('by this execution; null where the ledger could not be read'),
  verification: VerificationDocument.nullable(),
  error: NamedProblem.nullable(),
  note: z.string().optional().describe('one line that qualifies a good status'),
});

const TASK_EVENTS = ['TaskScheduled', 'TaskSucceeded', 'TaskFailed', 'TaskRetrying'] as const;
const EXECUTION_EVENTS = ['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionAborted'] as const;

/** One line of `--json-lines`. */
export const EventLineDocument = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ExecutionStarted'), at: time, executionArn: z.string() }),
  z.strictObject({
    type: z.enum(TASK_EVENTS),
    at: time,
    state: z.string().describe('the name of the state'),
    attempt: z.int().positive().describe('counts from 1'),
    pair: count.optional().describe('the number of the pair, where the step works on one'),
    referencing: tableName.optional().describe('the referencing partition of that pair'),
    output: z.unknown().optional().describe('the result of the step; its keys may change with any version'),
    error: NamedProblem.optional().describe('of TaskFailed'),
  }),
  z.strictObject({ type: z.enum(EXECUTION_EVENTS), at: time }),
  z.strictObject({ type: z.literal('Result'), result: MigrationDocument.describe('the last line') }),
]);
