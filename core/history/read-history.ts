/**
 * An execution's history, as GetExecutionHistory returns it, read into visits of states. An event of a Task does not name
 * its state: that is found by following `previousEventId` to the state's entrance. Pure.
 */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { failureDetails } from './failure-details.ts';
import { isRecord, type Json, messageOfCause, numberOf, parseRecord } from './json.ts';

export interface Attempt {
  /** Milliseconds since 1970, as all times here. */
  readonly scheduledAt: number;
  endedAt: number | null;
  outcome: 'running' | 'succeeded' | 'failed';
  error: string | null;
  message: string | null;
  /** What the function returned. */
  result: Json;
}

/** One passage through one state; a Map iteration makes one of each of its states. */
export interface Visit {
  readonly id: number;
  readonly state: string;
  /** Number of the pair, for states inside a Map; the first one, where an iteration takes a run of pairs. */
  readonly pair: number | null;
  /** The last one of the run; the same where it is one pair. */
  readonly last: number | null;
  readonly enteredAt: number;
  exitedAt: number | null;
  /** JSON, as far as the history has it. */
  readonly input: string;
  readonly attempts: Attempt[];
  /** Error of a Map that failed, or of a Fail state. */
  failure: { readonly name: string; readonly message: string } | null;
  /** It was cut off from outside: its Map failed, or the execution was stopped. */
  aborted: boolean;
}

export interface ReadEvent {
  readonly event: HistoryEvent;
  readonly id: number;
  readonly at: number;
  readonly visit: Visit | null;
  /** Number of the pair, also for events between the states of an iteration. */
  readonly pair: number | null;
}

export interface History {
  readonly visits: readonly Visit[];
  readonly events: readonly ReadEvent[];
  /** `from` and `to` are names of states, in the order in which they were walked. */
  readonly steps: readonly { readonly from: string; readonly to: string }[];
}

/** Where in the history an event hangs. */
interface Place {
  readonly visit: Visit | null;
  readonly pair: number | null;
  /** The Map that an iteration belongs to. */
  readonly map: Visit | null;
  /** An iteration has begun here: its first state comes from nowhere. */
  readonly iteration: boolean;
}

const NOWHERE: Place = { visit: null, pair: null, map: null, iteration: false };

export function readHistory(events: readonly HistoryEvent[]): History {
  const reader = new Reader();
  for (const event of events.toSorted((one, other) => (one.id ?? 0) - (other.id ?? 0))) reader.read(event);
  return reader.history();
}

function timeOf(event: HistoryEvent): number {
  const { timestamp } = event;
  return timestamp instanceof Date ? timestamp.getTime() : Number(timestamp ?? 0) * 1000;
}

class Reader {
  readonly #places = new Map<number, Place>();
  readonly #visits: Visit[] = [];
  readonly #latest = new Map<string, Visit>();
  /** Numbers of the pairs that a Map goes over, by the id of its visit. */
  readonly #items = new Map<number, readonly unknown[]>();
  readonly #steps: { from: string; to: string }[] = [];
  readonly #events: ReadEvent[] = [];

  read(event: HistoryEvent): void {
    const id = event.id ?? 0;
    const at = timeOf(event);
    const place = this.#placeOf(event, at, this.#places.get(event.previousEventId ?? 0) ?? NOWHERE);
    this.#places.set(id, place);
    this.#events.push({ event, id, at, visit: place.visit, pair: place.pair });
  }

  history(): History {
    const last = this.#events.at(-1)?.event.type ?? '';
    // The execution is over: what had not ended by then was cut off with it.
    if (/^Execution(?!Started)/.test(last)) {
      for (const visit of this.#visits) if (visit.exitedAt === null) visit.aborted = true;
    }
    return { visits: this.#visits, events: this.#events, steps: this.#steps };
  }

  #placeOf(event: HistoryEvent, at: number, before: Place): Place {
    const type = event.type ?? '';
    if (type.endsWith('StateEntered')) return this.#enter(event, at, before);
    if (type.endsWith('StateExited')) return this.#exit(event, at, before);
    switch (type) {
      case 'MapStateStarted':
        this.#listItems(event, before.visit);
        return before;
      case 'MapIterationStarted':
        return this.#beginIteration(event, before);
      case 'MapIterationSucceeded':
        return { ...before, visit: before.map ?? before.visit, iteration: false };
      case 'MapIterationFailed':
      case 'MapIterationAborted':
        if (before.visit !== null && before.visit.exitedAt === null && before.visit !== before.map) {
          before.visit.aborted = true;
        }
        return { ...before, visit: before.map ?? before.visit, iteration: false };
      case 'MapStateSucceeded':
        return { ...NOWHERE, visit: before.map ?? before.visit };
      case 'MapStateFailed': {
        const map = before.map ?? before.visit;
        if (map !== null) map.failure = namedFailure(event);
        return { ...NOWHERE, visit: map };
      }
      case 'LambdaFunctionScheduled':
      case 'TaskScheduled':
        before.visit?.attempts.push({ ...NEW_ATTEMPT, scheduledAt: at });
        return before;
      case 'LambdaFunctionSucceeded':
      case 'TaskSucceeded': {
        const output = event.lambdaFunctionSucceededEventDetails?.output ?? event.taskSucceededEventDetails?.output;
        endAttempt(before.visit, at, { outcome: 'succeeded', result: parseRecord(output) });
        return before;
      }
      default:
        return this.#other(event, at, before);
    }
  }

  #enter(event: HistoryEvent, at: number, before: Place): Place {
    const details = event.stateEnteredEventDetails;
    const state = details?.name ?? '';
    const input = parseRecord(details?.input);
    const pair = before.map === null ? null : (numberOf(input.pair) ?? before.pair);
    const visit: Visit = {
      id: event.id ?? 0,
      state,
      pair,
      last: pair === null ? null : (numberOf(input.last) ?? pair),
      enteredAt: at,
      exitedAt: null,
      input: details?.input ?? '',
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

  #listItems(event: HistoryEvent, map: Visit | null): void {
    if (map === null) return;
    const input = parseRecord(map.input);
    const lists = [isRecord(input.fence) ? input.fence.pairs : undefined, input.pairs].filter(Array.isArray);
    const length = event.mapStateStartedEventDetails?.length;
    this.#items.set(map.id, lists.find((list) => list.length === length) ?? lists[0] ?? []);
  }

  #beginIteration(event: HistoryEvent, before: Place): Place {
    const { name, index = 0 } = event.mapIterationStartedEventDetails ?? {};
    const map = this.#latest.get(name ?? '') ?? before.map ?? before.visit;
    const item = this.#items.get(map?.id ?? 0)?.[index];
    return { visit: map, pair: (isRecord(item) ? numberOf(item.pair) : null) ?? index + 1, map, iteration: true };
  }

  #other(event: HistoryEvent, at: number, before: Place): Place {
    const type = event.type ?? '';
    if (type.startsWith('Execution')) return NOWHERE;
    const failure = failureOf(event);
    if (failure !== null) endAttempt(before.visit, at, { outcome: 'failed', ...failure });
    return before;
  }
}

const NEW_ATTEMPT = { endedAt: null, outcome: 'running', error: null, message: null, result: {} } as const;

function endAttempt(visit: Visit | null, at: number, change: Partial<Attempt>): void {
  const attempt = visit?.attempts.at(-1);
  if (attempt !== undefined) Object.assign(attempt, { endedAt: at, ...change });
}

function namedFailure(event: HistoryEvent): { readonly name: string; readonly message: string } {
  const failure = failureOf(event);
  return { name: failure?.error ?? '', message: failure?.message ?? '' };
}

/** Error and message of any event that tells a failure. */
export function failureOf(event: HistoryEvent): { readonly error: string; readonly message: string } | null {
  const details = failureDetails(event);
  if (details === undefined && !/(Failed|TimedOut)$/.test(event.type ?? '')) return null;
  const timedOut = (event.type ?? '').endsWith('TimedOut');
  return {
    error: details?.error ?? (timedOut ? 'States.Timeout' : ''),
    message: messageOfCause(details?.cause) || (timedOut ? 'no answer in time' : ''),
  };
}
