/** The documents about executions and schedules: of `p2pfk start`, `stop`, `history`, `schedule`, `serve` and `demo`. */
import * as z from 'zod';
import { count, milliseconds, tableName, time } from './common.ts';
import { MigrationDocument } from './migration.ts';

const executionArn = z.string();
const input = z.record(z.string(), z.unknown()).describe('docs/execution-input.schema.json');

/** `p2pfk start --json`, without `--wait`. */
export const StartedDocument = z.strictObject({ executionArn });

const status = z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']);

/** `p2pfk stop --json`. */
export const StoppedDocument = z.strictObject({
  executionArn,
  status: status.describe('as it is now: ABORTED, or how it ended before'),
  stopDate: time.nullable(),
});

/** `p2pfk history --json`: what the Step Functions API has, key for key, so other keys may be there. */
export const HistoryDocument = z.strictObject({
  execution: z
    .looseObject({ executionArn, status, startDate: time, input: z.string().optional().describe('JSON') })
    .describe('as DescribeExecution has it'),
  database: z
    .strictObject({
      systemIdentifier: z.string().nullable().describe('null where the role could not read it'),
      databaseOid: count,
      database: z.string(),
      endpoint: z.string().describe('host:port'),
    })
    .nullable()
    .describe('the one that it works on; null before its plan step'),
  events: z
    .array(z.looseObject({ id: count, timestamp: time, type: z.string() }))
    .describe('as GetExecutionHistory has them'),
});

/** `p2pfk schedule --json`. */
export const ScheduledDocument = z.strictObject({
  scheduleArn: z.string().nullable(),
  name: z.string(),
  group: z.string(),
  expression: z.string().describe("EventBridge Scheduler's: at(...) or cron(...)"),
  timeZone: z.string(),
  minutes: count.describe('how long the window is open'),
  input,
});

/** `p2pfk schedule --list --json`. */
export const SchedulesDocument = z.strictObject({
  schedules: z.array(
    z.strictObject({
      name: z.string(),
      table: z.string().nullable(),
      expression: z.string(),
      timeZone: z.string(),
      minutes: count.nullable(),
      enabled: z.boolean(),
      input,
    }),
  ),
});

/** `p2pfk schedule --remove NAME --json`. */
export const UnscheduledDocument = z.strictObject({ removed: z.string() });

/** `p2pfk serve --json`, as soon as it listens. */
export const ServedDocument = z
  .strictObject({
    endpointUrl: z.string(),
    consoleUrl: z.string().describe('with the key of the page, which is a secret'),
    stateMachineArn: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    metricsToken: z.string().optional().describe('with --metrics, where it was made for this run'),
  })
  .describe('holds secrets');

const Measured = z.strictObject({
  delete: z.strictObject({
    partition: tableName,
    rows: count,
    ms: milliseconds.describe('the time-out where it did not finish'),
    timedOut: z.boolean(),
  }),
  truncate: z.strictObject({
    partition: tableName,
    emptied: z.array(tableName).describe('partitions of path that lost all their rows'),
    of: count.describe('partitions of path that had rows'),
    rowsLost: count,
    summary: z.string(),
  }),
  detach: z.strictObject({ pair: z.string(), possible: z.boolean(), error: z.string().nullable() }),
});

/** `p2pfk demo --json`. */
export const DemoDocument = z.strictObject({
  serverVersion: z.string(),
  rows: count,
  before: Measured.nullable().describe('null with --fail'),
  after: Measured.nullable(),
  migration: MigrationDocument,
  parentForeignKeyRestored: z.boolean().describe('the parent foreign key is as it was before'),
});
