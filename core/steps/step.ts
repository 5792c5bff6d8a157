/** A Lambda function, as its handler calls it: a check of the event, and the code to run. */
import type * as z from 'zod';
import { InvalidInput } from '../contracts/errors.ts';
import { problemOf } from '../contracts/problems.ts';
import { nameOfStep } from '../contracts/steps/catalogue.ts';
import type { StepDefinition } from '../contracts/steps/definition.ts';
import type { StepContext } from './context.ts';

/** A function before a call. */
export interface LambdaFunction {
  readonly name: string;
  /** @throws InvalidInput where the event has another shape */
  prepare(event: unknown): PreparedCall;
}

/** A function with a checked event. */
export interface PreparedCall {
  /** The event in its declared shape. */
  readonly event: unknown;
  run(context: StepContext): Promise<unknown>;
}

/** Makes a function from its name, the schema of its event, and its code. */
export function defineFunction<Event extends z.ZodType>(
  name: string,
  schema: Event,
  run: (context: StepContext, event: z.infer<Event>) => Promise<unknown>,
): LambdaFunction {
  return {
    name,
    prepare(event) {
      const parsed = parse(name, schema, event);
      return { event: parsed, run: (context) => run(context, parsed) };
    },
  };
}

/**
 * Makes a step. Every file of `core/steps/<direction>/` exports one as `step`; event and result have to have the types that the
 * catalogue declares.
 *
 * @example
 * export const step = defineStep(Steps['verify-gate'], verifyGate);
 */
export function defineStep<Event extends z.ZodType, Result extends z.ZodType>(
  definition: StepDefinition<Event, Result>,
  run: (context: StepContext, event: z.infer<Event>) => Promise<z.infer<Result>>,
): LambdaFunction {
  return defineFunction(nameOfStep(definition), definition.event, run);
}

function parse<Event extends z.ZodType>(name: string, schema: Event, event: unknown): z.infer<Event> {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => problemOf(issue, 'event'));
  throw new InvalidInput(`the event of function ${name} is not valid: ${problems.join('; ')}`);
}
