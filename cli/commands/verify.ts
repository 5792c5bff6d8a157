import type { Command } from 'commander';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addTableOptions,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type TableFlags,
} from '../options.ts';

type VerifyFlags = TableFlags & DatabaseFlags & OutputFlags;

export function registerVerify(program: Command, finish: Finish): void {
  const command = program.command('verify').description('six checks on a migrated table; changes nothing');
  addDatabaseOptions(addTableOptions(command));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Reads the catalog, counts rows without a referenced row in every pair, and times a DELETE on the referenced side in
a transaction that is rolled back.`,
        examples: [
          ['p2pfk verify --table public.path', 'six lines and the list of foreign keys'],
          ['p2pfk verify --table path --json', 'for scripts: { passed, checks: [...] }'],
        ],
        exitCodes: [
          [0, 'all six checks passed'],
          2,
          3,
          [4, 'refused: the table is not migrated, or this role may not look'],
        ],
      }),
    )
    .action(async (flags: VerifyFlags) => finish(await verify(flags)));
}

async function verify(flags: VerifyFlags): Promise<number> {
  applyVerbose(flags);
  const { connectReadOnly } = await import('../../core/ledger/connect.ts');
  const { verifyTable } = await import('../../core/checks/verification.ts');
  const { createOutput } = await import('../output.ts');
  const { noteDatabase } = await import('../relink.ts');
  const { checksInFull } = await import('../progress/lines.ts');

  const output = createOutput(flags);
  const client = await connectReadOnly({ databaseUrl: databaseUrlOf(flags), applicationName: 'p2pfk verify' });
  try {
    await noteDatabase(client, output);
    const { table, constraint } = flags;
    const verification = await verifyTable(client, { table, ...(constraint === undefined ? {} : { constraint }) });
    if (!output.quiet) for (const line of checksInFull(verification.checks)) output.line(line);
    const failed = verification.checks.filter((check) => !check.passed).length;
    output.line(
      verification.passed ? '✓✓✓ VERIFICATION PASSED ✓✓✓' : `✗✗✗ VERIFICATION FAILED: ${failed} of 6 checks ✗✗✗`,
    );
    output.document(verification);
    return verification.passed ? ExitCode.Done : ExitCode.CheckFailed;
  } finally {
    await client.end();
  }
}
