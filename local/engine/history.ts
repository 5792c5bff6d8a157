/**
 * How long the history of this execution would be in AWS, event by event:
 *
 * | what | events |
 * | --- | --- |
 * | execution | ExecutionStarted, and at the end ExecutionSucceeded, -Failed or -Aborted |
 * | any state | ...StateEntered, ...StateExited (not where it fails for good) |
 * | each attempt of a Lambda task | LambdaFunctionScheduled, -Started, and -Succeeded, -Failed or -TimedOut |
 * | Map | MapStateStarted, and MapStateSucceeded or -Failed |
 * | each iteration | MapIterationStarted, and MapIterationSucceeded, -Failed or -Aborted |
 * | Parallel | ParallelStateStarted, and ParallelStateSucceeded or -Failed |
 *
 * A retry has no event of its own. https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */

/** As much of the engine's own events as counting needs. */
export interface EngineEvent {
  readonly type: string;
  readonly state?: { readonly name: string; readonly type: string; readonly input: unknown; readonly output?: unknown };
  readonly parentState?: { readonly name: string };
  readonly Error?: string;
}

export class HistoryLength {
  #events = 0;
  readonly #openIterations = new Map<string, number>();
  readonly #failedMaps = new Set<string>();

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /** LambdaFunctionScheduled and LambdaFunctionStarted. */
  taskScheduled(): void {
    this.#events += 2;
  }

  /** LambdaFunctionSucceeded, LambdaFunctionFailed or LambdaFunctionTimedOut. */
  taskEnded(): void {
    this.#events += 1;
  }

  /** Counts what the engine tells. `ExecutionStarted` is the first event; the last one is never counted here. */
  count(event: EngineEvent): void {
    switch (event.type) {
      case 'ExecutionStarted':
        this.#events += 1;
        break;
      case 'StateEntered':
        this.#events += hasChildren(event) ? 2 : 1;
        break;
      case 'StateExited':
        this.#events += this.#succeededParent(event) ? 2 : 1;
        break;
      case 'StateFailed':
        if (hasChildren(event)) this.#parentFailed(event.state?.name ?? '');
        break;
      case 'MapIterationStarted':
        this.#iteration(event, +1);
        break;
      case 'MapIterationSucceeded':
      case 'MapIterationFailed':
        this.#iteration(event, -1);
        break;
    }
  }

  #succeededParent(event: EngineEvent): boolean {
    return hasChildren(event) && !this.#failedMaps.delete(event.state?.name ?? '');
  }

  /** MapStateFailed, and MapIterationAborted for each iteration that had begun and not ended. */
  #parentFailed(name: string): void {
    this.#events += 1 + (this.#openIterations.get(name) ?? 0);
    this.#openIterations.delete(name);
    this.#failedMaps.add(name);
  }

  #iteration(event: EngineEvent, change: 1 | -1): void {
    const name = event.parentState?.name ?? '';
    this.#events += 1;
    this.#openIterations.set(name, (this.#openIterations.get(name) ?? 0) + change);
  }
}

function hasChildren(event: EngineEvent): boolean {
  return event.state?.type === 'Map' || event.state?.type === 'Parallel';
}
