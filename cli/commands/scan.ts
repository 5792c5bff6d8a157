import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Judged } from '../../core/scan/judge.ts';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
} from '../options.ts';
import { duration } from '../units.ts';

const FAIL_ON = ['convertible', 'unprotected'] as const;
type FailOn = (typeof FAIL_ON)[number];

type ScanFlags = DatabaseFlags &
  OutputFlags & {
    readonly schema?: readonly string[];
    readonly failOn?: readonly FailOn[];
    /** Seconds. */
    readonly statementTimeout: number;
  };

const DEFAULT_TIMEOUT_SECONDS = 60;

export function registerScan(program: Command, finish: Finish): void {
  const command = program
    .command('scan')
    .description(
      'every foreign key that touches a partitioned table: what can be converted, what it brings, what is next',
    )
    .option(
      '--schema <name>',
      'only foreign keys from or to tables of this schema, its name as it is stored; repeatable (default: all)',
      (name: string, before: readonly string[] = []) => [...before, name],
    )
    .addOption(
      new Option(
        '--fail-on <what>',
        'exit 3 where there is a foreign key that is convertible, or one that is unprotected; repeatable',
      ).argParser(failOn),
    )
    .addOption(
      new Option('--statement-timeout <duration>', 'give up where a query takes longer')
        .argParser(duration)
        .default(DEFAULT_TIMEOUT_SECONDS, '60s'),
    );
  addOutputOptions(addDatabaseOptions(command))
    .addHelpText(
      'after',
      helpText({
        about: `Reads the catalog, the statistics and the ledger, in one READ ONLY transaction: a role that can only read is enough, and a
standby as well. It reads no row of a table, and counts by the planner's estimates.`,
        examples: [
          ['p2pfk scan', 'the first command on a database of your own'],
          ['p2pfk scan --schema public --json', 'for scripts: { summary, foreignKeys: [{ status, next, ... }] }'],
          [
            'p2pfk scan --fail-on unprotected',
            'in a pipeline: a parent foreign key that came back, a partition without its own',
          ],
        ],
        exitCodes: [
          [0, 'scanned; nothing that --fail-on names was found'],
          2,
          [3, 'something that --fail-on names was found'],
          [4, 'refused: the ledger belongs to another database, or cannot be trusted'],
        ],
      }),
    )
    .action(async (flags: ScanFlags, acting: Command) => finish(await scanDatabase(flags, acting)));
}

function failOn(text: string, before: readonly FailOn[] = []): readonly FailOn[] {
  const found = FAIL_ON.find((one) => one === text);
  if (found === undefined) throw new InvalidArgumentError(`It must be ${FAIL_ON.join(' or ')}.`);
  return [...before, found];
}

async function scanDatabase(flags: ScanFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  const { connectReadOnly } = await import('../../core/ledger/connect.ts');
  const { scan } = await import('../../core/scan/scan.ts');
  const { createOutput } = await import('../output.ts');
  const { scanLines } = await import('../render/scan-text.ts');
  const output = createOutput(flags);
  const client = await connectReadOnly({ databaseUrl: databaseUrlOf(flags), applicationName: 'p2pfk scan' });
  try {
    const { noteDatabase } = await import('../relink.ts');
    await noteDatabase(client, output);
    const reading = await scan(client, {
      schemas: flags.schema ?? null,
      statementTimeoutMs: Math.max(1, Math.round(flags.statementTimeout * 1000)),
    });
    const failed = FAIL_ON.filter((what) => flags.failOn?.includes(what) && reading.summary[what] > 0);
    const next = await nextCommands(command, reading.foreignKeys);
    const document = {
      ...reading,
      failed,
      foreignKeys: reading.foreignKeys.map(({ command: _, ...found }, index) => ({
        ...found,
        next: next[index] ?? null,
      })),
    };
    for (const line of scanLines(document, { columns: output.columns, quiet: output.quiet })) output.line(line);
    output.document(document);
    return failed.length > 0 ? ExitCode.CheckFailed : ExitCode.Done;
  } finally {
    await client.end();
  }
}

/** The command to run next for each, to copy. */
async function nextCommands(command: Command, found: readonly Judged[]): Promise<(string | null)[]> {
  const { repeatedOptions } = await import('../repeat.ts');
  const { shellWord } = await import('../text.ts');
  const ofTable = new Map<string, number>();
  for (const one of found) if (one.command !== null) ofTable.set(one.table, (ofTable.get(one.table) ?? 0) + 1);
  return found.map(({ command: name, table, constraint }) => {
    if (name === null) return null;
    const alone = ofTable.get(table) === 1;
    const which = alone || constraint === null ? [] : [option('--constraint', shellWord(constraint))];
    const given = repeatedOptions(command, name);
    return [`p2pfk ${name} --table ${shellWord(table)}`, ...which, ...(given === '' ? [] : [given])].join(' ');
  });
}

/** A value that begins with a dash would be taken for another option. */
function option(name: string, value: string): string {
  return /^'?-/.test(value) ? `${name}=${value}` : `${name} ${value}`;
}
