/** Pause: both kinds of FK may stand, nothing is lost; the next execution goes on from here. */
import type { InterruptEvent, PauseResult } from '../contracts.ts';
import { messageOfCause } from '../errors.ts';
import { changeMigration } from '../ledger.ts';
import { enterAny, type StepContext } from './context.ts';

export async function pause(context: StepContext, event: InterruptEvent): Promise<PauseResult> {
  const { migration } = await enterAny(context, event);
  const reason = messageOfCause(event.error?.Cause) ?? event.error?.Error ?? 'asked to pause';
  // A rollback that has begun is not to be stopped by a late word of the forward path.
  if (migration.state === 'running' && migration.execution === event.execution) {
    await changeMigration(context.client, migration.id, {
      state: 'paused',
      error: { name: event.error?.Error ?? 'Paused', message: reason },
    });
  }
  return { status: 'PAUSED', migrationId: migration.id, table: migration.table_name, reason };
}
