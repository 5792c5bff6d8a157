/** The documents of `p2pfk status`, `list`, `doctor`, `throttle`, `hold` and `resume`. */
import * as z from 'zod';
import { count, milliseconds, NamedProblem, pairState, tableName, time } from './common.ts';
import { FailureDocument } from './failure.ts';

const NextCommand = z.strictObject({
  why: z.string(),
  command: z.string().nullable().describe('quoted for a shell; null where there is nothing to run'),
});

const OwnerOfMigration = z.strictObject({
  execution: z.string(),
  place: z.enum(['local', 'aws', 'psql', 'reconciliation']),
  life: z
    .enum(['alive', 'dead', 'unknown'])
    .describe('unknown: its sessions cannot be seen from here, for example on a standby'),
  sessions: z.array(z.int()).describe('process ids of the sessions that show that it is alive'),
  since: time.nullable().describe('when the first of these sessions began'),
  user: z.string().nullable(),
  address: z.string().nullable(),
  leaseUntil: time.nullable().describe('until then it counts as alive, although no session of it is seen'),
});

const RunningStatement = z.strictObject({
  pid: z.int(),
  statement: z.enum(['CREATE INDEX', 'VALIDATE']),
  relation: tableName,
  since: time.describe('when it was begun'),
});

const ApprovalOfDrop = z.strictObject({
  state: z.enum(['not-asked', 'awaited', 'approved', 'void']),
  askedAt: time.nullable(),
  until: time.nullable().describe('when the execution that waits will pause'),
  approvedAt: time.nullable(),
  approvedBy: z.string().nullable().describe('as stated, not verified'),
  problem: z.string().nullable().describe('why there is no approval that counts'),
});

const wish = {
  by: z.string().describe('as stated, not verified'),
  reason: z.string().nullable(),
  at: time,
  login: z.string().describe('of the session that set it, noted by the database'),
};
const HoldOfPace = z.strictObject(wish);
const ThrottleOfPace = z.strictObject({ ...wish, maxConcurrency: z.int().positive() });

const PaceOfMigration = z.strictObject({
  limit: z.int().positive().describe('pairs that are worked on side by side'),
  limitAtStart: z.int().positive(),
  throttle: ThrottleOfPace.nullable().describe('null where the limit is the one at the start'),
  hold: HoldOfPace.nullable().describe('null where the execution is not held'),
});

const MigrationOfLedger = z.strictObject({
  id: z.string(),
  table: tableName.describe('the referencing table, as it is called now'),
  tableExists: z.boolean(),
  referencedTable: tableName,
  constraint: z.string(),
  state: z.enum(['running', 'paused', 'migrated', 'rolling-back', 'rolled-back']),
  since: time.describe('when the state began'),
  startedAt: time,
  tookMs: milliseconds.describe('from its start until it ended or paused, or until now'),
  startedBy: z.string().nullable().describe('as stated, not verified'),
  reason: z.string().nullable(),
  role: z.string().describe('the database role that began it'),
  execution: z.string().describe('the execution that works on it, or did so last'),
  dropped: z.boolean().describe('whether the parent foreign key was dropped'),
  error: NamedProblem.nullable(),
  options: z
    .record(z.string(), z.unknown())
    .describe('keys of docs/execution-input.schema.json, and what the ledger has noted beside them'),
  pairs: z.strictObject({ total: count, byState: z.partialRecord(pairState, count) }),
  owner: OwnerOfMigration.nullable().describe('null where no execution should be at work'),
  statements: z
    .array(RunningStatement)
    .describe('long statements that run in the server; they go on to their end also when the execution is dead'),
  approval: ApprovalOfDrop.nullable().describe('null where no approval is needed, or the drop is done'),
  pace: PaceOfMigration.nullable().describe('null where the pace cannot be changed'),
});

const PairOfLedger = z.strictObject({
  pair: count,
  referencing: tableName,
  referenced: tableName,
  rows: count,
  state: pairState,
  attempts: count,
  lastError: z.string().nullable(),
});

/** `p2pfk status --json`. */
export const StatusDocument = z.discriminatedUnion('state', [
  z.strictObject({
    table: tableName,
    constraint: z.string(),
    state: MigrationOfLedger.shape.state,
    migration: MigrationOfLedger,
    isHere: z.boolean().nullable().describe('whether this machine has the execution; null: not known'),
    pairs: z.array(PairOfLedger),
    next: z.array(NextCommand).describe('the first one is what to do'),
  }),
  z.strictObject({
    table: tableName,
    constraint: z.string().nullable(),
    state: z.literal('never-migrated'),
    migration: z.null(),
    pairs: z.tuple([]),
    next: z.tuple([]),
    error: FailureDocument.shape.error,
  }),
]);

const DatabaseOfList = z.strictObject({
  systemIdentifier: z.string().nullable().describe('of the cluster; null where this role may not read it'),
  databaseOid: count,
  database: z.string(),
  endpoint: z.string().describe('host:port, or several separated by commas'),
});

const ExecutionOfList = z.strictObject({
  executionArn: z.string(),
  name: z.string(),
  place: z.enum(['local', 'aws']),
  status: z.string().describe('of Step Functions, for example RUNNING'),
  outcome: z.string().describe('how it ended, for example MIGRATED or PAUSED; RUNNING where it has not ended'),
  operation: z.enum(['migrate', 'rollback']),
  table: z.string().describe('as its plan has it, otherwise as its input has it'),
  isPlanned: z.boolean().describe('whether it made a plan'),
  constraint: z.string().nullable(),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  tookMs: milliseconds.nullable(),
  startedBy: z.string().nullable().describe('as stated, not verified'),
  reason: z.string().nullable(),
  database: DatabaseOfList.nullable().describe('null where it is not known: in AWS, where it made no plan'),
  next: z.array(NextCommand),
});

/** `p2pfk list --json`. */
export const ListDocument = z.strictObject({
  database: DatabaseOfList.nullable().describe('null with --no-ledger'),
  migrations: z.array(z.strictObject({ ...MigrationOfLedger.shape, next: z.array(NextCommand) })),
  executions: z.array(ExecutionOfList),
  notListed: count.describe('executions of other databases'),
});

/** `p2pfk doctor --json`. */
export const DoctorDocument = z.strictObject({
  passed: z.boolean().describe('the exit code is 3 where this is false'),
  checks: z.array(
    z.strictObject({
      id: z.string(),
      status: z.enum(['ok', 'warning', 'problem']),
      message: z.string(),
      remedy: z.string().describe('empty where there is nothing to do'),
    }),
  ),
});

/** `p2pfk throttle --json`, `hold --json` and `resume --json`. */
export const PaceDocument = z.strictObject({
  table: tableName,
  constraint: z.string(),
  migrationId: z.string(),
  execution: z.string(),
  changed: z.boolean().describe('false where it was so before'),
  maxConcurrency: z.int().positive(),
  maxConcurrencyAtStart: z.int().positive(),
  throttle: ThrottleOfPace.nullable(),
  hold: HoldOfPace.nullable(),
});
