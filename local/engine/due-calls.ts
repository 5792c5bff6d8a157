/**
 * Which iteration a handler is called for. The engine tells that a Task begins in iteration 3, and then calls its
 * handler without a word about the iteration: the call is one of those that are due.
 */
import type { TaskDefinition } from './definition.ts';
import type { EngineEvent } from './execution-history.ts';

interface DueCall {
  readonly state: string;
  readonly index: number | undefined;
  readonly input: string;
}

export class DueCalls {
  #due: DueCall[] = [];

  /** A Task begins, or begins again after a retry's delay. */
  expect({ state, index }: EngineEvent): void {
    if (state?.type !== 'Task') return;
    this.#due.push({ state: state.name, index, input: JSON.stringify(state.input) ?? 'null' });
  }

  /** @returns the iteration that a call belongs to; undefined outside of a Map */
  take(task: TaskDefinition, input: unknown): number | undefined {
    // Calls come in the order of the events, except that events of two iterations may overtake each other within a turn.
    const text = JSON.stringify(input) ?? 'null';
    const found = this.#due.find((due) => due.state === task.state && (!task.takesInputAsIs || due.input === text));
    this.#due = this.#due.filter((due) => due !== found);
    return found?.index;
  }

  /** Calls that will not be made any more. */
  forget(isOver: (state: string) => boolean): void {
    this.#due = this.#due.filter((due) => !isOver(due.state));
  }
}
