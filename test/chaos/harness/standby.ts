/** A hot standby that streams from a chaos server: made when a schedule wants it first, and kept for the next ones. */
import { Client } from 'pg';
import type { Binaries } from '../../../local/embedded/binaries.ts';
import {
  type EmbeddedPostgres,
  type ServerSettings,
  startEmbeddedPostgres,
} from '../../../local/embedded/embedded-postgres.ts';
import { waitUntil } from '../../support/observe.ts';

const START_TIMEOUT_MS = 60_000;

export class Standby {
  readonly #embedded: EmbeddedPostgres;

  private constructor(embedded: EmbeddedPostgres) {
    this.#embedded = embedded;
  }

  static async start(primary: EmbeddedPostgres, binaries: Binaries, settings: ServerSettings): Promise<Standby> {
    // After a restart of the primary it is to be back soon.
    const own = { ...settings, wal_retrieve_retry_interval: '100ms' };
    return new Standby(await startEmbeddedPostgres({ binaries, settings: own, standbyOf: primary }));
  }

  get port(): number {
    return this.#embedded.port;
  }

  /** Until it has replayed what the primary has written by now. */
  async caughtUp(primary: Client): Promise<void> {
    const { rows } = await primary.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
    const client = new Client({ connectionString: this.#embedded.url, application_name: 'observer' });
    await client.connect();
    try {
      const replayed = async () => {
        const answer = await client.query<{ there: boolean }>('SELECT pg_last_wal_replay_lsn() >= $1 AS there', [
          rows[0]?.lsn,
        ]);
        return answer.rows[0]?.there === true;
      };
      await waitUntil(replayed, 'the standby to catch up', START_TIMEOUT_MS);
    } finally {
      await client.end();
    }
  }

  stop(): Promise<void> {
    return this.#embedded.stop();
  }
}
