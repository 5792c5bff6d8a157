/** The events of an execution as a person reads them: one line each. Pure. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { failureDetails } from '../../core/history/failure-details.ts';
import { parseJson } from '../../core/history/json.ts';
import { AS_STATED } from '../../report/words.ts';
import { isRecord, readError, stringOf } from '../progress/events.ts';
import { cut, oneLine, withoutSchemaOf } from '../text.ts';
import { columns } from './columns.ts';

interface Line {
  readonly event: HistoryEvent;
  readonly at: string;
  readonly state: string;
  /** The pair that the event is about, without its schema. */
  readonly pair: string;
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
  const places = placesOf(all);
  const lines = shown
    .filter((event) => !options.quiet || isFailure(event) || event.id === all.length)
    .map(
      (event): Line => ({
        event,
        at: sinceBegin((event.timestamp?.getTime() ?? 0) - begin),
        state: places.get(event.id ?? 0)?.state ?? '',
        pair: places.get(event.id ?? 0)?.pair ?? '',
        about: aboutOf(event),
      }),
    );
  const table = columns(lines, [
    { title: 'id', cell: ({ event }) => String(event.id), align: 'right' },
    { title: 'time', cell: ({ at }) => at, align: 'right' },
    { title: 'event', cell: ({ event }) => `${isFailure(event) ? '✗ ' : ''}${event.type}` },
    { title: 'state', cell: ({ state }) => state },
    ...(lines.some(({ pair }) => pair !== '') ? [{ title: 'pair', cell: ({ pair }: Line) => pair }] : []),
    { title: '', cell: ({ about }) => about },
  ]);
  const started = all[0]?.timestamp;
  const head = started === undefined ? [] : [`Started ${started.toISOString()}${startedBy(all[0])}`, ''];
  const limit = options.columns;
  return [...head, ...(limit === null ? table : table.map((line) => cut(line, limit)))];
}

function startedBy(event: HistoryEvent | undefined): string {
  const input = parseJson(event?.executionStartedEventDetails?.input);
  if (!isRecord(input)) return '';
  const [by, reason] = [oneLine(stringOf(input.by)), oneLine(stringOf(input.reason))];
  return by === '' ? '' : ` by ${by} (${AS_STATED})${reason === '' ? '' : `: ${reason}`}`;
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

interface Place {
  readonly state: string;
  readonly pair: string;
}

/** Id -> the state and the pair that an event belongs to: its own, or those of the event that led to it. */
function placesOf(events: readonly HistoryEvent[]): ReadonlyMap<number, Place> {
  const places = new Map<number, Place>();
  for (const event of events) {
    const own = event.stateEnteredEventDetails?.name ?? event.stateExitedEventDetails?.name;
    const inherited = event.type?.startsWith('Execution') ? undefined : places.get(event.previousEventId ?? 0);
    // A Map that ends follows its last iteration, and is about none of them.
    const pair = event.type?.startsWith('Map') ? '' : (pairOf(event) ?? inherited?.pair ?? '');
    places.set(event.id ?? 0, { state: own ?? iterationOf(event)?.name ?? inherited?.state ?? '', pair });
  }
  return places;
}

function iterationOf(event: HistoryEvent) {
  return (
    event.mapIterationStartedEventDetails ??
    event.mapIterationSucceededEventDetails ??
    event.mapIterationFailedEventDetails ??
    event.mapIterationAbortedEventDetails
  );
}

/** @returns undefined where the event has no input; empty where its input is about no pair */
function pairOf(event: HistoryEvent): string | undefined {
  const input = event.stateEnteredEventDetails?.input ?? event.lambdaFunctionScheduledEventDetails?.input;
  if (input === undefined) return undefined;
  const value = parseJson(input);
  const name = isRecord(value) ? stringOf(value.referencing) : '';
  return withoutSchemaOf(name, name);
}

function aboutOf(event: HistoryEvent): string {
  const failure = failureDetails(event);
  if (failure !== undefined) {
    const { name, message } = readError(failure.error, failure.cause);
    return name === message ? name : `${name}: ${oneLine(message)}`;
  }
  const { index } = iterationOf(event) ?? {};
  if (index !== undefined) return `item ${index}`;
  if (event.mapStateStartedEventDetails !== undefined) return `${event.mapStateStartedEventDetails.length} items`;
  return resultOf(event);
}

function resultOf(event: HistoryEvent): string {
  const value = parseJson(
    event.lambdaFunctionSucceededEventDetails?.output ?? event.executionSucceededEventDetails?.output,
  );
  if (!isRecord(value)) return '';
  return [stringOf(value.status), oneLine(stringOf(value.reason))].filter((part) => part !== '').join('  ');
}
