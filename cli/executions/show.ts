/** `p2pfk watch` and `p2pfk history`. */

import { readHistory } from '../../core/history/read-history.ts';
import { describeIdentity } from '../../core/ledger/schema/identity.ts';
import { ExitCode } from '../exit-codes.ts';
import type { OutputFlags } from '../options.ts';
import { createOutput } from '../output.ts';
import { historyLines } from '../render/history-text.ts';
import { type ChooseFlags, chooseExecution } from './choose.ts';
import { executionFailure } from './client.ts';
import { connectTo } from './connection.ts';
import { commandFor, describe } from './describe.ts';
import { follow } from './follow.ts';
import { plannedDatabaseIn } from './planned.ts';
import { readWholeHistory } from './whole-history.ts';

/** @returns the exit code */
export async function watch(flags: WatchFlags): Promise<number> {
  const output = createOutput(flags);
  const executionArn = await chooseExecution(flags, { output });
  const { client, pause, close } = await connectTo(flags, executionArn, (line) => output.complain(`! ${line}`));
  try {
    const described = await describe(client, executionArn);
    const { table, operation } = described;
    const undo = commandFor('rollback', described, table);
    return await follow({ client, pause, executionArn, table, operation, undo, output, where: '' });
  } finally {
    close();
  }
}

/** @returns the exit code */
export async function history(flags: HistoryFlags): Promise<number> {
  const output = createOutput(flags);
  const executionArn = await chooseExecution(flags, { output });
  const { client, close } = await connectTo(flags, executionArn, (line) => output.complain(`! ${line}`));
  try {
    const { table: _table, operation: _operation, ...execution } = await describe(client, executionArn);
    const events = await readWholeHistory(client, executionArn).catch((error: unknown) => {
      throw executionFailure(error, 'cannot read the history', executionArn);
    });
    const read = readHistory(events);
    const database = plannedDatabaseIn(read);
    if (database !== null && !output.quiet) output.complain(`It works on ${describeIdentity(database)}`);
    const inOrder = <Item>(items: readonly Item[]) => (flags.reverse === true ? items.toReversed() : items);
    for (const line of historyLines(inOrder(read.events), read.events, output)) output.line(line);
    output.document({ execution, database, events: inOrder(events) });
    return ExitCode.Done;
  } finally {
    close();
  }
}

export type HistoryFlags = ChooseFlags & OutputFlags & { readonly reverse?: boolean };

export type WatchFlags = ChooseFlags & OutputFlags;
