/**
 * The Lambda functions. The key is the function's name: `lambdas/<name>.ts` is its source, and the Resource of its Task
 * ends in `:function:<name>` in the built definition. Those that are no step of the state machine are in
 * `lambdas/operations/`.
 */

export interface LambdaFunctionSpec {
  /** Name of the Task state that calls it. */
  readonly state: string;
  /**
   * `TimeoutSeconds` of the Task, and the timeout of the function: whichever ran out first would otherwise leave the
   * other one waiting or working for nothing. Lambda allows 900 at most.
   */
  readonly timeoutSeconds: number;
  readonly memoryMib: number;
  /** Its invocations at once are what an execution's `maxConcurrency` says, and each has one or two sessions. */
  readonly perPair?: true;
  /** One line for the Lambda console. */
  readonly description: string;
}

/** What a step takes when it only reads catalogs and writes a few ledger rows. */
const SHORT = 60;
/** A step that cancels statements, waits out one lock budget or compares definitions. */
const MEDIUM = 120;
/** A step that may look at every row; longer work is started, left, and found again. */
const LONGEST = 900;

/** A step that mostly waits for PostgreSQL, up to 15 minutes: what it costs is time times memory. It uses some 90 MiB. */
const WAITING = 256;
/**
 * A step that reads every pair of the migration, or counts milliseconds under an exclusive lock. Memory buys CPU: what it
 * does between two statements takes half as long.
 */
const WORKING = 512;

export const LambdaFunctions = {
  plan: {
    state: 'Plan',
    timeoutSeconds: MEDIUM,
    memoryMib: WORKING,
    description: 'Plans a migration and opens its ledger',
  },
  'build-index': {
    state: 'BuildIndex',
    timeoutSeconds: LONGEST,
    memoryMib: WAITING,
    perPair: true,
    description: 'Builds one missing index',
  },
  'add-foreign-key': {
    state: 'AddForeignKey',
    timeoutSeconds: MEDIUM,
    memoryMib: WAITING,
    perPair: true,
    description: 'Adds one pair FK, NOT VALID',
  },
  'validate-foreign-key': {
    state: 'ValidateForeignKey',
    timeoutSeconds: LONGEST,
    memoryMib: WAITING,
    perPair: true,
    description: 'Validates one pair FK',
  },
  'verify-gate': {
    state: 'VerifyGate',
    timeoutSeconds: LONGEST,
    memoryMib: WORKING,
    description: 'Runs the check before the drop',
  },
  'drop-parent-foreign-key': {
    state: 'DropParentForeignKey',
    timeoutSeconds: MEDIUM,
    memoryMib: WORKING,
    description: 'Drops the parent FK, verified before COMMIT',
  },
  'verify-migration': {
    state: 'VerifyMigration',
    timeoutSeconds: LONGEST,
    memoryMib: WORKING,
    description: 'Runs the six checks',
  },
  fence: {
    state: 'Fence',
    timeoutSeconds: MEDIUM,
    memoryMib: WAITING,
    description: 'Stops all forward work of a migration',
  },
  'restore-parent': {
    state: 'RestoreParentForPair',
    timeoutSeconds: LONGEST,
    memoryMib: WAITING,
    perPair: true,
    description: 'Prepares the return of the parent FK on one partition',
  },
  'attach-parent': {
    state: 'AttachParent',
    timeoutSeconds: LONGEST,
    memoryMib: WAITING,
    description: 'Puts the parent FK back',
  },
  'drop-pair-foreign-keys': {
    state: 'DropPairForeignKeys',
    timeoutSeconds: LONGEST,
    memoryMib: WAITING,
    description: 'Drops what the migration added',
  },
  'verify-rolled-back': {
    state: 'VerifyRolledBack',
    timeoutSeconds: MEDIUM,
    memoryMib: WAITING,
    description: 'Compares the parent FK with the original',
  },
  pause: {
    state: 'Pause',
    timeoutSeconds: SHORT,
    memoryMib: WAITING,
    description: 'Records that the migration waits',
  },
} as const satisfies Readonly<Record<string, LambdaFunctionSpec>>;

export type LambdaName = keyof typeof LambdaFunctions;

export const lambdaNames = Object.keys(LambdaFunctions) as readonly LambdaName[];

/** What watches over migrations, outside of their executions. */
export const OperationFunctions = {
  reconcile: {
    state: 'Reconcile',
    timeoutSeconds: LONGEST,
    memoryMib: WORKING,
    description: 'Brings a migration to rest whose execution died',
  },
  look: {
    state: 'Look',
    timeoutSeconds: SHORT,
    memoryMib: WAITING,
    description: 'Looks for migrations whose execution died',
  },
  audit: {
    state: 'Audit',
    timeoutSeconds: MEDIUM,
    memoryMib: WORKING,
    description: 'Looks for partitions without a working foreign key',
  },
} as const satisfies Readonly<Record<string, LambdaFunctionSpec>>;

export type OperationName = keyof typeof OperationFunctions;

/** Every bundle that `npm run build` makes. */
export const bundleNames: readonly string[] = [...lambdaNames, ...Object.keys(OperationFunctions)];
