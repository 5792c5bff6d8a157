/** An application that takes every connection slot of the server. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, DatabaseError } from 'pg';
import type { Fault } from '../schedule.ts';
import { type Scene, session } from './scene.ts';

type NoConnections = Extract<Fault, { kind: 'no-connections' }>;

const TOO_MANY = '53300';
/** A slot that another session gives back is taken within that time. */
const PAUSE_MS = 5;
const AT_ONCE = 8;

/** It has struck when something of ours was told that there are too many. */
export function takeConnections(scene: Scene, { durationMs }: NoConnections): void {
  const since = performance.now();
  const taken: Client[] = [];
  const url = scene.server.ownUrl('postgres');
  const take = async () => {
    while (performance.now() - since < durationMs) {
      try {
        taken.push(await session(url, 'an application'));
      } catch (error) {
        if (!(error instanceof DatabaseError && error.code === TOO_MANY)) return;
        await delay(PAUSE_MS);
      }
    }
  };
  scene.background(
    Promise.all(Array.from({ length: AT_ONCE }, take)).then(async () => {
      await Promise.all(taken.map((client) => client.end().catch(() => undefined)));
      scene.note(`no-connections: ${taken.length} sessions ended`);
      const refused = scene.failures.some(
        ({ at, message }) => at >= since && /too many clients|connection slots are reserved/.test(message),
      );
      if (refused) scene.struck('no-connections');
    }),
  );
}
