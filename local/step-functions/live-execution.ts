/** An execution that runs in this process: the engine, its history in memory, and the store that it is written to. */
import { messageOf } from '../../core/contracts/errors.ts';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import type { StateMachineDefinition } from '../engine/definition.ts';
import type { AbortReason, ExecutionOutcome, Handlers, RunningExecution } from '../engine/engine.ts';
import { ExecutionHistory } from '../engine/execution-history.ts';
import { beginExecution, settled } from '../executions.ts';
import type { ExecutionStore } from '../store/execution-store.ts';
import { BEAT_MS } from '../store/owner.ts';
import type { ExecutionEnd, ExecutionRecord, NewExecution } from '../store/records.ts';
import { ROLE_ARN } from './arns.ts';

/** What to run, and where to store it. */
export interface LiveExecutionOptions {
  readonly execution: NewExecution;
  readonly definition: StateMachineDefinition;
  readonly handlers: Handlers;
  readonly store: ExecutionStore;
  /** False where the store could not write the beginning of the execution. */
  readonly kept: boolean;
  /** Called once when the store can no longer be written; the execution continues. */
  readonly warn: (line: string) => void;
}

/** Runs an execution, and writes its history to the store. */
export class LiveExecution {
  /** The complete history, oldest event first. */
  readonly events: HistoryEvent[] = [];
  /** Resolves when the outcome is known and recorded. */
  readonly ended: Promise<void>;
  readonly #options: LiveExecutionOptions;
  readonly #beat: NodeJS.Timeout;
  #record: ExecutionRecord;
  #running: RunningExecution | null = null;
  #stopReason: AbortReason | null = null;
  #kept: boolean;
  #changed = Promise.withResolvers<void>();

  /** Returns at once. If the execution cannot be started, it ends with that error. */
  constructor(options: LiveExecutionOptions) {
    this.#options = options;
    this.#kept = options.kept;
    this.#record = { ...options.execution, status: 'RUNNING', output: null, error: null, cause: null, stopDate: null };
    this.#beat = setInterval(() => this.#sendHeartbeat(), BEAT_MS).unref();
    this.ended = this.#run();
  }

  get record(): ExecutionRecord {
    return this.#record;
  }

  /** Whether the store has the complete history. */
  get kept(): boolean {
    return this.#kept;
  }

  /** Resolves with the next event of the history, or with the end of the execution. */
  get changed(): Promise<void> {
    return this.#record.status === 'RUNNING' ? this.#changed.promise : Promise.resolve();
  }

  /** Ends the execution at once, without running any Catch; running handlers continue. */
  stop(reason: AbortReason): void {
    this.#stopReason ??= reason;
    this.#running?.abort(this.#stopReason);
  }

  /** Waits until no handler runs any more, but not longer than 10 s. */
  async settled(): Promise<void> {
    await this.ended;
    if (this.#running !== null) await settled(this.#running);
  }

  async #run(): Promise<void> {
    const { execution, definition, handlers } = this.#options;
    let outcome: ExecutionOutcome;
    try {
      const running = await beginExecution({
        definition,
        handlers,
        input: JSON.parse(execution.input) as unknown,
        executionArn: execution.arn,
        name: execution.name,
        stateMachineArn: execution.stateMachineArn,
        onHistory: (event) => this.#append(event),
      });
      this.#running = running;
      // The stop was requested while the database was being reached.
      if (this.#stopReason !== null) running.abort(this.#stopReason);
      outcome = await running.outcome;
    } catch (error) {
      outcome = this.#failToBegin(error);
    }
    clearInterval(this.#beat);
    const end = endOf(outcome);
    this.#keep((store) => store.end(execution.arn, end));
    this.#record = { ...this.#record, ...end };
    this.#changed.resolve();
  }

  /** The end of an execution that has no database to run against: it fails before its first state. */
  #failToBegin(error: unknown): ExecutionOutcome {
    const name = error instanceof Error ? error.name : 'Error';
    const outcome: ExecutionOutcome = { status: 'FAILED', error: name, cause: messageOf(error) };
    const { execution, definition } = this.#options;
    const history = new ExecutionHistory({ definition, roleArn: ROLE_ARN, onEvent: (event) => this.#append(event) });
    history.observe({ type: 'ExecutionStarted', input: JSON.parse(execution.input) as unknown });
    history.ended(outcome);
    return outcome;
  }

  #append(event: HistoryEvent): void {
    this.events.push(event);
    this.#keep((store) => store.append(this.#record.arn, event));
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  #sendHeartbeat(): void {
    this.#keep((store) => {
      const request = store.beat(this.#record.arn);
      if (request !== null) this.stop(request);
    });
  }

  /**
   * Writes to the store. A full disk is no reason to leave a migration half done: the execution continues, and its history is
   * kept in memory until the process ends.
   */
  #keep(write: (store: ExecutionStore) => void): void {
    if (!this.#kept) return;
    try {
      write(this.#options.store);
    } catch (error) {
      this.#kept = false;
      const why = messageOf(error);
      this.#options.warn(`the history of this execution is not kept on disk any more: ${why}`);
    }
  }
}

function endOf(outcome: ExecutionOutcome): ExecutionEnd {
  const stopDate = new Date();
  switch (outcome.status) {
    case 'SUCCEEDED':
      return {
        status: 'SUCCEEDED',
        output: JSON.stringify(outcome.output) ?? 'null',
        error: null,
        cause: null,
        stopDate,
      };
    case 'FAILED':
    case 'ABORTED':
      return {
        status: outcome.status,
        output: null,
        error: outcome.error ?? null,
        cause: outcome.cause ?? null,
        stopDate,
      };
  }
}
