import { paginateGetExecutionHistory, type SFNClient } from '@aws-sdk/client-sfn';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';

/**
 * @returns all events of an execution, oldest first
 * @throws what the SDK throws
 */
export async function readWholeHistory(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  const pages = paginateGetExecutionHistory({ client, pageSize: 1000 }, { executionArn, includeExecutionData: true });
  for await (const page of pages) events.push(...(page.events ?? []));
  return events;
}
