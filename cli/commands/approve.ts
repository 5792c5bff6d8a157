import type { Command } from 'commander';
import type { Client } from 'pg';
import type { ApprovalRequest } from '../../core/ledger/approve.ts';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addPeopleOptions,
  addRelinkOption,
  addTableOptions,
  addYesOption,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  migrationNumber,
  type OutputFlags,
  type PeopleFlags,
  type RelinkFlag,
  type TableFlags,
  type YesFlag,
} from '../options.ts';
import type { Output } from '../output.ts';

type ApproveFlags = TableFlags &
  DatabaseFlags &
  PeopleFlags &
  OutputFlags &
  RelinkFlag &
  YesFlag & { readonly migration?: string; readonly withdraw?: boolean };

export function registerApprove(program: Command, finish: Finish): void {
  const command = program
    .command('approve')
    .description('let a migration that waits for approval go on to the drop of the parent-level foreign key');
  addPeopleOptions(
    addDatabaseOptions(
      addYesOption(
        addRelinkOption(addTableOptions(command)),
        'on a terminal, do it without being asked; what is approved is shown all the same',
      ),
    )
      .option('--migration <id>', 'refuse where the open migration is another one than this', migrationNumber)
      .option('--withdraw', 'take an approval back, as long as the drop has not begun'),
  );
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Shows what is approved: the migration, who waits since when, the options that are not the defaults, the findings that
were accepted, and the rehearsal, which is the drop as it went on the live database before it was rolled back. On a
terminal it asks then, elsewhere it goes on. What has changed since it was shown is not approved, and an approval
counts for nothing else: where a later execution has other options or accepts another finding, it is asked for again.
An execution that waits goes on by itself; one that has paused meanwhile goes on when migrate is run again. Approved
twice is approved once; a rollback takes the approval back, and so does --withdraw before the drop.
If the migration was started with --approver-must-differ, neither the database login nor the stated name may be one
that started it.`,
        examples: [
          ['p2pfk approve --table public.path', 'let it go on'],
          ['p2pfk approve --table path --by ana --reason CHG-1234', 'with who and why, for ledger and report'],
          ['p2pfk approve --table path --migration 7 --yes', 'migration 7 and no other one, without a question'],
          ['p2pfk approve --table path --withdraw --reason "not tonight"', 'take it back, before the drop begins'],
          ['p2pfk approve --table path --json --quiet', 'for scripts'],
        ],
        exitCodes: [
          [0, 'approved, or withdrawn'],
          [
            2,
            'nothing waits for approval, it is not what was shown, or it is too late to withdraw; bad usage, no connection, wrong password',
          ],
          [
            4,
            'not confirmed; the approver must differ; this role may not read the ledger or write to it; or the ledger belongs to another database',
          ],
        ],
      }),
    )
    .action(async (flags: ApproveFlags, acting: Command) => finish(await approveMigration(flags, acting)));
}

async function approveMigration(flags: ApproveFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  const { connect } = await import('../../core/ledger/connect.ts');
  const { confirmOnStandby } = await import('../../core/ledger/standby-commit.ts');
  const { createOutput } = await import('../output.ts');
  const { statedHere } = await import('../people.ts');

  const output = createOutput(flags);
  const { table, constraint, migration: migrationId } = flags;
  const { samePlace } = await import('../repeat.ts');
  const { shellWord } = await import('../text.ts');
  const here = `--table ${shellWord(table)}${samePlace(command)}`;
  const request = { table, constraint, migrationId, ...statedHere(flags) };
  const { confirmDatabase } = await import('../relink.ts');
  await confirmDatabase(
    { input: process.stdin, output },
    { databaseUrl: databaseUrlOf(flags), relink: flags.relink === true },
  );
  const client = await connect({ databaseUrl: databaseUrlOf(flags), applicationName: 'p2pfk approve' });
  try {
    const act = flags.withdraw === true ? withdrawShown : approveShown;
    const { document, line } = await act(client, request, here, (shown) => confirm(output, flags, shown));
    await confirmOnStandby(client, { warn: (message) => output.complain(`! ${message}`) });
    output.line(line);
    output.document(document);
    return ExitCode.Done;
  } finally {
    await client.end();
  }
}

interface Shown {
  readonly lines: readonly string[];
  /** Null: there is nothing to decide any more. */
  readonly question: string | null;
}

type Confirm = (shown: Shown) => Promise<void>;
type Acted = Promise<{ readonly document: unknown; readonly line: string }>;

/** @param here names the migration in a command to copy */
async function approveShown(client: Client, request: ApprovalRequest, here: string, confirmed: Confirm): Acted {
  const { approve, readToApprove } = await import('../../core/ledger/approve.ts');
  const { approvedLine, toApproveLines } = await import('../render/approved.ts');
  const waiting = await readToApprove(client, request);
  const { migrationId, shown } = waiting;
  const question = `Approve the drop of migration ${migrationId}? [y/N] `;
  await confirmed({ lines: toApproveLines(waiting, new Date()), question: waiting.alreadyApproved ? null : question });
  const document = await approve(client, { ...request, migrationId, shown });
  return { document, line: approvedLine(document, here, new Date()) };
}

async function withdrawShown(client: Client, request: ApprovalRequest, here: string, confirmed: Confirm): Acted {
  const { readToWithdraw, withdrawApproval } = await import('../../core/ledger/approve.ts');
  const { toWithdrawLines, withdrawnLine } = await import('../render/approved.ts');
  const approval = await readToWithdraw(client, request);
  const { migrationId, shown } = approval;
  const question = `Withdraw the approval of migration ${migrationId}? [y/N] `;
  await confirmed({ lines: toWithdrawLines(approval), question });
  const document = await withdrawApproval(client, { ...request, migrationId, shown });
  return { document, line: withdrawnLine(document, here) };
}

/** @throws PreflightFailed when the person at the terminal declines: nothing was changed */
async function confirm(output: Output, flags: YesFlag, { lines, question }: Shown): Promise<void> {
  const { isInteractive, withAnswers } = await import('../terminal.ts');
  const asks = question !== null && flags.yes !== true && isInteractive({ input: process.stdin, output });
  // What a person is asked about is shown, also with --quiet.
  if (!output.quiet || asks) for (const line of lines) output.line(line);
  if (!asks) return;
  const { PreflightFailed } = await import('../../core/contracts/errors.ts');
  await withAnswers(process.stdin, output, async (confirmed) => {
    if (!(await confirmed(question))) throw new PreflightFailed('refused, nothing was changed: it was not confirmed');
  });
}
