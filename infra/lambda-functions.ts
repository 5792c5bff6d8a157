/**
 * The Lambda functions: those of the step catalogue, and those of operations, which are not steps of the state machine and have
 * their entries in `lambdas/operations/`. In the built definition the Resource of a Task ends in `:function:<name>`.
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

/**
 * Settings of one function.
 *
 * @internal
 */
export interface LambdaFunctionSpec extends LambdaSettings {
  /** Name of the Task state that calls it. */
  readonly state: string;
  /**
   * Whether it works on one pair. Such a function is invoked up to `maxConcurrency` times at once, and each invocation has one or
   * two sessions.
   */
  readonly perPair: boolean;
}

/**
 * Functions that are steps of the state machine, by name.
 *
 * @internal
 */
export const LambdaFunctions = forEachStep((name): LambdaFunctionSpec => {
  const { state, lambda, perPair }: StepDefinition = Steps[name];
  return { state, ...lambda, perPair: perPair !== undefined };
});

/** Functions that watch over migrations from outside their executions, by name. */
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

/**
 * Names of all functions, whose handlers `npm run build` bundles.
 *
 * @internal
 */
export const bundleNames: readonly string[] = [...stepNames, ...Object.keys(OperationFunctions)];

/**
 * The name under which the bundle exports the handler of a function: `addForeignKey` of `add-foreign-key`.
 *
 * @internal
 */
export function handlerExport(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
