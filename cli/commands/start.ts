import type { Command } from 'commander';
import type { StartFlags } from '../executions/start.ts';
import type { Finish } from '../finish.ts';
import { AWS_ENVIRONMENT_HELP, helpText } from '../help.ts';
import { inputOption } from '../input-options.ts';
import { addInputOptions } from '../migration-options.ts';
import {
  AWS_PERSON,
  addEndpointOptions,
  addOutputOptions,
  addPeopleOptions,
  addPlanFileOption,
  addRelinkOption,
} from '../options.ts';

export function registerStart(program: Command, finish: Finish): void {
  const command = program
    .command('start')
    .description('start the state machine in AWS, and follow it with --wait')
    .requiredOption('-s, --state-machine <arn>', "the state machine's ARN, as the stack's output tells it");
  addPlanFileOption(addPeopleOptions(addRelinkOption(addInputOptions(command)), AWS_PERSON))
    .addOption(inputOption('operation').default('migrate'))
    .addOption(inputOption('ledgerOwner', "the role that owns the ledger; in AWS it has to be the stack's"))
    .option('--name <name>', 'name of the execution (default: made from table and time)')
    .option('-w, --wait', 'follow it to its end; the exit code then tells how it ended');
  addEndpointOptions(command);
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `The database is the one that the state machine's functions are set up for; it is not reached from here.
Ctrl-C with --wait ends the watching, never the execution.`,
        examples: [
          ['p2pfk start --state-machine $ARN --table public.path', 'start, print the execution ARN, and leave'],
          ['p2pfk start --state-machine $ARN --table public.path --wait', 'with progress, to the end'],
          [
            'p2pfk start --state-machine $ARN --table path --operation rollback --wait --json',
            'the way back, for scripts',
          ],
        ],
        environment: AWS_ENVIRONMENT_HELP,
        exitCodes: [
          [0, 'started; with --wait: done, or nothing to do'],
          [1, 'failed, and everything was put back; or an earlier rollback was finished, and the migration not begun'],
          2,
          4,
          5,
          6,
          [130, 'stopped watching; the execution goes on'],
        ],
      }),
    )
    .action(async (flags: StartFlags) => finish(await (await import('../executions/start.ts')).start(flags)));
}
