/**
 * The one reader of execution histories: events as GetExecutionHistory returns them -> visits of states, their attempts and results.
 * An event of a Task does not name its state: that is found by following `previousEventId` to the event that entered it. Pure.
 */
import type { NamedError } from '../contracts/cause.ts';
import type { HistoryEvent } from '../contracts/history-event.ts';
import { failureOf } from './failure.ts';
import { isRecord, type Json, numberOf, parseJson, recordOf } from './json.ts';

/** One call of a Task's function; a retry is another one. */
export interface Attempt {
  /** Counts from 1 within a visit. */
  readonly number: number;
  /** Milliseconds since 1970, as all times here. */
  readonly scheduledAt: number;
  readonly endedAt: number | null;
  readonly outcome: 'running' | 'succeeded' | 'failed';
  /** What the function was called with; undefined where the history does not have it. */
  readonly input: unknown;
  /** What it returned; undefined where it did not, or the history does not have it. */
  readonly output: unknown;
  readonly failure: NamedError | null;
}

/** One passage through one state; a Map iteration makes one of each of its states. */
export interface Visit {
  /** That of the event that entered the state. */
  readonly id: number;
  readonly state: string;
  /** Number of the pair, for states inside a Map; the first one, where an iteration takes a run of pairs. */
  readonly pair: number | null;
  /** The last one of the run; the same where it is one pair. */
  readonly last: number | null;
  readonly enteredAt: number;
  readonly exitedAt: number | null;
  /** What the state was given; undefined where the history does not have it. */
  readonly input: unknown;
  readonly attempts: readonly Attempt[];
  /** Error of a Map that failed; empty texts where its event has none. */
  readonly failure: NamedError | null;
  /** It was cut off from outside: its Map failed, or the execution was stopped. */
  readonly aborted: boolean;
}

/** What an event did, whichever kind of Task it is about; null: nothing that is read here. */
export type Change = 'entered' | 'exited' | 'scheduled' | 'succeeded' | 'failed' | null;

export interface ReadEvent {
  readonly event: HistoryEvent;
  readonly id: number;
  readonly at: number;
  readonly change: Change;
  /** The visit that it belongs to; of an iteration's beginning and end, that of its Map. */
  readonly visit: Visit | null;
  /** The newest attempt of the visit by then. */
  readonly attempt: Attempt | null;
  /** Number of the pair, also for events between the states of an iteration. */
  readonly pair: number | null;
}

export interface History {
  readonly visits: readonly Visit[];
  readonly events: readonly ReadEvent[];
  /** `from` and `to` are names of states, in the order in which they were walked. */
  readonly steps: readonly { readonly from: string; readonly to: string }[];
}

/** @param events all of them, in any order */
export function readHistory(events: readonly HistoryEvent[]): History {
  const reader = new HistoryReader();
  reader.read(events);
  return reader.history();
}

/** What the Task of a visit returned last; `{}` where it returned nothing. */
export function resultOf(visit: Visit | undefined): Json {
  return recordOf(visit?.attempts.findLast((attempt) => attempt.outcome === 'succeeded')?.output);
}

/** What the Plan step returned; `{}` where it did not come to that. */
export function planOf({ visits }: History): Json {
  return resultOf(visits.find((visit) => visit.state === 'Plan'));
}

type Open<Part> = { -readonly [Key in keyof Part]: Part[Key] };
type OpenAttempt = Open<Attempt>;
type OpenVisit = Open<Omit<Visit, 'attempts'>> & { readonly attempts: OpenAttempt[] };

/** Where in the history an event hangs. */
interface Place {
  readonly visit: OpenVisit | null;
  readonly pair: number | null;
  /** The Map that an iteration belongs to. */
  readonly map: OpenVisit | null;
  /** An iteration has begun here: its first state comes from nowhere. */
  readonly iteration: boolean;
}

const NOWHERE: Place = { visit: null, pair: null, map: null, iteration: false };

interface Step {
  readonly place: Place;
  readonly change: Change;
}

/** Reads a history at once, or as it grows. */
export class HistoryReader {
  readonly #places = new Map<number, Place>();
  readonly #visits: OpenVisit[] = [];
  readonly #latest = new Map<string, OpenVisit>();
  /** Numbers of the pairs that a Map goes over, by the id of its visit. */
  readonly #items = new Map<number, readonly unknown[]>();
  readonly #steps: { from: string; to: string }[] = [];
  readonly #events: ReadEvent[] = [];

  /** Id of the last event that was read; 0 before the first. */
  get lastId(): number {
    return this.#events.at(-1)?.id ?? 0;
  }

  /**
   * @param events in any order; those that were read before are passed over
   * @returns the new ones, oldest first
   */
  read(events: readonly HistoryEvent[]): readonly ReadEvent[] {
    const known = this.#events.length;
    for (const event of events.toSorted((one, other) => (one.id ?? 0) - (other.id ?? 0))) {
      if ((event.id ?? 0) > this.lastId) this.#read(event);
    }
    return this.#events.slice(known);
  }

  /** All that was read so far. */
  history(): History {
    const last = this.#events.at(-1)?.event.type ?? '';
    // The execution is over: what had not ended by then was cut off with it.
    if (/^Execution(?!Started)/.test(last)) {
      for (const visit of this.#visits) if (visit.exitedAt === null) visit.aborted = true;
    }
    return { visits: this.#visits, events: this.#events, steps: this.#steps };
  }

  #read(event: HistoryEvent): void {
    const id = event.id ?? 0;
    const at = event.timestamp?.getTime() ?? 0;
    const before = this.#places.get(event.previousEventId ?? 0) ?? NOWHERE;
    const { place, change } = this.#stepOf(event, at, before);
    this.#places.set(id, place);
    const { visit, pair } = place;
    this.#events.push({ event, id, at, change, visit, attempt: visit?.attempts.at(-1) ?? null, pair });
  }

  #stepOf(event: HistoryEvent, at: number, before: Place): Step {
    const type = event.type ?? '';
    if (type.endsWith('StateEntered')) return { place: this.#enter(event, at, before), change: 'entered' };
    if (type.endsWith('StateExited')) return { place: this.#exit(event, at, before), change: 'exited' };
    if (type.startsWith('Map')) return { place: this.#ofMap(event, before), change: null };
    if (type.startsWith('Execution')) return { place: NOWHERE, change: null };
    return { place: before, change: before.visit === null ? null : ofTask(event, type, at, before.visit) };
  }

  #enter(event: HistoryEvent, at: number, before: Place): Place {
    const { name: state = '', input: text } = event.stateEnteredEventDetails ?? {};
    const input = parseJson(text);
    const given = recordOf(input);
    const pair = before.map === null ? null : (numberOf(given.pair) ?? before.pair);
    const visit: OpenVisit = {
      id: event.id ?? 0,
      state,
      pair,
      last: pair === null ? null : (numberOf(given.last) ?? pair),
      enteredAt: at,
      exitedAt: null,
      input,
      attempts: [],
      failure: null,
      aborted: false,
    };
    if (before.visit !== null && !before.iteration) this.#steps.push({ from: before.visit.state, to: state });
    this.#visits.push(visit);
    this.#latest.set(state, visit);
    return { visit, pair, map: before.map, iteration: false };
  }

  #exit(event: HistoryEvent, at: number, before: Place): Place {
    const name = event.stateExitedEventDetails?.name ?? before.visit?.state ?? '';
    const visit = before.visit?.state === name ? before.visit : (this.#latest.get(name) ?? before.visit);
    if (visit !== null) visit.exitedAt = at;
    // Out of a Map: what comes next belongs to no iteration.
    return visit === before.map ? { ...NOWHERE, visit } : { ...before, visit, iteration: false };
  }

  #ofMap(event: HistoryEvent, before: Place): Place {
    const map = before.map ?? before.visit;
    switch (event.type) {
      case 'MapStateStarted':
        this.#listItems(event, before.visit);
        return before;
      case 'MapIterationStarted':
        return this.#beginIteration(event, before);
      case 'MapIterationFailed':
      case 'MapIterationAborted':
        if (before.visit !== null && before.visit.exitedAt === null && before.visit !== before.map) {
          before.visit.aborted = true;
        }
        return { ...before, visit: map, iteration: false };
      case 'MapIterationSucceeded':
        return { ...before, visit: map, iteration: false };
      case 'MapStateFailed':
        if (map !== null) map.failure = failureOf(event) ?? { name: '', message: '' };
        return { ...NOWHERE, visit: map };
      case 'MapStateSucceeded':
        return { ...NOWHERE, visit: map };
      default:
        return before;
    }
  }

  #listItems(event: HistoryEvent, map: OpenVisit | null): void {
    if (map === null) return;
    const input = recordOf(map.input);
    const lists = [recordOf(input.fence).pairs, input.pairs].filter(Array.isArray);
    const length = event.mapStateStartedEventDetails?.length;
    this.#items.set(map.id, lists.find((list) => list.length === length) ?? lists[0] ?? []);
  }

  #beginIteration(event: HistoryEvent, before: Place): Place {
    const { name, index = 0 } = event.mapIterationStartedEventDetails ?? {};
    const map = this.#latest.get(name ?? '') ?? before.map ?? before.visit;
    const item = this.#items.get(map?.id ?? 0)?.[index];
    return { visit: map, pair: (isRecord(item) ? numberOf(item.pair) : null) ?? index + 1, map, iteration: true };
  }
}

/** An event of a Task, such as LambdaFunctionScheduled or TaskFailed, noted in the visit that it belongs to. */
function ofTask(event: HistoryEvent, type: string, at: number, visit: OpenVisit): Change {
  switch (type) {
    case 'LambdaFunctionScheduled':
    case 'TaskScheduled': {
      const { lambdaFunctionScheduledEventDetails: lambda, taskScheduledEventDetails: task } = event;
      visit.attempts.push({
        number: visit.attempts.length + 1,
        scheduledAt: at,
        endedAt: null,
        outcome: 'running',
        input: parseJson(lambda?.input ?? task?.parameters) ?? visit.input,
        output: undefined,
        failure: null,
      });
      return 'scheduled';
    }
    case 'LambdaFunctionSucceeded':
    case 'TaskSucceeded': {
      const { lambdaFunctionSucceededEventDetails: lambda, taskSucceededEventDetails: task } = event;
      return ended(visit, at, { outcome: 'succeeded', output: parseJson(lambda?.output ?? task?.output) });
    }
    default: {
      const failure = failureOf(event) ?? (type.endsWith('Failed') ? { name: '', message: '' } : null);
      return failure === null ? null : ended(visit, at, { outcome: 'failed', failure });
    }
  }
}

type Ending =
  | { readonly outcome: 'succeeded'; readonly output: unknown }
  | { readonly outcome: 'failed'; readonly failure: NamedError };

function ended(visit: OpenVisit, at: number, ending: Ending): Change {
  const attempt = visit.attempts.at(-1);
  if (attempt === undefined) return null;
  Object.assign(attempt, { endedAt: at, ...ending });
  return ending.outcome;
}
