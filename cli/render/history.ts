/** The events of an execution as a person reads them: one line each. Pure. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { isRecord, readError, stringOf } from '../progress/events.ts';
import { cut, oneLine } from '../text.ts';
import { columns } from './columns.ts';

interface Line {
  readonly event: HistoryEvent;
  readonly at: string;
  readonly state: string;
  readonly about: string;
}

export interface HistoryOptions {
  /** Only what failed, and the end. */
  readonly quiet: boolean;
  /** Of the terminal; null where it is none: then nothing is cut. */
  readonly columns: number | null;
}

/** @param all oldest first; those that are shown may be in another order */
export function historyLines(
  shown: readonly HistoryEvent[],
  all: readonly HistoryEvent[],
  options: HistoryOptions,
): string[] {
  const begin = all[0]?.timestamp?.getTime() ?? 0;
  const states = statesOf(all);
  const lines = shown
    .filter((event) => !options.quiet || isFailure(event) || event.id === all.length)
    .map(
      (event): Line => ({
        event,
        at: sinceBegin((event.timestamp?.getTime() ?? 0) - begin),
        state: states.get(event.id ?? 0) ?? '',
        about: aboutOf(event),
      }),
    );
  const table = columns(lines, [
    { title: 'id', cell: ({ event }) => String(event.id), align: 'right' },
    { title: 'time', cell: ({ at }) => at, align: 'right' },
    { title: 'event', cell: ({ event }) => `${isFailure(event) ? '✗ ' : ''}${event.type}` },
    { title: 'state', cell: ({ state }) => state },
    { title: '', cell: ({ about }) => about },
  ]);
  const started = all[0]?.timestamp;
  const head = started === undefined ? [] : [`Started ${started.toISOString()}`, ''];
  const limit = options.columns;
  return [...head, ...(limit === null ? table : table.map((line) => cut(line, limit)))];
}

function isFailure({ type }: HistoryEvent): boolean {
  return /(Failed|TimedOut|Aborted)$/.test(type ?? '');
}

/** `+0:03.140`, and from an hour on `+1:02:03.140`. */
function sinceBegin(milliseconds: number): string {
  const total = Math.max(0, Math.round(milliseconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(total / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const clock = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes);
  return `+${clock}:${two(seconds % 60)}.${String(total % 1000).padStart(3, '0')}`;
}

/** Id -> the state that an event belongs to: its own, or that of the event that led to it. */
function statesOf(events: readonly HistoryEvent[]): ReadonlyMap<number, string> {
  const states = new Map<number, string>();
  for (const event of events) {
    const own = event.stateEnteredEventDetails?.name ?? event.stateExitedEventDetails?.name;
    const iteration =
      event.mapIterationStartedEventDetails ??
      event.mapIterationSucceededEventDetails ??
      event.mapIterationFailedEventDetails ??
      event.mapIterationAbortedEventDetails;
    const inherited = event.type?.startsWith('Execution') ? '' : states.get(event.previousEventId ?? 0);
    states.set(event.id ?? 0, own ?? iteration?.name ?? inherited ?? '');
  }
  return states;
}

function aboutOf(event: HistoryEvent): string {
  const failure =
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.executionFailedEventDetails ??
    event.executionTimedOutEventDetails ??
    event.executionAbortedEventDetails;
  if (failure !== undefined) {
    const { name, message } = readError(failure.error, failure.cause);
    return name === message ? name : `${name}: ${oneLine(message)}`;
  }
  const { index } =
    event.mapIterationStartedEventDetails ??
    event.mapIterationSucceededEventDetails ??
    event.mapIterationFailedEventDetails ??
    event.mapIterationAbortedEventDetails ??
    {};
  if (index !== undefined) return `item ${index}`;
  if (event.mapStateStartedEventDetails !== undefined) return `${event.mapStateStartedEventDetails.length} items`;
  return subjectOf(event.lambdaFunctionScheduledEventDetails?.input) || resultOf(event);
}

/** The pair that a Task works on. */
function subjectOf(input: string | undefined): string {
  const value = parsed(input);
  return isRecord(value) ? stringOf(value.referencing) : '';
}

function resultOf(event: HistoryEvent): string {
  const value = parsed(
    event.lambdaFunctionSucceededEventDetails?.output ?? event.executionSucceededEventDetails?.output,
  );
  if (!isRecord(value)) return '';
  return [stringOf(value.status), stringOf(value.referencing), oneLine(stringOf(value.reason))]
    .filter((part) => part !== '')
    .join('  ');
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
