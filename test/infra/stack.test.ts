/** What would be deployed, by the settings of cdk.json: the state machine, its functions and their logs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { type StepName, stepNames } from '../../core/contracts/steps/catalogue.ts';
import { builtFunctionArn } from '../../infra/built-definition.ts';
import { bundleNames, handlerExport, LambdaFunctions } from '../../infra/lambda-functions.ts';
import { definition } from './definition.helpers.ts';
import { exampleContext, reconciliationDefinition, synthesize } from './stack.helpers.ts';

const plain = synthesize();
const machines = Object.values(plain.findResources('AWS::StepFunctions::StateMachine'));

describe('the stack', () => {
  it('has Standard state machines, traced, and logged in all but the data, and says the ARN of the one to start', () => {
    plain.allResourcesProperties('AWS::StepFunctions::StateMachine', {
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
    });
    plain.hasOutput('StateMachineArn', { Value: { Ref: mainStateMachine()[0] } });
  });

  it('has one function for each step and for what watches over them, all of one kind', () => {
    const functions = Object.values(plain.findResources('AWS::Lambda::Function'));
    expect(functions).toHaveLength(bundleNames.length);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: expect.stringMatching(/^index\.[a-z][A-Za-z]+$/),
        TracingConfig: { Mode: 'Active' },
      });
    }
    const handlers = functions.map(({ Properties }) => Properties.Handler);
    expect(handlers.sort()).toEqual(bundleNames.map((name) => `index.${handlerExport(name)}`).sort());
    // One deployment package, which is uploaded once.
    expect(new Set(functions.map(({ Properties }) => Properties.Code.S3Key)).size).toBe(1);
  });

  it.each(stepNames)('gives %s as long as its Task waits for it, and its memory', (name) => {
    const { state, timeoutSeconds, memoryMib } = LambdaFunctions[name];
    plain.hasResourceProperties('AWS::Lambda::Function', {
      Description: Match.stringLikeRegexp(`^p2pfk ${state}:`),
      Timeout: timeoutSeconds,
      MemorySize: memoryMib,
    });
    expect(timeoutSeconds).toBeLessThanOrEqual(900);
  });

  it('tells the functions where the database is, and never its password', () => {
    const { endpoint, name, user, secretArn } = exampleContext().database as Record<string, string>;
    plain.allResourcesProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          PGHOST: endpoint,
          PGPORT: '5432',
          PGDATABASE: name,
          PGUSER: user,
          PGSSLMODE: 'verify-full',
          PGSSLROOTCERT: '/var/runtime/ca-cert.pem',
          DATABASE_AUTHENTICATION: 'secret',
          DATABASE_SECRET_ARN: secretArn,
          PGPASSWORD: Match.absent(),
          DATABASE_URL: Match.absent(),
        },
      },
    });
  });

  it('places the functions in the given network', () => {
    const { subnets, securityGroupIds } = exampleContext().network as {
      subnets: { subnetId: string }[];
      securityGroupIds: string[];
    };
    plain.allResourcesProperties('AWS::Lambda::Function', {
      VpcConfig: { SubnetIds: subnets.map(({ subnetId }) => subnetId), SecurityGroupIds: securityGroupIds },
    });
  });

  it('takes nothing of the concurrency of the account, unless asked to: then for the functions that work on one pair', () => {
    const reserved = (template: typeof plain) =>
      Object.values(template.findResources('AWS::Lambda::Function'))
        .filter(({ Properties }) => 'ReservedConcurrentExecutions' in Properties)
        .map(({ Properties: { Description, ReservedConcurrentExecutions: number } }) => [
          /^p2pfk (\w+):/.exec(Description)?.[1],
          number,
        ])
        .sort();
    expect(reserved(plain)).toEqual([]);
    expect(reserved(synthesize({ settings: { reservedConcurrency: 12 } }))).toEqual([
      ['AddForeignKey', 12],
      ['BuildIndex', 12],
      ['CountPair', 12],
      ['RestoreParentForPair', 12],
      ['ValidateForeignKey', 12],
    ]);
  });

  it('keeps the logs for a time and beyond the stack, but not those of a stack that could not be created', () => {
    plain.resourceCountIs('AWS::Logs::LogGroup', bundleNames.length + machines.length);
    plain.allResources('AWS::Logs::LogGroup', {
      Properties: { RetentionInDays: 90 },
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
  });

  it('logs its state machines where the resource policy of the account is not used up, under names that no other stack has', () => {
    const names = machines.map(({ Properties }) => {
      const [{ CloudWatchLogsLogGroup }] = Properties.LoggingConfiguration.Destinations;
      const [logicalId] = CloudWatchLogsLogGroup.LogGroupArn['Fn::GetAtt'];
      return plain.findResources('AWS::Logs::LogGroup')[logicalId]?.Properties.LogGroupName['Fn::Join'][1];
    });
    for (const [prefix, unique] of names) {
      // An ARN of 256 characters at most names the group, with 36 of the stack's id.
      expect(prefix).toMatch(/^\/aws\/vendedlogs\/states\/[\w-]{1,80}-$/);
      expect(unique).toEqual({ 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] });
    }
    expect(new Set(names.map(([prefix]) => prefix)).size).toBe(machines.length);
  });

  it('deploys the very definition that the command line runs', () => {
    expect(JSON.parse(deployedDefinition())).toEqual(definition);
  });
});

describe('the template', () => {
  const installed = spawnSync('cfn-lint', ['--version']).status === 0;

  it.skipIf(!installed)('passes cfn-lint, where that is installed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'p2pfk-lint-'));
    try {
      const file = join(folder, 'template.json');
      writeFileSync(file, JSON.stringify(plain.toJSON()));
      // W3005: CDK names a dependency that a reference makes already.
      const { status, stdout } = spawnSync(
        'cfn-lint',
        ['--regions', 'eu-central-1', '--ignore-checks', 'W3005', '--', file],
        {
          encoding: 'utf8',
        },
      );
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('holds the definitions as they were reviewed', async () => {
    const reviewed = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
    await expect(reviewed(definition)).toMatchFileSnapshot('state-machine.asl.snap');
    await expect(reviewed(reconciliationDefinition())).toMatchFileSnapshot('reconciliation.asl.snap');
  });
});

describe('the rules of AWS Solutions', () => {
  it('stop the synthesis of a stack that breaks one', () => {
    const violate = () => synthesize({ change: (stack) => void new Bucket(stack, 'Open') });
    expect(violate).toThrow(/AwsSolutions-S1'/);
  });
});

/** Logical id and resource of the one that is started; the other one reconciles. */
function mainStateMachine() {
  const machines = Object.entries(plain.findResources('AWS::StepFunctions::StateMachine'));
  const [main] = machines.filter(([id]) => !id.includes('Reconciliation'));
  if (!main) throw new Error('There is no state machine');
  return main;
}

/** The definition in the template, with each function's `Fn::GetAtt` replaced by its ARN in the built definition. */
function deployedDefinition(): string {
  const [separator, parts] = mainStateMachine()[1].Properties.DefinitionString['Fn::Join'] ?? [];
  return parts
    .map((part: string | { 'Fn::GetAtt': [string, string] }) =>
      typeof part === 'string' ? part : builtFunctionArn(functionBehind(part['Fn::GetAtt'][0])),
    )
    .join(separator);
}

function functionBehind(logicalId: string): StepName {
  const { Description } = plain.findResources('AWS::Lambda::Function')[logicalId]?.Properties ?? {};
  const name = stepNames.find((candidate) => Description.startsWith(`p2pfk ${LambdaFunctions[candidate].state}:`));
  if (!name) throw new Error(`No function is described as ${Description}`);
  return name;
}
