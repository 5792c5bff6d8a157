/** The documents of `p2pfk plan`: what `--json` prints, and the file that `--out` saves. */
import * as z from 'zod';
import { count, estimate, LockingStatement, severity, tableName, time } from './common.ts';

const PairOfPlan = z.strictObject({
  referencing: tableName,
  referenced: tableName,
  bound: z.string().describe('FOR VALUES ... or DEFAULT, as PostgreSQL prints it'),
  rows: estimate.describe('referencing rows, by the statistics of the planner'),
  bytes: estimate.describe('heap bytes of the referencing partition'),
  hasIndex: z.boolean().describe('whether a valid index serves the foreign key columns of the referencing partition'),
  pairConstraint: z.string().describe('the name of the pair foreign key after the drop of the parent foreign key'),
});

const Unpaired = z.strictObject({
  partition: tableName,
  side: z.enum(['referencing', 'referenced']),
  rows: estimate,
  decision: z.string().describe('what the migration does about it; for people'),
});

const FindingOfPlan = z.strictObject({
  id: z.string().describe('a finding of docs/findings.md; ids are stable'),
  severity: severity.describe('an error refuses the migration'),
  message: z.string(),
  remedy: z.string(),
  needsAcceptance: z.boolean().describe('migrate refuses until --accept names the id'),
});

const LedgerOfPlan = z
  .strictObject({
    state: z
      .enum(['never-migrated', 'running', 'paused', 'migrated', 'rolling-back', 'rolled-back', 'missing', 'unreadable'])
      .describe(
        'missing: pair foreign keys exist that belong to no open entry; unreadable: this role cannot read the ledger',
      ),
    migrationId: z.string().nullable(),
    execution: z.string().nullable().describe('the execution that works on it, or did so last'),
    role: z.string().nullable().describe('the database role that began the migration'),
    since: time.nullable(),
    reason: z.string().nullable().describe('one line, for example why it paused'),
    approval: z.string().optional().describe('one line where the drop was approved, and has not been done yet'),
  })
  .describe('what the ledger has about the foreign key');

const EventsOfPlan = z
  .strictObject({
    iterations: count.describe('of each Map state'),
    pairsPerIteration: count.describe('in the longest iteration'),
    events: count.describe('without any failure'),
    rollbackEvents: count.describe('that a rollback after the drop would add'),
    countEvents: count.describe('that counting the orphans of all pairs would add'),
    approvalEvents: count.describe('that the longest wait for an approval would add'),
    reserve: z.int().describe('left for refused locks and throttled pairs'),
    limit: count,
  })
  .describe('how much of the event limit of Step Functions one execution needs');

const WritesOfPlan = z
  .strictObject({
    insertsPerSecond: estimate.describe('into the referencing partitions'),
    deletesPerSecond: estimate.describe('from the referenced partitions'),
    since: time.describe('the statistics of the server count from then on'),
    partitionsLocked: count.describe('leaf partitions that the first foreign key checks of a session lock today'),
    partitionsLockedAfter: count.describe('the same under pair foreign keys, where the session writes to one pair'),
  })
  .describe('absent where the parent foreign key is gone, and on a standby, which counts no writes');

const EstimateOfPlan = z.strictObject({
  rows: estimate,
  bytes: estimate,
  seconds: estimate.describe('index builds, validation and checks together'),
  dropLockedMs: estimate.describe('for which the drop holds ACCESS EXCLUSIVE locks'),
  dropWaitMs: estimate.describe('for which a try of the drop may wait for its locks; 0: it does not wait at all'),
  rollback: z.strictObject({
    strategy: z.enum(['attach', 'not-valid', 'blocking']),
    writesBlockedMs: estimate,
    note: z.string(),
    plainMs: estimate
      .optional()
      .describe(
        'with attach: for how long a plain re-add would block writes instead; less with few rows in many pairs',
      ),
  }),
  snapshots: z
    .array(
      z.strictObject({
        step: z.enum(['index', 'validate', 'count']),
        referencing: tableName,
        seconds: estimate.describe('meanwhile VACUUM removes no row that was deleted after the snapshot was taken'),
      }),
    )
    .describe('for each kind of long step that is left, the pair whose statement holds its snapshot longest'),
  indexWalBytes: estimate.optional().describe('WAL that the index builds write; absent where none is built'),
  execution: EventsOfPlan,
  writes: WritesOfPlan.optional(),
});

/** `p2pfk plan --json`. */
export const PlanDocument = z.strictObject({
  ledger: LedgerOfPlan.optional().describe('absent in plans of older versions'),
  table: tableName.describe('the referencing table'),
  referencedTable: tableName,
  constraint: z.string().describe('the name of the parent foreign key as it is stored'),
  definition: z.string(),
  serverVersion: z.string(),
  pairs: z.array(PairOfPlan),
  unpaired: z.array(Unpaired).describe('leaf partitions that are in no pair'),
  findings: z.array(FindingOfPlan),
  statements: z.array(LockingStatement).describe('in the order in which they run; empty where there is nothing to do'),
  estimate: EstimateOfPlan,
});

const hash = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** The file of `p2pfk plan --out`. */
export const SavedPlanDocument = z.strictObject({
  format: z.literal('p2pfk-plan'),
  formatVersion: z.literal(1),
  generator: z.string().describe('p2pfk and its version; no other version carries the plan out'),
  hash: hash.describe('of the whole document without this key'),
  madeAt: time,
  madeBy: z.string().describe('as stated, not verified'),
  reason: z.string().nullable(),
  database: z.strictObject({
    name: z.string(),
    target: z.string().describe('host and port, without user and password'),
    serverVersion: z.string(),
    systemIdentifier: z.string().nullable().describe('of the cluster; null where it is not known'),
  }),
  input: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
    .describe('keys of docs/execution-input.schema.json that it was planned with'),
  catalogHash: hash.describe('of the catalog and of what the input decides'),
  catalog: z.array(z.tuple([z.string(), z.string(), z.string()])).describe('what the plan depends on'),
  plan: PlanDocument,
});
