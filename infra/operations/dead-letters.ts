/**
 * One dead-letter queue for everything that could not be delivered: openings of maintenance windows, ends of executions, audits.
 */
import type { Rule } from 'aws-cdk-lib/aws-events';
import { type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeDeadLetterQueue } from '../acknowledgements.ts';
import { sourceConditions } from '../source-conditions.ts';

/** An encrypted SQS queue, and the permissions to send to it. */
export class DeadLetters extends Construct {
  /** Keeps messages for 14 days, the longest time that SQS allows. */
  readonly queue: Queue;
  /**
   * The same queue as the target of a rule. As an imported queue, so that CDK does not add a statement of its own, which would
   * not name the account; {@link allowRule} adds one that does.
   */
  readonly forRules: IQueue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledgeDeadLetterQueue(this.queue);
    this.forRules = Queue.fromQueueArn(this, 'ForRules', this.queue.queueArn);
  }

  /** Allows this rule to send what it could not deliver. */
  allowRule(rule: Rule): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: rule.node.id,
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        // The ARN of the rule names the account already.
        conditions: sourceConditions(this, rule.ruleArn, 'account-if-sent'),
      }),
    );
  }

  /** Grants sending only: CDK's own grant adds two actions that are not needed here. */
  grantSend(grantee: IGrantable): void {
    this.queue.grant(grantee, 'sqs:SendMessage');
  }
}
