/** Conversions between our types and those of aws-local-stepfunctions. */
import type { StateMachine } from 'aws-local-stepfunctions';
import type { StateMachineDefinition } from './definition.ts';
import type { ExecutionOutcome } from './outcome.ts';

export type EngineDefinition = ConstructorParameters<typeof StateMachine>[0];
export type EngineJson = Parameters<StateMachine['run']>[0];
export type EngineContext = NonNullable<NonNullable<Parameters<StateMachine['run']>[1]>['context']>;

/** The engine's type declares every kind of state; ours is JSON from a file, which the engine itself validates. */
export function engineType(definition: StateMachineDefinition): EngineDefinition {
  return definition as unknown as EngineDefinition;
}

/**
 * The context object `$$`. The engine itself sets Execution.Input, Execution.StartTime and Map.Item; it does not have State and
 * Task.
 */
export function executionContext(executionArn: string, name: string, stateMachineArn?: string): EngineContext {
  const id = stateMachineArn ?? executionArn.replace(':execution:', ':stateMachine:').replace(/:[^:]*$/, '');
  return { Execution: { Id: executionArn, Name: name }, StateMachine: { Id: id, Name: id.split(':').at(-1) } };
}

/**
 * The outcome for the error with which the engine's promise was rejected: a state's error, which it wraps, or the machine's own
 * TimeoutSeconds.
 */
export function failed(error: unknown): ExecutionOutcome {
  const wrapped = error instanceof Error && error.name === 'ExecutionError' && error.cause instanceof Error;
  const failure = wrapped ? error.cause : error;
  if (!(failure instanceof Error)) return { status: 'FAILED', error: 'States.Runtime', cause: String(failure) };
  if (failure.name === 'ExecutionTimeoutError') {
    return { status: 'FAILED', error: 'States.Timeout', cause: failure.message };
  }
  return { status: 'FAILED', error: failure.name, cause: failure.message };
}
