/** A report on the standby: a transaction that has read both tables, and stays open. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../schedule.ts';
import { type Scene, session } from './scene.ts';

type Report = Extract<Fault, { kind: 'standby' }>;

/** It has struck when it was told as a reader in use, or the replay had to wait for it. */
export async function openReport(scene: Scene, { holdMs }: Report): Promise<void> {
  const { standby } = scene;
  if (standby === null) return;
  const report = await session(standby.url, 'a report');
  const { rows } = await report.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  const since = performance.now();
  await report.query('BEGIN');
  scene.background(
    (async () => {
      // Behind a lock that is being replayed it waits, as any new reader.
      await report.query('SELECT count(*) FROM path JOIN inode USING (medium, ino)');
      scene.note(`standby: pid ${pid} has read both tables, for ${holdMs} ms`);
      await delay(holdMs);
      await report.query('COMMIT');
      await report.end();
      const told = scene.failures.some(({ at, message }) => at >= since && message.includes('a reader is in use'));
      const waitedFor = standby.waitedFor(pid);
      scene.note(
        `standby: pid ${pid} has ended${told ? ', it was told' : ''}${waitedFor ? ', the replay waited' : ''}`,
      );
      if (told || waitedFor) scene.struck('standby');
    })(),
  );
}
