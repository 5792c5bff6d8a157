/** The step that AWS calls when an execution has ended without a last word, from a process of its own. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ReconcileResult } from '../../../core/contracts.ts';
import type { Frozen } from './bundle.ts';
import { Runner } from './runner.ts';

/** A backend that believes its client to be alive, or the application's locks, may keep it that long. */
const WITHIN_MS = 30_000;
const POLL_MS = 300;

const UNFINISHED = /"status":"(?:RUNNING|OWNER_ALIVE)"/;

export interface Reconciled {
  /** null: it threw. */
  readonly status: ReconcileResult['status'] | null;
  /** Its last answer, or its error, as text. */
  readonly outcome: string;
}

/** Called again until it says that it is done. */
export async function reconcileUntilDone(frozen: Frozen, databaseUrl: string, execution: string): Promise<Reconciled> {
  const runner = await Runner.start(frozen);
  const patience = performance.now() + WITHIN_MS;
  for (;;) {
    const invocation = { functionName: 'reconcile', event: { execution, reason: 'ABORTED' } };
    const outcome = (await runner.deliver(databaseUrl, invocation)) ?? 'its process was gone';
    if (!UNFINISHED.test(outcome) || performance.now() > patience) {
      await runner.kill();
      const status = /^\{"status":"(\w+)"/.exec(outcome)?.[1] as ReconcileResult['status'] | undefined;
      return { status: status ?? null, outcome };
    }
    await delay(POLL_MS);
  }
}
