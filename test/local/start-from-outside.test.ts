/** Executions that other people start over HTTP: what their input may not say, where a command line of one's own may. */
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, it, onTestFinished } from 'vitest';
import { LEDGER_OWNER } from '../../core/ledger/schema/state.ts';
import { handlers } from '../../local/handlers.ts';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { open, useDatabase } from './endpoint.helpers.ts';
import { fn, machine } from './engine.helpers.ts';

useDatabase();

const PLAN = machine({
  Plan: {
    Type: 'Task',
    Resource: fn('plan'),
    Parameters: { 'input.$': '$', 'execution.$': '$$.Execution.Id' },
    End: true,
  },
});

it('a caller of serve does not choose the ledger’s owner: only the one that it was started with', async () => {
  const { local, client } = await open({ definition: PLAN, handlers });
  const causeOf = async (input: object): Promise<string> => {
    const { executionArn } = await client.send(
      new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input: JSON.stringify(input) }),
    );
    await local.service.settled();
    const { error, cause } = await client.send(new DescribeExecutionCommand({ executionArn }));
    return `${error}: ${cause}`;
  };

  const refused = /^InvalidInput: .*names \\"\w+\\" as the ledger's owner/;
  expect(await causeOf({ table: 'nope', ledgerOwner: 'postgres' })).toMatch(refused);
  process.env[LEDGER_OWNER] = 'postgres';
  onTestFinished(() => {
    delete process.env[LEDGER_OWNER];
  });
  expect(await causeOf({ table: 'nope', ledgerOwner: 'other' })).toMatch(refused);
  expect(await causeOf({ table: 'nope', ledgerOwner: 'postgres' })).toMatch(/table nope does not exist/);
});

it('an input with a connection string is refused before it is kept', async () => {
  const { client } = await open({ definition: PLAN, handlers });
  for (const [input, message] of [
    ['{"table":"postgres://app:hunter2@db/x"}', /table holds a connection string/],
    ['{"table":"path","reason":["password=hunter2"]}', /reason holds a connection string/],
    ['{"table":"path","reason":"postgres://app:my hunter2@db/x"}', /reason holds a connection string/],
    ['{"table":"path","postgres://app:hunter2@db/x":true}', /a key holds a connection string/],
    ['{"table":"path","more":[{"password=hunter2":1}]}', /more holds a connection string/],
    ['{"table":"path","reason":"postgres://app:hunter2@db/x","reason":"ok"}', /a key is there twice/],
    ['{"table":"path","\\u0072eason":"password=hunter2","reason":"ok"}', /a key is there twice/],
  ] as const) {
    const started = client.send(new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input }));
    await expect(started, input).rejects.toMatchObject({
      name: 'InvalidExecutionInput',
      message: expect.stringMatching(new RegExp(`^(?!.*hunter2).*${message.source}`)),
    });
  }
  const named = client.send(
    new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, name: 'password=hunter2' }),
  );
  await expect(named).rejects.toThrow(/^(?!.*hunter2).*'name' failed .*holds a connection string/);
  const { executions } = await client.send(new ListExecutionsCommand({ stateMachineArn: STATE_MACHINE_ARN }));
  expect(executions).toEqual([]);
});

it.each(['cause', 'error'])('a %s with a connection string stops nothing, and is kept nowhere', async (key) => {
  const { client, local } = await open({ handlers: { work: () => new Promise(() => undefined) } });
  const { executionArn } = await client.send(
    new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input: '{"table":"path"}' }),
  );
  const stopped = client.send(new StopExecutionCommand({ executionArn, [key]: 'see postgres://app:my hunter2@db/x' }));
  await expect(stopped).rejects.toThrow(/^(?!.*hunter2).*holds a connection string/);
  const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
  expect(status).toBe('RUNNING');
  await local.service.stopAll({ error: 'Interrupted' });
});
