/** The events of an execution as a person reads them: one line each. Pure. */
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { failureOf } from '../../core/history/failure.ts';
import { inputOf, parseRecord, recordOf } from '../../core/history/json.ts';
import type { ReadEvent } from '../../core/history/read-history.ts';
import { AS_STATED } from '../../report/words.ts';
import { inWords, stringOf } from '../progress/events.ts';
import { oneLine, withoutSchemaOf } from '../text.ts';
import { cut } from '../width.ts';
import { columns } from './columns.ts';

interface Line {
  readonly event: HistoryEvent;
  readonly at: string;
  readonly state: string;
  /** Name of the pair that the event is about, without its schema. */
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
  shown: readonly ReadEvent[],
  all: readonly ReadEvent[],
  options: HistoryOptions,
): string[] {
  const begin = all[0]?.at ?? 0;
  const lines = shown
    .filter(({ event, id }) => !options.quiet || isFailure(event) || id === all.length)
    .map((read): Line => {
      const { event, at, visit } = read;
      const state = visit?.state ?? '';
      return { event, at: sinceBegin(at - begin), state, pair: pairOf(read), about: aboutOf(event) };
    });
  const table = columns(lines, [
    { title: 'id', cell: ({ event }) => String(event.id), align: 'right' },
    { title: 'time', cell: ({ at }) => at, align: 'right' },
    { title: 'event', cell: ({ event }) => `${isFailure(event) ? '✗ ' : ''}${event.type}` },
    { title: 'state', cell: ({ state }) => state },
    ...(lines.some(({ pair }) => pair !== '') ? [{ title: 'pair', cell: ({ pair }: Line) => pair }] : []),
    { title: '', cell: ({ about }) => about },
  ]);
  const first = all[0]?.event;
  const started = first?.timestamp;
  const head = started === undefined ? [] : [`Started ${started.toISOString()}${startedBy(first)}`, ''];
  const limit = options.columns;
  return [...head, ...(limit === null ? table : table.map((line) => cut(line, limit)))];
}

function startedBy(event: HistoryEvent | undefined): string {
  const input = inputOf(event?.executionStartedEventDetails?.input);
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

function iterationOf(event: HistoryEvent) {
  return (
    event.mapIterationStartedEventDetails ??
    event.mapIterationSucceededEventDetails ??
    event.mapIterationFailedEventDetails ??
    event.mapIterationAbortedEventDetails
  );
}

/** As the function was called, or the state was given. A Map that ends follows its last iteration, and is about none of them. */
function pairOf({ event, visit, attempt }: ReadEvent): string {
  if (event.type?.startsWith('Map')) return '';
  const name = stringOf(recordOf(attempt === null ? visit?.input : attempt.input).referencing);
  return withoutSchemaOf(name, name);
}

function aboutOf(event: HistoryEvent): string {
  const failure = failureOf(event);
  if (failure !== null) {
    const { name, message } = inWords(failure);
    return name === message ? name : `${name}: ${oneLine(message)}`;
  }
  const { index } = iterationOf(event) ?? {};
  if (index !== undefined) return `item ${index}`;
  if (event.mapStateStartedEventDetails !== undefined) return `${event.mapStateStartedEventDetails.length} items`;
  return resultOf(event);
}

function resultOf(event: HistoryEvent): string {
  const value = parseRecord(
    event.lambdaFunctionSucceededEventDetails?.output ?? event.executionSucceededEventDetails?.output,
  );
  return [stringOf(value.status), oneLine(stringOf(value.reason))].filter((part) => part !== '').join('  ');
}
