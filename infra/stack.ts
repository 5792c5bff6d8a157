/** One deployable stack: the migration, and the schedule where a window was given. */
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { acknowledgeImportedVpc } from './acknowledgements.ts';
import { type MigrationNetwork, PartitionForeignKeyMigration } from './partition-foreign-key-migration.ts';
import { MaintenanceSchedule } from './schedule.ts';
import type { Settings } from './settings.ts';

export interface MigrationStackProps extends StackProps {
  readonly settings: Settings;
  /** Folder with the Lambda bundles. */
  readonly lambdaBundles: string;
}

export class MigrationStack extends Stack {
  constructor(scope: Construct, id: string, props: MigrationStackProps) {
    super(scope, id, { description: 'p2pfk: partition-to-partition foreign keys, online', ...props });
    const { settings, lambdaBundles } = props;
    const { secretArn, ...database } = settings.database;
    const network = settings.network && this.#network(settings.network);

    const { stateMachine } = new PartitionForeignKeyMigration(this, 'Migration', {
      database: { ...database, secret: Secret.fromSecretCompleteArn(this, 'DatabaseSecret', secretArn) },
      ...(network && { network }),
      lambdaBundles,
    });
    if (settings.maintenanceWindow) {
      new MaintenanceSchedule(this, 'MaintenanceWindow', { stateMachine, window: settings.maintenanceWindow });
    }

    new CfnOutput(this, 'StateMachineArn', {
      description: 'For p2pfk start --state-machine',
      value: stateMachine.stateMachineArn,
    });
  }

  /** Named by ids, not looked up: synthesis needs neither credentials nor a network. */
  #network({ vpcId, subnets, securityGroupIds }: NonNullable<Settings['network']>): MigrationNetwork {
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones: subnets.map(({ availabilityZone }) => availabilityZone),
      privateSubnetIds: subnets.map(({ subnetId }) => subnetId),
    });
    acknowledgeImportedVpc(vpc);
    return {
      vpc,
      subnets: { subnets: vpc.privateSubnets },
      securityGroups: securityGroupIds.map((id) => SecurityGroup.fromSecurityGroupId(this, id, id)),
    };
  }
}
