/** One queue for everything that could not be delivered: openings of windows, deaths of executions, audits. */
import type { Rule } from 'aws-cdk-lib/aws-events';
import { type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeDeadLetterQueue } from '../acknowledgements.ts';
import { sourceConditions } from '../source-conditions.ts';

export class DeadLetters extends Construct {
  /** Keeps what it gets for 14 days, which is as long as SQS can. */
  readonly queue: Queue;
  /** The same for the target of a rule, to which CDK would add a statement without the account. See {@link allowRule}. */
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

  /** What this rule could not deliver may be put here. */
  allowRule(rule: Rule): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: rule.node.id,
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        // The ARN of the rule names the account already.
        conditions: sourceConditions(this, rule.ruleArn, 'account-if-told'),
      }),
    );
  }

  /** Sending alone: CDK's own grant adds two that nobody needs here. */
  grantSend(grantee: IGrantable): void {
    this.queue.grant(grantee, 'sqs:SendMessage');
  }
}
