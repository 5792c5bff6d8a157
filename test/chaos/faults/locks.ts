/** Applications that hold what we need. */
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { inodePartition, pathPartition } from '../harness/case.ts';
import type { ProxiedConnection } from '../harness/proxied-connection.ts';
import type { Fault } from '../schedule.ts';
import { type Scene, session, withSession } from './scene.ts';

type Lock = Extract<Fault, { kind: 'lock' }>;

const POLL_MS = 10;
/** Both sides must have been in the queue by then. */
const CROSSING_MS = 5_000;

const BLOCKED_BY = `
  SELECT FROM pg_stat_activity a
   WHERE a.application_name LIKE 'p2pfk/%' AND $1 = ANY (pg_blocking_pids(a.pid))`;

const BLOCKED_BY_US = `
  SELECT FROM pg_stat_activity a
   WHERE a.application_name LIKE 'p2pfk/%' AND a.pid = ANY (pg_blocking_pids($1))`;

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

/**
 * Takes what ours takes second; once ours waits for it, asks for what ours has taken first. Each then waits for the other, until
 * ours gives up: it waits shorter than deadlock_timeout. So nobody may become the victim of a deadlock. It has struck when both
 * were seen to wait; where ours has given up before, it is tried again at its next try.
 */
export async function deadlock(
  scene: Scene,
  connection: ProxiedConnection,
  [first, second]: readonly [string, string],
): Promise<void> {
  const rival = await session(scene.url, 'an application').catch(() => undefined);
  if (rival === undefined) return;
  let pid = 0;
  try {
    await rival.query("SET lock_timeout = '5s'");
    await rival.query(`BEGIN; LOCK TABLE ${second} IN ROW EXCLUSIVE MODE; SAVEPOINT crossing`);
    pid = (await rival.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid ?? 0;
  } catch {
    await rival.end().catch(() => undefined);
    return;
  }
  scene.note(`deadlock: the application holds ${second}, ${connection.application} is about to hold ${first}`);
  const since = performance.now();
  const hasTime = () => performance.now() - since < CROSSING_MS;
  scene.background(
    (async () => {
      const outcome = await withSession(scene, 'observer of a lock', async (client) => {
        const waitsForRival = async () => (await client.query(BLOCKED_BY, [pid])).rowCount !== 0;
        const waitsForUs = async () => (await client.query(BLOCKED_BY_US, [pid])).rowCount !== 0;
        while (hasTime()) {
          if (!(await waitsForRival())) {
            await delay(POLL_MS);
            continue;
          }
          let asking = true;
          const refusal = rival
            .query(`LOCK TABLE ${first} IN ROW EXCLUSIVE MODE`)
            .then(
              () => undefined,
              (error: unknown) => error,
            )
            .finally(() => {
              asking = false;
            });
          let crossed = false;
          while (asking && !crossed) crossed = await waitsForUs();
          const error = await refusal;
          if (error instanceof DatabaseError && error.code === '40P01') return 'the application was the victim';
          if (crossed || error !== undefined)
            return crossed ? 'both waited, and we gave up' : 'the application was lost';
          await rival.query('ROLLBACK TO SAVEPOINT crossing');
        }
        return 'they did not meet';
      });
      await rival.query('ROLLBACK').catch(() => undefined);
      await rival.end().catch(() => undefined);
      scene.note(`deadlock: ${outcome}`);
      if (outcome === 'both waited, and we gave up') scene.struck('deadlock');
      if (outcome === 'the application was the victim')
        scene.violated('the application was the victim of a deadlock with us');
    })(),
  );
}
