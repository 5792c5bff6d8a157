/**
 * Reconcile: brings a migration to rest whose execution died (stopped, timed out, its machine gone), as its state demands.
 * Before the drop it becomes a resume point. After the drop, unverified, it is verified, and rolled back if that fails. A
 * rollback that died is finished. Idempotent, and safe beside a live owner: the fence and the ledger's owner decide.
 */
import type { VerifyMigrationResult } from '../contracts.ts';
import { changeMigration, type Migration, readMigration } from '../ledger.ts';
import { run, runOne } from '../sql.ts';
import { attachParent } from './attach-parent.ts';
import type { StepContext } from './context.ts';
import { dropPairForeignKeys } from './drop-pair-foreign-keys.ts';
import { fence } from './fence.ts';
import { restoreParentForPair } from './restore-parent.ts';
import { verifyMigration } from './verify-migration.ts';
import { verifyRolledBack } from './verify-rolled-back.ts';

/** `execution` is the one that died; `reason` how it ended, such as ABORTED. */
export interface ReconcileEvent {
  readonly execution: string;
  readonly reason: string;
}

export interface ReconcileResult {
  /** `RUNNING`: the time was up, or a statement still runs: call again after `waitSeconds`. */
  readonly status: 'NOTHING_TO_DO' | 'PAUSED' | 'MIGRATED' | 'ROLLED_BACK' | 'RUNNING';
  readonly migrationId: string | null;
  readonly waitSeconds: number;
}

/** Kept back from the handler's time, so that a piece of work is not begun that it cannot end. */
const RESERVE_MS = 30_000;

export async function reconcile(context: StepContext, event: ReconcileEvent): Promise<ReconcileResult> {
  const { readable } = await runOne<{ readable: boolean }>(context.client, 'ledger/readable');
  const [found] = readable
    ? await run<{ id: string }>(context.client, 'ledger/unfinished', { execution: event.execution })
    : [];
  if (!found) return { status: 'NOTHING_TO_DO', migrationId: null, waitSeconds: 0 };
  const migration = await readMigration(context.client, found.id);
  context.logger.warn('reconciling', { migrationId: migration.id, state: migration.state, reason: event.reason });
  if (migration.state === 'rolling-back') return rollBack(context, migration, event);
  if (migration.constraint_oid !== null) return rest(context, migration, event);
  return finish(context, migration, event);
}

/** The parent FK stands: both kinds of FK may, and the next execution goes on from here. */
async function rest(
  { client }: StepContext,
  { id }: Migration,
  { execution, reason }: ReconcileEvent,
): Promise<ReconcileResult> {
  const message = `execution ${execution} ended as ${reason}; run the same migration again to go on, or roll it back`;
  await changeMigration(client, id, { state: 'paused', error: { name: 'ExecutionDied', message } });
  return { status: 'PAUSED', migrationId: id, waitSeconds: 0 };
}

/** The parent FK is gone, in a verified transaction; only the last checks are missing. */
async function finish(context: StepContext, migration: Migration, event: ReconcileEvent): Promise<ReconcileResult> {
  const step = { migrationId: migration.id, execution: event.execution };
  let verified: VerifyMigrationResult;
  do {
    if (context.remainingMs() < RESERVE_MS) return { status: 'RUNNING', migrationId: migration.id, waitSeconds: 1 };
    verified = await verifyMigration(context, step);
  } while (verified.status === 'COUNTING');
  if (verified.status === 'MIGRATED') return { status: 'MIGRATED', migrationId: migration.id, waitSeconds: 0 };
  return rollBack(context, migration, event, verified.reason);
}

/** The rollback branch, state by state, as far as the time goes. Each step finds what an earlier try has done. */
async function rollBack(
  context: StepContext,
  { id }: Migration,
  event: ReconcileEvent,
  why?: string,
): Promise<ReconcileResult> {
  const step = { migrationId: id, execution: event.execution };
  const running = (waitSeconds: number): ReconcileResult => ({ status: 'RUNNING', migrationId: id, waitSeconds });
  const error = why === undefined ? null : { Error: 'VerificationFailed', Cause: why };
  const fenced = await fence(context, { ...step, error });
  for (const { pair } of fenced.pairs) {
    if (context.remainingMs() < RESERVE_MS) return running(1);
    const restored = await restoreParentForPair(context, { ...step, pair });
    if (restored.status === 'RUNNING') return running(restored.waitSeconds);
  }
  if (fenced.parentForeignKey === 'DROPPED') {
    const attached = await attachParent(context, step);
    if (attached.status === 'RUNNING') return running(attached.waitSeconds);
  }
  await dropPairForeignKeys(context, step);
  await verifyRolledBack(context, step);
  return { status: 'ROLLED_BACK', migrationId: id, waitSeconds: 0 };
}
