/** The deployable stack: the migration, configured by the settings. */
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { acknowledgeImportedVpc } from './acknowledgements.ts';
import { DatabaseAuthentication } from './database/authentication.ts';
import type { MigratedDatabase } from './database/migrated-database.ts';
import type { MigrationNetwork } from './database/network.ts';
import type { LogOptions } from './logs.ts';
import type { AlarmThresholds } from './operations/alarms.ts';
import type { Topics } from './operations/topics.ts';
import { PartitionForeignKeyMigration } from './partition-foreign-key-migration.ts';
import type { Settings } from './settings.ts';

/** The settings, and where the bundles are. */
export interface MigrationStackProps extends StackProps {
  readonly settings: Settings;
  /** Folder with the Lambda bundles. */
  readonly lambdaBundles: string;
}

/** A stack with one `PartitionForeignKeyMigration`, and outputs for the command line and for subscriptions. */
export class MigrationStack extends Stack {
  constructor(scope: Construct, id: string, { settings, lambdaBundles, ...props }: MigrationStackProps) {
    super(scope, id, { description: 'p2pfk: partition-to-partition foreign keys, online', ...props });
    const { maintenanceWindow, alarmTopicArn, reservedConcurrency, allowHoldBackQuery } = settings;

    const migration = new PartitionForeignKeyMigration(this, 'Migration', {
      database: this.#database(settings.database),
      ...(settings.network && { network: this.#network(settings.network) }),
      logs: this.#logs(settings.logs),
      reservedConcurrency,
      allowHoldBackQuery,
      ...(maintenanceWindow && { maintenanceWindow }),
      ...(alarmTopicArn && { topic: Topic.fromTopicArn(this, 'AlarmTopic', alarmTopicArn) }),
      topics: this.#topics(settings.severityTopicArns),
      alarms: defined(settings.alarms),
      lookEveryMinutes: settings.lookEveryMinutes,
      lambdaBundles,
    });

    this.#output('StateMachineArn', 'For p2pfk start and p2pfk schedule', migration.stateMachine.stateMachineArn);
    this.#output('TopicArn', 'Subscribe here to notifications and alarms', migration.topic.topicArn);
  }

  #database({
    secretArn,
    resourceId,
    resourceIds,
    securityGroupId,
    readers,
    ...database
  }: Settings['database']): MigratedDatabase {
    const authentication = secretArn
      ? DatabaseAuthentication.secret(Secret.fromSecretCompleteArn(this, 'DatabaseSecret', secretArn))
      : DatabaseAuthentication.iam({
          ...(resourceId !== undefined && { resourceId }),
          ...(resourceIds && { resourceIds }),
        });
    return {
      ...database,
      readers: readers.map(({ securityGroupId: group, endpoint, port }) => ({
        endpoint,
        ...(port !== undefined && { port }),
        ...(group && { securityGroup: SecurityGroup.fromSecurityGroupId(this, `ReaderGroup${endpoint}`, group) }),
      })),
      authentication,
      ...(securityGroupId && {
        securityGroup: SecurityGroup.fromSecurityGroupId(this, 'DatabaseGroup', securityGroupId),
      }),
    };
  }

  /** Named by ids instead of looked up, so that synthesis needs neither credentials nor a network. */
  #network(settings: NonNullable<Settings['network']>): MigrationNetwork {
    const { vpcId, subnets, securityGroupIds, secretsManagerEndpoint } = settings;
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones: subnets.map(({ availabilityZone }) => availabilityZone),
      privateSubnetIds: subnets.map(({ subnetId }) => subnetId),
    });
    acknowledgeImportedVpc(vpc);
    return {
      vpc,
      secretsManagerEndpoint,
      ...(securityGroupIds && {
        securityGroups: securityGroupIds.map((id) => SecurityGroup.fromSecurityGroupId(this, id, id)),
      }),
    };
  }

  #logs({ retentionDays, encryptionKeyArn, executionData }: Settings['logs']): LogOptions {
    return {
      retention: retentionDays,
      executionData,
      ...(encryptionKeyArn && { encryptionKey: Key.fromKeyArn(this, 'LogKey', encryptionKeyArn) }),
    };
  }

  #topics(arns: Settings['severityTopicArns']): Partial<Topics> {
    const topics = Object.entries(arns).flatMap(([severity, arn]) =>
      arn === undefined ? [] : [[severity, Topic.fromTopicArn(this, `${severity}Topic`, arn)]],
    );
    return Object.fromEntries(topics);
  }

  #output(id: string, description: string, value: string): void {
    new CfnOutput(this, id, { description, value });
  }
}

/** The thresholds without keys whose value is undefined. */
function defined(thresholds: Settings['alarms']): AlarmThresholds {
  return Object.fromEntries(Object.entries(thresholds).filter(([, value]) => value !== undefined));
}
