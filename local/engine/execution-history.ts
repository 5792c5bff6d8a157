/**
 * The history of one execution, event by event as Step Functions writes it, made from the engine's events and from what the
 * adapter knows about each invocation.
 *
 * | what | events |
 * | --- | --- |
 * | execution | ExecutionStarted, and at the end ExecutionSucceeded, -Failed or -Aborted |
 * | any state | ...StateEntered, ...StateExited (not if it fails finally) |
 * | each attempt of a Lambda task | LambdaFunctionScheduled, -Started, and -Succeeded, -Failed or -TimedOut |
 * | Map | MapStateStarted, and MapStateSucceeded or -Failed |
 * | each iteration | MapIterationStarted, and MapIterationSucceeded, -Failed or -Aborted |
 * | Parallel | ParallelStateStarted, and ParallelStateSucceeded or -Failed |
 * | a state that was running when its Map failed | TaskStateAborted, WaitStateAborted ... |
 *
 * A retry has no event of its own: the next LambdaFunctionScheduled follows the LambdaFunctionFailed. `previousEventId` is the
 * event that led to this one, so the events of an iteration, which are mixed with those of its siblings, form a chain back to
 * their MapIterationStarted. Order and ids are those of histories recorded from AWS.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import type { StateMachineDefinition } from './definition.ts';
import {
  type Details,
  endDetails,
  inputDetails,
  iterationDetails,
  type LambdaEnded,
  type LambdaScheduled,
  outputDetails,
  scheduledDetails,
} from './event-details.ts';
import { MAX_HISTORY_EVENTS } from './limits.ts';
import type { ExecutionOutcome } from './outcome.ts';
import { itemCount, type Place, placesOf } from './places.ts';

/** The fields of the engine's own events that the history needs. `index` is the iteration that the state is in. */
export interface EngineEvent {
  readonly type: string;
  readonly input?: unknown;
  readonly index?: number;
  readonly state?: { readonly name: string; readonly type: string; readonly input: unknown; readonly output?: unknown };
  readonly parentState?: { readonly name: string };
  readonly Error?: string;
}

/** What a history is made for. */
export interface ExecutionHistoryOptions {
  readonly definition: StateMachineDefinition;
  readonly roleArn: string;
  /** Called with each event as soon as it is added. */
  readonly onEvent: (event: HistoryEvent) => void;
}

/** A sequence of states: the execution itself, or one iteration or branch in it. */
interface Line {
  /** Id of its newest event. */
  last: number;
  /** The state that was entered and not exited. */
  open: { readonly type: string; readonly name: string } | null;
  /** The number of the failure of its state, if it was not retried or caught since; else 0. */
  failedAt: number;
}

/** A running Map or Parallel state. */
interface Run {
  readonly type: 'Map' | 'Parallel';
  readonly name: string;
  readonly startedId: number;
  readonly lines: Map<number, Line>;
  /** Id of the event that MapStateSucceeded follows. */
  last: number;
}

/** Builds the history from the engine's events. */
export class ExecutionHistory {
  readonly #options: ExecutionHistoryOptions;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #main: Line = { last: 0, open: null, failedAt: 0 };
  readonly #runs = new Map<string, Run>();
  /** A Map or Parallel that failed, while it is not known yet what follows: Retry, Catch or the end. */
  #failing: { readonly type: string; readonly at: number } | null = null;
  #length = 0;
  #failures = 0;
  #full = false;
  /** Milliseconds since the epoch. Timestamps of a history never go back, even if the system's clock does. */
  #clock = 0;

  constructor(options: ExecutionHistoryOptions) {
    this.#options = options;
    this.#places = placesOf(options.definition);
  }

  /** Whether there is room only for the event that ends the execution. */
  get full(): boolean {
    return this.#full;
  }

  /**
   * Adds the history events of one engine event. After a Map failed, no more events of it may be passed until it is entered
   * again.
   */
  observe(event: EngineEvent): void {
    switch (event.type) {
      case 'ExecutionStarted':
        // The first state has 0 as its previous event, too.
        this.#add('ExecutionStarted', 0, {
          executionStartedEventDetails: { ...inputDetails(event.input), roleArn: this.#options.roleArn },
        });
        break;
      case 'StateEntered':
        this.#stateEntered(event);
        break;
      case 'StateExited':
        this.#stateExited(event);
        break;
      case 'StateFailed':
        this.#stateFailed(event);
        break;
      case 'StateRetried':
        this.#stateRetried(event);
        break;
      case 'StateCaught':
        this.#flushFailure();
        this.#lineOf(event).failedAt = 0;
        break;
      case 'MapIterationStarted':
        this.#iterationStarted(event);
        break;
      case 'MapIterationFailed': {
        const line = this.#runs.get(event.parentState?.name ?? '')?.lines.get(event.index ?? 0);
        if (line !== undefined) line.failedAt = Number.POSITIVE_INFINITY;
        break;
      }
      case 'MapIterationSucceeded':
        this.#iterationSucceeded(this.#runs.get(event.parentState?.name ?? ''), event.index ?? 0);
        break;
    }
  }

  /** Adds the events of an attempt that begins. */
  lambdaScheduled(state: string, index: number | undefined, scheduled: LambdaScheduled): void {
    const line = this.#line(state, index);
    this.#next(line, 'LambdaFunctionScheduled', scheduledDetails(scheduled));
    this.#next(line, 'LambdaFunctionStarted');
  }

  /** Adds the event of an attempt that ended. */
  lambdaEnded(state: string, index: number | undefined, end: LambdaEnded): void {
    this.#next(this.#line(state, index), end.type, endDetails(end));
  }

  /** Adds the last event, for which there is always room. */
  ended(outcome: ExecutionOutcome): void {
    switch (outcome.status) {
      case 'SUCCEEDED':
        this.#append('ExecutionSucceeded', this.#main.last, {
          executionSucceededEventDetails: outputDetails(outcome.output),
        });
        break;
      case 'FAILED':
        this.#flushFailure();
        this.#append('ExecutionFailed', this.#main.last, {
          executionFailedEventDetails: { error: outcome.error, cause: outcome.cause },
        });
        break;
      case 'ABORTED': {
        const { error, cause } = outcome;
        this.#append('ExecutionAborted', 0, {
          executionAbortedEventDetails: {
            ...(error === undefined ? {} : { error }),
            ...(cause === undefined ? {} : { cause }),
          },
        });
        break;
      }
    }
  }

  #stateEntered(event: EngineEvent): void {
    if (event.state === undefined) return;
    const { name, type } = event.state;
    const line = this.#lineOf(event);
    line.open = { name, type };
    this.#next(line, `${type}StateEntered`, { stateEnteredEventDetails: { name, ...inputDetails(event.state.input) } });
    if (type === 'Map' || type === 'Parallel') this.#runStarted(line, type, name, event.state.input);
  }

  #runStarted(line: Line, type: 'Map' | 'Parallel', name: string, given: unknown): void {
    const length = type === 'Map' ? itemCount(this.#places.get(name)?.state, given) : undefined;
    this.#next(line, `${type}StateStarted`, length === undefined ? {} : { mapStateStartedEventDetails: { length } });
    this.#runs.set(name, { type, name, startedId: line.last, lines: new Map(), last: line.last });
  }

  #stateExited(event: EngineEvent): void {
    if (event.state === undefined) return;
    const { name, type } = event.state;
    const line = this.#lineOf(event);
    const run = this.#runs.get(name);
    if (run !== undefined) {
      for (const index of run.lines.keys()) this.#iterationSucceeded(run, index);
      // In AWS the exit has the same previous event as the success, and not the success itself.
      line.last = run.last;
      this.#add(`${type}StateSucceeded`, line.last);
      this.#runs.delete(name);
    }
    this.#next(line, `${type}StateExited`, { stateExitedEventDetails: { name, ...outputDetails(event.state.output) } });
    line.open = null;
  }

  #stateFailed(event: EngineEvent): void {
    const run = this.#runs.get(event.state?.name ?? '');
    if (run === undefined) {
      this.#failures += 1;
      this.#lineOf(event).failedAt = this.#failures;
      return;
    }
    this.#runs.delete(run.name);
    const failed = [...run.lines].reduce<[number, Line] | null>(
      (latest, each) => (each[1].failedAt > (latest?.[1].failedAt ?? 0) ? each : latest),
      null,
    );
    // Without a failed iteration the Map itself failed, for example because of its ItemsPath.
    const at = failed?.[1].last ?? run.startedId;
    for (const [index, line] of [...run.lines].sort(([a], [b]) => a - b)) {
      if (run.type === 'Map') {
        const type = index === failed?.[0] ? 'MapIterationFailed' : 'MapIterationAborted';
        this.#add(type, at, iterationDetails(type, run.name, index));
      }
      if (line.open !== null && line.open.type !== 'Fail') this.#add(`${line.open.type}StateAborted`, at);
    }
    this.#failing = { type: run.type, at };
  }

  #stateRetried(event: EngineEvent): void {
    const line = this.#lineOf(event);
    line.failedAt = 0;
    const { state } = event;
    if (this.#failing === null || (state?.type !== 'Map' && state?.type !== 'Parallel')) return;
    line.last = this.#failing.at;
    this.#failing = null;
    this.#runStarted(line, state.type, state.name, state.input);
  }

  /** A failed Map gets its failure event only when it is not retried. */
  #flushFailure(): void {
    if (this.#failing === null) return;
    const { type, at } = this.#failing;
    this.#failing = null;
    this.#main.last = at;
    this.#next(this.#main, `${type}StateFailed`);
  }

  #iterationStarted(event: EngineEvent): void {
    const run = this.#runs.get(event.parentState?.name ?? '');
    if (run === undefined) return;
    const index = event.index ?? 0;
    const line: Line = { last: run.startedId, open: null, failedAt: 0 };
    this.#next(line, 'MapIterationStarted', iterationDetails('MapIterationStarted', run.name, index));
    run.lines.set(index, line);
  }

  #iterationSucceeded(run: Run | undefined, index: number): void {
    const line = run?.lines.get(index);
    if (run === undefined || line === undefined) return;
    if (run.type === 'Map')
      this.#next(line, 'MapIterationSucceeded', iterationDetails('MapIterationSucceeded', run.name, index));
    run.lines.delete(index);
    run.last = line.last;
  }

  #lineOf(event: EngineEvent): Line {
    return this.#line(event.state?.name ?? '', event.index);
  }

  #line(state: string, index: number | undefined): Line {
    const place = this.#places.get(state);
    const run = place?.parent == null ? undefined : this.#runs.get(place.parent);
    if (run === undefined) return this.#main;
    const key = place?.branch ?? index ?? 0;
    const known = run.lines.get(key);
    if (known !== undefined) return known;
    const line: Line = { last: run.startedId, open: null, failedAt: 0 };
    run.lines.set(key, line);
    return line;
  }

  /** Adds an event whose previous event is the newest one of its line. */
  #next(line: Line, type: string, details: Details = {}): void {
    const id = this.#add(type, line.last, details);
    if (id !== null) line.last = id;
  }

  /** Adds an event, unless there is room only for the last one. @returns its id, or null */
  #add(type: string, previousEventId: number, details: Details = {}): number | null {
    if (this.#length >= MAX_HISTORY_EVENTS - 1) {
      this.#full = true;
      return null;
    }
    return this.#append(type, previousEventId, details);
  }

  #append(type: string, previousEventId: number, details: Details): number {
    this.#length += 1;
    this.#clock = Math.max(this.#clock, Date.now());
    this.#options.onEvent({
      id: this.#length,
      previousEventId,
      timestamp: new Date(this.#clock),
      type,
      ...details,
    });
    return this.#length;
  }
}
