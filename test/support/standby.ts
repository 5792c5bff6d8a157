/** A primary with a hot standby that streams from it, each with databases of a test's own. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { onTestFinished, vi } from 'vitest';
import {
  type EmbeddedPostgres,
  FAST,
  STREAMED,
  startEmbeddedPostgres,
} from '../../local/embedded/embedded-postgres.ts';
import { waitUntil } from './observe.ts';

const SETTINGS = { ...FAST, ...STREAMED, wal_level: 'logical', synchronous_commit: 'local' };

export interface Replicated {
  readonly primary: EmbeddedPostgres;
  readonly standby: EmbeddedPostgres;
  stop(): Promise<void>;
}

export async function startReplicated(): Promise<Replicated> {
  const primary = await startEmbeddedPostgres({ settings: SETTINGS });
  const standby = await startEmbeddedPostgres({ settings: SETTINGS, standbyOf: primary });
  const stop = async (): Promise<void> => {
    await standby.stop();
    await primary.stop();
  };
  return { primary, standby, stop };
}

export interface ReplicatedDatabase {
  readonly name: string;
  /** On the primary, and on the standby. */
  readonly url: string;
  readonly readerUrl: string;
  /** A session on the primary that looks. */
  readonly observer: Client;
  /** A session that reads on the standby. */
  reader(): Promise<Client>;
  /** Until the standby has replayed what the primary has done by now. */
  caughtUp(): Promise<void>;
}

/** A database that `sql` has made, on both servers. Handlers find it until the test ends. */
export async function replicatedDatabase({ primary, standby }: Replicated, sql: string): Promise<ReplicatedDatabase> {
  const name = `case_${randomUUID().replaceAll('-', '')}`;
  const session = async (url: string): Promise<Client> => {
    const client = new Client({ connectionString: url, application_name: 'a report' });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  };
  const [admin, onStandby] = [await session(primary.url), await session(standby.url)];
  await admin.query(`CREATE DATABASE ${name}`);
  const observer = await session(primary.databaseUrl(name));
  await observer.query(sql);
  const caughtUp = async (): Promise<void> => {
    const { rows } = await admin.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
    const replayed = async (): Promise<boolean> => {
      const answer = await onStandby.query<{ there: boolean }>('SELECT pg_last_wal_replay_lsn() >= $1 AS there', [
        rows[0]?.lsn,
      ]);
      return answer.rows[0]?.there === true;
    };
    await waitUntil(replayed, 'the standby to catch up');
  };
  await caughtUp();
  vi.stubEnv('DATABASE_URL', primary.databaseUrl(name));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return {
    name,
    url: primary.databaseUrl(name),
    readerUrl: standby.databaseUrl(name),
    observer,
    reader: () => session(standby.databaseUrl(name)),
    caughtUp,
  };
}
