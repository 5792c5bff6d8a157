import type { Command } from 'commander';
import type { StopFlags } from '../executions/stop.ts';
import type { Finish } from '../finish.ts';
import { AWS_ENVIRONMENT_HELP, helpText } from '../help.ts';
import {
  AWS_PERSON,
  addDatabaseUrlOption,
  addExecutionOptions,
  addOutputOptions,
  addPeopleOptions,
  OF_DATABASE,
} from '../options.ts';

export function registerStop(program: Command, finish: Finish): void {
  const command = program
    .command('stop')
    .description('stop an execution, here or in AWS, and say what follows')
    .option('--cause <text>', 'another word for --reason');
  addOutputOptions(addPeopleOptions(addDatabaseUrlOption(addExecutionOptions(command), OF_DATABASE), AWS_PERSON))
    .addHelpText(
      'after',
      helpText({
        about: `Starts no further step; a statement that is under way ends. Nothing is undone and nothing is lost: what is done stays
done, and the next migrate or rollback goes on from there. In AWS the stack's reconciliation looks at the migration at
once: before the drop of the parent-level foreign key it leaves it there, to be resumed; after it, it verifies. If that
fails, or if the execution was a rollback, it starts an execution that rolls back, three times at most.
Without --execution it is the one that runs on the very database that is given, by the same endpoint; of several none is
stopped, and their names are told.`,
        examples: [
          ['p2pfk stop', 'the execution that runs on the database in DATABASE_URL'],
          ['p2pfk stop --table path', 'the one that runs on this table'],
          ['p2pfk stop --execution $ARN', 'here or in AWS: the ARN tells'],
          [
            'p2pfk stop --execution $ARN --by ana --reason "CHG-1234: the window closes" --json',
            'with who and why for history and report, for scripts',
          ],
        ],
        environment: AWS_ENVIRONMENT_HELP,
        exitCodes: [
          [0, 'stopped, or it had ended before'],
          [2, 'bad usage, no such execution, none is running, or several may be meant'],
        ],
      }),
    )
    .action(async (flags: StopFlags) => finish(await (await import('../executions/stop.ts')).stop(flags)));
}
