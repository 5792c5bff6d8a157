/** Handlers whose statements go through a proxy that can hold one of them, slow the network down, or freeze it. */
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { LoopbackProxy } from '../../chaos/harness/proxy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { databaseWith } from '../case.helpers.ts';

/** A case of three pairs whose handlers talk through a proxy; `observer` and `db` do not. */
export async function proxiedCase(sql?: string) {
  const test = await databaseWith(sql);
  const direct = new URL(test.db.url);
  const proxy = await LoopbackProxy.start(Number(direct.port));
  onTestFinished(() => proxy.stop());
  direct.port = String(proxy.port);
  process.env.DATABASE_URL = direct.href;
  return { ...test, proxy };
}

export interface Held {
  /** Fulfilled when the statement is about to be sent. */
  readonly reached: Promise<void>;
  release(): void;
}

/** Holds the next statement of that step which matches, before it reaches the server. */
export function holdStatement(proxy: LoopbackProxy, step: string, pattern: RegExp): Held {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let held = false;
  proxy.listen({
    before: async (connection, { sql }) => {
      if (held || connection.step !== step || !pattern.test(sql)) return;
      held = true;
      reached.resolve();
      await released.promise;
    },
    after: async () => undefined,
  });
  return { reached: reached.promise, release: () => released.resolve() };
}

/** Freezes the network once the server has begun to work on the next statement of that step which matches. */
export function freezeAfter(
  proxy: LoopbackProxy,
  step: string,
  pattern: RegExp,
): { readonly frozen: Promise<() => void> } {
  const frozen = Promise.withResolvers<() => void>();
  let done = false;
  proxy.listen({
    before: async () => undefined,
    after: async (connection, { sql }) => {
      if (done || connection.step !== step || !pattern.test(sql)) return;
      done = true;
      frozen.resolve(proxy.freeze());
    },
  });
  return { frozen: frozen.promise };
}

/** The statement that takes the locks of a step; in several orders it is a DO block. */
const LOCKS = /^(?:LOCK TABLE|DO )/;

/** Slows the network down as soon as a step of ours asks for its locks, until it ends its transaction. */
export function slowUnderLock(proxy: LoopbackProxy, latencyMs: number): void {
  proxy.listen({
    before: async ({ step }, { sql }) => {
      if (step !== '' && LOCKS.test(sql)) proxy.slow(latencyMs);
      if (sql === 'COMMIT' || sql === 'ROLLBACK') proxy.slow(0);
    },
    after: async () => undefined,
  });
}

/** How often each transaction of that step has waited for the server between the request of its locks and its end, in their order. */
export function roundTripsUnderLock(proxy: LoopbackProxy, step: string): readonly number[] {
  const trips: number[] = [];
  let from: number | undefined;
  proxy.listen({
    before: async (connection, { sql }) => {
      if (connection.step !== step) return;
      if (LOCKS.test(sql)) from ??= connection.roundTrips;
      if (from === undefined || (sql !== 'COMMIT' && sql !== 'ROLLBACK')) return;
      trips.push(connection.roundTrips - from);
      from = undefined;
    },
    after: async () => undefined,
  });
  return trips;
}

export interface Waits {
  /** Ends both sessions; milliseconds of the longest statement of each. */
  stop(): Promise<{ readonly reader: number; readonly writer: number }>;
}

/** Two sessions of the application, one of which reads and one of which writes, again and again. */
export async function watchWaits(db: TestDatabase): Promise<Waits> {
  let ended = false;
  onTestFinished(() => {
    ended = true;
  });
  const longest = async (sql: string): Promise<number> => {
    const client = await db.client();
    let ms = 0;
    while (!ended) {
      const beganAt = performance.now();
      await client.query(sql);
      ms = Math.max(ms, performance.now() - beganAt);
      await delay(20);
    }
    return ms;
  };
  const reading = longest('SELECT count(*) FROM path JOIN inode USING (medium, ino)');
  const writing = longest(
    `WITH i AS (UPDATE inode SET size = size WHERE ino = 1) UPDATE path SET name = name WHERE ino = 1`,
  );
  // Told where it is awaited; a test that failed before has ended the sessions.
  for (const working of [reading, writing]) working.catch(() => undefined);
  return {
    stop: async () => {
      ended = true;
      return { reader: await reading, writer: await writing };
    },
  };
}
