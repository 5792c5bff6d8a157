/**
 * Acknowledged findings of cdk-nag and of CDK itself, each with its reason. One function for each kind of construct, so that no
 * acknowledgement covers more than it must.
 */
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { type CfnElement, Stack, Token, Validations } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';

/** Finding -> reason. */
type Acknowledgements = Readonly<Record<string, string>>;

/**
 * cdk-nag prefixes the names of its rules with the rule pack, and CDK's validation prefixes that with the name of the pack's
 * plug-in.
 */
function acknowledge(construct: IConstruct, findings: Acknowledgements): void {
  const rules = Object.entries(findings).map(([id, reason]) => ({ id: `AwsSolutions::AwsSolutions-${id}`, reason }));
  Validations.of(construct).acknowledge(...rules);
}

/** Subnets named by id: CDK does not know their route tables, and needs them only to add routes. */
export function acknowledgeImportedVpc(vpc: IVpc): void {
  Validations.of(vpc).acknowledge({
    id: 'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
    reason: 'The functions are placed in the subnets, and nothing here adds a route.',
  });
}

/** The role that the Lambda functions share: two services whose actions have no resource-level permissions. */
export function acknowledgeFunctionRole(role: Role): void {
  acknowledge(role, {
    'IAM5[Resource::*]':
      'X-Ray has no resource-level permissions for its two actions, and EC2 none for those by which Lambda attaches a function to a VPC; the code in the functions is denied the latter.',
  });
}

/** A state machine: permissions of log delivery and X-Ray, and to call any version of these functions. */
export function acknowledgeStateMachine(stateMachine: StateMachine, functions: readonly IFunction[]): void {
  const versions = functions.map((lambdaFunction) => {
    const element = lambdaFunction.node.defaultChild as CfnElement;
    return `IAM5[Resource::<${Stack.of(stateMachine).getLogicalId(element)}.Arn>:*]`;
  });
  acknowledge(stateMachine, {
    'IAM5[Resource::*]': 'Log delivery and X-Ray have no resource-level permissions.',
    ...Object.fromEntries(versions.map((id) => [id, 'Any version of a function of this stack may be called.'])),
  });
}

/** A state machine that calls DescribeExecution for executions of `described`. */
export function acknowledgeDescribedExecutions(stateMachine: StateMachine, described: IStateMachine): void {
  const stack = Stack.of(stateMachine);
  const [region, account] = (['Region', 'Account'] as const).map((part) => {
    const value = part === 'Region' ? stack.region : stack.account;
    return Token.isUnresolved(value) ? `<AWS::${part === 'Region' ? part : 'AccountId'}>` : value;
  });
  const element = described.node.defaultChild as CfnElement;
  const name = JSON.stringify({ 'Fn::Select': [6, { 'Fn::Split': [':', { Ref: stack.getLogicalId(element) }] }] });
  acknowledge(stateMachine, {
    [`IAM5[Resource::arn:<AWS::Partition>:states:${region}:${account}:execution:${name}:*]`]:
      'Any execution of the state machine of this stack may be asked about: their names are not known before.',
  });
}

/** The dead-letter queue, which has no dead-letter queue of its own. */
export function acknowledgeDeadLetterQueue(queue: Queue): void {
  acknowledge(queue, {
    SQS3: 'It is a dead-letter queue itself: of schedules and rules, which the rule does not look at.',
  });
}
