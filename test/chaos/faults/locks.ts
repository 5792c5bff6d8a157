/** Applications that hold what we need. */
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { inodePartition, pathPartition } from '../harness/case.ts';
import type { ProxiedConnection } from '../harness/proxied-connection.ts';
import type { Fault } from '../schedule.ts';
import { type Scene, session, withSession } from './scene.ts';

type Lock = Extract<Fault, { kind: 'lock' }>;

const POLL_MS = 10;
/** Both sides of a deadlock must stand in the queue by then. */
const DEADLOCK_TIMEOUT_MS = 5_000;

const BLOCKED_BY = `
  SELECT FROM pg_stat_activity a
   WHERE a.application_name LIKE 'p2pfk/%' AND $1 = ANY (pg_blocking_pids(a.pid))`;

/** Takes the lock, lets it go after a while. It has struck when something of ours had to wait for it, or was refused. */
export async function holdLock(scene: Scene, { mode, relation, holdMs }: Lock): Promise<void> {
  const relations = [
    'path',
    'inode',
    ...Array.from({ length: scene.shape.pairs }, (_, pair) => [
      pathPartition(pair + 1),
      inodePartition(pair + 1),
    ]).flat(),
  ];
  const chosen = relations[relation % relations.length] ?? 'path';
  const holder = await session(scene.url, 'an application').catch(() => undefined);
  if (holder === undefined) return;
  try {
    await holder.query("SET lock_timeout = '5s'");
    await holder.query(`BEGIN; LOCK TABLE ${chosen} IN ${mode} MODE`);
  } catch {
    await holder.end().catch(() => undefined);
    return;
  }
  scene.note(`lock: ${mode} on ${chosen} for ${holdMs} ms`);
  const since = performance.now();
  scene.background(
    (async () => {
      const blocked = await withSession(scene, 'observer of a lock', async (client) => {
        const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        let seen = false;
        while (performance.now() - since < holdMs) {
          const { rowCount } = await client.query(BLOCKED_BY, [rows[0]?.pid]);
          seen ||= rowCount !== 0;
          await delay(POLL_MS);
        }
        return seen;
      });
      await holder.query('ROLLBACK').catch(() => undefined);
      await holder.end().catch(() => undefined);
      const refused = scene.failures.some(({ error, at }) => error === 'LockTimeout' && at >= since);
      scene.note(`lock: released${blocked ? ', it was waited for' : ''}${refused ? ', we were refused' : ''}`);
      if (blocked || refused) scene.struck('lock');
    })(),
  );
}

const WAITING_LOCK = /^LOCK TABLE (.+), (.+) IN (?:SHARE ROW|ACCESS) EXCLUSIVE MODE$/;

/** The two relations of a LOCK TABLE of ours that waits, in its order; null for any other statement. */
export function relationsToDeadlock(sql: string): readonly [first: string, second: string] | null {
  const match = WAITING_LOCK.exec(sql);
  return match?.[1] && match[2] ? [match[1].replace('ONLY ', ''), match[2].replace('ONLY ', '')] : null;
}

/** Takes what ours takes second; once ours waits for it, asks for what ours has taken first. */
export async function deadlock(
  scene: Scene,
  connection: ProxiedConnection,
  [first, second]: readonly [string, string],
): Promise<void> {
  const rival = await session(scene.url, 'an application').catch(() => undefined);
  if (rival === undefined) return;
  try {
    await rival.query("SET lock_timeout = '5s'");
    await rival.query(`BEGIN; LOCK TABLE ${second} IN ROW EXCLUSIVE MODE`);
  } catch {
    await rival.end().catch(() => undefined);
    return;
  }
  scene.note(`deadlock: the application holds ${second}, ${connection.application} is about to hold ${first}`);
  const since = performance.now();
  scene.background(
    (async () => {
      const victim = await withSession(scene, 'observer of a lock', async (client) => {
        const waits = async () =>
          (
            await client.query("SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'", [
              connection.backendPid,
            ])
          ).rowCount !== 0;
        while (!(await waits())) {
          if (performance.now() - since > DEADLOCK_TIMEOUT_MS) return 'nobody';
          await delay(POLL_MS);
        }
        const refusal = await rival.query(`LOCK TABLE ${first} IN ROW EXCLUSIVE MODE`).then(
          () => undefined,
          (error: unknown) => error,
        );
        return refusal instanceof DatabaseError && refusal.code === '40P01' ? 'the application' : 'not the application';
      });
      await rival.query('ROLLBACK').catch(() => undefined);
      await rival.end().catch(() => undefined);
      // The execution tells of its failure a moment after the lock is free.
      await delay(100);
      const ours = scene.failures.some(({ error, at }) => error === 'DeadlockDetected' && at >= since);
      scene.note(`deadlock: the victim was ${ours ? 'ours' : victim}`);
      if (ours || victim === 'the application') scene.struck('deadlock');
    })(),
  );
}
