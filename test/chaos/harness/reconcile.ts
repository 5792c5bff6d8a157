/**
 * What AWS does when an execution has ended past every Catch: the reconcile function, and the rollback that it asks for, from a
 * process of their own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ReconcileResult } from '../../../core/contracts/steps/results.ts';
import type { Frozen } from './bundle.ts';
import { Runner } from './runner.ts';

/** A backend that believes its client to be alive, or the application's locks, may keep it that long. */
const WITHIN_MS = 30_000;
const POLL_MS = 300;
/** A rollback that reconciliation has started: its retries are ten times faster than in production. */
const ROLLBACK_TIMEOUT_MS = 90_000;

export interface Reconciled {
  /** null: it threw, or the rollback ended otherwise. */
  readonly status: Exclude<ReconcileResult['status'], 'ROLL_BACK'> | 'ROLLED_BACK' | null;
  /** The last answer, its error, or how the rollback ended, as text. */
  readonly outcome: string;
}

/** Called again until it says that it is done, or the rollback that it asked for is. */
export async function reconcileUntilDone(frozen: Frozen, databaseUrl: string, execution: string): Promise<Reconciled> {
  const runner = await Runner.start(frozen);
  const patience = performance.now() + WITHIN_MS;
  try {
    for (;;) {
      const reconciled = await reconcileOnce(runner, databaseUrl, execution);
      if (reconciled !== null) return reconciled;
      if (performance.now() > patience) return { status: null, outcome: 'no end in time' };
      await delay(POLL_MS);
    }
  } finally {
    await runner.kill();
  }
}

/** null: it has to be called again. */
async function reconcileOnce(runner: Runner, databaseUrl: string, execution: string): Promise<Reconciled | null> {
  const invocation = { functionName: 'reconcile', event: { execution, reason: 'ABORTED' } };
  const outcome = (await runner.deliver(databaseUrl, invocation)) ?? 'its process was gone';
  if (!outcome.startsWith('{')) return { status: null, outcome };
  const { status, rollback } = JSON.parse(outcome) as ReconcileResult;
  if (status === 'RUNNING' || status === 'OWNER_ALIVE') return null;
  if (status !== 'ROLL_BACK') return { status, outcome };
  const ending = await runner.run({ databaseUrl, input: rollback?.input ?? {}, timeoutMs: ROLLBACK_TIMEOUT_MS });
  // A backend that believes its client to be alive: the rollback did not begin.
  if (ending.error === 'MigrationInProgress') return null;
  const ended = `${outcome}, whose rollback ended ${ending.status} ${ending.error} ${ending.message}`;
  return { status: ending.status === 'ROLLED_BACK' ? 'ROLLED_BACK' : null, outcome: ended };
}
