/** A person who sets, for every new session of the database or the role, what ours rely on. */
import { plantable } from '../harness/own-settings.ts';
import type { Fault } from '../schedule.ts';
import { type Scene, withSession } from './scene.ts';

type Settings = Extract<Fault, { kind: 'settings' }>;

/** @returns whether a session of ours has begun under it since */
export async function plantSetting(scene: Scene, { on, which }: Settings): Promise<() => boolean> {
  const planted = await withSession(scene, 'a person', async (client) => {
    const settings = await plantable(client);
    const [name, value] = settings[which % settings.length] ?? [];
    if (name === undefined || value === undefined) return false;
    const { rows } = await client.query<{ sql: string }>(
      `SELECT format(CASE $1 WHEN 'role' THEN 'ALTER ROLE %1$I IN DATABASE %2$I' ELSE 'ALTER DATABASE %2$I' END || ' SET %3$I = ',
                     current_user, current_database(), $2::text)
              || CASE WHEN $2 = 'search_path' THEN $3 ELSE quote_literal($3) END AS sql`,
      [on, name, value],
    );
    await client.query(rows[0]?.sql ?? '');
    scene.note(`settings: ${rows[0]?.sql}`);
    return true;
  });
  const { accepted } = scene.proxy;
  return () => planted === true && scene.proxy.accepted > accepted;
}
