/** Log groups: how long they are kept, and by which key they are encrypted. */
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { sourceConditions } from './source-conditions.ts';

export interface LogOptions {
  /** Left out, three months, which is how long Step Functions keeps an execution's history. */
  readonly retention?: RetentionDays;
  /**
   * Encrypts the log groups. A key that was imported cannot be changed from here: its policy has to let
   * `logs.<region>.amazonaws.com` use it. Left out, the key that CloudWatch Logs owns.
   */
  readonly encryptionKey?: IKey;
  /**
   * Writes the input and output of every state to the log of executions as well. They hold names of tables and partitions,
   * counts, and error messages, in which PostgreSQL may quote a key. Left out, they stay in the execution's history.
   */
  readonly executionData?: boolean;
}

/** Makes log groups. Kept when the stack is deleted: logs are part of the record of what was done to the database. */
export class LogGroups {
  readonly #options: LogOptions;

  constructor(scope: Construct, options: LogOptions) {
    this.#options = options;
    if (options.encryptionKey) allowLogs(scope, options.encryptionKey);
  }

  make(scope: Construct, id: string): LogGroup {
    const { retention = RetentionDays.THREE_MONTHS, encryptionKey } = this.#options;
    return new LogGroup(scope, id, { retention, ...(encryptionKey && { encryptionKey }) });
  }
}

function allowLogs(scope: Construct, key: IKey): void {
  const stack = Stack.of(scope);
  const logs = stack.formatArn({ service: 'logs', resource: '*', arnFormat: ArnFormat.NO_RESOURCE_NAME });
  // The context names account and log group, and is always there.
  const context = { 'kms:EncryptionContext:aws:logs:arn': logs };
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'CloudWatchLogs',
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      resources: ['*'],
      conditions: { ...sourceConditions(scope, logs, 'if-told'), ArnLike: context },
    }),
  );
}
