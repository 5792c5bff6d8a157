/** Notifications of people: rules for executions that succeeded, and the encrypted topic they publish to. */
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { NOTICE_TEXTS } from '../../core/contracts/notices.ts';
import { alarmsOf, rulesOf, sourceConditions } from '../source-conditions.ts';
import type { Reconciliation } from './reconciliation.ts';
import type { Severity, Topics } from './topics.ts';

/** The state machines to watch, and the topics to publish to. */
export interface NotificationsProps {
  readonly stateMachine: IStateMachine;
  readonly reconciliation: Reconciliation;
  /** Topic for each severity that has none in `topics`. By default an encrypted topic is made. */
  readonly topic?: ITopic;
  readonly topics?: Partial<Topics>;
}

interface Notice {
  readonly id: string;
  readonly of: 'migration' | 'reconciliation';
  readonly severity: Severity;
  readonly statuses: readonly string[];
  /** Values of `status` in the execution's output, for successes that can mean several things. */
  readonly outcomes?: readonly string[];
  readonly text: string;
}

/**
 * Failures are not here: `failure-notices.ts` reports them, with their cause. Neither is a wanted approval, which changes no
 * execution's status: an alarm reports it.
 */
const NOTICES: readonly Notice[] = [
  {
    id: 'Migrated',
    of: 'migration',
    severity: 'info',
    statuses: ['SUCCEEDED'],
    outcomes: ['MIGRATED'],
    text: NOTICE_TEXTS.migrated,
  },
  {
    id: 'Paused',
    of: 'migration',
    severity: 'info',
    statuses: ['SUCCEEDED'],
    outcomes: ['PAUSED'],
    text: NOTICE_TEXTS.paused,
  },
  {
    id: 'RollbackCompleted',
    of: 'migration',
    severity: 'info',
    statuses: ['SUCCEEDED'],
    outcomes: ['ROLLED_BACK'],
    text: 'rolled back, as a person or reconciliation asked: the parent-level foreign key is as it was before',
  },
  {
    id: 'ChecksPending',
    of: 'migration',
    severity: 'warning',
    statuses: ['SUCCEEDED'],
    outcomes: ['CHECKS_PENDING'],
    text: 'paused after the drop: the parent-level foreign key is gone, in a verified transaction; reconciliation runs the checks that are left now',
  },
  {
    id: 'Reconciled',
    of: 'reconciliation',
    severity: 'info',
    statuses: ['SUCCEEDED'],
    outcomes: ['PAUSED', 'MIGRATED'],
    text: 'reconciled: a migration whose execution died is at rest; the output says how',
  },
  {
    id: 'RollbackStarted',
    of: 'reconciliation',
    severity: 'warning',
    statuses: ['SUCCEEDED'],
    outcomes: ['ROLL_BACK'],
    text: 'started a rollback: an execution died on the way back, or died after the drop and a check failed; the output names the execution that rolls back now',
  },
];

/** Rules that publish one notice for each end of an execution in `NOTICES`. */
export class Notifications extends Construct {
  readonly topic: ITopic;
  readonly topics: Topics;
  /** Key of `topic`; undefined where the topic was not made here. */
  readonly key?: Key;

  constructor(scope: Construct, id: string, { stateMachine, reconciliation, topic, topics }: NotificationsProps) {
    super(scope, id);
    if (topic) this.topic = topic;
    else {
      this.key = new Key(this, 'Key', { description: 'Encrypts the notifications of p2pfk', enableKeyRotation: true });
      this.topic = this.#encryptedTopic(this.key);
    }
    this.topics = { page: this.topic, warning: this.topic, info: this.topic, ...topics };
    const machines = { migration: stateMachine, reconciliation: reconciliation.stateMachine };
    for (const notice of NOTICES) this.#rule(notice, machines[notice.of]);
  }

  #rule({ id, severity, statuses, outcomes, text }: Notice, stateMachine: IStateMachine): void {
    const executionsUrl = `https://${Stack.of(this).region}.console.aws.amazon.com/states/home#/v2/executions/details/`;
    const message = RuleTargetInput.fromText(
      `p2pfk: ${EventField.fromPath('$.detail.name')} ${text}. (${EventField.fromPath('$.detail.status')}) ${executionsUrl}${EventField.fromPath('$.detail.executionArn')}`,
    );
    const topic = this.topics[severity];
    new Rule(this, id, {
      description: `p2pfk: tells that an execution ${text.split(/[:.;]/, 1)[0]}`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [stateMachine.stateMachineArn],
          status: [...statuses],
          // The event holds the output as text, with JSON in it: the pattern looks for the field as it is written there.
          ...(outcomes && { output: outcomes.map((outcome) => ({ wildcard: `*"status":"${outcome}"*` })) }),
        },
      },
      // Not CDK's own target: its topic policy would let rules of other accounts publish, and use the key.
      targets: [{ bind: () => ({ arn: topic.topicArn, input: message, targetResource: topic }) }],
    });
  }

  /**
   * A topic with a key of its own: neither EventBridge nor CloudWatch may use the key that SNS owns.
   *
   * EventBridge does not send for which rule it publishes. AWS documents that conditions are not supported in topic policies for
   * EventBridge, nor in the key policy of an encrypted topic. A strict condition would silently drop every notification.
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
   * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
   */
  #encryptedTopic(key: Key): ITopic {
    const rules = {
      sid: 'Rules',
      principals: [new ServicePrincipal('events.amazonaws.com')],
      conditions: sourceConditions(this, rulesOf(this), 'if-sent'),
    };
    const alarms = { sid: 'Alarms', principals: [new ServicePrincipal('cloudwatch.amazonaws.com')] };
    const use = { actions: ['kms:Decrypt', 'kms:GenerateDataKey*'], resources: ['*'] };
    key.addToResourcePolicy(new PolicyStatement({ ...rules, ...use }));
    key.addToResourcePolicy(
      new PolicyStatement({ ...alarms, ...use, conditions: sourceConditions(this, alarmsOf(this), 'arn-if-sent') }),
    );
    const topic = new Topic(this, 'Topic', { displayName: 'p2pfk', masterKey: key, enforceSSL: true });
    const publish = { actions: ['sns:Publish'], resources: [topic.topicArn] };
    topic.addToResourcePolicy(new PolicyStatement({ ...rules, ...publish }));
    // A topic with a policy loses the default policy, which lets alarms of the same account publish.
    topic.addToResourcePolicy(
      new PolicyStatement({ ...alarms, ...publish, conditions: sourceConditions(this, alarmsOf(this)) }),
    );
    return topic;
  }
}
