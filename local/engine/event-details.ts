/** Details of history events, in AWS's shapes. */
import type { HistoryEvent } from '../../core/contracts/history-event.ts';

/** The `...EventDetails` fields of a history event. */
export type Details = Partial<HistoryEvent>;

/** @returns the input as JSON text, with the marker that it is complete */
export function inputDetails(value: unknown): { input: string; inputDetails: { truncated: boolean } } {
  return { input: JSON.stringify(value) ?? 'null', inputDetails: { truncated: false } };
}

/** @returns the output as JSON text, with the marker that it is complete */
export function outputDetails(value: unknown): { output: string; outputDetails: { truncated: boolean } } {
  return { output: JSON.stringify(value) ?? 'null', outputDetails: { truncated: false } };
}

/** A Lambda function that is about to be called. */
export interface LambdaScheduled {
  readonly resource: string;
  readonly input: unknown;
  /** The Task's `TimeoutSeconds`, where it has one. */
  readonly timeoutInSeconds?: number;
}

/** @returns details of LambdaFunctionScheduled */
export function scheduledDetails({ resource, input, timeoutInSeconds }: LambdaScheduled): Details {
  return {
    lambdaFunctionScheduledEventDetails: {
      resource,
      ...inputDetails(input),
      ...(timeoutInSeconds === undefined ? {} : { timeoutInSeconds }),
    },
  };
}

/** How an attempt of a Lambda function ended. */
export type LambdaEnded =
  | { readonly type: 'LambdaFunctionSucceeded'; readonly output: unknown }
  | { readonly type: 'LambdaFunctionFailed'; readonly error: string; readonly cause: string }
  | { readonly type: 'LambdaFunctionTimedOut' };

/** @returns details of the event with which an attempt ends */
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

/** @returns details of an event of one iteration; `name` is the Map's */
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
