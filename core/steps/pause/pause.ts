/**
 * Pause: notes in the ledger that the execution stops. Both kinds of FK may exist, or after the drop the pair FKs only; nothing
 * is lost. The next execution continues from there. Where only the last checks are missing, reconciliation runs them.
 */

import { messageOfCause } from '../../contracts/cause.ts';
import { MigrationFenced } from '../../contracts/errors.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { InterruptEvent } from '../../contracts/steps/events.ts';
import type { PauseResult } from '../../contracts/steps/results.ts';
import { changeMigration, type MigrationChanges } from '../../ledger/migrations.ts';
import { toNamedError } from '../../postgres/postgres-errors.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { enterAny, type StepContext } from '../context.ts';
import { defineStep } from '../step.ts';

/** @throws MigrationFenced when another execution has taken over, which must not be paused */
export async function pause(context: StepContext, event: InterruptEvent): Promise<PauseResult> {
  const { migration } = await enterAny(context, event);
  if (migration.execution !== event.execution)
    throw new MigrationFenced(`migration ${migration.id} is now owned by ${migration.execution}`);
  const afterDrop = migration.constraint_oid === null;
  const why = messageOfCause(event.error?.Cause) ?? event.error?.Error ?? 'asked to pause';
  const reason = afterDrop
    ? `the parent foreign key is gone, the checks after the drop are still to be run: ${why}`
    : why;
  // A rollback that has begun must not be stopped by a late step of the forward path.
  if (migration.state === 'running') {
    const error = { name: event.error?.Error ?? 'Paused', message: reason };
    await notePause(context, event, { state: 'paused', error });
  }
  const status = afterDrop ? 'CHECKS_PENDING' : 'PAUSED';
  return { status, migrationId: migration.id, table: migration.table_name, reason };
}

/** Notes the pause, unless the fence is set, possibly at this very moment: it is checked as by every forward change. */
async function notePause({ client }: StepContext, event: InterruptEvent, changes: MigrationChanges): Promise<void> {
  try {
    await inTransaction(client, async () => {
      await client.query('SELECT p2pfk.enter($1, $2)', [event.migrationId, event.execution]);
      await changeMigration(client, event.migrationId, changes);
    });
  } catch (error) {
    if (!(toNamedError(error) instanceof MigrationFenced)) throw error;
  }
}

export const step = defineStep(Steps.pause, pause);
