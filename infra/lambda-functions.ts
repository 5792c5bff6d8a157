/**
 * The Lambda functions, one a step. The key is the function's name: `lambdas/<name>.ts` is its source, and the Resource
 * of its Task ends in `:function:<name>` in the built definition.
 */

export interface LambdaFunctionSpec {
  /** Name of the Task state that calls it. */
  readonly state: string;
  /**
   * `TimeoutSeconds` of the Task, and the timeout of the function: whichever ran out first would otherwise leave the
   * other one waiting or working for nothing. Lambda allows 900 at most.
   */
  readonly timeoutSeconds: number;
  /** One line for the Lambda console. */
  readonly description: string;
}

/** What a step takes when it only reads catalogs and writes a few ledger rows. */
const SHORT = 60;
/** A step that cancels statements, waits out one lock budget or compares definitions. */
const MEDIUM = 120;
/** A step that may look at every row; longer work is started, left, and found again. */
const LONGEST = 900;

export const LambdaFunctions = {
  plan: { state: 'Plan', timeoutSeconds: MEDIUM, description: 'Plans a migration and opens its ledger' },
  'build-index': { state: 'BuildIndex', timeoutSeconds: LONGEST, description: 'Builds one missing index' },
  'add-foreign-key': { state: 'AddForeignKey', timeoutSeconds: SHORT, description: 'Adds one pair FK, NOT VALID' },
  'validate-foreign-key': {
    state: 'ValidateForeignKey',
    timeoutSeconds: LONGEST,
    description: 'Validates one pair FK',
  },
  'verify-gate': { state: 'VerifyGate', timeoutSeconds: LONGEST, description: 'Runs the check before the drop' },
  'drop-parent-foreign-key': {
    state: 'DropParentForeignKey',
    timeoutSeconds: MEDIUM,
    description: 'Drops the parent FK, verified before COMMIT',
  },
  'verify-migration': { state: 'VerifyMigration', timeoutSeconds: LONGEST, description: 'Runs the six checks' },
  fence: { state: 'Fence', timeoutSeconds: MEDIUM, description: 'Stops all forward work of a migration' },
  'restore-parent': {
    state: 'RestoreParentForPair',
    timeoutSeconds: LONGEST,
    description: 'Prepares the return of the parent FK on one partition',
  },
  'attach-parent': { state: 'AttachParent', timeoutSeconds: LONGEST, description: 'Puts the parent FK back' },
  'drop-pair-foreign-keys': {
    state: 'DropPairForeignKeys',
    timeoutSeconds: LONGEST,
    description: 'Drops what the migration added',
  },
  'verify-rolled-back': {
    state: 'VerifyRolledBack',
    timeoutSeconds: MEDIUM,
    description: 'Compares the parent FK with the original',
  },
  pause: { state: 'Pause', timeoutSeconds: SHORT, description: 'Records that the migration waits' },
} as const satisfies Readonly<Record<string, LambdaFunctionSpec>>;

export type LambdaName = keyof typeof LambdaFunctions;

export const lambdaNames = Object.keys(LambdaFunctions) as readonly LambdaName[];
