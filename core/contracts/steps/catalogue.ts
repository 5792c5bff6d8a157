/**
 * The catalogue of steps. One entry is one Lambda function of the state machine, and the only place with its names, labels, event
 * and result. The state machine, the functions of AWS and their local counterparts, the event budget, the metrics, the progress
 * and the report are made from it. The code of a step is in `core/steps/<direction>/<function name>.ts`.
 */
import type { PerPair, StepDefinition } from './definition.ts';
import { forwardSteps, pauseSteps } from './forward.ts';
import { rollbackSteps } from './rollback.ts';

/** All steps, by function name. */
export const Steps = { ...forwardSteps, ...rollbackSteps, ...pauseSteps };

/** Name of the Lambda function of a step, for example `add-foreign-key`. */
export type StepName = keyof typeof Steps;

/** [name, definition] of each step, forward path first, each branch in its order. */
export const stepEntries = Object.entries(Steps) as readonly (readonly [StepName, StepDefinition])[];

/** @throws Error where the step is not in the catalogue */
export function nameOfStep({ state }: StepDefinition): StepName {
  const found = stepEntries.find(([, step]) => step.state === state);
  if (found === undefined) throw new Error(`${state} is no step of the catalogue`);
  return found[0];
}

/** Names of all steps, forward path first. */
export const stepNames: readonly StepName[] = stepEntries.map(([name]) => name);

/**
 * The step that a Task state calls.
 *
 * @param state name of a Task state
 * @returns null where this version of the state machine has no such Task
 */
export function stepOfState(state: string): StepDefinition | null {
  return stepEntries.find(([, step]) => step.state === state)?.[1] ?? null;
}

/** The steps of one branch of the state machine, in their order. */
export function stepsOf(direction: StepDefinition['direction']): readonly (readonly [StepName, StepDefinition])[] {
  return stepEntries.filter(([, step]) => step.direction === direction);
}

/** Id of a part of a pair's work, as the report shows it. */
export type StageName = Extract<(typeof Steps)[StepName], { readonly perPair: PerPair }>['perPair']['stage']['id'];

/** A step that runs for each pair. */
export interface PairStepDefinition extends StepDefinition {
  readonly perPair: PerPair & { readonly stage: { readonly id: StageName } };
}

/** Steps that a Map state runs for each pair, forward path first. */
export const pairSteps: readonly PairStepDefinition[] = Object.values(Steps).flatMap((step) =>
  'perPair' in step ? [step] : [],
);

/** The step on one pair that a Task state calls; null where it works on the whole migration. */
export function pairStepOfState(state: string): PairStepDefinition | null {
  return pairSteps.find((step) => step.state === state) ?? null;
}

/** Name of a step in the ledger's events: that of its Map state, or of its Task where there is no Map. */
export function ledgerStepOf(name: StepName): string {
  const step: StepDefinition = Steps[name];
  return step.perPair?.map.id ?? step.state;
}

/** One value for each step, made from its name. */
export function forEachStep<T>(make: (name: StepName) => T): Readonly<Record<StepName, T>> {
  // Complete, because it is made from the keys of the catalogue, which the type of Object.fromEntries cannot express.
  return Object.fromEntries(stepNames.map((name) => [name, make(name)])) as Record<StepName, T>;
}
