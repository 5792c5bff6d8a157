/** The Lambda functions, and the role that they share. */
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { forEachStep, type StepName } from '../core/contracts/steps/catalogue.ts';
import { acknowledgeFunctionRole } from './acknowledgements.ts';
import { databaseEnvironment, type MigratedDatabase } from './database/migrated-database.ts';
import type { FunctionNetwork } from './database/network.ts';
import {
  handlerExport,
  type LambdaFunctionSpec,
  LambdaFunctions,
  OperationFunctions,
  type OperationName,
} from './lambda-functions.ts';
import type { LogGroups } from './logs.ts';
import { sourceConditions, sourcesOf } from './source-conditions.ts';

/** What all functions have in common. */
export interface MigrationFunctionsProps {
  readonly database: MigratedDatabase;
  readonly network: FunctionNetwork | undefined;
  readonly logGroups: LogGroups;
  /** Folder with the bundle of all functions, `index.mjs`. */
  readonly bundles: string;
  /** Reserved concurrency of each function that works on one pair; `false`: none is reserved. */
  readonly reservedConcurrency: number | false;
  /** Whether a step runs the `holdBackQuery` of an execution's input. */
  readonly allowHoldBackQuery: boolean;
  /** Value of the metrics' dimension `deployment`. */
  readonly deployment: string;
}

/** One Lambda function for each step of the state machine and for each operation. */
export class MigrationFunctions extends Construct {
  readonly steps: Readonly<Record<StepName, LambdaFunction>>;
  readonly operations: Readonly<Record<OperationName, LambdaFunction>>;
  readonly role: Role;
  readonly #props: MigrationFunctionsProps;

  constructor(scope: Construct, id: string, props: MigrationFunctionsProps) {
    super(scope, id);
    this.#props = props;
    this.role = this.#role();
    this.steps = forEachStep((name) => this.#function(name, LambdaFunctions[name]));
    this.operations = {
      reconcile: this.#function('reconcile', OperationFunctions.reconcile),
      look: this.#function('look', OperationFunctions.look),
      audit: this.#function('audit', OperationFunctions.audit),
    };
  }

  /**
   * One role for all functions: every step connects as the same database user, so separate roles would separate nothing. Its
   * permissions are written out here, because AWS's managed policies would let a function write to every log group of the
   * account.
   */
  #role(): Role {
    const { database, network } = this.#props;
    const role = new Role(this, 'Role', {
      description: 'p2pfk functions: connect to one database as one user, write their logs and traces',
      assumedBy: new ServicePrincipal('lambda.amazonaws.com', {
        conditions: sourceConditions(
          this,
          sourcesOf(this, 'lambda', 'function', ArnFormat.COLON_RESOURCE_NAME),
          'arn-if-sent',
        ),
      }),
    });
    database.authentication.grantConnect(this, role, database.user);
    if (network) {
      role.addToPolicy(
        new PolicyStatement({ sid: 'NetworkInterfaces', actions: NETWORK_INTERFACE_ACTIONS, resources: ['*'] }),
      );
      role.addToPolicy(this.#noNetworkInterfacesForCode());
    }
    acknowledgeFunctionRole(role);
    return role;
  }

  /**
   * Lambda needs these actions to attach the function, the code in the function does not. Only calls of that code have this
   * condition key. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
   */
  #noNetworkInterfacesForCode(): PolicyStatement {
    const functions = Stack.of(this).formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return new PolicyStatement({
      sid: 'NotFromWithinFunctions',
      effect: Effect.DENY,
      actions: NETWORK_INTERFACE_ACTIONS,
      resources: ['*'],
      conditions: { ArnLike: { 'lambda:SourceFunctionArn': functions } },
    });
  }

  #function(name: string, spec: LambdaFunctionSpec): LambdaFunction {
    const { state, timeoutSeconds, memoryMib, perPair, description } = spec;
    const { database, network, logGroups, bundles, reservedConcurrency, allowHoldBackQuery, deployment } = this.#props;
    const logGroup = logGroups.make(this, `${state}Logs`);
    logGroup.grantWrite(this.role);
    return new LambdaFunction(this, state, {
      description: `p2pfk ${state}: ${description}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMib,
      timeout: Duration.seconds(timeoutSeconds),
      code: Code.fromAsset(bundles),
      handler: `index.${handlerExport(name)}`,
      role: this.role,
      tracing: Tracing.ACTIVE,
      logGroup,
      ...(perPair && reservedConcurrency !== false && { reservedConcurrentExecutions: reservedConcurrency }),
      environment: {
        ...databaseEnvironment(database),
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: 'p2pfk',
        P2PFK_DEPLOYMENT: deployment,
        ...(allowHoldBackQuery && { P2PFK_ALLOW_HOLD_BACK_QUERY: 'true' }),
      },
      ...(network && {
        vpc: network.vpc,
        vpcSubnets: network.subnets,
        securityGroups: [...network.securityGroups],
      }),
    });
  }
}

/**
 * Actions that Lambda needs to attach a function to a VPC: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
const NETWORK_INTERFACE_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];
