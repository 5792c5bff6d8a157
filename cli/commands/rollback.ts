import type { Command } from 'commander';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { addHookOptions } from '../hooks/options.ts';
import { addPaceOptions, addServerOptions } from '../migration-options.ts';
import {
  addDatabaseOptions,
  addJsonLinesOption,
  addOutputOptions,
  addPeopleOptions,
  addReaderOption,
  addRelinkOption,
  addReportOption,
  addStateOptions,
  addYesOption,
} from '../options.ts';
import { type MigrateFlags, runExecution } from './migrate.ts';

export function registerRollback(program: Command, finish: Finish): void {
  const command = program
    .command('rollback')
    .description('put the parent-level foreign key back, from any state of a migration');
  addStateOptions(
    addDatabaseOptions(addYesOption(addPeopleOptions(addRelinkOption(addServerOptions(addPaceOptions(command)))))),
  );
  addJsonLinesOption(addReportOption(addOutputOptions(addHookOptions(addReaderOption(command)))))
    .addHelpText(
      'after',
      helpText({
        about: `Goes straight to the rollback branch of the state machine. Where the parent-level foreign key was dropped it is
restored first, while the partition-level ones still hold; then those that the migration added are dropped.
Shows database, foreign key and forecast first; on a terminal it asks whether to start, elsewhere it goes on.`,
        examples: [
          ['p2pfk rollback --table public.path', 'back to the parent-level foreign key'],
          ['p2pfk rollback --table path --keep-indexes', 'leave the indexes that the migration built'],
          ['p2pfk rollback --table path --json --quiet', 'for scripts'],
        ],
        exitCodes: [[0, 'rolled back, or nothing to roll back'], 2, 4, 5, 6, 130],
      }),
    )
    .action(async (flags: MigrateFlags, acting: Command) => finish(await runExecution(flags, 'rollback', acting)));
}
