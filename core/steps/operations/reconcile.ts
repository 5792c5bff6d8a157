/**
 * Reconcile: pauses, completes, or hands over for a rollback, a migration whose execution died, that is, was stopped, timed out,
 * or ended without reaching a Catch. Before the drop the migration is paused, so that the next execution can resume it. After the
 * drop the missing verification is run. If that fails, or if the execution died in a rollback, the result names the execution
 * that has to be started, because the state machine does the rollback. From the claim on, late steps of the dead execution are
 * refused. A repeated or concurrent call changes nothing that is done.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { DeadlockDetected, LockTimeout } from '../../contracts/errors.ts';
import type { ReconcileEvent } from '../../contracts/steps/events.ts';
import type { ReconcileResult, VerifyMigrationResult } from '../../contracts/steps/results.ts';
import { holdRandomKey } from '../../ledger/liveness.ts';
import { changeMigration, type Migration, readMigration } from '../../ledger/migrations.ts';
import { asNote } from '../../ledger/notes/notes.ts';
import { admitWriter } from '../../ledger/schema/identity.ts';
import { upgradeLedger } from '../../ledger/schema/make-ledger.ts';
import { requireSight } from '../../ledger/schema/state.ts';
import { toNamedError } from '../../postgres/postgres-errors.ts';
import { runAsLogin } from '../../postgres/session/as-login.ts';
import { run } from '../../postgres/sql.ts';
import { applicationName, type StepContext } from '../context.ts';
import { verifyMigration } from '../forward/verify-migration.ts';
import { handOver, reconciliationOf, waitingFor } from './hand-over.ts';

/** Milliseconds of the handler's time in which no further piece of work is begun, because it could not be finished. */
const RESERVE_MS = 30_000;
/** Seconds until the next call, where a step is running, another reconciliation works, or the application holds a lock. */
const BUSY_SECONDS = 10;
/**
 * Poll interval in milliseconds. A transaction of the dead execution that began before it lost the migration ends within the lock
 * budget.
 */
const IN_FLIGHT_POLL_MS = 100;

/**
 * @returns `NOTHING_TO_DO` also where the execution has finished its migration, or another one has taken over
 * @throws PrivilegeMissing when this role may not read the ledger, so that it is not known what the execution left
 */
export async function reconcile(context: StepContext, event: ReconcileEvent): Promise<ReconcileResult> {
  const { client, logger } = context;
  const { execution: dead, refused } = event;
  const owner = reconciliationOf(dead);
  const found = await findLeft(context, dead, owner);
  if (!found) return { status: 'NOTHING_TO_DO', migrationId: null, waitSeconds: 0 };

  const { id } = found;
  await upgradeLedger(client);
  await admitWriter(client, false);
  // A reconciliation has handed it over already, and its answer may have been lost. Another claim would only get in the
  // rollback's way.
  if (found.execution === owner && (await readMigration(client, id)).state === 'rolling-back')
    return handOver(context, { id, owner, dead, refused });
  const busy = (status: 'RUNNING' | 'OWNER_ALIVE') => ({ status, migrationId: id, waitSeconds: BUSY_SECONDS });
  const reason = `execution ${dead} ended as ${event.reason} and left its migration`;
  const livenessKey = await holdRandomKey(client);
  if (!(await claim(context, { id, from: found.execution, owner, livenessKey, reason, ended: true })))
    return busy(found.execution === owner ? 'RUNNING' : 'OWNER_ALIVE');
  await client.query("SELECT set_config('application_name', $1, false)", [applicationName(id, 'reconcile')]);
  if (!(await awaitTransactionsInFlight(context, id))) return busy('RUNNING');

  const migration = await readMigration(client, id);
  logger.warn('reconciling', { migrationId: id, state: migration.state, reason: event.reason });
  try {
    if (migration.state === 'rolling-back') return await handOver(context, { id, owner, dead, refused });
    if (migration.constraint_oid === null) return await finish(context, { id, owner, dead });
    return await pauseMigration(context, migration, `execution ${dead} ended as ${event.reason}`);
  } catch (error) {
    const named = toNamedError(error);
    if (!(named instanceof LockTimeout || named instanceof DeadlockDetected)) throw named;
    logger.info('in use, to be tried again', { reason: named.message });
    return busy('RUNNING');
  }
}

/** The migration that the execution, or its reconciliation, left unfinished, and its owner. */
async function findLeft(
  context: StepContext,
  dead: string,
  owner: string,
): Promise<{ readonly id: string; readonly execution: string } | undefined> {
  const { client } = context;
  if (!(await requireSight(client))) return undefined;
  const [left] = await run(client, 'ledger/unfinished', { execution: dead, owner });
  return left ?? waitingFor(context, dead);
}

/**
 * First step of `p2pfk rollback`: a migration whose execution died before the drop is paused, so that the ledger shows that it
 * died. If it died later, the rollback branch handles it. A live owner is left alone.
 *
 * @param found when it was found dead, as the end of a sentence
 */
export async function pauseIfOwnerDead(context: StepContext, id: string, found: string): Promise<void> {
  const migration = await readMigration(context.client, id);
  if (migration.state !== 'running' || migration.constraint_oid === null) return;
  const reason = `execution ${migration.execution} was found dead ${found}`;
  const from = migration.execution;
  if (await claim(context, { id, from, owner: reconciliationOf(from), livenessKey: null, reason, ended: false }))
    await pauseMigration(context, migration, reason);
}

/** The change of the owner. */
interface Claim {
  readonly id: string;
  readonly from: string;
  readonly owner: string;
  /** The key that the claiming session holds, which keeps other reconciliations out; null: it works alone, for a moment. */
  readonly livenessKey: string | null;
  readonly reason: string;
  /** Whether the engine has reported that the execution has ended: then its lease does not count. */
  readonly ended: boolean;
}

/**
 * Takes the migration over.
 *
 * @returns false where its owner is seen at work, or it is not this execution's any more
 */
async function claim({ client }: StepContext, { id, from, livenessKey, ...rest }: Claim): Promise<boolean> {
  const claimed = await run(client, 'ledger/claim', {
    migration_id: id,
    execution: from,
    liveness_key: livenessKey,
    ...rest,
  });
  return claimed.length > 0;
}

/**
 * Waits for transactions of steps that began just before the claim and may be about to commit, so that their work is seen.
 *
 * @returns false where that takes too long
 */
async function awaitTransactionsInFlight({ client, remainingMs }: StepContext, id: string): Promise<boolean> {
  const until = Math.min(BUSY_SECONDS * 1_000, remainingMs() - RESERVE_MS);
  for (const beganAt = performance.now(); ; await delay(IN_FLIGHT_POLL_MS)) {
    const steps = await run(client, 'ledger/step-sessions', { migration_id: id });
    const pids = steps.map(({ pid }) => pid);
    const [inFlight] = await runAsLogin(client, 'checks/in-flight', { pids });
    if (!inFlight?.busy) return true;
    if (performance.now() - beganAt > until) return false;
  }
}

/** Pauses a migration whose parent FK still exists: the next execution continues from there. */
async function pauseMigration({ client }: StepContext, { id }: Migration, what: string): Promise<ReconcileResult> {
  const message = `${what}; run the same migration again to go on, or roll it back`;
  await changeMigration(client, id, { state: 'paused', error: { name: 'ExecutionDied', message } });
  return { status: 'PAUSED', migrationId: id, waitSeconds: 0 };
}

/** Completes a migration whose parent FK is gone, in a verified transaction: only the last checks are missing. */
async function finish(
  context: StepContext,
  { id, owner, dead }: { readonly id: string; readonly owner: string; readonly dead: string },
): Promise<ReconcileResult> {
  const step = { migrationId: id, execution: owner };
  let verified: VerifyMigrationResult;
  do {
    if (context.remainingMs() < RESERVE_MS) return { status: 'RUNNING', migrationId: id, waitSeconds: 1 };
    verified = await verifyMigration(context, step);
  } while (verified.status === 'COUNTING');
  if (verified.status === 'MIGRATED') return { status: 'MIGRATED', migrationId: id, waitSeconds: 0 };
  await fenceForRollback(context, step, verified.reason);
  return handOver(context, { id, owner, dead });
}

/** Sets the fence with the reason. From now on the next execution rolls back, even one that was started to migrate. */
async function fenceForRollback(
  { client }: StepContext,
  { migrationId, execution }: { readonly migrationId: string; readonly execution: string },
  why: string,
): Promise<void> {
  const error = await asNote(client, { name: 'VerificationFailed', message: why });
  await run(client, 'ledger/fence', { migration_id: migrationId, execution, error });
}
