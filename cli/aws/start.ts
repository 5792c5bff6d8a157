/** `p2pfk start`: StartExecution, and with `--wait` the same progress, report and exit code as `migrate`. */
import { randomBytes } from 'node:crypto';
import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { ExitCode, InvalidInput } from '../../core/errors.ts';
import type { StartFlags } from '../commands/start.ts';
import { INTERRUPTED } from '../failures.ts';
import { type GivenInput, givenInput, parseInput } from '../input.ts';
import { onInterrupt } from '../interrupt.ts';
import { resultOf } from '../outcome.ts';
import { createOutput, type Output } from '../output.ts';
import { closingLines } from '../progress/closing.ts';
import { createReporter } from '../progress/reporter.ts';
import { seenIn } from '../progress/state.ts';
import { shellWord } from '../text.ts';
import { awsFailure, createClient, regionOf } from './client.ts';
import { watchExecution } from './watch.ts';

/** @returns the exit code */
export async function start(flags: StartFlags): Promise<number> {
  regionOf(flags.stateMachine);
  const given = givenInput(flags, flags.operation);
  const input = parseInput(given);
  const name = executionName(flags);
  const output = createOutput(flags);
  const client = createClient(flags, flags.stateMachine);
  try {
    const executionArn = await startExecution(client, flags.stateMachine, name, given);
    if (flags.wait !== true) {
      if (output.quiet && !output.json) output.raw(`${executionArn}\n`);
      else output.line(`Started execution: ${executionArn}`);
      output.document({ executionArn });
      return ExitCode.Done;
    }
    if (!output.quiet) output.line(`Started execution: ${executionArn}`);
    return await follow(client, executionArn, {
      table: flags.table,
      operation: input.operation,
      output,
      undo: `p2pfk start --state-machine ${flags.stateMachine} --operation rollback --table ${shellWord(flags.table)} --wait`,
    });
  } finally {
    client.destroy();
  }
}

async function startExecution(
  client: SFNClient,
  stateMachineArn: string,
  name: string,
  given: GivenInput,
): Promise<string> {
  try {
    const started = await client.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(given) }),
    );
    return started.executionArn ?? '';
  } catch (error) {
    throw awsFailure(error, 'cannot start the execution');
  }
}

interface FollowContext {
  readonly table: string;
  readonly operation: 'migrate' | 'rollback';
  readonly undo: string;
  readonly output: Output;
}

async function follow(client: SFNClient, executionArn: string, context: FollowContext): Promise<number> {
  const { output } = context;
  const reporter = await createReporter({ output });
  const interruption = onInterrupt(() => {
    reporter.announce('Stopped watching. The execution goes on in AWS; this stops it:');
    reporter.announce(`  aws stepfunctions stop-execution --execution-arn ${executionArn}`);
  });
  try {
    const watched = await watchExecution({
      client,
      executionArn,
      onEvent: reporter.onEvent,
      signal: interruption.signal,
    });
    reporter.stop();
    if (watched === null) return interruption.exitCode ?? INTERRUPTED;
    const { report, exitCode } = resultOf({ executionArn, ...watched, seen: seenIn(reporter.progress), ledger: null });
    if (exitCode === ExitCode.BadInput) output.complain(`p2pfk: ${report.error?.message ?? ''}`);
    else for (const line of closingLines(report, { ...context, progress: reporter.progress })) output.line(line);
    output.document(report);
    // Stopped in AWS by somebody else, not by Ctrl-C here.
    return exitCode === INTERRUPTED ? ExitCode.Paused : exitCode;
  } catch (error) {
    reporter.stop();
    if (interruption.exitCode !== null) return interruption.exitCode;
    throw awsFailure(error, `cannot follow ${executionArn}, which goes on`);
  } finally {
    reporter.stop();
    interruption.dispose();
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
      flags.table
        .replace(/[^A-Za-z0-9_-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 40) || 'table';
    const time = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
    return `p2pfk-${table}-${time}-${randomBytes(3).toString('hex')}`;
  }
  if (!NAME.test(flags.name)) {
    throw new InvalidInput(`--name must be 1 to 80 letters, digits, - and _, not ${JSON.stringify(flags.name)}`);
  }
  return flags.name;
}
