/**
 * The state machine's definition as a file: what CDK synthesizes, with the Resource of each Task resolved to an ARN that ends in
 * `:function:<name>`. The command line runs this file, so it never has to synthesize when it starts.
 */
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { type CfnStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { App, Stack } from 'aws-cdk-lib/core';
import { forEachStep, type StepName } from '../core/contracts/steps/catalogue.ts';
import { stateMachineProps } from './state-machine/state-machine.ts';

/** ARN of a function in the built definition; region and account are the ones that AWS's documentation uses. */
export function builtFunctionArn(name: StepName): string {
  return `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
}

/** The definition as JSON text, indented for people. */
export function builtDefinition(): string {
  const stack = new Stack(new App(), 'BuiltDefinition');
  const functions = forEachStep((name) =>
    LambdaFunction.fromFunctionArn(stack, `Function-${name}`, builtFunctionArn(name)),
  );
  const stateMachine = new StateMachine(stack, 'StateMachine', stateMachineProps(stack, functions));
  const resource = stateMachine.node.defaultChild as CfnStateMachine;
  const definition: unknown = JSON.parse(String(stack.resolve(resource.definitionString)));
  return `${JSON.stringify(definition, null, 2)}\n`;
}
