/** `p2pfk start`: StartExecution, and with `--wait` the same progress, report and exit code as `migrate`. */

import { randomBytes } from 'node:crypto';
import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { echoed, unlessSecret } from '../../core/contracts/redact.ts';
import { ExitCode } from '../exit-codes.ts';
import { executionInputOf, type GivenInput, givenInput } from '../input.ts';
import type { InputFlags } from '../input-options.ts';
import type { OutputFlags, PlanFlag } from '../options.ts';
import { createOutput } from '../output.ts';
import { type StatedPeople, statedInAws } from '../people.ts';
import { inputOfPlan, planLine, readPlanFile } from '../plan-file.ts';
import { shellWord } from '../text.ts';
import { awsFailure, createClient, regionOf } from './client.ts';
import { follow } from './follow.ts';
import { callerIdentity } from './identity.ts';

/** @returns the exit code */
export async function start(flags: StartFlags): Promise<number> {
  const region = regionOf(flags.stateMachine, 'stateMachine');
  if (region === 'local' && flags.endpointUrl === undefined) {
    throw new InvalidInput(
      "--state-machine is this machine's own: give the --endpoint-url of p2pfk serve, or use p2pfk migrate",
    );
  }
  if (flags.plan !== undefined && flags.operation !== 'migrate') throw new InvalidInput('--plan is for a migration');
  const plan = flags.plan === undefined ? null : await readPlanFile(flags.plan);
  const inputFor = (people: StatedPeople): GivenInput => {
    const typed = givenInput({ ...flags, ...people }, flags.operation);
    return plan === null ? typed : inputOfPlan(plan, typed);
  };
  // Checked before anybody is asked over the network.
  const { table } = executionInputOf(inputFor({}));
  const name = executionName({ ...flags, table });
  const output = createOutput(flags);
  const client = createClient(flags, region);
  try {
    const people = await statedInAws(flags, () => callerIdentity(client));
    const given = inputFor(people);
    const input = executionInputOf(given);
    if (plan !== null && !output.quiet) output.line(planLine(plan));
    const executionArn = await startExecution(client, flags.stateMachine, name, given);
    if (flags.wait !== true) {
      if (output.quiet && !output.json) output.raw(`${executionArn}\n`);
      else output.line(`Started execution: ${executionArn}`);
      output.document({ executionArn });
      return ExitCode.Done;
    }
    if (!output.quiet) output.line(`Started execution: ${executionArn}`);
    return await follow({
      client,
      executionArn,
      table,
      operation: input.operation,
      output,
      where: region === 'local' ? '' : ' in AWS',
      undo: `p2pfk start --state-machine ${shellWord(flags.stateMachine)} --operation rollback --table ${shellWord(table)} --wait`,
    });
  } finally {
    client.destroy();
  }
}

/** @throws InvalidInput, one line for each error of the SDK */
export async function startExecution(
  client: SFNClient,
  stateMachineArn: string,
  name: string,
  input: object,
): Promise<string> {
  try {
    const started = await client.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
    );
    return started.executionArn ?? '';
  } catch (error) {
    throw awsFailure(error, 'cannot start the execution');
  }
}

const NAME = /^[A-Za-z0-9_-]{1,80}$/;

/**
 * A name of our own where none is given: with it, a StartExecution that the SDK sends again after a lost answer starts
 * nothing twice.
 */
function executionName(flags: StartFlags): string {
  if (flags.name === undefined) {
    const table =
      unlessSecret(flags.table, '')
        .replace(/[^A-Za-z0-9_-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 40) || 'table';
    const time = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
    return `p2pfk-${table}-${time}-${randomBytes(3).toString('hex')}`;
  }
  if (!NAME.test(flags.name)) {
    throw new InvalidInput(`--name must be 1 to 80 letters, digits, - and _, not ${echoed(flags.name)}`);
  }
  return flags.name;
}

export type StartFlags = InputFlags &
  OutputFlags &
  PlanFlag & {
    readonly stateMachine: string;
    readonly operation: string;
    readonly name?: string;
    readonly wait?: boolean;
    readonly region?: string;
    readonly awsProfile?: string;
    readonly endpointUrl?: string;
  };
