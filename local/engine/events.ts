/**
 * What an observer of a local execution sees, live and in order. It is a progress stream, not the history: that one,
 * with AWS's event names and ids, is history.ts's.
 */

import type { LambdaEnded } from './event-details.ts';

export type ExecutionEventType =
  /** A state began, once however often it is retried. Not told for what still starts in a Map that already failed. */
  | 'StateEntered'
  /** A handler is about to be called. */
  | 'TaskScheduled'
  | 'TaskSucceeded'
  /** A handler threw, or its time was up. Whether it is tried again is told by the next `TaskRetrying`. */
  | 'TaskFailed'
  /** The retry's delay is over and the next attempt begins now. */
  | 'TaskRetrying'
  | 'ExecutionSucceeded'
  | 'ExecutionFailed'
  | 'ExecutionAborted';

export interface ExecutionEvent {
  readonly type: ExecutionEventType;
  /** Name of the state; empty for `Execution...` events. */
  readonly state: string;
  /** Counts from 1 and starts again when the same work is begun anew; 0 for `Execution...` events. */
  readonly attempt: number;
  /** What the state was given; for tasks, after `Parameters`. */
  readonly input?: unknown;
  /** `TaskSucceeded`: what the handler returned. `ExecutionSucceeded`: the execution's output. */
  readonly output?: unknown;
  /** Error name, such as `LockTimeout` or `States.Timeout`. */
  readonly error?: string;
  /** For a handler's error, Lambda's JSON `{"errorType","errorMessage","trace"}`; else plain text. */
  readonly cause?: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Called synchronously, so it must return quickly. What it throws is reported as a warning and changes nothing. */
export type ExecutionObserver = (event: ExecutionEvent) => void;

/** How an execution ended. */
export type ExecutionOutcome =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown }
  | { readonly status: 'FAILED'; readonly error: string; readonly cause: string }
  /** What StopExecution was given, where it was given anything. */
  | { readonly status: 'ABORTED'; readonly error?: string; readonly cause?: string };

type Ending = Pick<ExecutionEvent, 'type' | 'output' | 'error' | 'cause'>;

/** How an attempt of a Task ended, as an observer is told. */
export function taskEnd(end: LambdaEnded): Ending {
  switch (end.type) {
    case 'LambdaFunctionSucceeded':
      return { type: 'TaskSucceeded', output: end.output };
    case 'LambdaFunctionFailed':
      return { type: 'TaskFailed', error: end.error, cause: end.cause };
    case 'LambdaFunctionTimedOut':
      return { type: 'TaskFailed', error: 'States.Timeout', cause: 'States.Timeout' };
  }
}

/** How an execution ended, as an observer is told. */
export function executionEnd(outcome: ExecutionOutcome): Ending {
  switch (outcome.status) {
    case 'SUCCEEDED':
      return { type: 'ExecutionSucceeded', output: outcome.output };
    case 'FAILED':
      return { type: 'ExecutionFailed', error: outcome.error, cause: outcome.cause };
    case 'ABORTED':
      return { type: 'ExecutionAborted' };
  }
}
