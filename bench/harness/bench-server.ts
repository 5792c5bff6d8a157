/** A PostgreSQL server to measure on: commits reach the disk, memory is what PostgreSQL has by default. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { connect } from '../../core/ledger/connect.ts';
import { relink } from '../../core/ledger/schema/relink.ts';
import {
  DURABLE,
  type EmbeddedPostgres,
  STREAMED,
  startEmbeddedPostgres,
} from '../../local/embedded/embedded-postgres.ts';
import { installPostgres, type PostgresMajor } from '../../scripts/install-postgres.ts';
import { LOG_LINE_PREFIX } from './server-log.ts';

/** The version that `npm ci` brings. */
const USUAL_MAJOR: PostgresMajor = 17;

const SETTINGS = {
  ...DURABLE,
  // A page cache that a server of this size would have, and room for WAL, so that a checkpoint is not what is measured.
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  // The parent FK of 4,000 pairs takes some 32,000 lock entries.
  max_locks_per_transaction: '1024',
  // It would come whenever it likes; every data set is vacuumed and analysed before it is measured.
  autovacuum: 'off',
  log_line_prefix: LOG_LINE_PREFIX,
} as const;

export interface BenchServerOptions {
  readonly major?: PostgresMajor;
  readonly settings?: Readonly<Record<string, string>>;
  /** A hot standby streams from it. */
  readonly standby?: boolean;
  /** A directory that stays, with the server's databases, for the next run. */
  readonly keptIn?: string | undefined;
}

export class BenchServer {
  readonly #embedded: EmbeddedPostgres;
  readonly #standby: EmbeddedPostgres | undefined;
  readonly version: string;
  readonly #open = new Set<Client>();

  private constructor(embedded: EmbeddedPostgres, standby: EmbeddedPostgres | undefined, version: string) {
    this.#embedded = embedded;
    this.#standby = standby;
    this.version = version;
  }

  /** Started, measured on, stopped and removed. */
  static async with<Value>(
    work: (server: BenchServer) => Promise<Value>,
    options: BenchServerOptions = {},
  ): Promise<Value> {
    const binaries = await installPostgres(options.major ?? USUAL_MAJOR);
    const settings = { ...SETTINGS, ...(options.standby ? STREAMED : {}), ...options.settings };
    const kept = options.keptIn === undefined ? {} : { keptIn: options.keptIn };
    const embedded = await startEmbeddedPostgres({ binaries, settings, ...kept });
    let standby: EmbeddedPostgres | undefined;
    let server: BenchServer | undefined;
    try {
      if (options.standby) standby = await startEmbeddedPostgres({ binaries, settings, standbyOf: embedded });
      server = new BenchServer(embedded, standby, await versionOf(embedded.url));
      return await work(server);
    } finally {
      if (server) await Promise.all([...server.#open].map((client) => client.end().catch(() => undefined)));
      await standby?.stop();
      await embedded.stop();
    }
  }

  standbyUrl(database: string): string {
    if (this.#standby === undefined) throw new Error('this server was started without a standby');
    return this.#standby.databaseUrl(database);
  }

  /** Until the standby has replayed what the primary has committed by now. */
  async caughtUp(): Promise<void> {
    const [primary, standby] = [await this.session('postgres'), await this.standbySession('postgres')];
    const { rows } = await primary.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
    for (;;) {
      const replayed = await standby.query<{ there: boolean }>('SELECT pg_last_wal_replay_lsn() >= $1 AS there', [
        rows[0]?.lsn,
      ]);
      if (replayed.rows[0]?.there) break;
      await delay(5);
    }
    await Promise.all([primary.end(), standby.end()]);
  }

  url(database: string): string {
    return this.#embedded.databaseUrl(database);
  }

  /** A plain session, as an application or a person with psql has it; ended with the server at the latest. */
  session(database: string, applicationName = 'bench'): Promise<Client> {
    return this.#session(this.url(database), applicationName);
  }

  standbySession(database: string, applicationName = 'bench'): Promise<Client> {
    return this.#session(this.standbyUrl(database), applicationName);
  }

  async #session(connectionString: string, application_name: string): Promise<Client> {
    const client = new Client({ connectionString, application_name });
    client.on('error', () => undefined);
    await client.connect();
    this.#open.add(client);
    client.once('end', () => this.#open.delete(client));
    return client;
  }

  async in<Value>(database: string, work: (client: Client) => Promise<Value>): Promise<Value> {
    const client = await this.session(database);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** An empty database, or a copy of `template` file by file, with its ledger. A former one of that name goes. */
  async create(database: string, template = 'template0'): Promise<void> {
    const copy = Number.parseInt(this.version, 10) >= 15 ? ' STRATEGY file_copy' : '';
    await this.in('postgres', async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${database}`);
      await client.query(`CREATE DATABASE ${database} TEMPLATE ${template}${copy}`);
      // What was copied or dropped is written now, not while the next thing is measured.
      await client.query('CHECKPOINT');
    });
    if (template === 'template0') return;
    const client = await connect({ databaseUrl: this.url(database), applicationName: 'bench' });
    await relink(client).finally(() => client.end());
  }

  /** From now on sessions of that database log how long each statement took. */
  async logDurations(database: string): Promise<void> {
    await this.in('postgres', (client) => client.query(`ALTER DATABASE ${database} SET log_duration = on`));
  }

  async logPosition(): Promise<number> {
    return (await stat(this.#log)).size;
  }

  async logSince(position: number): Promise<string> {
    const file = await open(this.#log);
    try {
      const { size } = await file.stat();
      const buffer = Buffer.alloc(size - position);
      await file.read(buffer, 0, buffer.length, position);
      return buffer.toString();
    } finally {
      await file.close();
    }
  }

  get #log(): string {
    return join(this.#embedded.directory, 'postgres.log');
  }

  async drop(database: string): Promise<void> {
    await this.in('postgres', (client) => client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`));
  }
}

async function versionOf(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  return rows[0]?.server_version ?? 'unknown';
}
