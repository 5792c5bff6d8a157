/** Finds the code of a step: `core/steps/<direction>/<function name>.ts`. */
import * as z from 'zod';
import { type StepName, Steps } from '../contracts/steps/catalogue.ts';
import type { StepDefinition } from '../contracts/steps/definition.ts';
import type { LambdaFunction } from './step.ts';

/** Loads a step at its first call, so that `plan` alone does not load all of them. These patterns let a bundler find the files. */
const load: Readonly<Record<StepDefinition['direction'], (name: string) => Promise<unknown>>> = {
  forward: (name) => import(`./forward/${name}.ts`),
  rollback: (name) => import(`./rollback/${name}.ts`),
  pause: (name) => import(`./pause/${name}.ts`),
};

/**
 * @returns the function of a step
 * @throws Error where the file exports no `step`, or one with another name
 */
export async function loadStep(name: StepName): Promise<LambdaFunction> {
  const { direction } = Steps[name];
  const { data: loaded } = Loaded.safeParse(await load[direction](name));
  if (loaded?.step.name === name) return loaded.step;
  throw new Error(`core/steps/${direction}/${name}.ts exports no step '${name}'`);
}

const Loaded = z.object({
  step: z.custom<LambdaFunction>((step) => Named.safeParse(step).success),
});
const Named = z.object({ name: z.string(), prepare: z.instanceof(Function) });
