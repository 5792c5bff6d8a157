/** The Lambda functions of the state machine, called in this process. */
import { forEachStep, type StepName } from '../core/contracts/steps/catalogue.ts';
import type { LambdaHandler } from '../lambdas/handler.ts';

/**
 * By the function's name, which is the end of a Task's Resource. A step and the driver are loaded when they are first called: most
 * commands call none.
 */
export const handlers: Readonly<Record<StepName, LambdaHandler>> = forEachStep((name) => async (event, context) => {
  const [{ loadStep }, { handlerOf }] = await Promise.all([
    import('../core/steps/catalogue.ts'),
    import('../lambdas/handler.ts'),
  ]);
  return handlerOf(await loadStep(name))(event, context);
});
