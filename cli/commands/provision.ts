import type { Command } from 'commander';
import { INPUT_OPTIONS } from '../../core/contracts/options/all.ts';
import { expectedOf } from '../../core/contracts/options/option.ts';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { type InputFlags, inputOption } from '../input-options.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addReaderOption,
  addRelinkOption,
  addTableOptions,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type RelinkFlag,
  type TableFlags,
} from '../options.ts';

type ProvisionFlags = TableFlags &
  DatabaseFlags &
  OutputFlags &
  RelinkFlag &
  Pick<InputFlags, 'dryRun' | 'lockTimeoutMs'> & {
    readonly bound?: string;
    readonly nameSuffix?: string;
    readonly referencing?: string;
    readonly referenced?: string;
  };

export function registerProvision(program: Command, finish: Finish): void {
  const command = program
    .command('provision')
    .description('create a new pair on a migrated table: both partitions, index, foreign key, in one transaction');
  addRelinkOption(addTableOptions(command))
    .option('-b, --bound <bound>', `the new partitions' bound, as SQL writes it: "FOR VALUES IN ('a')" (required)`)
    .hook('preAction', (_, acting) => {
      if (acting.opts().bound === undefined) acting.error("required option '-b, --bound <bound>' not specified");
    })
    .option('--name-suffix <text>', 'what the new names have where the existing ones differ')
    .option('--referencing <name>', 'name of the new referencing partition, as SQL writes it')
    .option('--referenced <name>', 'name of the new referenced partition, as SQL writes it')
    .option('--dry-run', 'do all of it, show the SQL, and roll back')
    .addOption(
      inputOption('lockTimeoutMs', 'how long other sessions may wait because of it, in all (default: {default})'),
    );
  addReaderOption(addDatabaseOptions(command));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `The names follow those of the existing pairs where these follow one rule; else say them. Attaching partitions stops
neither readers nor writers of the two tables. Where a table has a DEFAULT partition, PostgreSQL looks through it for
rows that belong to the new one, and that partition is locked meanwhile: that has to fit into --lock-timeout-ms as well.
A bound that overlaps another is refused, and nothing is changed.`,
        examples: [
          [
            `p2pfk provision --table public.path --bound "FOR VALUES IN ('cafe')"`,
            'names like those of the other pairs',
          ],
          [
            `p2pfk provision -t path -b "FOR VALUES FROM ('2027-01-01') TO ('2027-02-01')" --name-suffix 2027_01 --dry-run`,
            'show what would be done',
          ],
          [
            `p2pfk provision -t path -b "FOR VALUES WITH (MODULUS 4, REMAINDER 3)" --referencing path_3 --referenced inode_3`,
            'names of your own',
          ],
        ],
        exitCodes: [
          [0, 'created; with --dry-run: it can be'],
          [1, 'the locks were not granted; nothing was changed'],
          2,
          [4, 'refused: it overlaps, the name is taken, or the table is not migrated; nothing was changed'],
        ],
      }),
    )
    .action(async (flags: ProvisionFlags) => finish(await provision(flags)));
}

async function provision(flags: ProvisionFlags): Promise<number> {
  applyVerbose(flags);
  const { connect } = await import('../../core/ledger/connect.ts');
  const core = await import('../../core/provision/provision-pair.ts');
  const { confirmOnStandby } = await import('../../core/ledger/standby-commit.ts');
  const { createOutput } = await import('../output.ts');
  const { provisionedLines } = await import('../render/provision-text.ts');
  const lockTimeoutMs = await lockTimeout(flags);

  const output = createOutput(flags);
  const databaseUrl = databaseUrlOf(flags);
  if (flags.dryRun !== true) {
    const { confirmDatabase } = await import('../relink.ts');
    await confirmDatabase({ input: process.stdin, output }, { databaseUrl, relink: flags.relink === true });
  }
  const client = await connect({ databaseUrl, applicationName: 'p2pfk provision' });
  try {
    const { table, constraint, bound = '', nameSuffix, referencing, referenced, dryRun = false } = flags;
    const names = { nameSuffix, referencing, referenced };
    const made = await core.provision(client, { table, constraint, bound, ...names, dryRun, lockTimeoutMs });
    if (!dryRun) await confirmOnStandby(client, { warn: (message) => output.complain(`! ${message}`) });
    const lines = provisionedLines(made);
    for (const line of output.quiet ? lines.slice(0, 1) : lines) output.line(line);
    output.document(made);
    return ExitCode.Done;
  } finally {
    await client.end();
  }
}

/** @throws InvalidInput where it is outside the range that an execution takes too */
export async function lockTimeout(flags: { readonly lockTimeoutMs?: number }): Promise<number> {
  const { InvalidInput } = await import('../../core/contracts/errors.ts');
  const option = INPUT_OPTIONS.lockTimeoutMs;
  const { lockTimeoutMs = option.default } = flags;
  if (lockTimeoutMs >= option.min && lockTimeoutMs <= option.max) return lockTimeoutMs;
  throw new InvalidInput(`--lock-timeout-ms ${expectedOf(option)}, not ${lockTimeoutMs}`);
}
