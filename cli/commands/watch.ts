import type { Command } from 'commander';
import type { WatchFlags } from '../executions/show.ts';
import type { Finish } from '../finish.ts';
import { AWS_ENVIRONMENT_HELP, helpText } from '../help.ts';
import {
  addDatabaseUrlOption,
  addExecutionOptions,
  addJsonLinesOption,
  addOutputOptions,
  OF_DATABASE,
} from '../options.ts';

export function registerWatch(program: Command, finish: Finish): void {
  const command = program.command('watch').description('follow an execution to its end, here or in AWS');
  addJsonLinesOption(addOutputOptions(addDatabaseUrlOption(addExecutionOptions(command), OF_DATABASE)))
    .addHelpText(
      'after',
      helpText({
        about: `Shows the progress of an execution from its beginning, and ends as it ends. A local one, of p2pfk migrate in another
terminal, is found in the store of local executions. Ctrl-C ends the watching, never the execution.
Without --execution it is the newest one: of --table, of the database where one is given, and with --state-machine in AWS.
Which one was chosen is said on stderr. A name that may mean several is refused, with the names.`,
        examples: [
          ['p2pfk watch', 'the newest execution on the database in DATABASE_URL'],
          ['p2pfk watch --table path', 'the newest of this table; where the ledger knows one in AWS, that one'],
          ['p2pfk watch --execution 1a2b3c4d', 'by the end of its name, as p2pfk list shows it'],
          ['p2pfk watch --execution $ARN', 'here or in AWS: the ARN tells'],
          ['p2pfk watch --execution $ARN --endpoint-url http://127.0.0.1:8083', 'of p2pfk serve'],
          ['p2pfk watch --execution $ARN --json --quiet', 'wait for its end, for scripts'],
          ['p2pfk watch --execution $ARN --json-lines', 'each event as it happens, for scripts'],
        ],
        environment: AWS_ENVIRONMENT_HELP,
        exitCodes: [
          0,
          [1, 'failed, and everything was put back; or an earlier rollback was finished, and the migration not begun'],
          2,
          4,
          5,
          [6, 'paused, or stopped before its end'],
          [130, 'stopped watching; the execution goes on'],
        ],
      }),
    )
    .action(async (flags: WatchFlags) => finish(await (await import('../executions/show.ts')).watch(flags)));
}
