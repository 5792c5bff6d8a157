/**
 * Reconcile: brings a migration to rest whose execution died: stopped, timed out, or past every Catch. Before the drop it
 * becomes a resume point. After the drop, unverified, it is verified, and rolled back if that fails. A rollback that died
 * half-way is finished. It owns the migration meanwhile, so late steps of the dead execution are refused; called again, or
 * twice at once, it changes nothing that is done.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { runAsLogin } from '../as-login.ts';
import type { ReconcileEvent, ReconcileResult, VerifyMigrationResult } from '../contracts.ts';
import { DeadlockDetected, LockTimeout, OrphanedRows, RollbackFailed } from '../errors.ts';
import { changeMigration, type Migration, readMigration } from '../ledger.ts';
import { admitWriter } from '../ledger-identity.ts';
import { isLedgerReadable } from '../ledger-state.ts';
import { holdRandomKey } from '../liveness.ts';
import { upgradeLedger } from '../make-ledger.ts';
import { run } from '../sql.ts';
import { attachParent } from './attach-parent.ts';
import { eachPair, isRestored } from './batch.ts';
import { applicationName, type StepContext } from './context.ts';
import { dropPairForeignKeys } from './drop-pair-foreign-keys.ts';
import { fence } from './fence.ts';
import { restoreParentForPair } from './restore-parent.ts';
import { verifyMigration } from './verify-migration.ts';
import { verifyRolledBack } from './verify-rolled-back.ts';

/** Kept back from the handler's time, so that a piece of work is not begun that it cannot end. */
const RESERVE_MS = 30_000;
/** Until a step that is in flight, another reconciliation, or a lock of the application's is looked at again. */
const BUSY_SECONDS = 10;
/** A transaction of the dead execution that came in before it lost the migration ends within the lock budget. */
const IN_FLIGHT_POLL_MS = 100;

/**
 * @returns `NOTHING_TO_DO` also where the execution has come to its end, or another one has taken over
 * @throws RollbackFailed when a person is needed, as the state machine's own rollback
 */
export async function reconcile(context: StepContext, event: ReconcileEvent): Promise<ReconcileResult> {
  const { client, logger } = context;
  const owner = ownerFor(event.execution);
  const readable = await isLedgerReadable(client);
  const [found] = readable
    ? await run<{ id: string; execution: string }>(client, 'ledger/unfinished', { execution: event.execution, owner })
    : [];
  if (!found) return { status: 'NOTHING_TO_DO', migrationId: null, waitSeconds: 0 };

  const { id } = found;
  await upgradeLedger(client);
  await admitWriter(client, false);
  const busy = (status: 'RUNNING' | 'OWNER_ALIVE') => ({ status, migrationId: id, waitSeconds: BUSY_SECONDS });
  const reason = `execution ${event.execution} ended as ${event.reason} and left its migration`;
  const livenessKey = await holdRandomKey(client);
  if (!(await claim(context, { id, from: found.execution, owner, livenessKey, reason, ended: true })))
    return busy(found.execution === owner ? 'RUNNING' : 'OWNER_ALIVE');
  await client.query("SELECT set_config('application_name', $1, false)", [applicationName(id, 'reconcile')]);
  if (!(await awaitTransactionsInFlight(context, id))) return busy('RUNNING');

  const migration = await readMigration(client, id);
  logger.warn('reconciling', { migrationId: id, state: migration.state, reason: event.reason });
  try {
    if (migration.state === 'rolling-back') return await rollBack(context, migration, owner);
    if (migration.constraint_oid === null) return await finish(context, migration, owner);
    return await rest(context, migration, `execution ${event.execution} ended as ${event.reason}`);
  } catch (error) {
    if (error instanceof OrphanedRows) {
      const message = `the parent foreign key cannot come back, the pair foreign keys stay: ${error.message}`;
      throw new RollbackFailed(message, error.context, { cause: error });
    }
    if (!(error instanceof LockTimeout || error instanceof DeadlockDetected)) throw error;
    logger.info('in use, to be tried again', { reason: error.message });
    return busy('RUNNING');
  }
}

/**
 * What `p2pfk rollback` does first: a migration whose execution was found dead before the drop is brought to rest, so that the
 * ledger tells that it died. What else may have died is the rollback branch's own work. Leaves a live one alone.
 */
export async function restIfDead(context: StepContext, id: string, found: string): Promise<void> {
  const migration = await readMigration(context.client, id);
  if (migration.state !== 'running' || migration.constraint_oid === null) return;
  const reason = `execution ${migration.execution} was found dead ${found}`;
  const from = migration.execution;
  if (await claim(context, { id, from, owner: ownerFor(from), livenessKey: null, reason, ended: false }))
    await rest(context, migration, reason);
}

/** Never mistaken for a local execution: a reconciliation also counts as alive while its session or its lease lasts. */
function ownerFor(execution: string): string {
  return `reconcile:${execution}`;
}

interface Claim {
  readonly id: string;
  readonly from: string;
  readonly owner: string;
  /** Held by the session that claims it, which so excludes another reconciliation; null: it works on alone for a moment. */
  readonly livenessKey: string | null;
  readonly reason: string;
  /** The engine that ran the execution says that it has ended: its lease does not count. */
  readonly ended: boolean;
}

/** Whether the migration is ours now; false: it is seen at work, or not this execution's any more. */
async function claim({ client }: StepContext, { id, from, livenessKey, ...rest }: Claim): Promise<boolean> {
  const claimed = await run(client, 'ledger/claim', {
    migration_id: id,
    execution: from,
    liveness_key: livenessKey,
    ...rest,
  });
  return claimed.length > 0;
}

/** A step that came in just before the claim may be about to commit: what it did is to be seen. False: it takes too long. */
async function awaitTransactionsInFlight({ client, remainingMs }: StepContext, id: string): Promise<boolean> {
  const until = Math.min(BUSY_SECONDS * 1_000, remainingMs() - RESERVE_MS);
  for (const beganAt = performance.now(); ; await delay(IN_FLIGHT_POLL_MS)) {
    const steps = await run<{ pid: number }>(client, 'ledger/step-sessions', { migration_id: id });
    const pids = steps.map(({ pid }) => pid);
    const [inFlight] = await runAsLogin<{ busy: boolean }>(client, 'checks/in-flight', { pids });
    if (!inFlight?.busy) return true;
    if (performance.now() - beganAt > until) return false;
  }
}

/** The parent FK stands: both kinds of FK may, and the next execution goes on from here. */
async function rest({ client }: StepContext, { id }: Migration, what: string): Promise<ReconcileResult> {
  const message = `${what}; run the same migration again to go on, or roll it back`;
  await changeMigration(client, id, { state: 'paused', error: { name: 'ExecutionDied', message } });
  return { status: 'PAUSED', migrationId: id, waitSeconds: 0 };
}

/** The parent FK is gone, in a verified transaction; only the last checks are missing. */
async function finish(context: StepContext, migration: Migration, execution: string): Promise<ReconcileResult> {
  const step = { migrationId: migration.id, execution };
  let verified: VerifyMigrationResult;
  do {
    if (context.remainingMs() < RESERVE_MS) return { status: 'RUNNING', migrationId: migration.id, waitSeconds: 1 };
    verified = await verifyMigration(context, step);
  } while (verified.status === 'COUNTING');
  if (verified.status === 'MIGRATED') return { status: 'MIGRATED', migrationId: migration.id, waitSeconds: 0 };
  return rollBack(context, migration, execution, verified.reason);
}

const restoreParent = eachPair(restoreParentForPair, isRestored);

/** The rollback branch, state by state, as far as the time goes. Each step finds what an earlier try has done. */
async function rollBack(
  context: StepContext,
  { id }: Migration,
  execution: string,
  why?: string,
): Promise<ReconcileResult> {
  const step = { migrationId: id, execution };
  const running = (waitSeconds: number): ReconcileResult => ({ status: 'RUNNING', migrationId: id, waitSeconds });
  const error = why === undefined ? null : { Error: 'VerificationFailed', Cause: why };
  const fenced = await fence(context, { ...step, error });
  for (const { pair, last } of fenced.pairs) {
    if (context.remainingMs() < RESERVE_MS) return running(1);
    const restored = await restoreParent(context, { ...step, pair, last });
    if (restored.status === 'RUNNING') return running(restored.waitSeconds);
  }
  if (context.remainingMs() < RESERVE_MS) return running(1);
  if (fenced.parentForeignKey === 'DROPPED') {
    const attached = await attachParent(context, step);
    if (attached.status === 'RUNNING') return running(attached.waitSeconds);
  }
  await dropPairForeignKeys(context, step);
  await verifyRolledBack(context, step);
  return { status: 'ROLLED_BACK', migrationId: id, waitSeconds: 0 };
}
