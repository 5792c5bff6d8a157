import type { Command } from 'commander';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { hooksOf } from '../hooks/load.ts';
import { addHookOptions, type HookFlags } from '../hooks/options.ts';
import type { InputFlags } from '../input-options.ts';
import { addInputOptions } from '../migration-options.ts';
import {
  addDatabaseOptions,
  addJsonLinesOption,
  addOutputOptions,
  addPeopleOptions,
  addPlanFileOption,
  addReaderOption,
  addRelinkOption,
  addReportOption,
  addStateOptions,
  addYesOption,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type PlanFlag,
  type ReportFlag,
  type StateFlags,
  type YesFlag,
} from '../options.ts';

/** Flags of the two commands that run the state machine in this process. */
export type MigrateFlags = InputFlags &
  DatabaseFlags &
  StateFlags &
  OutputFlags &
  ReportFlag &
  YesFlag &
  PlanFlag &
  HookFlags;

export function registerMigrate(program: Command, finish: Finish): void {
  const command = program
    .command('migrate')
    .description('replace the parent-level foreign key by one foreign key per pair of partitions');
  addStateOptions(
    addDatabaseOptions(addYesOption(addPlanFileOption(addPeopleOptions(addRelinkOption(addInputOptions(command)))))),
  );
  addJsonLinesOption(addReportOption(addOutputOptions(addHookOptions(addReaderOption(command)))))
    .addHelpText(
      'after',
      helpText({
        about: `Runs the state machine in this process: indexes, foreign keys NOT VALID, validation, preflight check, drop of the
parent-level foreign key, verification. Any failure leads to the rollback branch, which puts everything back.
Shows database, foreign key, forecast and warnings first; on a terminal it asks whether to start, elsewhere it goes on.
Safe to stop at any time: the same command goes on from where it was.`,
        examples: [
          ['p2pfk migrate --table public.path', 'all of it'],
          ['p2pfk migrate --table path --constraint path_medium_hash_ino_fkey --json --quiet', 'for scripts'],
          ['p2pfk migrate --table path --json-lines --quiet', 'each event as it happens, for scripts'],
          ['p2pfk migrate --table path --deadline 2027-01-31T04:00:00Z --max-concurrency 8', 'in a maintenance window'],
          [
            'p2pfk migrate --table path --rehearse',
            'all but the drop, which is done and rolled back: will it go well?',
          ],
          [
            'p2pfk migrate --table path --approval manual --approval-timeout 8h',
            'wait before the drop until another terminal says: p2pfk approve --table path',
          ],
          [
            'p2pfk migrate --table path --max-replica-lag 2s --max-active-sessions 50 --terminate-idle-blockers 5m',
            'on a busy server',
          ],
          [
            'p2pfk migrate --table path --reader postgres://replica1 --reader postgres://replica2',
            'with people who read from two standbys: their open transactions count as locks that are not free',
          ],
          ['p2pfk migrate --table path --report migration.html', 'and a report of it, complete in one file'],
          [
            'p2pfk migrate --table path --notify-url https://hooks.example.com/p2pfk',
            'and a signed message when it waits for a person, and when it ends',
          ],
          [
            'p2pfk migrate --table path --accept statement-trigger',
            'accept what p2pfk plan says needs acceptance; on a terminal it is asked',
          ],
          ['p2pfk migrate --plan plan.json', 'a plan that was saved by p2pfk plan --out, as it was reviewed'],
          ['p2pfk migrate --table path --yes', 'on a terminal, without the question whether to start'],
          ['p2pfk migrate --table path --dry-run', 'through plan and preflight only'],
        ],
        exitCodes: [0, 1, 2, 4, 5, 6, 130],
      }),
    )
    .action(async (flags: MigrateFlags, acting: Command) => finish(await runExecution(flags, 'migrate', acting)));
}

/** @returns the exit code */
export async function runExecution(
  flags: MigrateFlags,
  operation: 'migrate' | 'rollback',
  command: Command,
): Promise<number> {
  applyVerbose(flags);
  const { createOutput } = await import('../output.ts');
  const output = createOutput(flags);
  const hooks = await hooksOf(flags, command, output.complain);
  const { givenInput, executionInputOf } = await import('../input.ts');
  const { statedHere } = await import('../people.ts');
  const typed = givenInput({ ...flags, ...statedHere(flags) }, operation);
  const { readPlanFile, inputOfPlan, planLine, refuseChangedCatalog } = await import('../plan-file.ts');
  const plan = flags.plan === undefined ? null : await readPlanFile(flags.plan);
  const given = executionInputOf(plan === null ? typed : inputOfPlan(plan, typed));
  if (given.holdBackQuery !== undefined) {
    const { allowHoldBackQuery } = await import('../../core/steps/throttle.ts');
    allowHoldBackQuery();
  }
  const databaseUrl = databaseUrlOf(flags);
  const { confirmDatabase } = await import('../relink.ts');
  if (!given.dryRun) await confirmDatabase({ input: process.stdin, output }, { databaseUrl, relink: given.relink });
  if (plan !== null) {
    await refuseChangedCatalog(plan, given, databaseUrl);
    if (!output.quiet) output.line(planLine(plan));
  }
  const { beforeStart } = await import('../before-start.ts');
  const input = await beforeStart({ input: process.stdin, output }, given, { databaseUrl, yes: flags.yes === true });
  const { execute } = await import('../execute.ts');
  const { samePlace } = await import('../repeat.ts');
  try {
    const { report, exitCode } = await execute({
      input,
      databaseUrl,
      stateDir: flags.stateDir,
      output,
      verbose: flags.verbose,
      place: samePlace(command),
      hooks,
      ...(flags.report === undefined ? {} : { reportFile: flags.report }),
    });
    output.document(report);
    return exitCode;
  } finally {
    await hooks?.close();
  }
}
