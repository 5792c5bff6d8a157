/** The Lambda functions of the state machine, for calls within this process. */
import { forEachStep, type StepName } from '../core/contracts/steps/catalogue.ts';
import type { LambdaHandler, Sessions } from '../lambdas/handler.ts';

/** Sessions of executions that run in this process, by their ARN: local/sessions/kept-sessions.ts. Other calls open their own. */
const sessionsOfExecutions = new Map<string, Sessions>();

/** From now on the steps of this execution share its sessions; undefined: each opens its own. */
export function shareSessions(execution: string, sessions: Sessions | undefined): void {
  if (sessions) sessionsOfExecutions.set(execution, sessions);
  else sessionsOfExecutions.delete(execution);
}

/**
 * Handlers by the function's name, which is the end of a Task's Resource. A step and the driver are loaded at the first call,
 * because most commands call none.
 */
export const handlers: Readonly<Record<StepName, LambdaHandler>> = forEachStep((name) => async (event, context) => {
  const [{ loadStep }, { handlerOf, NEW_SESSIONS }] = await Promise.all([
    import('../core/steps/catalogue.ts'),
    import('../lambdas/handler.ts'),
  ]);
  const sessionsOf = (execution = '') => sessionsOfExecutions.get(execution) ?? NEW_SESSIONS;
  return handlerOf(await loadStep(name), sessionsOf)(event, context);
});
