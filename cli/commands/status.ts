import type { Command } from 'commander';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addStateOptions,
  addTableOptions,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type StateFlags,
  type TableFlags,
} from '../options.ts';

type StatusFlags = TableFlags & DatabaseFlags & StateFlags & OutputFlags;

export function registerStatus(program: Command, finish: Finish): void {
  const command = program
    .command('status')
    .description('one migration as the ledger knows it: how far, who works on it, and what comes next');
  addStateOptions(addDatabaseOptions(addTableOptions(command)));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Reads only: a role that may read the ledger is enough, and a standby as well (which cannot see whether an execution
lives). Shows state, since when, by whom, how far each pair is, whether an execution is at work, alive or dead, and where,
an open approval and until when, and the command that comes next, to copy. Of a dead execution it names the index builds
and validations that still run in the server, with the statement that ends each. A password is never in it.`,
        examples: [
          ['p2pfk status --table public.path', 'the newest migration of the table'],
          ['p2pfk status --table path --constraint path_medium_hash_ino_fkey', 'of several foreign keys, this one'],
          ['p2pfk status --table path --json | jq -r .next[0].command', 'for scripts: what comes next'],
        ],
        exitCodes: [
          [0, 'printed, in any state'],
          2,
          [4, 'the table has never been migrated, or this role may not read the ledger'],
        ],
      }),
    )
    .action(async (flags: StatusFlags, acting: Command) => finish(await status(flags, acting)));
}

async function status(flags: StatusFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  const { NotMigrated } = await import('../../core/contracts/errors.ts');
  const { connectReadOnly } = await import('../../core/ledger/connect.ts');
  const { readTableStatus } = await import('../../core/ledger/status.ts');
  const { isKept } = await import('../../local/store/existing-store.ts');
  const { createOutput } = await import('../output.ts');
  const { noteDatabase } = await import('../relink.ts');
  const { statusLines } = await import('../render/status-text.ts');
  const { composerFor } = await import('../repeat.ts');
  const { nextSteps } = await import('../status/next.ts');

  const output = createOutput(flags);
  const client = await connectReadOnly({ databaseUrl: databaseUrlOf(flags), applicationName: 'p2pfk status' });
  try {
    await noteDatabase(client, output);
    const { table, constraint } = flags;
    const found = await readTableStatus(client, { table, constraint });
    const compose = composerFor(command);
    if (found.migration === null) {
      const refusal = new NotMigrated(found.absent ?? `${found.table} has never been migrated`);
      output.document({
        table: found.table,
        constraint: constraint ?? null,
        state: 'never-migrated',
        migration: null,
        pairs: [],
        next: [],
        error: { name: refusal.name, message: refusal.message, exitCode: ExitCode.Refused },
      });
      throw refusal;
    }
    const { migration, pairs } = found;
    const isHere = migration.owner?.place === 'local' ? isKept(flags.stateDir, migration.execution) : null;
    const needsConstraint = found.needsConstraint || constraint !== undefined;
    const next = nextSteps(migration, { compose, table, needsConstraint, isHere });
    for (const line of statusLines(migration, { pairs }, next, { quiet: output.quiet, isHere })) output.line(line);
    output.document({
      table: found.table,
      constraint: migration.constraint,
      state: migration.state,
      migration,
      isHere,
      pairs,
      next,
    });
    return ExitCode.Done;
  } finally {
    await client.end();
  }
}
