import type { Command } from 'commander';
import type { HistoryFlags } from '../executions/show.ts';
import type { Finish } from '../finish.ts';
import { AWS_ENVIRONMENT_HELP, helpText } from '../help.ts';
import { addDatabaseUrlOption, addExecutionOptions, addOutputOptions, OF_DATABASE } from '../options.ts';

export function registerHistory(program: Command, finish: Finish): void {
  const command = program
    .command('history')
    .description('the events of an execution, here or in AWS')
    .option('--reverse', 'the newest event first');
  addOutputOptions(addDatabaseUrlOption(addExecutionOptions(command), OF_DATABASE))
    .addHelpText(
      'after',
      helpText({
        about: `One line an event: when, what, in which state, for which pair, and how it went. --quiet leaves out all but the failures
and the end. --json prints the execution and its events as the Step Functions API has them. Without --execution it is the
newest one, chosen as by p2pfk watch.`,
        examples: [
          ['p2pfk history', 'the newest execution on the database in DATABASE_URL'],
          ['p2pfk history --table path --quiet', 'what failed in the newest one of this table'],
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
