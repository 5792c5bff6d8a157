/** A failover as the old primary goes through it: it is a standby for a while, and then the primary again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../schedule.ts';
import type { Scene } from './scene.ts';

type ReadOnly = Extract<Fault, { kind: 'read-only' }>;

/** What ours say of a server that takes no writes. */
const TOLD = /nothing can be written|standby|in recovery/;

/**
 * It has struck when a connection of ours was lost, one was tried while the server was on its way to a standby, or something of ours was
 * told that it cannot write.
 */
export async function demote(scene: Scene, { durationMs }: ReadOnly): Promise<void> {
  const since = performance.now();
  const { connections, accepted } = scene.proxy;
  const lost = connections.length > 0;
  await scene.server.demote();
  scene.background(
    (async () => {
      await scene.server.up();
      scene.note('read-only: the server is a standby');
      const refused = scene.proxy.accepted > accepted;
      await delay(durationMs);
      await scene.server.promote();
      scene.note('read-only: promoted');
      const told = scene.failures.some(({ at, message }) => at >= since && TOLD.test(message));
      if (lost || refused || told) scene.struck('read-only');
    })(),
  );
}
