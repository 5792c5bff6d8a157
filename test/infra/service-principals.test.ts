/** No AWS service may use anything of the stack on behalf of somebody else: walks every policy in the template. */
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { App, Stack } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { DatabaseAuthentication } from '../../infra/database/authentication.ts';
import { PartitionForeignKeyMigration } from '../../infra/partition-foreign-key-migration.ts';
import { synthesize, withBundles } from './stack.helpers.ts';

const window = { cron: 'cron(0 3 ? * SUN *)', timeZone: 'Europe/Berlin', minutes: 90, input: { table: 'public.path' } };

interface Statement {
  readonly Effect: string;
  readonly Principal: { readonly Service?: string | readonly string[] } | string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** `path -> statement`, for every statement anywhere that allows a service something. */
function forServices(template: Template): [path: string, statement: Statement][] {
  const found: [string, Statement][] = [];
  const walk = (path: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { Effect, Principal } = value as Partial<Statement>;
    const service = typeof Principal === 'object' && Principal.Service !== undefined;
    if (Effect === 'Allow' && (service || Principal === '*')) found.push([path, value as Statement]);
    for (const [key, inner] of Object.entries(value)) walk(`${path}/${key}`, inner);
  };
  walk('', template.toJSON().Resources);
  return found;
}

/** Keys of the conditions, those that must match, and those that must match where the service says them. */
function keysOf({ Condition = {} }: Statement): { readonly all: string[]; readonly strict: string[] } {
  const keys = (only: (operator: string) => boolean) =>
    Object.entries(Condition).flatMap(([operator, values]) => (only(operator) ? Object.keys(values) : []));
  return { all: keys(() => true), strict: keys((operator) => /^(StringEquals|ArnLike|ArnEquals)$/.test(operator)) };
}

const own = withBundles((lambdaBundles) => {
  const stack = new Stack(new App(), 'Own', { env: { account: '123456789012', region: 'eu-central-1' } });
  new PartitionForeignKeyMigration(stack, 'Migration', {
    database: {
      endpoint: 'db.example.com',
      name: 'orders',
      user: 'p2pfk',
      authentication: DatabaseAuthentication.iam({ resourceId: 'cluster-ABC123' }),
    },
    logs: { encryptionKey: new Key(stack, 'LogKey') },
    maintenanceWindow: window,
    lambdaBundles,
  });
  return Template.fromStack(stack);
});

describe.each([
  ['the stack', synthesize({ maintenanceWindow: window })],
  ['the construct with keys of an app', own],
])('a service that %s lets in', (_, template) => {
  const statements = forServices(template);

  it('acts for this account and a resource of this account, in roles, topic, queue and keys', () => {
    const kinds = new Set(statements.map(([path]) => path.split('/')[3]));
    expect([...kinds].sort()).toEqual(['AssumeRolePolicyDocument', 'KeyPolicy', 'PolicyDocument']);
    for (const [path, statement] of statements) {
      expect(keysOf(statement).all, path).toEqual(expect.arrayContaining(['aws:SourceAccount', 'aws:SourceArn']));
    }
  });

  it('has to say so, but where AWS documents that it does not: EventBridge at topic and key of the notifications', () => {
    const lenient = statements.filter(([, statement]) => keysOf(statement).strict.length === 0);
    expect(lenient.map(([path]) => path.replace(/[0-9A-F]{8}\/.*$/, ''))).toEqual([
      '/MigrationNotificationsKey',
      '/MigrationNotificationsTopicPolicy',
    ]);
    for (const [, { Principal }] of lenient) expect(Principal).toEqual({ Service: 'events.amazonaws.com' });
  });
});

describe('holdBackQuery', () => {
  it('is run only where the setting allows it', () => {
    const variables = (template: Template) =>
      Object.values(template.findResources('AWS::Lambda::Function')).map(
        ({ Properties }) => Properties.Environment.Variables.P2PFK_ALLOW_HOLD_BACK_QUERY,
      );
    expect(new Set(variables(own))).toEqual(new Set([undefined]));
    const allowed = synthesize({ settings: { allowHoldBackQuery: true } });
    expect(new Set(variables(allowed))).toEqual(new Set(['true']));
  });

  it('of a maintenance window is refused at synthesis without it', () => {
    const maintenanceWindow = { ...window, input: { table: 'public.path', holdBackQuery: 'SELECT false' } };
    expect(() => synthesize({ maintenanceWindow })).toThrow(/needs allowHoldBackQuery/);
  });
});
