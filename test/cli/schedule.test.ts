/** `p2pfk schedule` against an endpoint on loopback that keeps schedules as EventBridge Scheduler does, for the real SDK. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { p2pfk } from './cli.helpers.ts';
import { conforming } from './json.helpers.ts';

const STATE_MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:p2pfk';
const TAGS = [
  { key: 'p2pfk:schedule-role', value: 'arn:aws:iam::123456789012:role/scheduler' },
  { key: 'p2pfk:schedule-dead-letters', value: 'arn:aws:sqs:eu-central-1:123456789012:dead-letters' },
  { key: 'p2pfk:schedule-group', value: 'windows' },
];

let server: Server;
let url: string;
let tags: typeof TAGS;
const schedules = new Map<string, Record<string, unknown>>();

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    const [status, answer] = reply(request.method ?? '', new URL(request.url ?? '', 'http://x').pathname, body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  schedules.clear();
  tags = TAGS;
});

function reply(method: string, path: string, body: Record<string, unknown>): [number, unknown] {
  if (path === '/') return [200, { tags }];
  const name = decodeURIComponent(path.split('/')[2] ?? '');
  if (name === '') {
    const all = [...schedules].map(([Name, { Target }]) => ({
      Name,
      Target: { Arn: (Target as { Arn: string }).Arn },
    }));
    return [200, { Schedules: all }];
  }
  if (method === 'POST' && schedules.has(name)) return [409, { __type: 'ConflictException', Message: 'exists' }];
  if (method === 'POST') schedules.set(name, body);
  else if (!schedules.has(name)) return [404, { __type: 'ResourceNotFoundException', Message: 'no such schedule' }];
  if (method === 'DELETE') schedules.delete(name);
  return [200, method === 'GET' ? { Name: name, ...schedules.get(name) } : { ScheduleArn: `arn:${name}` }];
}

const schedule = (...args: string[]) =>
  p2pfk(['schedule', '--state-machine', STATE_MACHINE, '--endpoint-url', url, ...args]);
const weekly = ['-t', 'public.path', '--cron', '0 3 ? * SUN *', '--timezone', 'Europe/Berlin', '--window', '90m'];

it('makes one, with the role, the group and the queue of the stack, and the window in its input', async () => {
  const { code, stdout, stderr } = await schedule(...weekly, '--approval', 'manual', '--json');

  expect({ code, stderr: stderr.trim() }).toEqual({ code: 0, stderr: expect.stringContaining('cron(0 3 ? * SUN *)') });
  const { name } = conforming('scheduled', stdout) as { name: string };
  expect(schedules.get(name)).toMatchObject({
    GroupName: 'windows',
    ScheduleExpression: 'cron(0 3 ? * SUN *)',
    ScheduleExpressionTimezone: 'Europe/Berlin',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: STATE_MACHINE,
      RoleArn: TAGS[0]?.value,
      DeadLetterConfig: { Arn: TAGS[1]?.value },
      RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 5_400 },
    },
  });
  const target = schedules.get(name)?.Target as { Input: string } | undefined;
  expect(JSON.parse(target?.Input ?? '')).toMatchObject({
    table: 'public.path',
    approval: 'manual',
    opensAt: '<aws.scheduler.scheduled-time>',
    windowMinutes: 90,
  });
});

it('does not make it twice, lists it, and removes it', async () => {
  expect((await schedule(...weekly, '--name', 'sundays')).code).toBe(0);
  expect(await schedule(...weekly, '--name', 'sundays')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^p2pfk: cannot make the schedule sundays: ConflictException; there is one/),
  });
  conforming('schedules', (await schedule('--list', '--json')).stdout);
  expect(await schedule('--list')).toMatchObject({
    code: 0,
    stdout: 'sundays: public.path, cron(0 3 ? * SUN *) Europe/Berlin, a window of 90 minutes\n',
  });
  const { code, stdout } = await schedule('--remove', 'sundays', '--json');
  expect({ code, ...conforming('unscheduled', stdout) }).toEqual({ code: 0, removed: 'sundays' });
  expect(schedules.size).toBe(0);
  expect(await schedule('--remove', 'sundays')).toMatchObject({ code: 2, stderr: expect.stringContaining('--list') });
});

it('opens once, and is gone afterwards', async () => {
  const { code } = await schedule('-t', 'path', '--at', '2099-01-31T03:00+01:00', '--window', '2h', '--name', 'once');

  expect(code).toBe(0);
  expect(schedules.get('once')).toMatchObject({
    ScheduleExpression: 'at(2099-01-31T02:00:00)',
    ScheduleExpressionTimezone: 'UTC',
    ActionAfterCompletion: 'DELETE',
  });
});

it('says so where the state machine is not one of the stack', async () => {
  tags = [];
  expect(await schedule(...weekly)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has no tag p2pfk:schedule-role'),
  });
  expect(schedules.size).toBe(0);
});
