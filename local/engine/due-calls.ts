/**
 * The iteration that a handler is called for. The engine reports that a Task begins in iteration 3, and then calls its handler
 * without the iteration's number: the call is one of those that are due.
 */
import type { TaskDefinition } from './definition.ts';
import type { EngineEvent } from './execution-history.ts';

interface DueCall {
  readonly state: string;
  readonly index: number | undefined;
  readonly input: string;
}

/** Calls that the engine has announced and not made yet. */
export class DueCalls {
  #due: DueCall[] = [];

  /** Notes that a Task begins, or begins again after a retry's delay. */
  expect({ state, index }: EngineEvent): void {
    if (state?.type !== 'Task') return;
    this.#due.push({ state: state.name, index, input: JSON.stringify(state.input) ?? 'null' });
  }

  /**
   * Removes the due call that this call is.
   *
   * @returns its iteration; undefined outside of a Map
   */
  take(task: TaskDefinition, input: unknown): number | undefined {
    // Calls arrive in the order of the events, except that events of two iterations may overtake each other within a turn of the
    // event loop.
    const text = JSON.stringify(input) ?? 'null';
    const found = this.#due.find((due) => due.state === task.state && (!task.takesInputAsIs || due.input === text));
    this.#due = this.#due.filter((due) => due !== found);
    return found?.index;
  }

  /** Removes calls that will not be made any more. */
  forget(isOver: (state: string) => boolean): void {
    this.#due = this.#due.filter((due) => !isOver(due.state));
  }
}
