/** What the process that runs the handlers and the one that watches it tell each other. */
import type { ExecutionOutcome } from '../../../local/engine/engine.ts';
import type { FunctionFault } from '../schedule.ts';

/** One call of a handler, as the state machine made it. */
export interface Invocation {
  readonly functionName: string;
  readonly event: unknown;
}

export interface RunCommand {
  readonly type: 'run';
  readonly databaseUrl: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** JSON file of the state machine. */
  readonly definition: string;
  /** What `getRemainingTimeInMillis` answers; absent: what the Task's TimeoutSeconds leave. */
  readonly allowanceMs?: number | undefined;
  /** Functions that fail as Lambda does, for as many calls as each says. */
  readonly failing?: readonly FunctionFault[];
}

/** Calls a handler once more, or late, outside of any execution. */
export interface DeliverCommand {
  readonly type: 'deliver';
  readonly id: number;
  readonly databaseUrl: string;
  readonly invocation: Invocation;
}

export type Command = RunCommand | DeliverCommand;

export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'invoked'; readonly invocation: Invocation }
  | { readonly type: 'entered'; readonly state: string }
  | { readonly type: 'failed'; readonly state: string; readonly error: string; readonly message: string }
  /** A function has failed as often as it was to. */
  | { readonly type: 'function-failed'; readonly kind: FunctionFault['kind']; readonly functionName: string }
  /** A step that has nothing to do but wait said for whom. */
  | { readonly type: 'held-back'; readonly state: string; readonly message: string }
  | { readonly type: 'ended'; readonly outcome: ExecutionOutcome; readonly executionArn: string }
  /** There was nobody to talk to before the execution began, or the engine refused it. */
  | { readonly type: 'not-begun'; readonly error: string; readonly message: string }
  | { readonly type: 'delivered'; readonly id: number; readonly outcome: string };
