import type { Command } from 'commander';
import type { ListFlags } from '../executions/list.ts';
import type { Finish } from '../finish.ts';
import { ENVIRONMENT_HELP, helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addEndpointOptions,
  addOutputOptions,
  addStateMachineOption,
  addStateOptions,
  listLimit,
} from '../options.ts';

export function registerList(program: Command, finish: Finish): void {
  const command = program
    .command('list')
    .description('migrations and executions of this database, the newest first, a line each')
    .option('--limit <n>', 'at most that many of each', listLimit, 20)
    .option('--no-ledger', 'the executions of every database; the database is not asked');
  addStateMachineOption(command, 'list the executions of this state machine in AWS, too');
  addEndpointOptions(addStateOptions(addDatabaseOptions(command)));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Migrations are those of the ledger in the database. Executions are those that are kept on this machine, of p2pfk migrate
and p2pfk serve, and with --state-machine those in AWS. Each has its state, its table, since when, by whom, how long, and
the command that comes next, to copy. It only reads, so a role that may read the ledger is enough, and a standby as well.
Those of other databases are only counted. One in AWS that came to no plan has recorded no database, and is listed.`,
        examples: [
          ['p2pfk list', 'of the database in DATABASE_URL'],
          ['p2pfk list --state-machine $ARN', 'and the executions in AWS'],
          ['p2pfk list --no-ledger --limit 100', 'all that ran on this machine, on whichever database'],
          [
            'p2pfk list --json | jq -r \'.executions[] | select(.status == "RUNNING") | .executionArn\'',
            'for scripts: what runs',
          ],
        ],
        environment: `${ENVIRONMENT_HELP}
  AWS_PROFILE AWS_ACCESS_KEY_ID ...           credentials for --state-machine, as the AWS SDK finds them`,
        exitCodes: [
          [0, 'printed, also where there is nothing'],
          2,
          [4, 'the ledger is not trusted, or belongs to another database'],
        ],
      }),
    )
    .action(async (flags: ListFlags, acting: Command) =>
      finish(await (await import('../executions/list.ts')).list(flags, acting)),
    );
}
