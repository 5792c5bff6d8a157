/** Small machines for the engine tests. */
import { HistoryReader, type ReadEvent } from '../../core/history/read-history.ts';
import {
  type ExecutionOutcome,
  type Handlers,
  type StartExecutionOptions,
  type StateMachineDefinition,
  startExecution,
} from '../../local/engine/engine.ts';

export const ARN = 'arn:aws:states:local:000000000000:execution:p2pfk:test';

/** `Resource` of a Task that calls the handler of this name. */
export function fn(name: string): string {
  return `arn:aws:lambda:eu-central-1:123456789012:function:${name}`;
}

/** A machine of the given states, which begins with the first one. */
export function machine(states: Record<string, { Type: string; [field: string]: unknown }>): StateMachineDefinition {
  return { StartAt: Object.keys(states)[0] ?? '', States: states };
}

export interface Finished {
  readonly outcome: ExecutionOutcome;
  readonly events: readonly ReadEvent[];
  /** What was done with states and attempts, and how the execution ended, in order. */
  readonly story: readonly string[];
}

/** Runs a machine to its end, handlers included. */
export async function run(
  definition: StateMachineDefinition,
  handlers: Handlers = {},
  input: unknown = {},
  options: Partial<StartExecutionOptions> = {},
): Promise<Finished> {
  const reader = new HistoryReader();
  const execution = startExecution({
    definition,
    handlers,
    input,
    executionArn: ARN,
    name: 'test',
    onHistory: (event) => reader.read([event]),
    ...options,
  });
  const outcome = await execution.outcome;
  await execution.settled;
  const { events } = reader.history();
  return { outcome, events, story: storyOf(events) };
}

/** `entered Work`, `scheduled Work 1`, `failed Work 1`: what was done with states and attempts, in order. */
export function storyOf(events: readonly ReadEvent[]): string[] {
  return events.flatMap(({ event, change, visit, attempt }) => {
    if (/^Execution(?!Started)/.test(event.type ?? '')) return [event.type ?? ''];
    if (change === null || change === 'exited') return [];
    return [`${change} ${visit?.state}${change === 'entered' ? '' : ` ${attempt?.number}`}`];
  });
}

/** The output of an execution that must have succeeded. */
export function output({ outcome }: Finished): unknown {
  if (outcome.status !== 'SUCCEEDED') throw new Error(`expected success: ${JSON.stringify(outcome)}`);
  return outcome.output;
}

/** An error class as core/contracts/errors.ts has them. */
export class Named extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** A promise and the function that fulfils it. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}
