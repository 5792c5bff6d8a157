/** The local Step Functions endpoint, asked by the AWS SDK over HTTP. Expected answers are those of AWS. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  DescribeStateMachineForExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  paginateGetExecutionHistory,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { executionArn, STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { STORE_FILE } from '../../local/store/execution-store.ts';
import { ONE_TASK, open, stateDirectory, useDatabase } from './endpoint.helpers.ts';
import { gate } from './engine.helpers.ts';

useDatabase();

const start = (client: SFNClient, name: string, input?: string, stateMachineArn = STATE_MACHINE_ARN) =>
  client.send(new StartExecutionCommand({ stateMachineArn, name, input }));

const describeExecution = (client: SFNClient, arn: string) =>
  client.send(new DescribeExecutionCommand({ executionArn: arn }));

async function ended(client: SFNClient, arn: string) {
  await expect.poll(async () => (await describeExecution(client, arn)).status, { timeout: 20_000 }).not.toBe('RUNNING');
  return describeExecution(client, arn);
}

/** A fault as the SDK raises it. */
const raised = (name: string, message: RegExp | string = '') =>
  expect.objectContaining({ name, message: expect.stringMatching(message), $metadata: expect.anything() });

describe('the local Step Functions endpoint', () => {
  it('runs an execution, and describes it and its state machine', async () => {
    const { client } = await open();
    const before = Date.now();

    const started = await start(client, 'first', '{"table":"public.path"}');

    expect(started.executionArn).toBe(executionArn('first'));
    expect(Math.abs((started.startDate?.getTime() ?? 0) - before)).toBeLessThan(60_000);
    const { $metadata: _, ...execution } = await ended(client, executionArn('first'));
    expect(execution).toEqual({
      executionArn: executionArn('first'),
      stateMachineArn: STATE_MACHINE_ARN,
      name: 'first',
      status: 'SUCCEEDED',
      startDate: started.startDate,
      stopDate: expect.any(Date),
      input: '{"table":"public.path"}',
      inputDetails: { included: true },
      output: '{"table":"public.path"}',
      outputDetails: { included: true },
      redriveCount: 0,
      redriveStatus: 'NOT_REDRIVABLE',
      redriveStatusReason: 'Execution is SUCCEEDED and cannot be redriven',
    });
    const machines = await client.send(new ListStateMachinesCommand({}));
    expect(machines.stateMachines).toMatchObject([{ stateMachineArn: STATE_MACHINE_ARN, type: 'STANDARD' }]);
    const machine = await client.send(new DescribeStateMachineCommand({ stateMachineArn: STATE_MACHINE_ARN }));
    expect(JSON.parse(machine.definition ?? '')).toEqual(ONE_TASK);
    expect(machine).toMatchObject({ name: 'p2pfk', status: 'ACTIVE', type: 'STANDARD' });
    const ofExecution = await client.send(
      new DescribeStateMachineForExecutionCommand({ executionArn: executionArn('first') }),
    );
    expect(JSON.parse(ofExecution.definition ?? '')).toEqual(ONE_TASK);
  });

  it('pages a history forwards and backwards, and leaves the data out when asked to', async () => {
    const { client } = await open();
    await start(client, 'paged', '{"n":1}');
    await ended(client, executionArn('paged'));

    const idsOf = async (reverseOrder: boolean) => {
      const pages = [];
      const request = { executionArn: executionArn('paged'), reverseOrder };
      for await (const page of paginateGetExecutionHistory({ client, pageSize: 2 }, request))
        pages.push(page.events?.map(({ id }) => id));
      return pages;
    };
    const bare = await client.send(
      new GetExecutionHistoryCommand({ executionArn: executionArn('paged'), includeExecutionData: false }),
    );

    expect(await idsOf(false)).toEqual([[1, 2], [3, 4], [5, 6], [7]]);
    expect(await idsOf(true)).toEqual([[7, 6], [5, 4], [3, 2], [1]]);
    expect(bare.events?.[1]).toEqual({
      id: 2,
      previousEventId: 0,
      timestamp: expect.any(Date),
      type: 'TaskStateEntered',
      stateEnteredEventDetails: { name: 'Work' },
    });
  });

  it('refuses a token that is none, or that belongs to another request', async () => {
    const { client } = await open();
    await start(client, 'tokens');
    await ended(client, executionArn('tokens'));
    const history = (more: object) =>
      client.send(new GetExecutionHistoryCommand({ executionArn: executionArn('tokens'), maxResults: 2, ...more }));
    const { nextToken } = await history({});

    await expect(history({ nextToken: 'made-up' })).rejects.toEqual(raised('InvalidToken'));
    await expect(history({ nextToken, reverseOrder: true })).rejects.toEqual(raised('InvalidToken'));
  });

  it('lists executions newest first, by status, page by page', async () => {
    const { open: release, opened } = gate();
    const { client } = await open({ handlers: { work: async (event) => (event === 'wait' ? opened : event) } });
    for (const name of ['one', 'two']) {
      await start(client, name);
      await ended(client, executionArn(name));
    }
    await start(client, 'three', '"wait"');

    const list = async (more: object) => {
      const { executions, nextToken } = await client.send(
        new ListExecutionsCommand({ stateMachineArn: STATE_MACHINE_ARN, ...more }),
      );
      return { names: executions?.map(({ name, status }) => `${name} ${status}`), nextToken };
    };
    const first = await list({ maxResults: 2 });
    const second = await list({ maxResults: 2, nextToken: first.nextToken });

    expect(first.names).toEqual(['three RUNNING', 'two SUCCEEDED']);
    expect(second).toEqual({ names: ['one SUCCEEDED'], nextToken: undefined });
    expect((await list({ statusFilter: 'RUNNING' })).names).toEqual(['three RUNNING']);
    release();
    await ended(client, executionArn('three'));
  });

  it('takes the same name again only with the same input and while it runs', async () => {
    const { open: release, opened } = gate();
    const { client } = await open({ handlers: { work: () => opened } });

    const first = await start(client, 'same', '{"a":1}');
    const again = await start(client, 'same', '{"a":1}');

    expect(again.startDate).toEqual(first.startDate);
    const exists = raised('ExecutionAlreadyExists', `^Execution Already Exists: '${executionArn('same')}'$`);
    await expect(start(client, 'same', '{"a":2}')).rejects.toEqual(exists);
    release();
    await ended(client, executionArn('same'));
    await expect(start(client, 'same', '{"a":1}')).rejects.toEqual(exists);
  });

  it('stops an execution past every Catch, with error and cause', async () => {
    const { open: release, opened } = gate();
    const { client } = await open({ handlers: { work: () => opened } });
    const arn = executionArn('stopped');
    await start(client, 'stopped');

    const { stopDate } = await client.send(
      new StopExecutionCommand({ executionArn: arn, error: 'Enough', cause: 'the window closes' }),
    );

    expect(await describeExecution(client, arn)).toMatchObject({
      status: 'ABORTED',
      error: 'Enough',
      cause: 'the window closes',
      stopDate,
    });
    const { events } = await client.send(new GetExecutionHistoryCommand({ executionArn: arn, reverseOrder: true }));
    expect(events?.[0]).toMatchObject({
      type: 'ExecutionAborted',
      previousEventId: 0,
      executionAbortedEventDetails: { error: 'Enough', cause: 'the window closes' },
    });
    // Once more changes nothing.
    expect((await client.send(new StopExecutionCommand({ executionArn: arn }))).stopDate).toEqual(stopDate);
    release();
  });

  it('answers as AWS does to what is wrong', async () => {
    const { client } = await open();
    const none = executionArn('none');

    await expect(describeExecution(client, none)).rejects.toEqual(
      raised('ExecutionDoesNotExist', `^Execution Does Not Exist: '${none}'$`),
    );
    await expect(describeExecution(client, 'nonsense')).rejects.toEqual(
      raised('InvalidArn', "^Invalid Arn: 'Invalid ARN prefix: nonsense'$"),
    );
    await expect(start(client, 'x', '{}', `${STATE_MACHINE_ARN}2`)).rejects.toEqual(raised('StateMachineDoesNotExist'));
    await expect(start(client, 'a b')).rejects.toEqual(raised('InvalidName', "^Invalid Name: 'a b'$"));
    await expect(start(client, 'x'.repeat(81))).rejects.toEqual(raised('ValidationException', /equal to 80$/));
    await expect(start(client, 'x', '{not json')).rejects.toEqual(raised('InvalidExecutionInput'));
    await expect(start(client, 'x', 'x'.repeat(262_145))).rejects.toEqual(raised('ValidationException', /262144$/));
    await expect(
      client.send(new ListExecutionsCommand({ stateMachineArn: STATE_MACHINE_ARN, maxResults: 1001 })),
    ).rejects.toEqual(raised('ValidationException', /equal to 1000$/));
  });

  it('has after a restart what it had before', async () => {
    const stateDir = stateDirectory();
    const first = await open({ stateDir });
    await start(first.client, 'kept', '{"n":1}');
    const before = await ended(first.client, executionArn('kept'));

    const second = await open({ stateDir });

    const { $metadata: _, ...after } = await describeExecution(second.client, executionArn('kept'));
    expect(before).toMatchObject(after);
    const { events } = await second.client.send(new GetExecutionHistoryCommand({ executionArn: executionArn('kept') }));
    expect(events?.map(({ type }) => type).at(-1)).toBe('ExecutionSucceeded');
  });

  it('shows and stops what another process runs, which is told by the same store', async () => {
    const { open: release, opened } = gate();
    const stateDir = stateDirectory();
    const runner = await open({ stateDir, handlers: { work: () => opened } });
    // Not another process, but as strange to the runner as one: it shares nothing with it but the file.
    const other = await open({ stateDir });
    const arn = executionArn('elsewhere');
    await start(runner.client, 'elsewhere');

    expect(await describeExecution(other.client, arn)).toMatchObject({ status: 'RUNNING' });
    await other.client.send(new StopExecutionCommand({ executionArn: arn, cause: 'from over there' }));

    expect(await describeExecution(runner.client, arn)).toMatchObject({ status: 'ABORTED', cause: 'from over there' });
    release();
  });

  it('goes on in memory, and says so once, when the disk takes no more', async () => {
    const stateDir = stateDirectory();
    const { client, warnings } = await open({
      stateDir,
      handlers: {
        work: async (event) => {
          const disk = new DatabaseSync(join(stateDir, STORE_FILE));
          disk.exec("create trigger t before insert on event begin select raise(abort, 'the disk is full'); end");
          disk.close();
          return event;
        },
      },
    });
    await start(client, 'unkept', '{"n":1}');

    expect(await ended(client, executionArn('unkept'))).toMatchObject({ status: 'SUCCEEDED', output: '{"n":1}' });
    expect(warnings).toEqual([expect.stringMatching(/not kept on disk any more: the disk is full/)]);
  });
});

describe('requests over HTTP', () => {
  /** Everything but the signature, which signature.test.ts has. */
  const post = (url: string, headers: Record<string, string>, body = '{}') =>
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AWSStepFunctions.ListStateMachines',
        ...headers,
      },
      body,
    }).then(async (response) => `${response.status} ${((await response.json()) as { __type: string }).__type}`);

  it('are refused from another site, in another type, and when they are too large', async () => {
    const { http, client } = await open();
    const unsigned = '403 MissingAuthenticationTokenException';

    expect(await post(http.url, {})).toBe(unsigned);
    // SDKs send no Origin; the page's own would be this one.
    expect(await post(http.url, { origin: http.url })).toBe(unsigned);
    for (const origin of ['https://evil.example', 'null', 'http://localhost:1', http.url.replace('http', 'https')])
      expect(await post(http.url, { origin }), origin).toBe('403 AccessDeniedException');
    expect(await post(http.url, { 'content-type': 'text/plain' })).toBe('403 AccessDeniedException');
    const tooLarge = 'x'.repeat(1024 * 1024 + 1);
    expect(await post(http.url, {}, tooLarge)).toBe('413 RequestEntityTooLargeException');
    client.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: object }).headers, {
          'x-amz-target': 'AWSStepFunctions.DeleteStateMachine',
        });
        return next(args);
      },
      { step: 'build' },
    );
    await expect(client.send(new ListStateMachinesCommand({}))).rejects.toEqual(
      raised('UnknownOperationException', 'DeleteStateMachine'),
    );
  });

  it('are refused when their Host is the name of another machine, and go to the listener when they are no call', async () => {
    const { http } = await open({ listener: (_request, response) => response.end('a page') });
    const get = async (...lines: string[]) => {
      const socket = connect(http.port, '127.0.0.1');
      socket.write(`GET ${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return Number(text.split(' ')[1]);
    };
    const own = `127.0.0.1:${http.port}`;

    expect(await get('/ HTTP/1.1', `Host: ${own}`)).toBe(200);
    // Through an SSH tunnel it is another port.
    expect(await get('/ HTTP/1.1', 'Host: localhost:9000')).toBe(200);
    expect(await get('/ HTTP/1.1', 'Host: rebound.example')).toBe(403);
    expect(await get('/ HTTP/1.1', `Host: 127.0.0.1.rebound.example`)).toBe(403);
    expect(await get('/ HTTP/1.1', `Host: ${own}`, 'Host: rebound.example')).toBe(403);
    expect(await get('/ HTTP/1.1', `Host: ${own}`, `Host: ${own}`)).toBe(403);
    expect(await get('/ HTTP/1.1', 'Host:')).toBe(403);
    expect(await get('/ HTTP/1.0')).toBe(403);
    expect(await get('http://rebound.example/ HTTP/1.1', `Host: ${own}`)).toBe(400);
    expect(await get('/ HTTP/1.1', `Host: ${own}`, 'Origin: http://rebound.example')).toBe(403);
    expect(await get('/ HTTP/1.1', `Host: ${own}`, `Origin: http://${own}`)).toBe(200);
    expect(await (await fetch(http.url)).text()).toBe('a page');
  });
});
