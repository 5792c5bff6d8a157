/**
 * People who read from a standby, and an observer there. The replay of an ACCESS EXCLUSIVE lock waits for transactions that have read
 * the table, and new readers wait behind it. Promised is that no such lock is taken while a transaction there is older than the lock
 * budget: so whom the replay waits for is younger than that, or has begun while the lock was asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { session } from '../faults/scene.ts';
import { medium, type Shape } from '../harness/case.ts';
import { MARGIN_MS } from './observer.ts';

export interface StandbyReadersOptions {
  /** Of the standby. */
  readonly url: string;
  readonly shape: Shape;
  readonly lockTimeoutMs: number;
  /** The primary is shut down at times: then the replay is late, and no transaction can be blamed for its age. */
  readonly restarts: boolean;
}

const PACE_MS = 20;

/** Whom the replay of a lock of this database waits for; a session that itself waits is one behind the replay. */
const REPLAY_WAITS = `
  SELECT DISTINCT a.pid, a.application_name AS application, a.xact_start::text AS since, w.relation::regclass::text AS relation,
         extract(epoch FROM clock_timestamp() - a.xact_start)::float8 * 1000 AS age
    FROM pg_locks w
    JOIN pg_locks h ON h.relation = w.relation AND h.database = w.database AND h.granted AND h.pid <> w.pid
    JOIN pg_stat_activity a ON a.pid = h.pid AND a.xact_start IS NOT NULL AND a.wait_event_type IS DISTINCT FROM 'Lock'
   WHERE NOT w.granted AND w.mode = 'AccessExclusiveLock' AND w.locktype = 'relation'
     AND w.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

interface Held {
  readonly pid: number;
  readonly application: string;
  readonly since: string;
  readonly relation: string;
  readonly age: number;
}

export class StandbyReaders {
  readonly violations: string[] = [];
  /** Longest time, in milliseconds, that a statement of a new reader took. */
  longestReadMs = 0;
  /** Statements of new readers that PostgreSQL ended, because they and the replay waited for each other. */
  deadlocks = 0;
  /** Sessions for which the replay was seen to wait. */
  readonly waitedFor = new Set<number>();
  readonly #options: StandbyReadersOptions;
  readonly #seen = new Set<string>();
  readonly #work: Promise<unknown>;
  #running = true;

  constructor(options: StandbyReadersOptions) {
    this.#options = options;
    this.#work = Promise.all([this.#observe(), this.#read()]);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#work;
  }

  async #observe(): Promise<void> {
    const client = await session(this.#options.url, 'observer');
    const { lockTimeoutMs, restarts } = this.#options;
    while (this.#running) {
      const { rows } = await client.query<Held>(REPLAY_WAITS);
      for (const { pid, application, since, relation, age } of rows) {
        const key = `${pid} ${since}`;
        if (this.#seen.has(key)) continue;
        this.#seen.add(key);
        this.waitedFor.add(pid);
        // Asked, and then the lock and what is done under it within the budget.
        if (!restarts && age > 2 * lockTimeoutMs + MARGIN_MS)
          this.violations.push(
            `I5: on the standby new readers of ${relation} wait for ${application}, which was ${Math.round(age)} ms old when the lock was replayed; no lock was to be taken while it was older than ${lockTimeoutMs} ms`,
          );
      }
      await delay(PACE_MS);
    }
    await client.end();
  }

  /**
   * A statement that has one of the two tables while the replay has the other: documented, where the replay has to wait at all. It has waited
   * for this statement, then, also where the observer was too slow to see it.
   */
  #refused(error: unknown): void {
    if (error instanceof DatabaseError && error.code === '40P01') this.deadlocks += 1;
    else this.violations.push(`a reader of the standby was refused: ${String(error)}`);
  }

  async #read(): Promise<void> {
    const client = await session(this.#options.url, 'a new reader');
    for (let n = 0; this.#running; n++) {
      const at = performance.now();
      await client
        .query('SELECT count(*) FROM path JOIN inode USING (medium, ino) WHERE medium = $1', [
          medium(1 + (n % this.#options.shape.pairs)),
        ])
        .catch((error: unknown) => this.#refused(error));
      this.longestReadMs = Math.max(this.longestReadMs, performance.now() - at);
      await delay(PACE_MS);
    }
    await client.end();
  }
}
