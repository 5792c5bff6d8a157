/** Which database an execution works on: its plan has recorded it. */
import { GetExecutionHistoryCommand, type HistoryEvent, type SFNClient } from '@aws-sdk/client-sfn';
import { PlannedDatabase } from '../../core/contracts/steps/events.ts';
import { isRecord } from '../progress/events.ts';
import { createHistoryReader } from './history-progress.ts';

/** The plan is the first state; a lock or a connection that was lost may have it tried again. */
const FIRST_EVENTS = 100;

/** @returns null where it did not come to a plan, or an older edition ran it */
export function plannedDatabaseIn(history: readonly HistoryEvent[]): PlannedDatabase | null {
  const plan = createHistoryReader()
    .read(history)
    .find(({ type, state }) => type === 'TaskSucceeded' && state === 'Plan');
  return isRecord(plan?.output) ? (PlannedDatabase.safeParse(plan.output.database).data ?? null) : null;
}

/** @throws what the SDK throws */
export async function plannedDatabaseOf(client: SFNClient, executionArn: string): Promise<PlannedDatabase | null> {
  const { events = [] } = await client.send(
    new GetExecutionHistoryCommand({ executionArn, maxResults: FIRST_EVENTS, includeExecutionData: true }),
  );
  return plannedDatabaseIn(events);
}
