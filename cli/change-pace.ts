/** `p2pfk throttle`, `hold` and `resume`. */
import { type Command, Option } from 'commander';
import type { PaceChange } from '../core/ledger/change-pace.ts';
import { ExitCode } from './exit-codes.ts';
import { declare } from './input-options.ts';
import {
  addDatabaseOptions,
  addOutputOptions,
  addPeopleOptions,
  applyVerbose,
  type DatabaseFlags,
  databaseUrlOf,
  type OutputFlags,
  type PeopleFlags,
  type TableFlags,
} from './options.ts';

export type PaceFlags = DatabaseFlags &
  PeopleFlags &
  OutputFlags &
  Partial<TableFlags> & { readonly execution?: string };

/** Which execution, of which database, and who acts. */
export function addPaceOptions(command: Command): Command {
  command.addOption(
    new Option(
      '-e, --execution <arn>',
      'ARN of the execution, here or in AWS, or its name, or the beginning or end of its name (default: the one that is at work)',
    ),
  );
  return addOutputOptions(addPeopleOptions(addDatabaseOptions(declare(command, 'table', 'constraint'))));
}

export const PACE_EXIT_CODES = [
  [0, 'done, or it was so already'],
  [
    2,
    'no such execution, several may be meant, it is not on its way forward, or its parent-level foreign key is dropped; bad usage, no connection',
  ],
  [
    4,
    'this role may not read the ledger or write to it, or the ledger belongs to another database or is of another version',
  ],
] as const;

/** @returns the exit code */
export async function changePaceByCommand(change: PaceChange, flags: PaceFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  const { changePace } = await import('../core/ledger/change-pace.ts');
  const { connect } = await import('../core/ledger/connect.ts');
  const { confirmOnStandby } = await import('../core/ledger/standby-commit.ts');
  const { createOutput } = await import('./output.ts');
  const { statedHere } = await import('./people.ts');
  const { paceLines } = await import('./render/pace-text.ts');
  const { samePlace } = await import('./repeat.ts');
  const { shellWord } = await import('./text.ts');

  const output = createOutput(flags);
  const people = statedHere(flags);
  const { table, constraint, execution } = flags;
  const client = await connect({
    databaseUrl: databaseUrlOf(flags),
    applicationName: `p2pfk ${change.command}`,
  });
  try {
    const changed = await changePace(client, change, { table, constraint, execution, ...people });
    await confirmOnStandby(client, { warn: (message) => output.complain(`! ${message}`) });
    const here = `--execution ${shellWord(changed.execution)}${samePlace(command).replace(/ --constraint \S+/, '')}`;
    const lines = paceLines({ changed, command: change.command, here });
    for (const line of output.quiet ? lines.slice(2, 3) : lines) output.line(line);
    output.document(changed);
    return ExitCode.Done;
  } finally {
    await client.end();
  }
}
