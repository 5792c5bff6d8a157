/** `p2pfk watch` and `p2pfk history`. */
import { type HistoryEvent, paginateGetExecutionHistory, type SFNClient } from '@aws-sdk/client-sfn';
import { ExitCode } from '../../core/contracts/errors.ts';
import { describeIdentity } from '../../core/ledger/schema/identity.ts';
import type { ExecutionFlags, OutputFlags } from '../options.ts';
import { createOutput } from '../output.ts';
import { historyLines } from '../render/history-text.ts';
import { executionFailure } from './client.ts';
import { connectTo } from './connection.ts';
import { commandFor, describe } from './describe.ts';
import { follow } from './follow.ts';
import { plannedDatabaseIn } from './planned.ts';

/** @returns the exit code */
export async function watch(flags: WatchFlags): Promise<number> {
  const output = createOutput(flags);
  const { execution: executionArn } = flags;
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
  const { execution: executionArn } = flags;
  const { client, close } = await connectTo(flags, executionArn, (line) => output.complain(`! ${line}`));
  try {
    const { table: _table, operation: _operation, ...execution } = await describe(client, executionArn);
    const events = await eventsOf(client, executionArn);
    const database = plannedDatabaseIn(events);
    if (database !== null && !output.quiet) output.complain(`It works on ${describeIdentity(database)}`);
    const shown = flags.reverse === true ? events.toReversed() : events;
    for (const line of historyLines(shown, events, output)) output.line(line);
    output.document({ execution, database, events: shown });
    return ExitCode.Done;
  } finally {
    close();
  }
}

/** @returns all of it, oldest first */
async function eventsOf(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  try {
    const pages = paginateGetExecutionHistory({ client, pageSize: 1000 }, { executionArn, includeExecutionData: true });
    for await (const page of pages) events.push(...(page.events ?? []));
  } catch (error) {
    throw executionFailure(error, 'cannot read the history', executionArn);
  }
  return events;
}

export type HistoryFlags = ExecutionFlags & OutputFlags & { readonly reverse?: boolean };

export type WatchFlags = ExecutionFlags & OutputFlags;
