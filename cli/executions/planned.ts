/** Which database an execution works on: its plan has recorded it. */
import { GetExecutionHistoryCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { PlannedDatabase } from '../../core/contracts/steps/events.ts';
import { type History, planOf, readHistory } from '../../core/history/read-history.ts';

/** The plan is the first state; a lock or a connection that was lost may have it tried again. */
const FIRST_EVENTS = 100;

/** @returns null where it did not come to a plan, or an older edition ran it */
export function plannedDatabaseIn(history: History): PlannedDatabase | null {
  return PlannedDatabase.safeParse(planOf(history).database).data ?? null;
}

/** @throws what the SDK throws */
export async function plannedDatabaseOf(client: SFNClient, executionArn: string): Promise<PlannedDatabase | null> {
  const { events = [] } = await client.send(
    new GetExecutionHistoryCommand({ executionArn, maxResults: FIRST_EVENTS, includeExecutionData: true }),
  );
  return plannedDatabaseIn(readHistory(events));
}
