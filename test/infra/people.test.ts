/** The policies in docs/aws.md for people, compared with the calls that the commands make. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const projectRoot = join(import.meta.dirname, '..', '..');

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: object;
}

/** Command -> the policy that the page has for it. */
const policies = new Map(
  [
    ...readFileSync(join(projectRoot, 'docs', 'aws.md'), 'utf8').matchAll(
      /^#### ([\w, ]+)\n[^#]*?```json\n(.*?)```/gms,
    ),
  ].flatMap(([, commands = '', text = '']) => {
    const { Statement }: { Statement: Statement[] } = JSON.parse(text);
    return commands.split(', ').map((command) => [command, Statement] as const);
  }),
);

/** Clients of the SDK, by the prefix of their actions in a policy. */
const SERVICES = { '@aws-sdk/client-sfn': 'states', '@aws-sdk/client-scheduler': 'scheduler' } as const;

/** Commands that run executions on this machine: no request of theirs leaves it. */
const LOCAL = ['demo', 'migrate', 'rollback', 'serve'];

/** Every module that a command loads, now or later. */
function modulesOf(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !/^(cli|core|report)\//.test(relative(projectRoot, file)) || !existsSync(file)) return seen;
  seen.add(file);
  const source = readFileSync(file, 'utf8').replaceAll(/import type [^;]*;/g, '');
  for (const [, path = ''] of source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g))
    modulesOf(join(dirname(file), path), seen);
  return seen;
}

/** `states:StartExecution` for `new StartExecutionCommand(...)` and for `paginate...`. */
function callsOf(command: string): string[] {
  const calls = [...modulesOf(join(projectRoot, 'cli', 'commands', `${command}.ts`))].flatMap((file) => {
    const source = readFileSync(file, 'utf8');
    return Object.entries(SERVICES).flatMap(([client, prefix]) => {
      const imported = new RegExp(`import (?:type )?\\{([^}]*)\\} from '${client}'`, 's').exec(source)?.[1] ?? '';
      const names = imported.split(',').map((name) => name.trim().replace(/^type /, ''));
      return names.flatMap((name) => {
        const operation = /^(?:paginate(\w+)|(\w+)Command)$/.exec(name);
        return operation ? [`${prefix}:${operation[1] ?? operation[2]}`] : [];
      });
    });
  });
  return [...new Set(calls)].sort();
}

const actionsOf = (statements: readonly Statement[]) => statements.flatMap(({ Action }) => Action).sort();

describe('the policies for people', () => {
  const commands = readdirSync(join(projectRoot, 'cli', 'commands')).map((file) => file.replace('.ts', ''));
  const calling = commands.filter((command) => !LOCAL.includes(command) && callsOf(command).length > 0);

  it('are there for every command that calls AWS', () => {
    expect(calling).toEqual(expect.arrayContaining(['start', 'watch', 'stop', 'report', 'schedule']));
    expect([...policies.keys()].sort()).toEqual([...calling, 'approve'].sort());
  });

  it.each(calling)('allow what %s calls, and nothing else', (command) => {
    // Not called, but needed by what is: the schedule is to take the role.
    const needed = command === 'schedule' ? ['iam:PassRole'] : [];
    expect(actionsOf(policies.get(command) ?? [])).toEqual([...callsOf(command), ...needed].sort());
  });

  it('has nothing but a login for approve, which calls no service', () => {
    expect(callsOf('approve')).toEqual([]);
    expect(actionsOf(policies.get('approve') ?? [])).toEqual(['rds-db:connect']);
  });

  // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
  it('name the kind of resource that each action is about, and all resources only where there is no other way', () => {
    const kinds: Readonly<Record<string, RegExp>> = {
      'states:StartExecution': /:states:.*:stateMachine:/,
      'states:ListExecutions': /:states:.*:stateMachine:/,
      'states:ListTagsForResource': /:states:.*:stateMachine:/,
      'scheduler:ListSchedules': /^\*$/,
      'iam:PassRole': /:iam::.*:role\//,
      'rds-db:connect': /:rds-db:.*:dbuser:/,
    };
    for (const { Effect, Action, Resource, Condition } of [...policies.values()].flat()) {
      expect(Effect).toBe('Allow');
      for (const action of [Action].flat()) {
        const others = action.startsWith('scheduler') ? /:schedule\/GROUP\/\*$/ : /:states:.*:execution:.*:\*$/;
        for (const resource of [Resource].flat()) expect(resource).toMatch(kinds[action] ?? others);
        if (action === 'iam:PassRole')
          expect(Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } });
      }
    }
  });
});
