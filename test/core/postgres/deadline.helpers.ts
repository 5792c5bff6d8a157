/** A table that p2pfk has locked, a deadline, and a reader that waits. */
import type { Client } from 'pg';
import { type Deadline, lockUntil, SERVER_MARGIN_MS, underDeadline } from '../../../core/postgres/session/deadline.ts';
import { inTransaction } from '../../../core/postgres/session/transactions.ts';
import { coreSession, databaseWith } from '../case.helpers.ts';

export const BUDGET_MS = 2_000;
/** More is what a server would allow that counts anew at some point. */
export const FAR_LESS_THAN_TWICE = BUDGET_MS * 1.5;

export class TooLate extends Error {}

export function deadlineIn(ms: number): Deadline {
  const until = performance.now() + ms;
  return {
    limits: () => {
      const leftMs = until - performance.now();
      return leftMs > 0 ? { statementMs: leftMs, lockMs: leftMs, idleMs: leftMs + SERVER_MARGIN_MS } : undefined;
    },
    over: () => new TooLate('too late'),
  };
}

/** As 16 and older: the server does not know transaction_timeout. */
function asOlderServer(client: Client): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const replaced = (text: unknown) => (typeof text === 'string' ? text.replace('>= 170000', '>= 990000') : text);
  Object.assign(client, { query: (text: unknown, ...more: unknown[]) => query(replaced(text), ...more) });
}

/** How long a reader waited, and after how long p2pfk knew that its transaction had ended, in milliseconds. */
interface Waited {
  readonly waitedMs: number;
  readonly endedMs: number;
  readonly error: unknown;
}

/**
 * A session of p2pfk, and a reader of the table that it locks.
 *
 * @param version `17 and newer`, or `older`: as if the server did not know transaction_timeout
 * @param through the URL by which p2pfk connects; the reader connects directly
 */
export async function lockedScene(version: string, through: (url: string) => Promise<string> = async (url) => url) {
  const { db } = await databaseWith('CREATE TABLE t (n int); INSERT INTO t VALUES (1)');
  const client = await coreSession(await through(db.url));
  if (version === 'older') asOlderServer(client);
  const reader = await db.client();
  /** Runs `work` with the table locked, and returns how long a reader waited for it meanwhile. */
  const waitOfReader = async (work: () => Promise<unknown>): Promise<Waited> => {
    let waited: Promise<number> | undefined;
    let beganAt = 0;
    const locked = inTransaction(client, () =>
      underDeadline(client, deadlineIn(BUDGET_MS), async () => {
        await lockUntil(
          client,
          { leftMs: BUDGET_MS, limitMs: BUDGET_MS },
          'LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE',
        );
        beganAt = performance.now();
        waited = reader.query('SELECT FROM t').then(() => performance.now() - beganAt);
        await work();
      }),
    );
    const error = await locked.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    const endedMs = performance.now() - beganAt;
    return { waitedMs: (await waited) ?? Number.NaN, endedMs, error };
  };
  return { client, waitOfReader };
}
