/** Network of the functions: the VPC they run in, and what they can reach from it. */
import {
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type ISecurityGroup,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { MigratedDatabase } from './migrated-database.ts';

/** A VPC, and how the functions are placed in it. */
export interface MigrationNetwork {
  readonly vpc: IVpc;
  /**
   * Subnets from which the database can be reached; they need no route to the internet. Default: the private subnets of the VPC.
   */
  readonly subnets?: SubnetSelection;
  /**
   * Security groups of your own, used as they are. By default the functions get a group that reaches only the database's group,
   * on its port, and the database's group gets a rule that lets it in.
   */
  readonly securityGroups?: readonly ISecurityGroup[];
  /**
   * Makes an interface endpoint for Secrets Manager, for subnets that reach no AWS service otherwise. IAM authentication needs
   * none, because the token is signed inside the function. Logs, traces and metrics do not pass through the VPC: Lambda itself
   * sends them.
   */
  readonly secretsManagerEndpoint?: boolean;
}

/** The network, and the database to reach from it. */
export interface FunctionNetworkProps {
  readonly network: MigrationNetwork;
  readonly database: MigratedDatabase;
}

/**
 * VPC, subnets and security groups of the functions.
 *
 * @throws Error where neither `network.securityGroups` nor `database.securityGroup` is given
 */
export class FunctionNetwork extends Construct {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroups: readonly ISecurityGroup[];

  constructor(scope: Construct, id: string, { network, database }: FunctionNetworkProps) {
    super(scope, id);
    this.vpc = network.vpc;
    this.subnets = network.subnets ?? { subnets: network.vpc.privateSubnets };
    this.securityGroups = network.securityGroups ?? [this.#ownGroup(database)];
    if (network.secretsManagerEndpoint) this.#secretsManagerEndpoint();
  }

  #ownGroup({ securityGroup, port = 5432, readers = [] }: MigratedDatabase): ISecurityGroup {
    if (securityGroup === undefined) {
      throw new Error(
        'The functions need a way to the database: name its group in database.securityGroup, or give groups of your own in network.securityGroups.',
      );
    }
    const own = new SecurityGroup(this, 'FunctionGroup', {
      vpc: this.vpc,
      description: 'p2pfk functions: to the database and nowhere else',
      allowAllOutbound: false,
    });
    own.connections.allowTo(securityGroup, Port.tcp(port), 'p2pfk functions');
    for (const reader of readers)
      own.connections.allowTo(reader.securityGroup ?? securityGroup, Port.tcp(reader.port ?? port), 'p2pfk functions');
    return own;
  }

  #secretsManagerEndpoint(): void {
    const group = new SecurityGroup(this, 'SecretsManagerGroup', {
      vpc: this.vpc,
      description: 'Secrets Manager, for the p2pfk functions',
      allowAllOutbound: false,
    });
    new InterfaceVpcEndpoint(this, 'SecretsManager', {
      vpc: this.vpc,
      service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      subnets: this.subnets,
      securityGroups: [group],
      // The rule below lets in the functions only; an open endpoint would let in the whole VPC.
      open: false,
    });
    for (const functions of this.securityGroups) functions.connections.allowTo(group, Port.tcp(443), 'Secrets Manager');
  }
}
