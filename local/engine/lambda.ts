/** The context object of Lambda handlers that run in this process. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import type { TaskDefinition } from './definition.ts';
import { MAX_LAMBDA_MS } from './limits.ts';

/** A Lambda handler: the same function that `lambdas/<name>.ts` exports as `handler`. */
export type Handler = (event: unknown, context: Context) => Promise<unknown>;

/** Function name -> its handler. */
export type Handlers = Readonly<Record<string, Handler>>;

/**
 * Lambda's context object for one invocation. `getRemainingTimeInMillis` counts down from the Task's `TimeoutSeconds`, or from
 * Lambda's own 15 minutes where that is less, so a handler that relies on it stops in time locally as in AWS. Unlike Lambda, the
 * engine does not stop a handler that runs longer: the Task fails with States.Timeout and the handler continues.
 */
export function lambdaContext(task: TaskDefinition, overrides: Partial<Context>): Context {
  const deadline = Date.now() + Math.min(task.timeoutSeconds * 1000, MAX_LAMBDA_MS);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: task.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: task.resource,
    memoryLimitInMB: '256',
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${task.functionName}`,
    logStreamName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: () => {},
    fail: () => {},
    succeed: () => {},
    ...overrides,
  };
}
