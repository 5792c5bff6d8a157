/** The migration in AWS: one Lambda function a step, and the state machine that calls them. */
import { join } from 'node:path';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeFunction, acknowledgeStateMachine } from './acknowledgements.ts';
import { LambdaFunctions, type LambdaName, lambdaNames } from './lambda-functions.ts';
import { type FunctionsByName, stateMachineProps } from './state-machine.ts';

/** The database that is migrated. */
export interface MigratedDatabase {
  /** Host name of the writer itself, never of RDS Proxy: that one pins on SET, and session advisory locks need a session. */
  readonly endpoint: string;
  /** Left out, 5432. */
  readonly port?: number;
  /** Name of the database. */
  readonly name: string;
  /** The role that migrates: owner of both tables. */
  readonly user: string;
  /** Holds the role's password under the key `password`, as the secrets that RDS manages do. */
  readonly secret: ISecret;
}

/** Where the functions run; left out, outside of any VPC. */
export interface MigrationNetwork {
  readonly vpc: IVpc;
  /** Subnets with a way to the database, to Secrets Manager and to CloudWatch Logs. */
  readonly subnets: SubnetSelection;
  /** Groups that the database's group lets in. */
  readonly securityGroups: readonly ISecurityGroup[];
}

export interface PartitionForeignKeyMigrationProps {
  readonly database: MigratedDatabase;
  readonly network?: MigrationNetwork;
  /** Folder with one bundle a function, `<name>/index.mjs`, as `npm run build` writes it to `dist/lambdas`. */
  readonly lambdaBundles: string;
  /** How long logs are kept; left out, three months, which is how long Step Functions keeps an execution's history. */
  readonly logRetention?: RetentionDays;
}

/** Where Lambda's Node runtimes keep Amazon's certificate authorities; from Node 20 on they do not load them by themselves. */
const LAMBDA_CA_BUNDLE = '/var/runtime/ca-cert.pem';

/** The work is done by PostgreSQL; memory buys CPU for the TLS handshake and a quick cold start. */
const MEMORY_MIB = 512;

/**
 * @example
 * new PartitionForeignKeyMigration(stack, 'Migration', {
 *   database: { endpoint: 'orders.cluster-abc.eu-central-1.rds.amazonaws.com', name: 'orders', user: 'migrator', secret },
 *   lambdaBundles: 'dist/lambdas',
 * });
 */
export class PartitionForeignKeyMigration extends Construct {
  readonly stateMachine: StateMachine;
  readonly functions: FunctionsByName;

  constructor(scope: Construct, id: string, props: PartitionForeignKeyMigrationProps) {
    super(scope, id);
    this.functions = Object.fromEntries(
      lambdaNames.map((name) => [name, this.#lambdaFunction(name, props)]),
    ) as unknown as FunctionsByName;
    this.stateMachine = this.#stateMachine(props);
  }

  #lambdaFunction(name: LambdaName, props: PartitionForeignKeyMigrationProps): LambdaFunction {
    const { state, timeoutSeconds, description } = LambdaFunctions[name];
    const { database, network, lambdaBundles } = props;
    const lambdaFunction = new LambdaFunction(this, `${state}Function`, {
      description: `p2pfk ${state}: ${description}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: MEMORY_MIB,
      timeout: Duration.seconds(timeoutSeconds),
      code: Code.fromAsset(join(lambdaBundles, name)),
      handler: 'index.handler',
      tracing: Tracing.ACTIVE,
      logGroup: this.#logGroup(`${state}Logs`, props),
      environment: environmentOf(database),
      ...(network && {
        vpc: network.vpc,
        vpcSubnets: network.subnets,
        securityGroups: [...network.securityGroups],
      }),
    });
    database.secret.grantRead(lambdaFunction);
    acknowledgeFunction(lambdaFunction, { inVpc: network !== undefined });
    return lambdaFunction;
  }

  #stateMachine(props: PartitionForeignKeyMigrationProps): StateMachine {
    const stateMachine = new StateMachine(this, 'StateMachine', {
      ...stateMachineProps(this, this.functions),
      tracingEnabled: true,
      logs: {
        destination: this.#logGroup('ExecutionLogs', props),
        level: LogLevel.ALL,
        // Table and partition names, counts and error messages: what an auditor needs, and no row of anybody's data.
        includeExecutionData: true,
      },
    });
    acknowledgeStateMachine(stateMachine, Object.values(this.functions));
    return stateMachine;
  }

  /** Kept when the stack is deleted: logs are part of the record of what was done to the database. */
  #logGroup(id: string, { logRetention = RetentionDays.THREE_MONTHS }: PartitionForeignKeyMigrationProps): LogGroup {
    return new LogGroup(this, id, { retention: logRetention });
  }
}

/** libpq's own variables, so that the handlers and any PostgreSQL tool agree; the password never stands in there. */
function environmentOf({ endpoint, port = 5432, name, user, secret }: MigratedDatabase): Record<string, string> {
  return {
    PGHOST: endpoint,
    PGPORT: String(port),
    PGDATABASE: name,
    PGUSER: user,
    PGSSLMODE: 'verify-full',
    DATABASE_SECRET_ARN: secret.secretArn,
    NODE_EXTRA_CA_CERTS: LAMBDA_CA_BUNDLE,
    NODE_OPTIONS: '--enable-source-maps',
    POWERTOOLS_SERVICE_NAME: 'p2pfk',
  };
}
