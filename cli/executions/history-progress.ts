/**
 * An execution's history in AWS -> the events that progress is made of. Events of a Task (`LambdaFunctionScheduled` ...)
 * do not name their state: it is found by following `previousEventId` to the `TaskStateEntered` they come from. Pure.
 */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { failureDetails } from '../../core/history/failure-details.ts';
import { type ProgressEvent, readError } from '../progress/events.ts';

/** What has to be remembered between two pages. */
interface Known {
  readonly state: string;
  readonly input: unknown;
  readonly attempt: number;
  readonly failed: boolean;
}

export interface HistoryReader {
  /** Id of the last event seen; 0 before the first. */
  readonly lastId: number;
  /** New events, oldest first. Those that were seen before are passed over. */
  read(events: readonly HistoryEvent[]): ProgressEvent[];
}

export function createHistoryReader(): HistoryReader {
  const known = new Map<number, Known>();
  let lastId = 0;
  return {
    get lastId() {
      return lastId;
    },
    read(events) {
      return events.flatMap((event) => {
        const id = event.id ?? 0;
        if (id <= lastId) return [];
        lastId = id;
        return translate(event, known);
      });
    },
  };
}

function json(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function translate(event: HistoryEvent, known: Map<number, Known>): ProgressEvent[] {
  const id = event.id ?? 0;
  const before = known.get(event.previousEventId ?? 0);
  const timestamp = event.timestamp ?? 0;
  const at = { state: before?.state ?? '', attempt: before?.attempt ?? 1, input: before?.input, timestamp };

  switch (event.type) {
    case 'TaskStateEntered': {
      const state = event.stateEnteredEventDetails?.name ?? '';
      const input = json(event.stateEnteredEventDetails?.input);
      known.set(id, { state, input, attempt: 0, failed: false });
      return [{ type: 'StateEntered', state, input, timestamp }];
    }
    case 'LambdaFunctionScheduled':
    case 'TaskScheduled': {
      const details = event.lambdaFunctionScheduledEventDetails?.input ?? event.taskScheduledEventDetails?.parameters;
      const input = json(details) ?? before?.input;
      const attempt = (before?.attempt ?? 0) + 1;
      known.set(id, { state: at.state, input, attempt, failed: false });
      const scheduled: ProgressEvent = { type: 'TaskScheduled', state: at.state, attempt, input, timestamp };
      return before?.failed === true ? [{ ...scheduled, type: 'TaskRetrying' }, scheduled] : [scheduled];
    }
    case 'LambdaFunctionSucceeded':
    case 'TaskSucceeded':
      return keep(id, known, before, {
        ...at,
        type: 'TaskSucceeded',
        output: json(event.lambdaFunctionSucceededEventDetails?.output ?? event.taskSucceededEventDetails?.output),
      });
    case 'LambdaFunctionFailed':
    case 'LambdaFunctionTimedOut':
    case 'LambdaFunctionScheduleFailed':
    case 'LambdaFunctionStartFailed':
    case 'TaskFailed':
    case 'TaskTimedOut':
    case 'TaskStartFailed':
    case 'TaskSubmitFailed': {
      const details = failureDetails(event);
      const failed = before === undefined ? undefined : { ...before, failed: true };
      const { name, message } = readError(details?.error ?? 'States.Timeout', details?.cause);
      return keep(id, known, failed, { ...at, type: 'TaskFailed', error: name, cause: message });
    }
    case 'ExecutionSucceeded':
      return [{ type: 'ExecutionSucceeded', timestamp }];
    case 'ExecutionFailed':
    case 'ExecutionTimedOut':
      return [{ type: 'ExecutionFailed', timestamp }];
    case 'ExecutionAborted':
      return [{ type: 'ExecutionAborted', timestamp }];
    default:
      // LambdaFunctionStarted and the like stand between two events of the same Task.
      if (before !== undefined) known.set(id, before);
      return [];
  }
}

function keep(id: number, known: Map<number, Known>, task: Known | undefined, event: ProgressEvent): ProgressEvent[] {
  if (task !== undefined) known.set(id, task);
  return event.state === '' ? [] : [event];
}
