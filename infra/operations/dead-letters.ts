/** One queue for everything that could not be delivered: openings of windows, deaths of executions, audits. */
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeDeadLetterQueue } from '../acknowledgements.ts';

export class DeadLetters extends Construct {
  /** Keeps what it gets for 14 days, which is as long as SQS can. */
  readonly queue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledgeDeadLetterQueue(this.queue);
  }

  /** Sending alone: CDK's own grant adds two that nobody needs here. */
  grantSend(grantee: IGrantable): void {
    this.queue.grant(grantee, 'sqs:SendMessage');
  }
}
