/** Observes the executions that start in this process, wherever they are started from: the API, the console page. */
import { DescribeExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { messageOf } from '../../core/contracts/errors.ts';
import { parseJson, recordOf } from '../../core/history/json.ts';
import type { ExecutionObserver } from '../hooks/guarded.ts';
import type { Subject } from '../hooks/milestones.ts';
import { reportOf } from '../outcome.ts';
import { stringOf } from '../progress/events.ts';
import { advance } from '../progress/progress.ts';
import { NOTHING_YET, seenIn } from '../progress/state.ts';
import { type Pause, watchExecution } from './watch.ts';

export interface ObservedOptions {
  readonly client: SFNClient;
  readonly pause: Pause;
  readonly observe: (execution: Subject) => readonly ExecutionObserver[];
  /** Called with a line for a person. */
  readonly warn: (line: string) => void;
}

/** Stopping an execution is the business of others: what is observed here is observed to its end. */
const NEVER = new AbortController().signal;

export class ObservedExecutions {
  readonly #options: ObservedOptions;
  readonly #running = new Set<Promise<void>>();

  constructor(options: ObservedOptions) {
    this.#options = options;
  }

  /** Returns at once. */
  started(executionArn: string): void {
    const observed = this.#observe(executionArn)
      .catch((error: unknown) => this.#options.warn(`an execution is not observed any more: ${messageOf(error)}`))
      .finally(() => this.#running.delete(observed));
    this.#running.add(observed);
  }

  /** Resolves when no execution is observed any more: each is, to its end. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #observe(executionArn: string): Promise<void> {
    const { client, pause, observe } = this.#options;
    const { input } = await client.send(new DescribeExecutionCommand({ executionArn }));
    const given = recordOf(parseJson(input));
    const operation = given.operation === 'rollback' ? 'rollback' : 'migrate';
    const observers = observe({ executionArn, operation, table: stringOf(given.table) });
    let progress = NOTHING_YET;
    const watched = await watchExecution({
      client,
      executionArn,
      pause,
      onEvent(event) {
        ({ progress } = advance(progress, event));
        for (const observer of observers) observer.onEvent(event, progress);
      },
      signal: NEVER,
    });
    if (watched === null) return;
    const { outcome } = watched;
    const report = reportOf({ executionArn, operation, ...watched, seen: seenIn(progress), ledger: null });
    for (const observer of observers) observer.onEnd({ report, outcome, at: Date.now() });
  }
}
