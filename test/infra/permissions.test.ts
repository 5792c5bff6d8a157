/** Every IAM action that the stack grants, compared with the table in docs/aws.md, which says why. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { exampleContext, projectRoot, synthesize } from './stack.helpers.ts';

const window = { cron: 'cron(0 3 ? * SUN *)', timeZone: 'Europe/Berlin', minutes: 90, input: { table: 'public.path' } };
const { secretArn: _, ...database } = exampleContext().database as Record<string, unknown>;

const byPassword = synthesize({ maintenanceWindow: window });
const byToken = synthesize({ settings: { database: { ...database, resourceId: 'cluster-ABC123' } } });

/** What the policies in a template belong to, as the table calls it. */
const WHO: readonly (readonly [part: RegExp, who: string])[] = [
  [/^MigrationFunctions/, 'functions'],
  [/EventsRole/, 'the rule'],
  [/^MigrationFailureNotices/, 'the notices'],
  [/^MigrationDeadExecutionLookStateMachine/, 'the look'],
  [/^MigrationReconciliationStateMachine/, 'Reconciliation'],
  [/^MigrationDeadExecutionLookRole/, "the look's schedule"],
  [/^MigrationKeepReady/, 'the schedules that keep functions ready'],
  [/StateMachine/, 'state machines'],
  [/MaintenanceWindows/, 'schedules'],
  [/^MigrationAudit/, "the audit's schedule"],
];

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

function granted(template: Template): string[] {
  return Object.entries(template.findResources('AWS::IAM::Policy')).flatMap(([id, { Properties }]) => {
    const of = WHO.find(([part]) => part.test(id))?.[1] ?? id;
    const allowed = (Properties.PolicyDocument.Statement as Statement[]).filter(({ Effect }) => Effect === 'Allow');
    return allowed.flatMap(({ Action, Resource }) =>
      [Action].flat().map((action) => {
        // Every state machine writes its log and its traces.
        const who =
          /^(logs|xray):/.test(action) && /^(the (notices|look)|Reconciliation)$/.test(of) ? 'state machines' : of;
        return `${who} ${action}${Resource === '*' ? ' *' : ''}`;
      }),
    );
  });
}

function documented(): string[] {
  const page = readFileSync(join(projectRoot, 'docs', 'aws.md'), 'utf8');
  return [...page.matchAll(/^\| ([\w' ]+) \| `([a-z0-9-]+:\w+)` \| (.+?) \| (.+?) \|$/gm)].map(
    ([, who, action, resource]) => `${who} ${action}${resource === '`*`' ? ' *' : ''}`,
  );
}

it('are those of docs/aws.md, no more and no less, and the same for any resource only where it says so', () => {
  const all = new Set([...granted(byPassword), ...granted(byToken)]);
  expect([...all].sort()).toEqual(documented().sort());
});

it('hold no managed policy, no wildcard among the actions, and no role that anybody could assume', () => {
  const roles = Object.values(byPassword.findResources('AWS::IAM::Role'));
  expect(roles.filter(({ Properties }) => Properties.ManagedPolicyArns !== undefined)).toEqual([]);
  expect(granted(byPassword).filter((grant) => /:\S*\*/.test(grant))).toEqual([]);
  for (const { Properties } of roles) {
    const [{ Principal }] = Properties.AssumeRolePolicyDocument.Statement;
    expect(Principal.Service).toMatch(/^(lambda|states|scheduler|events)\.amazonaws\.com$/);
  }
});
