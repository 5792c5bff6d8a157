/** Executions that other people start over HTTP: what their input may not say, where a command line of one's own may. */
import { DescribeExecutionCommand, ListExecutionsCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
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
  for (const input of [{ table: 'postgres://app:hunter2@db/x' }, { table: 'path', reason: ['password=hunter2'] }]) {
    const started = client.send(
      new StartExecutionCommand({ stateMachineArn: STATE_MACHINE_ARN, input: JSON.stringify(input) }),
    );
    await expect(started).rejects.toMatchObject({
      name: 'InvalidExecutionInput',
      message: expect.stringMatching(/^(?!.*hunter2).*(table|reason) holds a connection string/),
    });
  }
  const { executions } = await client.send(new ListExecutionsCommand({ stateMachineArn: STATE_MACHINE_ARN }));
  expect(executions).toEqual([]);
});
