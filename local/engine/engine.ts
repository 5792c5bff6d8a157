/**
 * The local engine: runs a Step Functions definition in this process. It is an adapter around aws-local-stepfunctions, which
 * interprets the states; the adapter calls the Lambda handlers and adds what that package leaves out of AWS's behaviour:
 *
 * - every input and output is converted to JSON and back, and more than 256 KiB fails as States.DataLimitExceeded;
 * - a history of 25,000 events ends the execution (States.Runtime);
 * - a handler's error has Lambda's Cause, and its class name as the error name;
 * - after an execution ended or a Map failed, no further handler is started;
 * - constructs that the engine would silently ignore are refused before anything runs.
 *
 * docs/local-engine.md lists every remaining difference, each with the test that shows it.
 */

import type { Context } from 'aws-lambda';
import { StateMachine } from 'aws-local-stepfunctions';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { ROLE_ARN } from '../step-functions/arns.ts';
import { type EngineJson, engineType, executionContext, failed } from './boundary.ts';
import { adaptDefinition, type StateMachineDefinition, type TaskDefinition } from './definition.ts';
import { DueCalls } from './due-calls.ts';
import { lambdaFailure, TaskFailure, TerminalFailure } from './errors.ts';
import type { LambdaEnded } from './event-details.ts';
import { type EngineEvent, ExecutionHistory } from './execution-history.ts';
import { type Handlers, lambdaContext } from './lambda.ts';
import { historyLimitExceeded, MAX_NAME_LENGTH, overTheWire, payloadFailure } from './limits.ts';
import type { ExecutionOutcome } from './outcome.ts';

export type { StateMachineDefinition } from './definition.ts';
export type { Handler, Handlers } from './lambda.ts';
export type { ExecutionOutcome } from './outcome.ts';

/** What to run, and who is informed. */
export interface StartExecutionOptions {
  readonly definition: StateMachineDefinition;
  /** Function name -> handler; each Task's Resource must end in `:function:<name>` of one of these. */
  readonly handlers: Handlers;
  readonly input: unknown;
  /** `$$.Execution.Id`. */
  readonly executionArn: string;
  /** `$$.Execution.Name`, at most 80 characters. */
  readonly name: string;
  /** `$$.StateMachine.Id`; derived from the execution's ARN where absent. */
  readonly stateMachineArn?: string;
  /**
   * Called with each event of the history as soon as it is added. Called synchronously, so it must return quickly. An error that it
   * throws is only reported as a warning.
   */
  readonly onHistory?: (event: HistoryEvent) => void;
  /** Replaces fields of the Lambda context that handlers receive. */
  readonly taskContext?: Partial<Context>;
}

/** An execution that was started. */
export interface RunningExecution {
  /** Never rejects. */
  readonly outcome: Promise<ExecutionOutcome>;
  /**
   * Resolves when the outcome is known and no handler runs any more. After an abort, a time-out or the failure of a Map that can
   * be later than `outcome`: like AWS, the engine does not stop running handlers.
   */
  readonly settled: Promise<void>;
  /**
   * StopExecution: ends the execution without running any Catch. Handlers that are running continue, no new one starts.
   * Idempotent.
   */
  abort(reason?: AbortReason): void;
}

/** `error` and `cause` of StopExecution: free text, which appears only in the history. */
export interface AbortReason {
  readonly error?: string;
  readonly cause?: string;
}

/**
 * Starts an execution.
 *
 * @throws Error if the definition is invalid, uses what the engine cannot do, or names a function that has no handler
 *
 * @example
 * const { outcome } = startExecution({ definition, handlers, input: { table: 'path' }, executionArn, name });
 * if ((await outcome).status === 'FAILED') ...
 */
export function startExecution(options: StartExecutionOptions): RunningExecution {
  const execution = new LocalExecution(options);
  return { outcome: execution.outcome, settled: execution.settled, abort: (reason) => execution.abort(reason) };
}

/**
 * Definitions that have been validated. The engine compiles schemas for each validation: 0.3 s of processor time in a new
 * process, 70 ms later. So a definition is validated once, and the built one when it is built.
 */
const validated = new WeakSet<StateMachineDefinition>();

/**
 * Validates the original with the engine's own validation; what runs is the adapted copy. On a clone, because the engine writes
 * into what it validates.
 *
 * @throws Error when it is not a valid definition
 */
export function validateDefinition(definition: StateMachineDefinition): void {
  if (validated.has(definition)) return;
  new StateMachine(engineType(structuredClone(definition)), { validationOptions: { checkArn: false } });
  validated.add(definition);
}

/** Marks a definition as validated, which was done when it was built. */
export function trustDefinition(definition: StateMachineDefinition): void {
  validated.add(definition);
}

/** One attempt of one task. */
interface Invocation {
  readonly task: TaskDefinition;
  /** Iteration that it belongs to; undefined outside of a Map. */
  readonly index: number | undefined;
  readonly input: unknown;
}

class LocalExecution {
  readonly outcome: Promise<ExecutionOutcome>;
  readonly settled: Promise<void>;

  readonly #options: StartExecutionOptions;
  readonly #parents: ReadonlyMap<string, readonly string[]>;
  readonly #history: ExecutionHistory;
  readonly #abortEngine: () => void;
  readonly #due = new DueCalls();
  readonly #open = new Set<Invocation>();
  readonly #handlersInFlight = new Set<Promise<unknown>>();
  /** Map and Parallel states of which an iteration failed: AWS starts nothing in them any more. */
  readonly #failedParents = new Set<string>();
  #terminal: TerminalFailure | null = null;
  #aborted: AbortReason | null = null;
  #ended = false;

  constructor(options: StartExecutionOptions) {
    if (options.name.length > MAX_NAME_LENGTH) {
      throw new Error(`An execution's name has at most ${MAX_NAME_LENGTH} characters: ${options.name}`);
    }
    validateDefinition(options.definition);
    const { definition, tasks, parents } = adaptDefinition(options.definition);
    for (const { state, functionName } of tasks) {
      if (options.handlers[functionName] === undefined) {
        throw new Error(`State ${state} calls the function ${functionName}, for which there is no handler.`);
      }
    }
    this.#options = options;
    this.#parents = parents;
    this.#history = new ExecutionHistory({
      definition,
      roleArn: ROLE_ARN,
      onEvent: (event) => this.#emit(event),
    });

    const input = overTheWire(options.input, 'The input of the execution') as EngineJson;
    const machine = new StateMachine(engineType(definition), { validationOptions: { noValidate: true } });
    const run = machine.run(input, {
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(
          tasks.map((task) => [task.state, (taskInput) => this.#invoke(task, taskInput) as Promise<EngineJson>]),
        ),
      },
      context: executionContext(options.executionArn, options.name, options.stateMachineArn),
    });
    this.#abortEngine = run.abort;
    const observed = this.#observe(run.eventLogs as AsyncIterable<EngineEvent>);
    this.outcome = this.#conclude(run.result, observed);
    this.settled = this.outcome.then(async () => {
      while (this.#handlersInFlight.size > 0) await Promise.allSettled(this.#handlersInFlight);
    });
  }

  abort(reason: AbortReason = {}): void {
    if (this.#ended || this.#aborted !== null || this.#terminal !== null) return;
    this.#aborted = reason;
    this.#abortEngine();
  }

  /** Ends the execution with an error that no Catch applies to. */
  #fail(failure: TerminalFailure): void {
    if (this.#ended || this.#aborted !== null || this.#terminal !== null) return;
    this.#terminal = failure;
    this.#abortEngine();
  }

  async #conclude(result: Promise<unknown>, observed: Promise<void>): Promise<ExecutionOutcome> {
    let outcome: ExecutionOutcome;
    try {
      outcome = { status: 'SUCCEEDED', output: await result };
    } catch (error) {
      outcome = this.#aborted === null ? failed(error) : { status: 'ABORTED', ...this.#aborted };
    }
    await observed;
    if (this.#terminal !== null) outcome = failed(this.#terminal);
    this.#ended = true;
    this.#history.ended(outcome);
    return outcome;
  }

  /** Follows the engine's events, which end when the execution ends. */
  async #observe(events: AsyncIterable<EngineEvent>): Promise<void> {
    for await (const event of events) {
      const state = event.state?.name ?? event.parentState?.name ?? '';
      if (this.#isStopped(state) || (event.parentState !== undefined && this.#failedParents.has(state))) continue;
      this.#history.observe(event);
      this.#checkHistory();
      switch (event.type) {
        case 'StateEntered':
          this.#failedParents.delete(state);
          this.#due.expect(event);
          this.#checkPayload(event.state?.input, `The input of state ${state}`);
          break;
        case 'StateExited':
          this.#checkPayload(event.state?.output, `The output of state ${state}`);
          break;
        case 'StateRetried':
          this.#failedParents.delete(state);
          this.#due.expect(event);
          break;
        case 'MapIterationFailed':
          this.#parentFailed(state);
          break;
        case 'StateFailed':
          if (event.state?.type === 'Task' && event.Error === 'States.Timeout') this.#timedOut(state, event.index);
          else if (event.state?.type !== 'Task') this.#parentFailed(state);
          break;
      }
    }
  }

  #parentFailed(state: string): void {
    this.#failedParents.add(state);
    this.#due.forget((due) => (this.#parents.get(due) ?? []).includes(state));
  }

  async #invoke(task: TaskDefinition, engineInput: unknown): Promise<unknown> {
    // The engine calls the next handler in the same turn of the event loop in which it queues its events. One turn later
    // `#observe` has processed them, so limits and failed Maps are known before the handler is called, and events are in order.
    await new Promise((resolve) => setImmediate(resolve));
    this.#refuseIfStopped(task.state);

    const input = overTheWire(engineInput, `The input of state ${task.state}`);
    const index = this.#due.take(task, engineInput);
    const invocation: Invocation = { task, index, input };
    this.#begin(invocation);
    this.#refuseIfStopped(task.state);
    try {
      const output = overTheWire(await this.#callHandler(task, input), `The result of ${task.state}`);
      this.#finish(invocation, { type: 'LambdaFunctionSucceeded', output });
      return output;
    } catch (error) {
      const failure = error instanceof TaskFailure ? error : lambdaFailure(error);
      this.#finish(invocation, { type: 'LambdaFunctionFailed', error: failure.name, cause: failure.message });
      throw failure;
    }
  }

  async #callHandler(task: TaskDefinition, input: unknown): Promise<unknown> {
    const handler = this.#options.handlers[task.functionName];
    const call = (async () => handler?.(input, lambdaContext(task, this.#options.taskContext ?? {})))();
    this.#handlersInFlight.add(call);
    try {
      return await call;
    } finally {
      this.#handlersInFlight.delete(call);
    }
  }

  #begin(invocation: Invocation): void {
    const { task, index, input } = invocation;
    this.#open.add(invocation);
    this.#history.lambdaScheduled(task.state, index, {
      resource: task.resource,
      input,
      ...(task.namedTimeoutSeconds === undefined ? {} : { timeoutInSeconds: task.namedTimeoutSeconds }),
    });
    this.#checkHistory();
  }

  /** Records how an attempt ended, unless that does not matter any more: it had timed out, or its Map or execution had ended. */
  #finish(invocation: Invocation, end: LambdaEnded): void {
    const { task, index } = invocation;
    if (!this.#open.delete(invocation) || this.#isStopped(task.state)) return;
    this.#history.lambdaEnded(task.state, index, end);
    this.#checkHistory();
  }

  /** The engine timed an attempt out; its handler continues to run, and its result is ignored. */
  #timedOut(state: string, index: number | undefined): void {
    const invocation = [...this.#open].find((open) => open.task.state === state && open.index === index);
    if (invocation !== undefined) this.#finish(invocation, { type: 'LambdaFunctionTimedOut' });
  }

  #isStopped(state: string): boolean {
    if (this.#aborted !== null || this.#ended || this.#terminal !== null) return true;
    return (this.#parents.get(state) ?? []).some((parent) => this.#failedParents.has(parent));
  }

  /** Ends a call that must not be made. The error has no effect: everything that it could end has already ended. */
  #refuseIfStopped(state: string): void {
    if (this.#isStopped(state)) throw new TerminalFailure('ExecutionStopped', `${state} is not started any more.`);
  }

  #checkPayload(value: unknown, what: string): void {
    const failure = payloadFailure(value, what);
    if (failure !== null) this.#fail(failure);
  }

  /** Event 25,000 must be the one that ends the execution. */
  #checkHistory(): void {
    if (this.#history.full) this.#fail(historyLimitExceeded());
  }

  /** Calls the observer. An error that it throws is only reported as a warning. */
  #emit(event: HistoryEvent): void {
    try {
      this.#options.onHistory?.(event);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
