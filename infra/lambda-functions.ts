/**
 * The Lambda functions: those of the catalogue of steps, and those that are no step of the state machine, whose entries are in
 * `lambdas/operations/`. The Resource of a Task ends in `:function:<name>` in the built definition.
 */
import { forEachStep, Steps, stepNames } from '../core/contracts/steps/catalogue.ts';
import {
  type LambdaSettings,
  LONGEST_SECONDS,
  MEDIUM_SECONDS,
  SHORT_SECONDS,
  type StepDefinition,
  WAITING_MIB,
  WORKING_MIB,
} from '../core/contracts/steps/definition.ts';

export interface LambdaFunctionSpec extends LambdaSettings {
  /** Name of the Task state that calls it. */
  readonly state: string;
  /** Its invocations at once are what an execution's `maxConcurrency` says, and each has one or two sessions. */
  readonly perPair: boolean;
}

export const LambdaFunctions = forEachStep((name): LambdaFunctionSpec => {
  const { state, lambda, perPair }: StepDefinition = Steps[name];
  return { state, ...lambda, perPair: perPair !== undefined };
});

/** What watches over migrations, outside of their executions. */
export const OperationFunctions = {
  reconcile: {
    state: 'Reconcile',
    timeoutSeconds: LONGEST_SECONDS,
    memoryMib: WORKING_MIB,
    perPair: false,
    description: 'Brings a migration to rest whose execution died',
  },
  look: {
    state: 'Look',
    timeoutSeconds: SHORT_SECONDS,
    memoryMib: WAITING_MIB,
    perPair: false,
    description: 'Looks for migrations whose execution died',
  },
  audit: {
    state: 'Audit',
    timeoutSeconds: MEDIUM_SECONDS,
    memoryMib: WORKING_MIB,
    perPair: false,
    description: 'Looks for partitions without a working foreign key',
  },
} as const satisfies Readonly<Record<string, LambdaFunctionSpec>>;

export type OperationName = keyof typeof OperationFunctions;

/** Every bundle that `npm run build` makes. */
export const bundleNames: readonly string[] = [...stepNames, ...Object.keys(OperationFunctions)];
