/** The input of an execution: of `p2pfk migrate` and of the state machine in AWS. */
import * as z from 'zod';
import { credentialsIn, HOLDS_CREDENTIALS } from './credentials.ts';
import { FINDING_IDS } from './finding-ids.ts';
import { StatedPerson, StatedReason } from './person.ts';

const PlanHash = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be the hash of a saved plan');

/**
 * Every text and list of the input has an end. DescribeExecution and StartExecution bring the input along, and what is larger than Step
 * Functions' 262,144 bytes ends an execution with an error that States.ALL does not catch.
 */
const text = (longest: number) => z.string().min(1).max(longest, `must have at most ${longest} characters`);

/** Two names of 63 bytes with every character doubled in quotation marks, and room to spare. */
const LONGEST_NAME = 500;
const LONGEST_PATH = 4_000;
const LONGEST_QUERY = 5_000;
const MOST_ACCEPTED = 100;
/** Of a finding, with the hash of what it says. */
const LONGEST_ID = 50;

/** ISO 8601; without an end, the fraction of a second could be of any length. */
const Instant = z.iso.datetime({ offset: true }).max(100);

const Approval = z.enum(['auto', 'manual']);

/** Each key by itself. Unknown keys are refused, so that a typing error cannot be ignored. */
export const ExecutionInputKeys = z.strictObject({
  /** The referencing partitioned table as SQL writes it; `to_regclass` decides. */
  table: text(LONGEST_NAME),
  /** The parent FK's name as SQL writes it; needed only where the table has several. */
  constraint: text(LONGEST_NAME).optional(),
  /**
   * The search_path under which `table` is looked up and the application's own code runs that our DDL fires (CHECK functions,
   * event triggers), as SET search_path takes it. Left out, the one that the session comes with.
   */
  searchPath: text(LONGEST_PATH).optional(),
  /**
   * The role that owns the ledger and the tables, where that is neither the current role nor a superuser; sessions SET ROLE to it. In
   * AWS it has to be the one that the functions were deployed with.
   */
  ledgerOwner: text(LONGEST_NAME).optional(),
  /** `rollback` goes straight to the rollback branch and ends in success. */
  operation: z.enum(['migrate', 'rollback']).default('migrate'),
  /**
   * For a rollback: the migration in the ledger that is meant. If it is no longer open, nothing is rolled back, although a later
   * migration of the same foreign key may be. Reconciliation sets it.
   */
  migrationId: z
    .string()
    .regex(/^[1-9]\d{0,17}$/, 'must be the id of a migration in the ledger')
    .optional(),
  dryRun: z.boolean().default(false),
  /**
   * The word of a person that the database which this execution reaches is the one that its ledger is to be used for: needed
   * once after a restore, a copy or an upgrade, and once for an endpoint that the ledger does not know. See core/ledger/schema/relink.ts.
   */
  relink: z.boolean().default(false),
  /** Pairs worked on side by side in each Map state. */
  maxConcurrency: z.int().min(1).max(40).default(4),
  /** Milliseconds that a statement of ours may stand in a lock queue, in all. */
  lockTimeoutMs: z.int().min(1).max(60_000).default(500),
  /** End of the maintenance window: no new work is begun after it. */
  deadline: Instant.optional(),
  /**
   * Instead of `deadline`, for schedules: when the window opened. With `windowMinutes` the plan step computes the deadline,
   * and a second execution of the same opening does nothing.
   */
  opensAt: Instant.optional(),
  /** Length of the window that opened at `opensAt`. */
  windowMinutes: z.int().min(1).max(1_440).optional(),
  /** `manual` stops before the parent FK is dropped, until the migration is approved. */
  approval: Approval.default('auto'),
  /** With `manual`: seconds to wait for `p2pfk approve` before the execution ends paused. */
  approvalTimeoutSeconds: z.int().min(0).max(2_592_000).default(3_600),
  /**
   * The approver must not have started an execution of the migration: neither with the same database login, which is verified, nor
   * under the same stated name. Needs `approval` `manual`. Later executions of the same migration keep it.
   */
  approverMustDiffer: z.boolean().default(false),
  /** Who starts it, as stated: it is not verified. */
  by: StatedPerson.optional(),
  /** Why, for example a ticket. */
  reason: StatedReason.optional(),
  /**
   * Of the saved plan that is carried out: hash of the catalog and of the options that it was made for (core/plan/reviewed-plan.ts). Refused
   * where they are others.
   */
  planHash: PlanHash.optional(),
  /**
   * The hash of the whole plan, by which people know it, and when and by whom it was made. The plan step proves by `planRestHash`, the hash of
   * all else in the document, that the document with that hash names this `planHash`, time and maker (core/plan/plan-document.ts);
   * that its maker is the one it names is stated, and not verified.
   */
  planDocumentHash: PlanHash.optional(),
  planRestHash: PlanHash.optional(),
  planMadeAt: Instant.optional(),
  planMadeBy: StatedPerson.optional(),
  /** Prove the drop on the live database, roll it back, and end paused. */
  rehearse: z.boolean().default(false),
  /** Ends sessions that hold a lock we need and have been idle in a transaction for that many seconds; else never. */
  terminateIdleBlockersAfterSeconds: z.int().min(1).optional(),
  /** Megabytes for each validation; by default a share of what the server says it has. */
  maintenanceWorkMemMb: z.int().min(1).max(65_536).optional(),
  /** Begin no pair while a standby, or a reader of an Aurora cluster, is further behind than that many seconds. */
  maxReplicaLagSeconds: z.number().positive().optional(),
  /** Begin no pair while more sessions than that are active in the database. */
  maxActiveSessions: z.int().min(1).optional(),
  /**
   * A query that returns one boolean; no pair is begun while it is true. It runs as the migrating role, so it is refused
   * where the operator has not allowed it: see core/steps/throttle.ts.
   */
  holdBackQuery: text(LONGEST_QUERY).optional(),
  /** Refuse UPDATEs that would move a referenced row to another partition, where the FK would act on them silently. */
  rowMovementGuard: z.boolean().default(true),
  /** Build no index: a DELETE or UPDATE on the referenced side scans a referencing partition that has none, as before. */
  noIndexes: z.boolean().default(false),
  /** Leave the indexes that the migration built when it is rolled back. */
  keepIndexes: z.boolean().default(false),
  /** Allow a rollback that blocks writes while it re-checks every row, where no online strategy is possible. */
  allowBlockingRollback: z.boolean().default(false),
  /**
   * Names of the pair FKs once the parent FK is dropped. `auto`: the parent FK's name where it is DEFERRABLE and all leaves are in
   * the table's schema, so that SET CONSTRAINTS by name still works; else the documented names.
   */
  pairConstraintNames: z.enum(['auto', 'documented', 'parent']).default('auto'),
  /**
   * Ids of findings that need acceptance and are accepted, or `all`; without it such a finding refuses the migration. `ID:HASH`
   * accepts it only while it says what it said (core/checks/preflight/acceptance.ts). It holds for what the plan step finds; what comes up
   * later needs acceptance of its own.
   */
  accept: z
    .array(
      z
        .string()
        .max(LONGEST_ID)
        .refine(
          (id) => id === 'all' || FINDING_IDS.includes(id.replace(/:[0-9a-f]{12}$/, '')),
          'must be the id of a finding, or all',
        ),
    )
    .max(MOST_ACCEPTED)
    .default([]),
});

/** What a plan file brings along: all of it, or nothing. */
const OF_A_PLAN = ['planHash', 'planDocumentHash', 'planMadeAt', 'planMadeBy', 'planRestHash'] as const;

/** The input of one execution. What is kept and read by others holds no connection string, in whatever key. */
export const ExecutionInput = ExecutionInputKeys.superRefine((input, context) => {
  for (const key of credentialsIn(input)) context.addIssue({ code: 'custom', path: [key], message: HOLDS_CREDENTIALS });
  // Only planHash is compared with the database, and only with all of them it can be proven that the reviewed document names it.
  const given = OF_A_PLAN.filter((key) => input[key] !== undefined);
  const isHashAlone = given.length === 1 && given[0] === 'planHash';
  if (given.length > 0 && given.length < OF_A_PLAN.length && !isHashAlone)
    context.addIssue({
      code: 'custom',
      message: `${given.join(', ')}: a reviewed plan is named by planHash alone, or by all of ${OF_A_PLAN.join(', ')}, as p2pfk start --plan sends them`,
    });
  if (given.length > 0 && input.operation === 'rollback')
    context.addIssue({ code: 'custom', message: `${given.join(', ')}: a rollback carries out no plan` });
});
export type ExecutionInput = z.infer<typeof ExecutionInput>;
