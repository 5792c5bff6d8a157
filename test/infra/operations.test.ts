/** Windows, reconcile, audit, notifications and alarms, as they would be deployed. */
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { KEEP_READY } from '../../core/contracts/aws/keep-ready.ts';
import { METRIC_NAMES } from '../../core/contracts/aws/metric-names.ts';
import { ScheduleTag } from '../../core/contracts/aws/schedule-tags.ts';
import { synthesize } from './stack.helpers.ts';

const template = synthesize({
  maintenanceWindow: {
    cron: 'cron(0 3 ? * SUN *)',
    timeZone: 'Europe/Berlin',
    minutes: 90,
    input: { table: 'public.path', approval: 'manual' },
  },
});
const withoutWindow = synthesize();

const idOf = (type: string, part: string) =>
  Object.keys(template.findResources(type)).filter((id) => id.includes(part));
const [stateMachine] = Object.keys(template.findResources('AWS::StepFunctions::StateMachine')).filter(
  (id) => !id.includes('Reconciliation'),
);
const [reconciliation] = idOf('AWS::StepFunctions::StateMachine', 'Reconciliation');
const [queue] = idOf('AWS::SQS::Queue', 'DeadLetters');
const deadLetters = { Arn: { 'Fn::GetAtt': [queue, 'Arn'] } };

describe('the maintenance window', () => {
  it('is off until one is given', () => {
    const targets = Object.values(withoutWindow.findResources('AWS::Scheduler::Schedule')).map(
      ({ Properties }) => Properties.Target.Input,
    );
    // The audit's and the look's; all others keep a function ready.
    expect(targets.filter((input) => input !== JSON.stringify(KEEP_READY))).toEqual(['{}', '{}']);
  });

  it('starts the state machine when it opens, in its own time zone, and not after it closed', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      State: 'ENABLED',
      ScheduleExpression: 'cron(0 3 ? * SUN *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { Ref: stateMachine },
        RetryPolicy: { MaximumEventAgeInSeconds: 90 * 60, MaximumRetryAttempts: 3 },
        DeadLetterConfig: deadLetters,
      },
    });
  });

  it('brings along when it opened and how long it is, from which the plan step makes the deadline', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      Target: {
        Input: Match.serializedJson(
          Match.objectLike({
            table: 'public.path',
            approval: 'manual',
            operation: 'migrate',
            opensAt: '<aws.scheduler.scheduled-time>',
            windowMinutes: 90,
          }),
        ),
      },
    });
  });

  it('can be made by nobody else: its role trusts this group of this account alone', () => {
    const roles = Object.values(template.findResources('AWS::IAM::Role')).filter(({ Properties }) =>
      JSON.stringify(Properties.AssumeRolePolicyDocument).includes('scheduler.amazonaws.com'),
    );
    expect(roles).toHaveLength(4);
    for (const { Properties } of roles) {
      expect(Properties.AssumeRolePolicyDocument.Statement[0].Condition).toEqual({
        StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' }, 'aws:SourceArn': expect.anything() },
      });
    }
  });

  it('can be made by `p2pfk schedule`, which finds role, queue and group in the tags of the state machine', () => {
    const tags = template.findResources('AWS::StepFunctions::StateMachine')[stateMachine ?? '']?.Properties.Tags;
    expect(tags.map(({ Key }: { Key: string }) => Key).sort()).toEqual(Object.values(ScheduleTag).sort());
  });
});

describe('an execution that dies', () => {
  it('is reconciled, whatever ended it; and only one of this state machine is', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [{ Ref: stateMachine }], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      Targets: [
        Match.objectLike({
          Arn: { Ref: reconciliation },
          DeadLetterConfig: deadLetters,
          InputTransformer: {
            InputPathsMap: { 'detail-executionArn': '$.detail.executionArn', 'detail-status': '$.detail.status' },
            InputTemplate: '{"execution":<detail-executionArn>,"reason":<detail-status>}',
          },
        }),
      ],
    });
  });
});

describe('the audit', () => {
  it('runs daily, with its own function', () => {
    const [audit] = idOf('AWS::Lambda::Function', 'FunctionsAudit');
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(0 4 * * ? *)',
      ScheduleExpressionTimezone: 'UTC',
      Target: { Arn: { 'Fn::GetAtt': [audit, 'Arn'] }, DeadLetterConfig: deadLetters },
    });
  });
});

describe('notifications', () => {
  const rules = Object.entries(template.findResources('AWS::Events::Rule')).filter(([id]) =>
    id.includes('Notifications'),
  );
  /** What EventBridge would tell people of an execution that ended so; `output` as Step Functions writes it. */
  const told = (machine: string | undefined, status: string, output: object | null) =>
    rules
      .filter(([, { Properties }]) => {
        const { detail } = Properties.EventPattern;
        const wildcards: { wildcard: string }[] | undefined = detail.output;
        const text = output === null ? '' : JSON.stringify(output);
        return (
          detail.stateMachineArn[0].Ref === machine &&
          detail.status.includes(status) &&
          (wildcards === undefined || wildcards.some(({ wildcard }) => text.includes(wildcard.replaceAll('*', ''))))
        );
      })
      .map(([id]) => /Notifications(\w+?)[0-9A-F]{8}$/.exec(id)?.[1]);

  it.each([
    ['migrated', 'SUCCEEDED', { status: 'MIGRATED', migrationId: '1' }, ['Migrated']],
    ['paused', 'SUCCEEDED', { status: 'PAUSED', migrationId: '1' }, ['Paused']],
    ['rolled back as asked', 'SUCCEEDED', { status: 'ROLLED_BACK', migrationId: '1' }, ['RollbackCompleted']],
    ['already migrated', 'SUCCEEDED', { status: 'ALREADY_MIGRATED' }, []],
    ['a duplicate', 'SUCCEEDED', { status: 'DUPLICATE' }, []],
    ['paused after the drop', 'SUCCEEDED', { status: 'CHECKS_PENDING', migrationId: '1' }, ['ChecksPending']],
    // With their cause, by a state machine of their own.
    ['failed', 'FAILED', null, []],
    ['stopped', 'ABORTED', null, []],
    ['timed out', 'TIMED_OUT', null, []],
    ['running', 'RUNNING', null, []],
  ])('tell of an execution that is %s: %s', (_, status, output, expected) => {
    expect(told(stateMachine, status, output)).toEqual(expected);
  });

  it.each([
    ['put to rest', 'SUCCEEDED', { status: 'PAUSED', migrationId: '1' }, ['Reconciled']],
    ['started a rollback', 'SUCCEEDED', { status: 'ROLL_BACK', migrationId: '1' }, ['RollbackStarted']],
    ['nothing to do', 'SUCCEEDED', { status: 'NOTHING_TO_DO', migrationId: null }, []],
    // They were told when that execution ended.
    ['left to a person', 'SUCCEEDED', { status: 'LEFT_TO_PERSON', migrationId: '1' }, []],
    // An alarm says so.
    ['failed', 'FAILED', null, []],
  ])('tell of a reconciliation: %s', (_, status, output, expected) => {
    expect(told(reconciliation, status, output)).toEqual(expected);
  });

  it('go to a topic that is encrypted, takes TLS only, and that rules and alarms of this account may use', () => {
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    const [policy] = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
    const statements = policy?.Properties.PolicyDocument.Statement as {
      Effect: string;
      Principal: { Service: string };
    }[];
    expect(statements.filter(({ Effect }) => Effect === 'Deny')).toHaveLength(1);
    expect(statements.map(({ Principal }) => Principal.Service)).toEqual(
      expect.arrayContaining(['events.amazonaws.com', 'cloudwatch.amazonaws.com']),
    );
  });
});

describe('alarms', () => {
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'));

  it('tell people, say what to do, and stay quiet while nothing is measured', () => {
    expect(alarms).toHaveLength(11);
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
    for (const { Properties } of alarms) {
      expect(Properties).toMatchObject({ AlarmActions: [{ Ref: topic }], TreatMissingData: 'notBreaching' });
      expect(Properties.AlarmDescription).toMatch(/^p2pfk: [A-Z].{40,}\.$/);
    }
  });

  it('and the dashboard watch metrics that the handlers publish, by the same dimensions', () => {
    const watched = alarms.filter(({ Properties }) => Properties.Namespace === 'p2pfk');
    expect(watched.map(({ Properties }) => Properties.MetricName).sort()).toEqual([
      'AwaitingApproval',
      'DeadExecutions',
      'ForecastUsed',
      'TablesNotRead',
      'TokenRefused',
      'UnprotectedPartitions',
    ]);
    const [lambda] = Object.values(template.findResources('AWS::Lambda::Function'));
    const deployment = lambda?.Properties.Environment.Variables.P2PFK_DEPLOYMENT;
    for (const { Properties } of watched) {
      expect(METRIC_NAMES).toContain(Properties.MetricName);
      expect(Properties.Dimensions).toEqual([
        { Name: 'deployment', Value: deployment },
        { Name: 'service', Value: 'p2pfk' },
      ]);
    }
  });
});
