/** A person, or a tool, that ends our sessions or cancels our statements. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Place, type Scene, withSession } from './scene.ts';

/** A session of ours is looked for that long: between two steps there is none. */
const TRIES = 40;
const PAUSE_MS = 5;

const OURS = `
  SELECT a.pid, a.application_name AS application
    FROM pg_stat_activity a
   WHERE a.datname = current_database() AND a.application_name LIKE 'p2pfk%' AND ($1::int IS NULL OR a.pid = $1)
     AND ($2 OR a.state = 'active')
   ORDER BY random() LIMIT 1`;

export async function terminateBackend(scene: Scene, place: Place): Promise<void> {
  await signal(scene, place, 'terminate');
}

/** An idle session takes no notice: it counts only where a statement was running. */
export async function cancelStatement(scene: Scene, place: Place): Promise<void> {
  await signal(scene, place, 'cancel');
}

async function signal(scene: Scene, place: Place, what: 'terminate' | 'cancel'): Promise<void> {
  await withSession(scene, 'a person', async (client) => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { rows } = await client.query<{ application: string; done: boolean }>(
        `SELECT application, pg_${what}_backend(pid) AS done FROM (${OURS}) AS ours`,
        [place?.backendPid ?? null, what === 'terminate'],
      );
      const [hit] = rows;
      if (hit?.done) {
        scene.note(`${what}: ${hit.application}`);
        scene.struck(what);
        return;
      }
      await delay(PAUSE_MS);
    }
  });
}
