/** State machines that call services of AWS, on the local engine: each service is a function of the state's name. */
import { Topic } from 'aws-cdk-lib/aws-sns';
import {
  type CfnStateMachine,
  DefinitionBody,
  type IChainable,
  type IStateMachine,
  StateMachine,
  type StateMachineProps,
} from 'aws-cdk-lib/aws-stepfunctions';
import { App, Stack } from 'aws-cdk-lib/core';
import type { Topics } from '../../infra/operations/topics.ts';
import { type Handler, type Handlers, type StateMachineDefinition, startExecution } from '../../local/engine/engine.ts';

export interface Surroundings {
  readonly stack: Stack;
  readonly main: IStateMachine;
  readonly topics: Topics;
}

type State = {
  Resource?: string;
  Retry?: unknown;
  Seconds?: number;
  States?: States;
  ItemProcessor?: { States: States };
};
type States = Record<string, State>;

/** What is made in a stack of its own, as the local engine runs it. */
export function definitionOf(define: (around: Surroundings) => IChainable): StateMachineDefinition {
  return asFunctions(
    deployedDefinitionOf((around) => ({ definitionBody: DefinitionBody.fromChainable(define(around)) })),
  );
}

/** What is made in a stack of its own, as it would be deployed. */
export function deployedDefinitionOf(propsOf: (around: Surroundings) => StateMachineProps): StateMachineDefinition {
  const stack = new Stack(new App(), 'Services', { env: { region: 'eu-central-1', account: '123456789012' } });
  const main = StateMachine.fromStateMachineName(stack, 'Main', 'p2pfk');
  const topic = (severity: string) =>
    Topic.fromTopicArn(stack, severity, `arn:aws:sns:eu-central-1:123456789012:${severity}`);
  const topics = { page: topic('page'), warning: topic('warning'), info: topic('info') };
  const machine = new StateMachine(stack, 'StateMachine', propsOf({ stack, main, topics }));
  const resource = machine.node.defaultChild as CfnStateMachine;
  const resolved: unknown = stack.resolve(resource.definitionString);
  return JSON.parse(typeof resolved === 'string' ? resolved : joined(resolved));
}

/** The partition is the only part of the text that CloudFormation fills in. */
function joined(resolved: unknown): string {
  const [separator, parts] = (resolved as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
  return parts.map((part) => (typeof part === 'string' ? part : 'aws')).join(separator);
}

function asFunctions(definition: StateMachineDefinition): StateMachineDefinition {
  const replace = (states: States): void => {
    for (const [name, state] of Object.entries(states)) {
      if (state.Resource) state.Resource = `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
      // No test waits for the tries of a service that refuses.
      delete state.Retry;
      if (state.Seconds !== undefined) state.Seconds = 0;
      if (state.ItemProcessor) replace(state.ItemProcessor.States);
    }
  };
  replace(definition.States as unknown as States);
  return definition;
}

/** Calls, in their order: the state's name and what it was given. */
export async function runWith(definition: StateMachineDefinition, input: unknown, answers: Handlers) {
  const calls: { state: string; event: unknown }[] = [];
  const handlers: Handlers = Object.fromEntries(
    Object.entries(answers).map(([state, answer]): [string, Handler] => [
      state,
      async (event, context) => {
        calls.push({ state, event });
        return answer(event, context);
      },
    ]),
  );
  const executionArn = 'arn:aws:states:local:000000000000:execution:services:test';
  const { outcome } = startExecution({ definition, handlers, input, executionArn, name: 'test' });
  return { outcome: await outcome, calls };
}
