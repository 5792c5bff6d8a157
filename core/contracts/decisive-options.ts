/** The options that decide what a migration does and what it leaves behind. All others decide when and how fast. */
import type { AcceptedFinding } from './documents.ts';
import { ExecutionInput, ExecutionInputKeys } from './execution-input.ts';
import { visible } from './safe-text.ts';

/** Options that decide which statements are run: a plan is made for them. */
export const DECISIVE_OPTIONS = [
  'noIndexes',
  'rowMovementGuard',
  'pairConstraintNames',
  'keepIndexes',
  'allowBlockingRollback',
] as const satisfies (keyof ExecutionInput)[];

/** Whether an approval of the drop depends on it. Every key of the input is here: a new one does not compile before that is decided. */
const IS_DECISIVE = {
  noIndexes: true,
  rowMovementGuard: true,
  pairConstraintNames: true,
  keepIndexes: true,
  allowBlockingRollback: true,
  // Whose code the drop runs, with whose rights, and whose sessions it ends.
  searchPath: true,
  ledgerOwner: true,
  terminateIdleBlockersAfterSeconds: true,
  // How old the proof may be that no row is an orphan.
  proofMaxAgeSeconds: true,
  // Compared as the findings that were accepted by it.
  accept: false,
  // An approval belongs to one migration.
  table: false,
  constraint: false,
  operation: false,
  migrationId: false,
  // These end before the drop.
  dryRun: false,
  rehearse: false,
  relink: false,
  maxConcurrency: false,
  lockTimeoutMs: false,
  deadline: false,
  opensAt: false,
  windowMinutes: false,
  maintenanceWorkMemMb: false,
  recount: false,
  maxReplicaLagSeconds: false,
  // A step that holds one for longer is a finding, which is compared.
  maxSnapshotAgeSeconds: false,
  maxActiveSessions: false,
  holdBackQuery: false,
  approval: false,
  approvalTimeoutSeconds: false,
  // Later executions keep it, even if their input differs.
  approverMustDiffer: false,
  by: false,
  reason: false,
  // The plan step compares a reviewed plan with the database; it decides nothing that is not decided above.
  planHash: false,
  planDocumentHash: false,
  planRestHash: false,
  planMadeAt: false,
  planMadeBy: false,
} as const satisfies Record<keyof ExecutionInput, boolean>;

type Decisive = {
  [Key in keyof typeof IS_DECISIVE]: (typeof IS_DECISIVE)[Key] extends true ? Key : never;
}[keyof ExecutionInput];

const KEYS = Object.keys(ExecutionInputKeys.shape) as (keyof ExecutionInput)[];
const DECISIVE = KEYS.filter((key): key is Decisive => IS_DECISIVE[key]);

/** Options as the ledger keeps them: those of an older edition or of the psql scripts have fewer keys. */
export interface KeptOptions extends Partial<Pick<ExecutionInput, Decisive>> {
  readonly accepted?: readonly Pick<AcceptedFinding, 'id' | 'message'>[] | undefined;
  /** Whose code may run with the rights of the login, besides those that may become it. */
  readonly trustedOwners?: readonly string[] | undefined;
}

const DEFAULTS = ExecutionInput.parse({ table: 'T' });

function effective(options: KeptOptions, key: Decisive): string {
  return JSON.stringify(options[key] ?? DEFAULTS[key] ?? null);
}

/** All that an approval depends on, as one text. */
export function decisiveText(options: KeptOptions): string {
  const accepted = (options.accepted ?? []).map(({ id, message }) => [id, message]);
  return JSON.stringify([DECISIVE.map((key) => [key, effective(options, key)]), accepted, options.trustedOwners ?? []]);
}

/**
 * What the person who approved did not see: decisive options with another value, and what was accepted or trusted since.
 */
function changedSince(approved: KeptOptions, now: KeptOptions): string[] {
  const before = approved.accepted ?? [];
  const added = (now.accepted ?? []).filter(
    ({ id, message }) => !before.some((one) => one.id === id && one.message === message),
  );
  return [
    ...DECISIVE.filter((key) => effective(approved, key) !== effective(now, key)),
    ...new Set(added.map(({ id }) => `accept ${id}`)),
    ...(now.trustedOwners ?? [])
      .filter((owner) => !approved.trustedOwners?.includes(owner))
      .map((owner) => `trust-owner ${visible(owner)}`),
  ];
}

/**
 * Completes "does not count:" where an approval was given for a drop that does something else; null: for this one.
 *
 * @param approved options as they were when it was approved; null where the ledger does not know them
 * @example
 * notApproved({ noIndexes: false }, { noIndexes: true }) === 'the options have changed since: noIndexes'
 */
export function notApproved(approved: KeptOptions | null | undefined, now: KeptOptions): string | null {
  if (!approved) return 'it was given before the ledger noted which options it is for';
  const changed = changedSince(approved, now);
  return changed.length === 0 ? null : `the options have changed since: ${changed.join(', ')}`;
}

/** Keys that identify the migration, its person and reason, the approval itself, or are shown in another form. */
const NOT_SHOWN: ReadonlySet<string> = new Set([
  'table',
  'constraint',
  'operation',
  'migrationId',
  'approval',
  'approvalTimeoutSeconds',
  'by',
  'reason',
  'accept',
  'planHash',
  'planDocumentHash',
  'planRestHash',
  'planMadeAt',
  'planMadeBy',
] satisfies (keyof ExecutionInput)[]);

/** For the person who approves: the options that are not the defaults. */
export function beyondDefaults(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const shown = KEYS.filter(
    (key) =>
      !NOT_SHOWN.has(key) &&
      options[key] !== undefined &&
      JSON.stringify(options[key]) !== JSON.stringify(DEFAULTS[key]),
  );
  const { trustedOwners } = options;
  const trusted = Array.isArray(trustedOwners) && trustedOwners.length > 0 ? { trustedOwners } : {};
  return { ...Object.fromEntries(shown.map((key) => [key, options[key]])), ...trusted };
}
