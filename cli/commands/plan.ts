import type { Command } from 'commander';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import type { InputFlags } from '../input-options.ts';
import {
  addGuardOptions,
  addIndexOptions,
  addNamingOption,
  addPaceOptions,
  addPlanLimits,
} from '../migration-options.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addPeopleOptions,
  addReaderOption,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
} from '../options.ts';

type PlanFlags = InputFlags &
  DatabaseFlags &
  OutputFlags & { readonly sql?: boolean; readonly countOrphans?: boolean; readonly out?: string };

export function registerPlan(program: Command, finish: Finish): void {
  const command = program
    .command('plan')
    .description('what would be done: pairs, findings, estimate, exact SQL; reads only');
  addPlanLimits(addPaceOptions(command));
  addReaderOption(addDatabaseOptions(addNamingOption(addIndexOptions(addGuardOptions(command)))))
    .option('--count-orphans', 'count the referencing rows without a referenced row, pair after pair; reads all rows')
    .option('--out <file>', 'save the plan, to be reviewed and carried out by p2pfk migrate --plan FILE')
    .option('--sql', 'only the SQL: a script for psql with all that migrate would run, and the way back');
  addOutputOptions(addPeopleOptions(command))
    .addHelpText(
      'after',
      helpText({
        about: `Writes nothing at all to the database: a role that can only read is enough, and a standby as well.`,
        examples: [
          ['p2pfk plan --table public.path', 'overview for a person'],
          ['p2pfk plan --table path --sql > migration.sql', 'for a DBA to read, and to run with psql'],
          ['p2pfk plan --table path --json', 'for scripts'],
          ['p2pfk plan --table path --count-orphans', 'would the validation fail?'],
          [
            'p2pfk plan --table path --out plan.json --reason CHG-1234',
            'for a change board: reviewed, then migrated as it is',
          ],
        ],
        exitCodes: [[0, 'a migration can run'], 2, [4, 'preflight would refuse: there are error findings']],
      }),
    )
    .action(async (flags: PlanFlags, acting: Command) => finish(await plan(flags, acting)));
}

async function plan(flags: PlanFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  const { InvalidInput } = await import('../../core/contracts/errors.ts');
  if (flags.sql === true && flags.json === true) {
    throw new InvalidInput('--sql and --json cannot be used together: the JSON document holds the statements already');
  }
  const { givenInput, executionInputOf } = await import('../input.ts');
  const { statedHere } = await import('../people.ts');
  const people = statedHere(flags);
  // Who carries it out is another matter than who made it.
  const { by: _by, reason: _reason, ...options } = flags;
  const given = givenInput(options, 'migrate');
  const input = executionInputOf(given);
  const { connectReadOnly } = await import('../../core/ledger/connect.ts');
  const { planMigration, readPlan } = await import('../../core/plan/read-plan.ts');
  const { migrationScript } = await import('../../core/plan/script/migration-script.ts');
  const { createOutput } = await import('../output.ts');
  const { repeatedOptions } = await import('../repeat.ts');
  const { findingLines, planLines, quietPlanLines, statementsAsSql } = await import('../render/plan-text.ts');

  const output = createOutput(flags);
  const client = await connectReadOnly({
    databaseUrl: databaseUrlOf(flags),
    applicationName: 'p2pfk plan',
    searchPath: input.searchPath,
  });
  try {
    const { noteDatabase } = await import('../relink.ts');
    await noteDatabase(client, output);
    const { readCatalog, savePlan } = await import('../plan-file.ts');
    const catalog = flags.out === undefined ? [] : await readCatalog(client, input);
    const reading = flags.sql === true ? await readPlan(client, input, 'plan') : undefined;
    const planned =
      reading?.document ?? (await planMigration(client, input, { countOrphans: flags.countOrphans === true }));
    const refused = planned.findings.some((finding) => finding.severity === 'error');
    const saved =
      flags.out === undefined || refused
        ? null
        : await savePlan(client, flags.out, {
            plan: planned,
            given,
            catalog,
            people,
            databaseUrl: databaseUrlOf(flags),
          });
    if (reading !== undefined) {
      output.sql((await migrationScript(client, reading, input)) ?? statementsAsSql(planned));
      if (refused) for (const line of findingLines(planned.findings, 'error')) output.complain(line);
    } else if (flags.json === true) {
      output.document(planned);
    } else {
      const repeated = repeatedOptions(command, 'migrate');
      const shown = output.quiet ? quietPlanLines : planLines;
      for (const line of shown(planned, { given: repeated, columns: output.columns })) output.line(line);
    }
    if (saved !== null) output.complain(`✓ Plan saved: ${flags.out}, ${saved.hash}`);
    else if (flags.out !== undefined) output.complain('! No plan was saved: it would be refused');
    return refused ? ExitCode.Refused : ExitCode.Done;
  } finally {
    await client.end();
  }
}
