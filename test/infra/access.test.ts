/** How the functions reach the database, and the ways out that they get. */
import { Match } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  DatabaseCluster,
  DatabaseClusterEngine,
} from 'aws-cdk-lib/aws-rds';
import { App, Stack } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { DatabaseAuthentication } from '../../infra/database/authentication.ts';
import { clusterDatabase, databaseEnvironment } from '../../infra/database/migrated-database.ts';
import { exampleContext, synthesize } from './stack.helpers.ts';

const { secretArn: _, ...database } = exampleContext().database as Record<string, unknown>;
const { securityGroupIds: __, ...network } = exampleContext().network as Record<string, unknown>;

/** An IAM token, a group of the functions' own, an endpoint for Secrets Manager, a key for the logs. */
const narrow = synthesize({
  settings: {
    database: {
      ...database,
      port: 6432,
      resourceId: 'cluster-ABCDEFGHIJKL01234',
      securityGroupId: 'sg-0123456789abcdef1',
    },
    network: { ...network, secretsManagerEndpoint: true },
    logs: { encryptionKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000' },
  },
});

describe('an IAM token', () => {
  it('needs the right to connect to this database as this user, and nothing of Secrets Manager', () => {
    const statements = Object.values(narrow.findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    expect(statements.filter(({ Action }) => JSON.stringify(Action).includes('secretsmanager'))).toEqual([]);
    expect(statements).toContainEqual({
      Effect: 'Allow',
      Action: 'rds-db:connect',
      Resource: {
        'Fn::Join': [
          '',
          [
            'arn:',
            { Ref: 'AWS::Partition' },
            ':rds-db:',
            { Ref: 'AWS::Region' },
            ':',
            { Ref: 'AWS::AccountId' },
            ':dbuser:cluster-ABCDEFGHIJKL01234/p2pfk',
          ],
        ],
      },
    });
    narrow.allResourcesProperties('AWS::Lambda::Function', {
      Environment: { Variables: { DATABASE_AUTHENTICATION: 'iam', DATABASE_SECRET_ARN: Match.absent() } },
    });
  });

  it('may be for several databases, of which one after the other answers at the endpoint', () => {
    const { user } = database as { user: string };
    const resources = (settings: object) =>
      Object.values(
        synthesize({ settings: { database: { ...database, ...settings } } }).findResources('AWS::IAM::Policy'),
      )
        .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
        .filter(({ Action }) => Action === 'rds-db:connect')
        .flatMap(({ Resource }) => [Resource].flat())
        .map((arn) => arn['Fn::Join'][1].at(-1));
    const green = `:dbuser:cluster-GREEN/${user}`;
    expect(resources({ resourceIds: ['cluster-GREEN'] })).toEqual([green]);
    expect(resources({ resourceId: 'cluster-BLUE', resourceIds: ['cluster-GREEN', 'cluster-BLUE'] })).toEqual([
      `:dbuser:cluster-BLUE/${user}`,
      green,
    ]);
  });

  it('is refused for the name of a cluster in place of its resource id, and for none', () => {
    expect(() => DatabaseAuthentication.iam({ resourceId: 'orders' })).toThrow(/DbClusterResourceId/);
    expect(() => DatabaseAuthentication.iam({ resourceIds: ['cluster-A1', 'orders'] })).toThrow(/orders is not/);
    expect(() => DatabaseAuthentication.iam({})).toThrow(/resource id/);
  });

  it('is what a cluster of the same app is reached by, at its writer', () => {
    const stack = new Stack(new App(), 'Cluster');
    const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['a', 'b'],
      privateSubnetIds: ['subnet-1', 'subnet-2'],
    });
    const engine = DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_16_4 });
    const cluster = new DatabaseCluster(stack, 'Aurora', {
      engine,
      vpc,
      writer: ClusterInstance.serverlessV2('Writer'),
    });
    const reached = clusterDatabase(cluster, { name: 'orders', user: 'p2pfk' });
    expect(databaseEnvironment(reached)).toMatchObject({ DATABASE_AUTHENTICATION: 'iam' });
    expect(databaseEnvironment(reached)).not.toHaveProperty('P2PFK_LEDGER_OWNER');
    expect(databaseEnvironment({ ...reached, ledgerOwner: 'team' })).toMatchObject({ P2PFK_LEDGER_OWNER: 'team' });
    expect(reached.endpoint).toBe(cluster.clusterEndpoint.hostname);
    expect(reached.securityGroup).toBeInstanceOf(SecurityGroup);
  });
});

describe('an endpoint', () => {
  it.each([
    ['orders.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com', /is an RDS Proxy: it would pin/],
    ['reports.endpoint.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com', /is an RDS Proxy/],
    ['orders.proxy-abcdefghijkl.rds.cn-north-1.amazonaws.com.cn', /is an RDS Proxy/],
    ['orders.cluster-ro-abcdefghijkl.eu-central-1.rds.amazonaws.com', /is an Aurora reader endpoint/],
  ])('%s is refused at synthesis, with the reason', (endpoint, reason) => {
    const settings = { database: { ...(exampleContext().database as object), endpoint } };
    expect(() => synthesize({ settings })).toThrow(reason);
  });
});

describe('the network', () => {
  it('lets the functions reach the database on its port, and Secrets Manager, and nothing else', () => {
    const egress = Object.values(narrow.findResources('AWS::EC2::SecurityGroupEgress')).map(({ Properties }) => [
      Properties.FromPort,
      Properties.ToPort,
    ]);
    expect(egress.sort()).toEqual([
      [443, 443],
      [6432, 6432],
    ]);
    // EC2 takes its rule for everything away as soon as there is another one.
    const own = Object.values(narrow.findResources('AWS::EC2::SecurityGroup')).map(({ Properties }) => Properties);
    expect(own.flatMap(({ SecurityGroupEgress = [] }) => SecurityGroupEgress).map(({ CidrIp }) => CidrIp)).toEqual([
      // What CDK writes for "nothing", for the endpoint's group: an address that does not exist.
      '255.255.255.255/32',
    ]);
  });

  it('lets the functions into the group of the database, and no address', () => {
    narrow.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-0123456789abcdef1',
      FromPort: 6432,
      ToPort: 6432,
      SourceSecurityGroupId: Match.anyValue(),
      CidrIp: Match.absent(),
    });
  });

  it('has an endpoint for Secrets Manager where one was asked for, for the functions alone', () => {
    narrow.resourceCountIs('AWS::EC2::VPCEndpoint', 1);
    narrow.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Interface', PrivateDnsEnabled: true });
    const ingress = Object.values(narrow.findResources('AWS::EC2::SecurityGroupIngress'));
    expect(ingress.filter(({ Properties }) => Properties.CidrIp !== undefined)).toEqual([]);
  });

  it('has no way to the database without a group of either side', () => {
    expect(() => synthesize({ settings: { network } })).toThrow(/database.securityGroup/);
  });
});

describe('readers', () => {
  const withReaders = (readers: object[]) =>
    synthesize({
      settings: {
        database: {
          ...database,
          resourceId: 'cluster-ABCDEFGHIJKL01234',
          securityGroupId: 'sg-0123456789abcdef1',
          readers,
        },
        network,
      },
    });

  it('are told to every function, without a secret, and reached on their ports', () => {
    const one = { endpoint: 'one.abc.eu-central-1.rds.amazonaws.com' };
    const two = {
      endpoint: 'two.abc.eu-central-1.rds.amazonaws.com',
      port: 6433,
      securityGroupId: 'sg-0123456789abcdef2',
    };
    const template = withReaders([one, two]);
    template.allResourcesProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({
          P2PFK_READERS: `host=${one.endpoint} port=5432\nhost=${two.endpoint} port=6433`,
        }),
      },
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: two.securityGroupId, FromPort: 6433 });
  });

  it('are refused at synthesis where an endpoint leads to several', () => {
    const endpoint = 'orders.cluster-ro-abcdefghijkl.eu-central-1.rds.amazonaws.com';
    expect(() => withReaders([{ endpoint }])).toThrow(/is not one server/);
  });
});

describe('options', () => {
  it('encrypt every log group by a key of yours', () => {
    narrow.allResourcesProperties('AWS::Logs::LogGroup', {
      KmsKeyId: 'arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000',
    });
  });

  it('reserve no concurrency where the quota is small', () => {
    narrow.allResourcesProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: Match.absent() });
  });
});
