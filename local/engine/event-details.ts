/** The details of history events. */
import type { HistoryEvent } from '../../core/contracts/history-event.ts';

export type Details = Partial<HistoryEvent>;

export function inputDetails(value: unknown): { input: string; inputDetails: { truncated: boolean } } {
  return { input: JSON.stringify(value) ?? 'null', inputDetails: { truncated: false } };
}

export function outputDetails(value: unknown): { output: string; outputDetails: { truncated: boolean } } {
  return { output: JSON.stringify(value) ?? 'null', outputDetails: { truncated: false } };
}

export interface LambdaScheduled {
  readonly resource: string;
  readonly input: unknown;
  /** Seconds, where the Task names them. */
  readonly timeoutInSeconds?: number;
}

export function scheduledDetails({ resource, input, timeoutInSeconds }: LambdaScheduled): Details {
  return {
    lambdaFunctionScheduledEventDetails: {
      resource,
      ...inputDetails(input),
      ...(timeoutInSeconds === undefined ? {} : { timeoutInSeconds }),
    },
  };
}

export type LambdaEnded =
  | { readonly type: 'LambdaFunctionSucceeded'; readonly output: unknown }
  | { readonly type: 'LambdaFunctionFailed'; readonly error: string; readonly cause: string }
  | { readonly type: 'LambdaFunctionTimedOut' };

export function endDetails(end: LambdaEnded): Details {
  switch (end.type) {
    case 'LambdaFunctionSucceeded':
      return { lambdaFunctionSucceededEventDetails: outputDetails(end.output) };
    case 'LambdaFunctionFailed':
      return { lambdaFunctionFailedEventDetails: { error: end.error, cause: end.cause } };
    case 'LambdaFunctionTimedOut':
      return { lambdaFunctionTimedOutEventDetails: { error: 'States.Timeout' } };
  }
}

type IterationEvent = 'MapIterationStarted' | 'MapIterationSucceeded' | 'MapIterationFailed' | 'MapIterationAborted';

export function iterationDetails(type: IterationEvent, name: string, index: number): Details {
  const details = { name, index };
  switch (type) {
    case 'MapIterationStarted':
      return { mapIterationStartedEventDetails: details };
    case 'MapIterationSucceeded':
      return { mapIterationSucceededEventDetails: details };
    case 'MapIterationFailed':
      return { mapIterationFailedEventDetails: details };
    case 'MapIterationAborted':
      return { mapIterationAbortedEventDetails: details };
  }
}
