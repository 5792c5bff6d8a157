import type { Command } from 'commander';
import type { WatchFlags } from '../executions/show.ts';
import type { Finish } from '../finish.ts';
import { AWS_ENVIRONMENT_HELP, helpText } from '../help.ts';
import { addExecutionOptions, addJsonLinesOption, addOutputOptions } from '../options.ts';

export function registerWatch(program: Command, finish: Finish): void {
  const command = program.command('watch').description('follow an execution to its end, here or in AWS');
  addJsonLinesOption(addOutputOptions(addExecutionOptions(command)))
    .addHelpText(
      'after',
      helpText({
        about: `Shows the progress of an execution from its beginning, and ends as it ends. A local one, of p2pfk migrate in another
terminal, is found in the store of local executions. Ctrl-C ends the watching, never the execution.`,
        examples: [
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
