/** docs/aws-review.md against the template: each resource and property is on the page, and the documented limits hold. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exampleContext, projectRoot, synthesize } from './stack.helpers.ts';

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

const { secretArn: _, ...database } = exampleContext().database as Record<string, unknown>;
const { securityGroupIds: __, ...network } = exampleContext().network as Record<string, unknown>;
const window = { cron: 'cron(0 3 ? * SUN *)', timeZone: 'Europe/Berlin', minutes: 90, input: { table: 'public.path' } };
const template = synthesize({
  maintenanceWindow: window,
  settings: {
    database: { ...database, resourceId: 'cluster-ABC123', securityGroupId: 'sg-0123456789abcdef1' },
    network: { ...network, secretsManagerEndpoint: true },
    reservedConcurrency: 12,
  },
});
const resources = Object.values(template.toJSON().Resources as Record<string, Resource>);
const page = readFileSync(join(projectRoot, 'docs', 'aws-review.md'), 'utf8');
const rows = [...page.matchAll(/^\| `(AWS::[\w:]+)` \| (.+?) \| (.+?) \| (.+?) \|$/gm)];

/** Characters of a value as CloudFormation would have it: an ARN in place of each reference. */
const sizeOf = (value: unknown) =>
  JSON.stringify(value, (_key, part) =>
    part !== null && typeof part === 'object' && ('Ref' in part || 'Fn::GetAtt' in part || 'Fn::Join' in part)
      ? 'x'.repeat(120)
      : part,
  ).length;

describe('the review of the template', () => {
  it('has each property of each resource, with a rule and its source', () => {
    const reviewed = new Set(
      rows.flatMap(([, type, properties = '']) =>
        [...properties.matchAll(/`(\w+)`/g)].map(([, name]) => `${type} ${name}`),
      ),
    );
    const used = new Set(
      resources.flatMap(({ Type, Properties = {} }) => Object.keys(Properties).map((name) => `${Type} ${name}`)),
    );
    expect([...used].filter((one) => !reviewed.has(one)).sort()).toEqual([]);
    expect(rows.filter(([, , , , source]) => !source?.includes('https://docs.aws.amazon.com/'))).toEqual([]);
  });

  it('finds texts within the lengths that the services take', () => {
    const longest: Readonly<Record<string, number>> = {
      'AWS::CloudWatch::Alarm AlarmDescription': 1_024,
      'AWS::Events::Rule Description': 512,
      'AWS::Events::Rule EventPattern': 4_096,
      'AWS::IAM::Role Description': 1_000,
      'AWS::Lambda::Function Description': 256,
      'AWS::Scheduler::Schedule Description': 512,
      'AWS::Scheduler::ScheduleGroup Name': 64,
      'AWS::SNS::Topic DisplayName': 100,
      'AWS::StepFunctions::StateMachine DefinitionString': 1_048_576,
      // All inline policies of a role together, without white space; each role has one here.
      'AWS::IAM::Policy PolicyDocument': 10_240,
    };
    const tooLong = resources.flatMap(({ Type, Properties = {} }) =>
      Object.entries(Properties).filter(([name, value]) => {
        const most = longest[`${Type} ${name}`];
        return most !== undefined && (typeof value === 'string' ? value.length : sizeOf(value)) > most;
      }),
    );
    expect(tooLong).toEqual([]);
    expect(resources.length).toBeLessThan(500);
  });
});
