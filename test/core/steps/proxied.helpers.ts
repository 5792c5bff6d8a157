/** Handlers whose statements go through a proxy that can hold one of them, or freeze the network. */
import { onTestFinished } from 'vitest';
import { LoopbackProxy } from '../../chaos/harness/proxy.ts';
import { databaseWith } from '../case.helpers.ts';

/** A case of three pairs whose handlers talk through a proxy; `observer` and `db` do not. */
export async function proxiedCase() {
  const test = await databaseWith();
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
