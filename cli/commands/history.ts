import type { Command } from 'commander';
import type { HistoryFlags } from '../executions/show.ts';
import type { Finish } from '../finish.ts';
import { AWS_ENVIRONMENT_HELP, helpText } from '../help.ts';
import { addExecutionOptions, addOutputOptions } from '../options.ts';

export function registerHistory(program: Command, finish: Finish): void {
  const command = program
    .command('history')
    .description('the events of an execution, here or in AWS')
    .option('--reverse', 'the newest event first');
  addOutputOptions(addExecutionOptions(command))
    .addHelpText(
      'after',
      helpText({
        about: `One line an event: when, what, in which state, for which pair, and how it went. --quiet leaves out all but the failures
and the end. --json prints the execution and its events as the Step Functions API has them.`,
        examples: [
          ['p2pfk history --execution $ARN', 'all of it'],
          ['p2pfk history --execution $ARN --quiet', 'what failed, and how it ended'],
          ['p2pfk history --execution $ARN --json | jq .events', 'for scripts'],
        ],
        environment: AWS_ENVIRONMENT_HELP,
        exitCodes: [[0, 'printed, however the execution ended'], 2],
      }),
    )
    .action(async (flags: HistoryFlags) => finish(await (await import('../executions/show.ts')).history(flags)));
}
