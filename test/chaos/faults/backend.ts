/** A person, or a tool, that ends our sessions or cancels our statements. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { type Place, type Scene, session } from './scene.ts';

/** A statement of ours is looked for that long: between two steps there is none. */
const TRIES = 100;
const PAUSE_MS = 4;
/** So often it has to be the session whose statement was the trigger; then any of ours will do. */
const CHOOSY_TRIES = 5;

const OURS = `
  SELECT a.pid, a.application_name AS application
    FROM pg_stat_activity a
   WHERE a.datname = current_database() AND a.application_name LIKE 'p2pfk%' AND ($1::int IS NULL OR a.pid = $1)
     AND ($2 OR a.state = 'active')
   ORDER BY random() LIMIT 1`;

/** Whoever is to strike is at hand before: a statement of ours takes less time than a connection. */
export class Person {
  readonly #scene: Scene;
  readonly #ready: Promise<Client | undefined>;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#ready = session(scene.url, 'a person').catch(() => undefined);
  }

  async terminate(place: Place): Promise<void> {
    await this.#signal('terminate', place?.backendPid ?? null);
  }

  /** An idle session takes no notice: it counts only where a statement was running. */
  cancel(place: Place): void {
    // Not awaited by the statement that triggered it: while that is held, nothing of its session runs.
    this.#scene.background(this.#signal('cancel', place?.backendPid ?? null));
  }

  async leave(): Promise<void> {
    await (await this.#ready)?.end().catch(() => undefined);
  }

  async #signal(what: 'terminate' | 'cancel', pid: number | null): Promise<void> {
    const client = await this.#ready;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const result = await client
        ?.query<{ application: string; done: boolean }>(
          `SELECT application, pg_${what}_backend(pid) AS done FROM (${OURS}) AS ours`,
          [attempt < CHOOSY_TRIES ? pid : null, what === 'terminate'],
        )
        .catch(() => undefined);
      // The server was shut down meanwhile: somebody else has struck.
      if (result === undefined) return;
      const [hit] = result.rows;
      if (hit?.done) {
        this.#scene.note(`${what}: ${hit.application}`);
        this.#scene.struck(what);
        return;
      }
      await delay(PAUSE_MS);
    }
  }
}
