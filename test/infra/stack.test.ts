/** What would be deployed. Two syntheses in all: with a maintenance window and without. */
import { Match } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { builtFunctionArn } from '../../infra/built-definition.ts';
import { LambdaFunctions, type LambdaName, lambdaNames } from '../../infra/lambda-functions.ts';
import { definition } from './definition.helpers.ts';
import { exampleContext, synthesize } from './stack.helpers.ts';

const plain = synthesize();
const withWindow = synthesize({
  maintenanceWindow: {
    cron: 'cron(0 3 ? * SUN *)',
    timeZone: 'Europe/Berlin',
    minutes: 90,
    input: { table: 'public.path', approval: 'manual' },
  },
});

describe('the stack', () => {
  it('has one Standard state machine, traced and logged, and says its ARN', () => {
    plain.resourceCountIs('AWS::StepFunctions::StateMachine', 1);
    plain.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    const [id] = Object.keys(plain.findResources('AWS::StepFunctions::StateMachine'));
    plain.hasOutput('StateMachineArn', { Value: { Ref: id } });
  });

  it('has one function for each step, all of one kind', () => {
    const functions = Object.values(plain.findResources('AWS::Lambda::Function'));
    expect(functions).toHaveLength(lambdaNames.length);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
      });
    }
  });

  it.each(lambdaNames)('gives %s as long as its Task waits for it', (name) => {
    const { state, timeoutSeconds } = LambdaFunctions[name];
    plain.hasResourceProperties('AWS::Lambda::Function', {
      Description: Match.stringLikeRegexp(`^p2pfk ${state}:`),
      Timeout: timeoutSeconds,
    });
    expect(timeoutSeconds).toBeLessThanOrEqual(900);
  });

  it('tells the functions where the database is, and never its password', () => {
    const { endpoint, name, user, secretArn } = exampleContext().database as Record<string, string>;
    plain.allResourcesProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          PGHOST: endpoint,
          PGPORT: '5432',
          PGDATABASE: name,
          PGUSER: user,
          PGSSLMODE: 'verify-full',
          DATABASE_SECRET_ARN: secretArn,
          PGPASSWORD: Match.absent(),
          DATABASE_URL: Match.absent(),
        },
      },
    });
  });

  it('places the functions in the given network', () => {
    const { subnets, securityGroupIds } = exampleContext().network as {
      subnets: { subnetId: string }[];
      securityGroupIds: string[];
    };
    plain.allResourcesProperties('AWS::Lambda::Function', {
      VpcConfig: { SubnetIds: subnets.map(({ subnetId }) => subnetId), SecurityGroupIds: securityGroupIds },
    });
  });

  it('keeps the logs for a time and beyond the stack', () => {
    plain.resourceCountIs('AWS::Logs::LogGroup', lambdaNames.length + 1);
    plain.allResources('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 90 }, DeletionPolicy: 'Retain' });
  });

  it('deploys the very definition that the command line runs', () => {
    expect(JSON.parse(deployedDefinition())).toEqual(definition);
  });
});

describe('the maintenance window', () => {
  it('is off until one is given', () => {
    plain.resourceCountIs('AWS::Scheduler::Schedule', 0);
    plain.resourceCountIs('AWS::SQS::Queue', 0);
  });

  it('starts the state machine when it opens, in its own time zone, and not after it closed', () => {
    const [stateMachine] = Object.keys(withWindow.findResources('AWS::StepFunctions::StateMachine'));
    withWindow.hasResourceProperties('AWS::Scheduler::Schedule', {
      State: 'ENABLED',
      ScheduleExpression: 'cron(0 3 ? * SUN *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { Ref: stateMachine },
        Input: Match.serializedJson(
          Match.objectLike({ table: 'public.path', approval: 'manual', operation: 'migrate' }),
        ),
        RetryPolicy: { MaximumEventAgeInSeconds: 90 * 60, MaximumRetryAttempts: 3 },
      },
    });
  });

  it('leaves what could not be delivered in an encrypted queue that only takes TLS', () => {
    const [queue] = Object.keys(
      withWindow.findResources('AWS::SQS::Queue', { Properties: { SqsManagedSseEnabled: true } }),
    );
    expect(queue).toBeDefined();
    withWindow.hasResourceProperties('AWS::Scheduler::Schedule', {
      Target: { DeadLetterConfig: { Arn: { 'Fn::GetAtt': [queue, 'Arn'] } } },
    });
    withWindow.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  it('may start this state machine and fill this queue, for this account alone, and nothing else', () => {
    withWindow.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'scheduler.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ],
      },
    });
    const policies = Object.entries(withWindow.findResources('AWS::IAM::Policy'));
    const policy = policies.find(([id]) => id.startsWith('MaintenanceWindow'))?.[1];
    expect(policy?.Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string }) => Action)).toEqual([
      'states:StartExecution',
      ...['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'],
    ]);
  });
});

describe('the rules of AWS Solutions', () => {
  it('stop the synthesis of a stack that breaks one', () => {
    const violate = () => synthesize({ change: (stack) => void new Bucket(stack, 'Open') });
    expect(violate).toThrow(/AwsSolutions-S1'/);
  });
});

/** The definition in the template, with each function's `Fn::GetAtt` replaced by its ARN in the built definition. */
function deployedDefinition(): string {
  const [stateMachine] = Object.values(plain.findResources('AWS::StepFunctions::StateMachine'));
  const [separator, parts] = stateMachine?.Properties.DefinitionString['Fn::Join'] ?? [];
  return parts
    .map((part: string | { 'Fn::GetAtt': [string, string] }) =>
      typeof part === 'string' ? part : builtFunctionArn(functionBehind(part['Fn::GetAtt'][0])),
    )
    .join(separator);
}

function functionBehind(logicalId: string): LambdaName {
  const { Description } = plain.findResources('AWS::Lambda::Function')[logicalId]?.Properties ?? {};
  const name = lambdaNames.find((candidate) => Description.startsWith(`p2pfk ${LambdaFunctions[candidate].state}:`));
  if (!name) throw new Error(`No function is described as ${Description}`);
  return name;
}
