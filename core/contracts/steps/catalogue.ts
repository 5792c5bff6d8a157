/**
 * The catalogue of steps. One entry is one Lambda function of the state machine, and the only place that gives its names, labels,
 * event and result. The state machine, the functions of AWS and their local twins, the event budget, the metrics, the progress and
 * the report are made from it. What runs a step is `core/steps/<direction>/<function name>.ts`.
 */
import type { PerPair, StepDefinition } from './definition.ts';
import { forwardSteps, pauseSteps } from './forward.ts';
import { rollbackSteps } from './rollback.ts';

export const Steps = { ...forwardSteps, ...rollbackSteps, ...pauseSteps };

/** Name of the Lambda function of a step, such as `add-foreign-key`. */
export type StepName = keyof typeof Steps;

/** As [name, definition], forward path first, each branch in its order. */
export const stepEntries = Object.entries(Steps) as readonly (readonly [StepName, StepDefinition])[];

/** @throws Error where it is not in the catalogue */
export function nameOfStep({ state }: StepDefinition): StepName {
  const found = stepEntries.find(([, step]) => step.state === state);
  if (found === undefined) throw new Error(`${state} is no step of the catalogue`);
  return found[0];
}

export const stepNames: readonly StepName[] = stepEntries.map(([name]) => name);

/** @param state name of a Task state; null for one of another version of the state machine */
export function stepOfState(state: string): StepDefinition | null {
  return stepEntries.find(([, step]) => step.state === state)?.[1] ?? null;
}

/** The steps of one branch of the state machine, in their order. */
export function stepsOf(direction: StepDefinition['direction']): readonly (readonly [StepName, StepDefinition])[] {
  return stepEntries.filter(([, step]) => step.direction === direction);
}

/** Name of a part of a pair's work, as the report shows it. */
export type StageName = Extract<(typeof Steps)[StepName], { readonly perPair: PerPair }>['perPair']['stage']['id'];

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

/** Name of a step in the ledger's events: that of its Map state, or of its Task where there is none. */
export function ledgerStepOf(name: StepName): string {
  const step: StepDefinition = Steps[name];
  return step.perPair?.map.id ?? step.state;
}

/** One value for each step, made from its name. */
export function forEachStep<T>(make: (name: StepName) => T): Readonly<Record<StepName, T>> {
  // Complete, because it is made from the keys of the catalogue: Object.fromEntries cannot know that.
  return Object.fromEntries(stepNames.map((name) => [name, make(name)])) as Record<StepName, T>;
}
