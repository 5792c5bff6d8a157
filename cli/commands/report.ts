import { type Command, Option } from 'commander';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addExecutionOptions,
  addOutputOptions,
  type DatabaseFlags,
  databaseUrlOf,
  type ExecutionFlags,
  type OutputFlags,
} from '../options.ts';

type ReportFlags = ExecutionFlags &
  DatabaseFlags &
  OutputFlags & {
    readonly output?: string;
    readonly format?: string;
    /** False with `--no-ledger`. */
    readonly ledger: boolean;
  };

export function registerReport(program: Command, finish: Finish): void {
  const command = program
    .command('report')
    .description('what one execution did, as a file that explains itself: HTML, Markdown or JSON')
    .option('-o, --output <file>', 'where to write it; its ending chooses the format (default: stdout)')
    .addOption(new Option('-f, --format <format>', 'html, markdown or json (default: html)'))
    .option('--no-ledger', 'from the history alone; the database is not asked');
  addOutputOptions(addExecutionOptions(addDatabaseOptions(command))).addHelpText(
    'after',
    helpText({
      about: `Reads the execution's history, and the ledger in the database where it can be reached: from there come the SQL
statements with their locks, sizes, bounds, and the findings of the plan. Without it the report says what is missing.
The HTML file is complete in itself: it loads nothing, and can be mailed, archived and printed.
Without --execution it is the newest one, chosen as by p2pfk watch.`,
      examples: [
        ['p2pfk report -o report.html', 'of the newest execution on the database in DATABASE_URL'],
        ['p2pfk report --execution $ARN -o report.html', 'for an auditor'],
        ['p2pfk report --execution $ARN --format markdown', 'for a ticket'],
        ['p2pfk report --execution $ARN --format json --no-ledger', 'for scripts, from the history alone'],
      ],
      exitCodes: [
        [0, 'written'],
        [2, 'bad usage, no such execution, or the file cannot be written'],
      ],
    }),
  );
  command.action(async (flags: ReportFlags) => finish(await report(flags)));
}

async function report(flags: ReportFlags): Promise<number> {
  const { chooseExecution } = await import('../executions/choose.ts');
  const { connectTo } = await import('../executions/connection.ts');
  const { executionFailure } = await import('../executions/client.ts');
  const { buildReport } = await import('../../report/report.ts');
  const { render } = await import('../../report/render.ts');
  const { readSources } = await import('../report/sources.ts');
  const { formatOf, writeReport } = await import('../report/write.ts');
  const { createOutput } = await import('../output.ts');

  const { InvalidInput } = await import('../../core/contracts/errors.ts');
  const asJson = flags.json === true ? 'json' : undefined;
  const format = formatOf(flags.output, flags.format ?? asJson);
  if (asJson !== undefined && format !== asJson)
    throw new InvalidInput(`--json and --format ${format} cannot be used together`);
  const { json: _json, ...others } = flags;
  const output = createOutput(others);
  const executionArn = await chooseExecution(flags, { output });
  const databaseUrl = databaseUrlOf(flags);
  const { client, close } = await connectTo(flags, executionArn, (line) => output.complain(`! ${line}`));
  try {
    const sources = await readSources({ client, executionArn, databaseUrl, withLedger: flags.ledger }).catch(
      (error: unknown) => {
        throw executionFailure(error, 'cannot read the execution', executionArn);
      },
    );
    for (const note of sources.notes ?? []) output.complain(`! ${note}`);
    const text = await render(buildReport(sources), format);
    if (flags.output === undefined) output.raw(text);
    else {
      await writeReport(flags.output, text);
      if (!output.quiet) output.complain(`✓ Report: ${flags.output}`);
    }
    return ExitCode.Done;
  } finally {
    close();
  }
}
