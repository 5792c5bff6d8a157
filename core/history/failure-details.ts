import type { HistoryEvent } from '@aws-sdk/client-sfn';

/** Error and cause of an event that tells a failure: each type of event keeps them under a name of its own. */
export function failureDetails(
  event: HistoryEvent,
): { readonly error?: string | undefined; readonly cause?: string | undefined } | undefined {
  return (
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.executionFailedEventDetails ??
    event.executionTimedOutEventDetails ??
    event.executionAbortedEventDetails
  );
}
