/**
 * What the executions of this process do, in Prometheus' text format. No label has a value that a person or the database chooses: names of
 * tables and executions would make new series without an end, and tell them to everyone who may read a dashboard.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { pairSteps, Steps } from '../../core/contracts/steps/catalogue.ts';
import { AttachResult, DropResult, PairResult } from '../../core/contracts/steps/results.ts';
import type { ExecutionObserver } from '../hooks/guarded.ts';
import type { ProgressEvent } from '../progress/events.ts';
import { NOTHING_YET, type Progress, totalOf } from '../progress/state.ts';

const REFUSED = new Set(['LockTimeout', 'DeadlockDetected']);

interface Running {
  progress: Progress;
  /** Milliseconds since 1970 of its last event, at first of its start. */
  lastAt: number;
}

/** The metrics, with a registry of their own. */
export class ExecutionMetrics {
  readonly #registry = new Registry();
  readonly #running = new Map<string, Running>();
  readonly #ended = new Counter({
    name: 'p2pfk_executions_ended_total',
    help: 'Executions that have ended since this server started, by status of the migration.',
    labelNames: ['status'],
    registers: [this.#registry],
  });
  readonly #tries = new Counter({
    name: 'p2pfk_lock_tries_total',
    help: 'Tries of steps that take strong locks: granted, or refused because another session held one.',
    labelNames: ['result'],
    registers: [this.#registry],
  });
  readonly #longestWait = this.#gauge(
    'p2pfk_lock_wait_longest_seconds',
    'Longest wait of a step for its locks since this server started, of the tries that got them.',
  );
  readonly #longestHold = this.#gauge(
    'p2pfk_lock_hold_longest_seconds',
    'Longest time since this server started from the request of the first exclusive lock of the drop to its COMMIT.',
  );
  readonly #longest = { wait: 0, hold: 0 };

  constructor() {
    for (const result of ['granted', 'refused']) this.#tries.inc({ result }, 0);
    this.#longestWait.set(0);
    this.#longestHold.set(0);
    this.#whenAsked('p2pfk_executions_running', 'Executions that run in this server.', () => this.#running.size);
    this.#whenAsked(
      'p2pfk_approvals_open',
      'Running executions that wait for a person to approve the drop.',
      () => [...this.#running.values()].filter(({ progress }) => progress.gate?.status === 'AWAITING_APPROVAL').length,
    );
    this.#pairsWhenAsked(
      'p2pfk_pairs_done',
      'Pairs of the running executions that a step has completed.',
      ({ done }) => done,
    );
    this.#pairsWhenAsked(
      'p2pfk_pairs_left',
      'Pairs of the running executions that a step still has to do.',
      ({ left }) => left,
    );
    this.#lastProgressWhenAsked();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @returns all metrics as text */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  observe(executionArn: string): ExecutionObserver {
    const running: Running = { progress: NOTHING_YET, lastAt: Date.now() };
    this.#running.set(executionArn, running);
    return {
      onEvent: (event, progress) => {
        running.progress = progress;
        running.lastAt = event.at;
        this.#countTry(event);
      },
      onEnd: ({ report: { status } }) => {
        this.#running.delete(executionArn);
        this.#ended.inc({ status });
      },
    };
  }

  #countTry({ type, state, output, failure }: ProgressEvent): void {
    if (type === 'TaskFailed' && REFUSED.has(failure?.name ?? '')) this.#tries.inc({ result: 'refused' });
    if (type !== 'TaskSucceeded') return;
    for (const { waitMs, holdMs } of locksOf(state ?? '', output)) {
      this.#tries.inc({ result: 'granted' });
      this.#longest.wait = Math.max(this.#longest.wait, waitMs);
      this.#longest.hold = Math.max(this.#longest.hold, holdMs);
    }
    this.#longestWait.set(this.#longest.wait / 1_000);
    this.#longestHold.set(this.#longest.hold / 1_000);
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.#registry] });
  }

  #whenAsked(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(value());
      },
    });
  }

  /** Absent while nothing runs: a time without an execution is no delay. */
  #lastProgressWhenAsked(): void {
    const running = this.#running;
    new Gauge({
      name: 'p2pfk_last_progress_timestamp_seconds',
      help: 'Unix time of the last event of the running execution that has had none for the longest time.',
      registers: [this.#registry],
      collect() {
        this.remove({});
        if (running.size > 0) this.set(Math.min(...[...running.values()].map(({ lastAt }) => lastAt)) / 1_000);
      },
    });
  }

  #pairsWhenAsked(name: string, help: string, value: (count: PairCount) => number): void {
    const running = this.#running;
    new Gauge({
      name,
      help,
      labelNames: ['step'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { progress } of running.values())
          for (const count of countPairs(progress)) this.inc({ step: count.step }, value(count));
      },
    });
  }
}

interface PairCount {
  /** Name of the Task state. */
  readonly step: string;
  readonly done: number;
  readonly left: number;
}

/** Steps on pairs of the branch that the execution is in; those that not every execution has, once they have begun. */
function countPairs(progress: Progress): PairCount[] {
  if (progress.plan?.status !== 'PLANNED' && progress.plan?.status !== 'ROLLBACK_REQUESTED') return [];
  const isForward = progress.plan.status === 'PLANNED' && progress.fence === null;
  return pairSteps.flatMap(({ state, direction, chosen }) => {
    const stage = progress.stages.get(state);
    const isSure = isForward && direction === 'forward' && chosen !== true;
    if (stage === undefined && !isSure) return [];
    if (isForward !== (direction === 'forward')) return [];
    const done = stage?.done.size ?? 0;
    return [{ step: state, done, left: Math.max(0, totalOf(progress, state) - done) }];
  });
}

interface Locks {
  readonly waitMs: number;
  readonly holdMs: number;
}

/** Of the tries that a result reports; none of a statement that was left running. */
function locksOf(state: string, output: unknown): Locks[] {
  if (state === Steps['drop-parent-foreign-key'].state) {
    const dropped = DropResult.safeParse(output).data;
    return dropped?.status === 'DROPPED' ? [{ waitMs: 0, holdMs: dropped.lockedMs }] : [];
  }
  if (state === Steps['attach-parent'].state) {
    const attached = AttachResult.safeParse(output).data;
    return attached?.status === 'DONE' ? [{ waitMs: attached.lockWaitMs, holdMs: 0 }] : [];
  }
  const pair = PairResult.safeParse(output).data;
  if (pair === undefined) return [];
  return (pair.batch ?? [pair])
    .filter(({ status }) => status === 'DONE')
    .map(({ lockWaitMs }) => ({ waitMs: lockWaitMs, holdMs: 0 }));
}
