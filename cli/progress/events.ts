/** What progress is made of: how the attempts of Tasks begin and end, and the end of the execution. */
import { type NamedError, readCause } from '../../core/contracts/cause.ts';
import { recordOf } from '../../core/history/json.ts';
import type { ReadEvent } from '../../core/history/read-history.ts';

export type ProgressEventType =
  | 'TaskScheduled'
  | 'TaskSucceeded'
  | 'TaskFailed'
  | 'TaskRetrying'
  | 'ExecutionSucceeded'
  | 'ExecutionFailed'
  | 'ExecutionAborted';

export interface ProgressEvent {
  readonly type: ProgressEventType;
  /** Name of the state; the events of the execution itself have none. */
  readonly state?: string;
  /** Counts from 1. With `TaskRetrying`: the attempt that begins now; how the last one failed was reported before. */
  readonly attempt?: number;
  readonly input?: unknown;
  readonly output?: unknown;
  /** Of `TaskFailed`. */
  readonly failure?: NamedError;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** An event as a line of `--json-lines`: of its input only which pair it is about. */
export interface EventLine {
  readonly type: ProgressEventType;
  /** ISO 8601. */
  readonly at: string;
  readonly state?: string;
  readonly attempt?: number;
  /** Number of the pair, and its referencing partition. */
  readonly pair?: number;
  readonly referencing?: string;
  /** Result of the step. */
  readonly output?: unknown;
  readonly error?: NamedError;
}

export function lineOf({ type, at, state, attempt, input, output, failure }: ProgressEvent): EventLine {
  const of = recordOf(input);
  return {
    type,
    at: new Date(at).toISOString(),
    ...(state === undefined ? {} : { state }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(typeof of.pair === 'number' ? { pair: of.pair } : {}),
    ...(typeof of.referencing === 'string' ? { referencing: of.referencing } : {}),
    ...(output === undefined ? {} : { output }),
    ...(failure === undefined ? {} : { error: failure }),
  };
}

/** @returns none for an event that progress does not show */
export function progressOf({ event, at, change, visit, attempt }: ReadEvent): ProgressEvent[] {
  switch (event.type) {
    case 'ExecutionSucceeded':
      return [{ type: 'ExecutionSucceeded', at }];
    case 'ExecutionFailed':
    case 'ExecutionTimedOut':
      return [{ type: 'ExecutionFailed', at }];
    case 'ExecutionAborted':
      return [{ type: 'ExecutionAborted', at }];
  }
  if (visit === null || attempt === null) return [];
  const task = { state: visit.state, attempt: attempt.number, input: attempt.input, at };
  switch (change) {
    case 'scheduled': {
      const scheduled: ProgressEvent = { ...task, type: 'TaskScheduled' };
      return attempt.number > 1 ? [{ ...task, type: 'TaskRetrying' }, scheduled] : [scheduled];
    }
    case 'succeeded':
      return [{ ...task, type: 'TaskSucceeded', output: attempt.output }];
    case 'failed':
      return [{ ...task, type: 'TaskFailed', failure: inWords(attempt.failure) }];
    default:
      return [];
  }
}

/** With words in place of what is empty. */
export function inWords(failure: NamedError | null): NamedError {
  const { name = '', message = '' } = failure ?? {};
  return { name: name || 'Unknown', message: message || name || 'no cause given' };
}

/** An error as an execution ends with it, or as a Catch hands it on. */
export function readError(error: string | null | undefined, cause: string | null | undefined): NamedError {
  const { name, message } = readCause(cause);
  return inWords({ name: error || name, message });
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
