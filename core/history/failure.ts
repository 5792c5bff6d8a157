import { type NamedError, readCause } from '../contracts/cause.ts';
import type { HistoryEvent } from '../contracts/history-event.ts';

/**
 * Error name and message of an event that reports a failure; either is empty where the event does not have it.
 *
 * @returns null for any other event, and for a Map or an iteration that failed: these events have no error of their own
 */
export function failureOf(event: HistoryEvent): NamedError | null {
  const details = detailsOf(event);
  const timedOut = (event.type ?? '').endsWith('TimedOut');
  if (details === undefined && !timedOut) return null;
  const { name, message } = readCause(details?.cause);
  return { name: details?.error || name || (timedOut ? 'States.Timeout' : ''), message };
}

/** Each type of event has them under a name of its own. */
function detailsOf(event: HistoryEvent) {
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
