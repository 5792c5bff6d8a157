/** The input of an execution: of `p2pfk migrate` and of the state machine in AWS. */
import * as z from 'zod';
import { areFreeNames, HOLDS_CREDENTIALS, isFree } from './credentials.ts';
import { FINDING_IDS } from './finding-ids.ts';
import { INPUT_OPTIONS, type InputKey } from './options/all.ts';
import { StatedPerson, StatedReason } from './person.ts';
import { strictObject } from './problems.ts';

const PlanHash = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be the hash of a saved plan');

/**
 * A text of limited length; every text and list of the input is limited. DescribeExecution and StartExecution return the input,
 * and what is larger than Step Functions' 262,144 bytes ends an execution with an error that States.ALL does not catch. The input
 * is kept and read by others, so no text of it may contain a connection string; all its texts have this type.
 */
const text = ({ longest }: { readonly longest: number }, isKept = isFree) =>
  z.string().min(1).max(longest, `must have at most ${longest} characters`).refine(isKept, HOLDS_CREDENTIALS);
/** As SQL writes it: what is in double quotes is a name, also where it looks like a password. */
const sqlNames = (option: { readonly longest: number }) => text(option, areFreeNames);
const whole = ({ min, max }: { readonly min: number; readonly max?: number }) => {
  const number = z.int().min(min);
  return max === undefined ? number : number.max(max);
};
const choice = <const Choices extends readonly [string, ...string[]]>({ choices }: { readonly choices: Choices }) =>
  z.enum(choices).default(choices[0]);
const toggle = ({ default: initially }: { readonly default: boolean }) => z.boolean().default(initially);

const MOST_ACCEPTED = 100;
/** Id of a finding, with the hash of its message. */
const LONGEST_ID = 50;
const FindingId = z
  .string()
  .max(LONGEST_ID)
  .refine(
    (id) => id === 'all' || FINDING_IDS.includes(id.replace(/:[0-9a-f]{12}$/, '')),
    'must be the id of a finding, or all',
  );

/** ISO 8601. Limited, because the fraction of a second could have any length. */
const Instant = z.iso.datetime({ offset: true }).max(100);

const o = INPUT_OPTIONS;

/**
 * Each key by itself, without rules about their combination; core/contracts/options/ declares and describes the keys. Unknown keys
 * are refused, so that a typing error is not ignored.
 */
export const ExecutionInputKeys = strictObject({
  table: sqlNames(o.table),
  constraint: sqlNames(o.constraint).optional(),
  searchPath: sqlNames(o.searchPath).optional(),
  ledgerOwner: text(o.ledgerOwner).optional(),
  operation: choice(o.operation),
  migrationId: z
    .string()
    .regex(/^[1-9]\d{0,17}$/, 'must be the id of a migration in the ledger')
    .optional(),
  dryRun: toggle(o.dryRun),
  relink: toggle(o.relink),
  maxConcurrency: whole(o.maxConcurrency).default(o.maxConcurrency.default),
  lockTimeoutMs: whole(o.lockTimeoutMs).default(o.lockTimeoutMs.default),
  deadline: Instant.optional(),
  opensAt: Instant.optional(),
  windowMinutes: whole(o.windowMinutes).optional(),
  approval: choice(o.approval),
  approvalTimeoutSeconds: whole(o.approvalTimeoutSeconds).default(o.approvalTimeoutSeconds.default),
  approverMustDiffer: toggle(o.approverMustDiffer),
  by: StatedPerson.optional(),
  reason: StatedReason.optional(),
  planHash: PlanHash.optional(),
  planDocumentHash: PlanHash.optional(),
  planRestHash: PlanHash.optional(),
  planMadeAt: Instant.optional(),
  planMadeBy: StatedPerson.optional(),
  rehearse: toggle(o.rehearse),
  terminateIdleBlockersAfterSeconds: whole(o.terminateIdleBlockersAfterSeconds).optional(),
  maintenanceWorkMemMb: whole(o.maintenanceWorkMemMb).optional(),
  proofMaxAgeSeconds: whole(o.proofMaxAgeSeconds).default(o.proofMaxAgeSeconds.default),
  recount: choice(o.recount),
  maxReplicaLagSeconds: z.number().positive().optional(),
  maxSnapshotAgeSeconds: whole(o.maxSnapshotAgeSeconds).optional(),
  maxActiveSessions: whole(o.maxActiveSessions).optional(),
  holdBackQuery: text(o.holdBackQuery).optional(),
  rowMovementGuard: toggle(o.rowMovementGuard),
  noIndexes: toggle(o.noIndexes),
  keepIndexes: toggle(o.keepIndexes),
  allowBlockingRollback: toggle(o.allowBlockingRollback),
  pairConstraintNames: choice(o.pairConstraintNames),
  accept: z.array(FindingId).max(MOST_ACCEPTED).default([]),
} satisfies Readonly<Record<InputKey, z.ZodType>>);

/** Keys that a plan file sets: all of them, or none. */
const OF_A_PLAN = ['planHash', 'planDocumentHash', 'planMadeAt', 'planMadeBy', 'planRestHash'] as const;

/** The input of one execution. */
export const ExecutionInput = ExecutionInputKeys.superRefine((input, context) => {
  // Only planHash is compared with the database, and only with all of these keys it can be proven that the reviewed document
  // contains it.
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
