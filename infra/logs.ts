/** Log groups: how long they are kept, and by which key they are encrypted. */
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ArnFormat, Fn, Names, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
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

  /** Of a function: CloudFormation gives it a name that no other has. */
  make(scope: Construct, id: string): LogGroup {
    return this.#make(scope, id, {});
  }

  /**
   * Of a state machine. Step Functions lets log delivery in by a resource policy of the account, which has room for 5,120
   * characters in all; a group under `/aws/vendedlogs/` takes none of it.
   * https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
   */
  makeForStateMachine(scope: Construct, id: string): LogGroup {
    const { stackId } = Stack.of(scope);
    const readable = Names.uniqueResourceName(scope, { maxLength: 80, separator: '-' });
    // CloudFormation makes no name under a prefix of one's own. The last part of the stack's id is another one each time that a
    // stack is made, so that a group kept by an earlier one of the same name is not in the way.
    const logGroupName = `/aws/vendedlogs/states/${readable}-${Fn.select(2, Fn.split('/', stackId))}`;
    return this.#make(scope, id, { logGroupName });
  }

  #make(scope: Construct, id: string, named: { readonly logGroupName?: string }): LogGroup {
    const { retention = RetentionDays.THREE_MONTHS, encryptionKey } = this.#options;
    return new LogGroup(scope, id, {
      ...named,
      retention,
      ...(encryptionKey && { encryptionKey }),
      // An empty group of a stack whose creation failed is no record of anything.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
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
