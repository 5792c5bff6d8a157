/**
 * Notices of executions that did not succeed: one notice each, with its cause, to the topic of its severity.
 *
 * It is a state machine, because the event that EventBridge sends is not documented to hold error and cause, and a rule that
 * looked for them there might match nothing. DescribeExecution is documented to return them.
 */
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Choice,
  Condition,
  DefinitionBody,
  type IChainable,
  type IStateMachine,
  JsonPath,
  LogLevel,
  Pass,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CallAwsService, SnsPublish } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { NOTICE_TEXTS, PAGED, REFUSALS } from '../../core/contracts/notices.ts';
import { acknowledgeDescribedExecutions, acknowledgeStateMachine } from '../acknowledgements.ts';
import type { LogGroups, LogOptions } from '../logs.ts';
import { rulesOf, sourceConditions } from '../source-conditions.ts';
import type { DeadLetters } from './dead-letters.ts';
import { executionsOf } from './executions-of.ts';
import { TOO_LARGE } from './start-rollback.ts';
import type { Severity, Topics } from './topics.ts';

/** The executions to watch, and the topics to publish to. */
export interface FailureNoticesProps {
  /** The state machine whose executions are watched. */
  readonly stateMachine: IStateMachine;
  readonly topics: Topics;
  /** Key of the topics, where this stack made it. */
  readonly topicKey: IKey | undefined;
  readonly logGroups: LogGroups;
  readonly logs: LogOptions;
  readonly deadLetters: DeadLetters;
}

const TEXTS: Readonly<Record<Severity, string>> = {
  page: NOTICE_TEXTS.rollbackFailed,
  warning:
    'A migration did not succeed. MigrationRolledBack: a rollback put everything back, and the cause says why. Any other error: nothing was undone, and reconciliation brings the migration to rest now.',
  info: NOTICE_TEXTS.refused,
};

const STATES: Readonly<Record<Severity, string>> = { page: 'Page', warning: 'Warn', info: 'Inform' };

/** The state machine that publishes the notices, and the rule that starts it. */
export class FailureNotices extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: FailureNoticesProps) {
    super(scope, id);
    const { stateMachine, topicKey, logGroups, logs, deadLetters } = props;
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      comment: 'Tells people, once and with its cause, of an execution that did not succeed.',
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(defineFailureNotices(this, props)),
      tracingEnabled: true,
      logs: {
        destination: logGroups.makeForStateMachine(this, 'ExecutionLogs'),
        level: LogLevel.ALL,
        includeExecutionData: logs.executionData ?? false,
      },
    });
    if (topicKey)
      this.stateMachine.addToRolePolicy(
        new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [topicKey.keyArn] }),
      );
    acknowledgeStateMachine(this.stateMachine, []);
    acknowledgeDescribedExecutions(this.stateMachine, stateMachine);

    const role = new Role(this, 'EventsRole', {
      description: 'EventBridge starts the notices of p2pfk',
      assumedBy: new ServicePrincipal('events.amazonaws.com', { conditions: sourceConditions(this, rulesOf(this)) }),
    });
    const rule = new Rule(this, 'ExecutionFailed', {
      description: 'A p2pfk execution failed, timed out or was stopped: people are told',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [stateMachine.stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      targets: [
        new SfnStateMachine(this.stateMachine, {
          input: RuleTargetInput.fromObject({ execution: EventField.fromPath('$.detail.executionArn') }),
          role,
          deadLetterQueue: deadLetters.forRules,
          retryAttempts: 10,
          maxEventAge: Duration.hours(24),
        }),
      ],
    });
    deadLetters.allowRule(rule);
  }
}

/** @returns the first state of the notices */
export function defineFailureNotices(
  scope: Construct,
  { stateMachine, topics }: Pick<FailureNoticesProps, 'stateMachine' | 'topics'>,
): IChainable {
  const describe = new CallAwsService(scope, 'Describe', {
    comment: 'Asks how the execution ended: the event does not say why.',
    service: 'sfn',
    action: 'describeExecution',
    parameters: { ExecutionArn: JsonPath.stringAt('$.execution') },
    iamAction: 'states:DescribeExecution',
    iamResources: [executionsOf(stateMachine)],
    resultPath: '$.described',
  });
  const noReason = new Pass(scope, 'NoReason', {
    comment: 'A person who stops an execution need not say why.',
    parameters: { Status: JsonPath.stringAt('$.described.Status'), Error: 'none', Cause: 'none was given' },
    resultPath: '$.described',
  });
  const sent = new Succeed(scope, 'Told', { comment: 'One notice was sent.' });
  const nothingToReport = new Succeed(scope, 'NothingToTell', {
    comment: 'Another execution has taken the migration over: nothing is wrong.',
  });
  const publish = (severity: Severity) =>
    new SnsPublish(scope, STATES[severity], {
      comment: `Tells it to the topic for ${severity}.`,
      topic: topics[severity],
      subject: `p2pfk ${severity}: an execution did not succeed`,
      // A single text: for an object, SNS's behaviour is documented for one integration pattern only.
      message: TaskInput.fromText(
        JsonPath.format(
          `p2pfk: ${TEXTS[severity]} Error: {}. Cause: {} -- Execution, {}: ${consoleOf(scope)}{}`,
          JsonPath.stringAt('$.described.Error'),
          JsonPath.stringAt('$.described.Cause'),
          JsonPath.stringAt('$.described.Status'),
          JsonPath.stringAt('$.execution'),
        ),
      ),
      resultPath: JsonPath.DISCARD,
    })
      .addRetry(RETRY_POLICY)
      .next(sent);
  const isOneOf = (errors: readonly string[]) =>
    Condition.or(...errors.map((error) => Condition.stringEquals('$.described.Error', error)));
  const page = publish('page');
  const severityChoice = new Choice(scope, 'HowBad?', {
    comment: 'A typing error pages no person; a rollback that failed does.',
  })
    .when(Condition.stringEquals('$.described.Error', 'Superseded'), nothingToReport)
    .when(isOneOf(PAGED), page)
    .when(isOneOf(REFUSALS), publish('info'))
    .otherwise(publish('warning'));
  const hasReason = new Choice(scope, 'TellsWhy?', { comment: 'Error and cause are optional fields.' })
    .when(
      Condition.and(Condition.isPresent('$.described.Error'), Condition.isPresent('$.described.Cause')),
      severityChoice,
    )
    .otherwise(noReason);
  const unknown = new Pass(scope, 'Unknown', {
    comment: 'How it ended is not known, and it may be a rollback that failed: a person looks.',
    parameters: {
      Status: 'not known',
      Error: 'not known',
      Cause: JsonPath.format(
        'it could not be asked for ({}); the execution itself says it',
        JsonPath.stringAt('$.problem.Error'),
      ),
    },
    resultPath: '$.described',
  });
  describe.addRetry(RETRY_POLICY);
  // A caller who starts an execution chooses its input, and with it whether the answer is too large. That must not stop the page
  // from being sent.
  describe.addCatch(unknown, { errors: TOO_LARGE, resultPath: '$.problem' });
  describe.addCatch(unknown, { resultPath: '$.problem' });
  describe.next(hasReason);
  unknown.next(page);
  noReason.next(severityChoice);
  return describe;
}

const RETRY_POLICY = { interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 8 };

/** The start of the console URL of an execution; its ARN is appended. */
function consoleOf(scope: Construct): string {
  return `https://${Stack.of(scope).region}.console.aws.amazon.com/states/home#/v2/executions/details/`;
}
