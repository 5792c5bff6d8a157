/** Log groups: their retention and their encryption. */
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ArnFormat, Fn, Names, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { sourceConditions } from './source-conditions.ts';

/** What a deployment can choose about its logs. */
export interface LogOptions {
  /** Default: three months, which is how long Step Functions keeps an execution's history. */
  readonly retention?: RetentionDays;
  /**
   * Encrypts the log groups. The policy of an imported key cannot be changed from here: it has to let
   * `logs.<region>.amazonaws.com` use the key. Default: the key that CloudWatch Logs owns.
   */
  readonly encryptionKey?: IKey;
  /**
   * Also writes the input and output of every state to the log of executions. They hold names of tables and partitions, counts,
   * and error messages, in which PostgreSQL may quote a key. By default they are only in the execution's history.
   */
  readonly executionData?: boolean;
}

/**
 * Makes log groups. They are kept when the stack is deleted, because logs are part of the record of what was done to the
 * database.
 */
export class LogGroups {
  readonly #options: LogOptions;

  constructor(scope: Construct, options: LogOptions) {
    this.#options = options;
    if (options.encryptionKey) allowLogs(scope, options.encryptionKey);
  }

  /** The log group of a function. CloudFormation generates its name, which is unique. */
  make(scope: Construct, id: string): LogGroup {
    return this.#make(scope, id, {});
  }

  /**
   * The log group of a state machine. Step Functions gives log delivery its permission in a resource policy of the account, which
   * has room for 5,120 characters in all. A group under `/aws/vendedlogs/` needs none of that room.
   * https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
   */
  makeForStateMachine(scope: Construct, id: string): LogGroup {
    const { stackId } = Stack.of(scope);
    const readable = Names.uniqueResourceName(scope, { maxLength: 80, separator: '-' });
    // CloudFormation generates no names under a given prefix. The last part of the stack's id is different each time a stack is
    // created, so a group that was kept from an earlier stack of the same name does not collide.
    const logGroupName = `/aws/vendedlogs/states/${readable}-${Fn.select(2, Fn.split('/', stackId))}`;
    return this.#make(scope, id, { logGroupName });
  }

  #make(scope: Construct, id: string, named: { readonly logGroupName?: string }): LogGroup {
    const { retention = RetentionDays.THREE_MONTHS, encryptionKey } = this.#options;
    return new LogGroup(scope, id, {
      ...named,
      retention,
      ...(encryptionKey && { encryptionKey }),
      // RETAIN_ON_UPDATE_OR_DELETE: an empty group of a stack whose creation failed is no record of anything, and is deleted.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
  }
}

/** Lets CloudWatch Logs use a key of this stack. */
function allowLogs(scope: Construct, key: IKey): void {
  const stack = Stack.of(scope);
  const logs = stack.formatArn({ service: 'logs', resource: '*', arnFormat: ArnFormat.NO_RESOURCE_NAME });
  // CloudWatch Logs always sends this context. It names the account and the log group.
  const context = { 'kms:EncryptionContext:aws:logs:arn': logs };
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'CloudWatchLogs',
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      resources: ['*'],
      conditions: { ...sourceConditions(scope, logs, 'if-sent'), ArnLike: context },
    }),
  );
}
