/** Waiting for what is to happen instead of for time to pass. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';

const POLL_MS = 10;

/**
 * Asks again and again until the answer is neither false nor null nor undefined, and returns it.
 *
 * @param what completes the sentence "waited 30 s for ..."
 */
export async function waitUntil<Answer>(
  probe: () => Promise<Answer | false | null | undefined> | Answer | false | null | undefined,
  what: string,
  timeoutMs = 30_000,
): Promise<Answer> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== false && answer !== null && answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await delay(POLL_MS);
  }
}

/** A session of this database that is not the observer's own. */
export interface Backend {
  readonly pid: number;
  readonly application: string;
  readonly state: string;
  readonly query: string;
  readonly waitsForLock: boolean;
}

/** The other sessions of the observer's database. */
export async function backends(observer: Client): Promise<Backend[]> {
  const { rows } = await observer.query<Backend>(
    `SELECT pid, application_name AS application, coalesce(state, '') AS state, query,
            wait_event_type IS NOT DISTINCT FROM 'Lock' AS "waitsForLock"
     FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
     ORDER BY pid`,
  );
  return rows;
}

/** Waits until a session stands in a lock queue with a statement that matches. */
export function waitForLockWait(observer: Client, query: RegExp = /./): Promise<Backend> {
  return waitUntil(
    async () => (await backends(observer)).find((backend) => backend.waitsForLock && query.test(backend.query)),
    `a session to wait for a lock with ${query}`,
  );
}

/** Waits until a session runs a statement that matches. */
export function waitForQuery(observer: Client, query: RegExp): Promise<Backend> {
  return waitUntil(
    async () => (await backends(observer)).find((backend) => backend.state === 'active' && query.test(backend.query)),
    `a session to run ${query}`,
  );
}

/** Opens a transaction that holds what `sql` locks, until it is released. */
export async function holdLock(client: Client, sql: string): Promise<{ release(): Promise<void> }> {
  await client.query('BEGIN');
  await client.query(sql);
  return {
    release: async () => {
      await client.query('ROLLBACK');
    },
  };
}
