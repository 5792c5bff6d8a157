/** The Lambda functions of the state machine, for calls within this process. */
import { forEachStep, type StepName } from '../core/contracts/steps/catalogue.ts';
import type { LambdaHandler } from '../lambdas/handler.ts';

/**
 * Handlers by the function's name, which is the end of a Task's Resource. A step and the driver are loaded at the first call,
 * because most commands call none.
 */
export const handlers: Readonly<Record<StepName, LambdaHandler>> = forEachStep((name) => async (event, context) => {
  const [{ loadStep }, { handlerOf }] = await Promise.all([
    import('../core/steps/catalogue.ts'),
    import('../lambdas/handler.ts'),
  ]);
  return handlerOf(await loadStep(name))(event, context);
});
