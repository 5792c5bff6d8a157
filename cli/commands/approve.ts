import type { Command } from 'commander';
import { helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addRelinkOption,
  addTableOptions,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type RelinkFlag,
  type TableFlags,
} from '../options.ts';
import type { Finish } from '../program.ts';

type ApproveFlags = TableFlags & DatabaseFlags & OutputFlags & RelinkFlag;

export function registerApprove(program: Command, finish: Finish): void {
  const command = program
    .command('approve')
    .description('let a migration that waits for approval go on to the drop of the parent-level foreign key');
  addDatabaseOptions(addRelinkOption(addTableOptions(command)));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Shows who waits since when, and the rehearsal that is approved: the drop as it went on the live database before it was
rolled back. An execution that waits goes on by itself; one that has paused meanwhile goes on when migrate is run
again. Approved twice is approved once; a rollback takes the approval back.`,
        examples: [
          ['p2pfk approve --table public.path', 'let it go on'],
          ['p2pfk approve --table path --json --quiet', 'for scripts'],
        ],
        exitCodes: [
          [0, 'approved'],
          [2, 'nothing waits for approval; bad usage, no connection, wrong password'],
          [4, 'this role may not read the ledger or write to it, or the ledger belongs to another database'],
        ],
      }),
    )
    .action(async (flags: ApproveFlags) => finish(await approveMigration(flags)));
}

async function approveMigration(flags: ApproveFlags): Promise<number> {
  applyVerbose(flags);
  const { ExitCode } = await import('../../core/errors.ts');
  const { connect } = await import('../../core/connection.ts');
  const { approve } = await import('../../core/approve.ts');
  const { createOutput } = await import('../output.ts');
  const { approvedLines } = await import('../render/approved.ts');

  const output = createOutput(flags);
  const { confirmDatabase } = await import('../relink.ts');
  await confirmDatabase(
    { input: process.stdin, output },
    { databaseUrl: databaseUrlOf(flags), relink: flags.relink === true },
  );
  const client = await connect({ databaseUrl: databaseUrlOf(flags), applicationName: 'p2pfk approve' });
  try {
    const { table, constraint } = flags;
    const approved = await approve(client, { table, constraint });
    const lines = approvedLines(approved, table);
    for (const line of output.quiet ? lines.slice(-1) : lines) output.line(line);
    output.document(approved);
    return ExitCode.Done;
  } finally {
    await client.end();
  }
}
