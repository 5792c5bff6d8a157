import type { Command } from 'commander';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addPeopleOptions,
  addRelinkOption,
  addTableOptions,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type PeopleFlags,
  type RelinkFlag,
  type TableFlags,
} from '../options.ts';

type ApproveFlags = TableFlags &
  DatabaseFlags &
  PeopleFlags &
  OutputFlags &
  RelinkFlag & { readonly withdraw?: boolean };

export function registerApprove(program: Command, finish: Finish): void {
  const command = program
    .command('approve')
    .description('let a migration that waits for approval go on to the drop of the parent-level foreign key');
  addPeopleOptions(
    addDatabaseOptions(addRelinkOption(addTableOptions(command))).option(
      '--withdraw',
      'take an approval back, as long as the drop has not begun',
    ),
  );
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Shows who waits since when, and the rehearsal that is approved: the drop as it went on the live database before it was
rolled back. An execution that waits goes on by itself; one that has paused meanwhile goes on when migrate is run
again. Approved twice is approved once; a rollback takes the approval back, and so does --withdraw before the drop.
If the migration was started with --approver-must-differ, neither the database login nor the stated name may be one
that started it.`,
        examples: [
          ['p2pfk approve --table public.path', 'let it go on'],
          ['p2pfk approve --table path --by ana --reason CHG-1234', 'with who and why, for ledger and report'],
          ['p2pfk approve --table path --withdraw --reason "not tonight"', 'take it back, before the drop begins'],
          ['p2pfk approve --table path --json --quiet', 'for scripts'],
        ],
        exitCodes: [
          [0, 'approved, or withdrawn'],
          [2, 'nothing waits for approval, or it is too late to withdraw; bad usage, no connection, wrong password'],
          [
            4,
            'the approver must differ; this role may not read the ledger or write to it; or the ledger belongs to another database',
          ],
        ],
      }),
    )
    .action(async (flags: ApproveFlags) => finish(await approveMigration(flags)));
}

async function approveMigration(flags: ApproveFlags): Promise<number> {
  applyVerbose(flags);
  const { connect } = await import('../../core/ledger/connect.ts');
  const { approve, withdrawApproval } = await import('../../core/ledger/approve.ts');
  const { confirmOnStandby } = await import('../../core/ledger/standby-commit.ts');
  const { createOutput } = await import('../output.ts');
  const { statedHere } = await import('../people.ts');
  const { approvedLines, withdrawnLines } = await import('../render/approved.ts');

  const output = createOutput(flags);
  const { table, constraint } = flags;
  const request = { table, constraint, ...statedHere(flags) };
  const { confirmDatabase } = await import('../relink.ts');
  await confirmDatabase(
    { input: process.stdin, output },
    { databaseUrl: databaseUrlOf(flags), relink: flags.relink === true },
  );
  const client = await connect({ databaseUrl: databaseUrlOf(flags), applicationName: 'p2pfk approve' });
  try {
    const [document, lines] =
      flags.withdraw === true
        ? await withdrawApproval(client, request).then((one) => [one, withdrawnLines(one, table)] as const)
        : await approve(client, request).then((one) => [one, approvedLines(one, table)] as const);
    await confirmOnStandby(client, { warn: (message) => output.complain(`! ${message}`) });
    for (const line of output.quiet ? lines.slice(-1) : lines) output.line(line);
    output.document(document);
    return ExitCode.Done;
  } finally {
    await client.end();
  }
}
