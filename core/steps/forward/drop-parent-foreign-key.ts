/** DropParentForeignKey: the verified drop, committed. */

import { refuseNewCode } from '../../catalog/untrusted-code.ts';
import { refuseHeld } from '../../contracts/pace.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { MigrationEvent } from '../../contracts/steps/events.ts';
import type { DropResult } from '../../contracts/steps/results.ts';
import { refuseUnapproved } from '../../ledger/approval-check.ts';
import { changeMigration } from '../../ledger/migrations.ts';
import { tryToNote } from '../../ledger/notes/notes.ts';
import { enterWithinWindow, type StepContext } from '../context.ts';
import { defineStep } from '../step.ts';
import { verifiedDrop } from '../verified-drop.ts';

/** @throws as {@link verifiedDrop}; after any error, nothing has changed */
export async function dropParentForeignKey(context: StepContext, event: MigrationEvent): Promise<DropResult> {
  const entered = await enterWithinWindow(context, event);
  const { migration } = entered;
  const constraint = migration.constraint_name;
  if (migration.constraint_oid === null) return { status: 'SKIPPED', constraint, lockedMs: 0 };
  // Checked again under the locks. The check here spares the application a try that cannot succeed.
  refuseUnapproved(migration);
  refuseHeld(migration.options);
  await refuseNewCode(context.client, entered.foreignKey);
  const { lockedMs } = await verifiedDrop(context, entered, event.execution, 'COMMIT');
  await tryToNote(context.logger, 'how long the locks were held', () =>
    changeMigration(context.client, migration.id, { locked_ms: lockedMs }),
  );
  context.logger.info('parent foreign key dropped', { constraint, lockedMs });
  return { status: 'DROPPED', constraint, lockedMs: Math.round(lockedMs) };
}

export const step = defineStep(Steps['drop-parent-foreign-key'], dropParentForeignKey);
