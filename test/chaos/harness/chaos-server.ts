/**
 * A PostgreSQL server that is shut down and started again under the migration. Commits reach the operating system before
 * they are told (a crash of PostgreSQL loses none), but not the disk: the machine itself does not crash here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { type Binaries, findBinaries, serverUser } from '../../../local/embedded/binaries.ts';
import { cleanUpAtExit } from '../../../local/embedded/cleanup.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../local/embedded/embedded-postgres.ts';
import { installPostgres, POSTGRES_MAJORS } from '../../../scripts/install-postgres.ts';
import { waitUntil } from '../../support/observe.ts';
import { ownSettings } from './own-settings.ts';
import { Standby } from './standby.ts';

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_locks_per_transaction: '256',
  logging_collector: 'off',
  fsync: 'off',
  synchronous_commit: 'on',
  // For a standby, and for a primary that becomes one.
  wal_level: 'replica',
  max_wal_senders: '4',
  wal_keep_size: '512MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '1h',
  shared_buffers: '64MB',
  max_connections: '60',
  // Autovacuum takes locks of its own, as it does in production.
  autovacuum_naptime: '1s',
} as const;

/** `fast` rolls every transaction back first; `immediate` is a crash, with recovery at the next start. */
export type Shutdown = 'fast' | 'immediate';

const START_TIMEOUT_MS = 60_000;

/** Programs of the wanted major version, such as `13`; the one that came with npm where none is wanted. */
export async function binariesOf(major: string | undefined): Promise<Binaries> {
  if (major === undefined || major === '') return findBinaries();
  const known = POSTGRES_MAJORS.find((one) => String(one) === major);
  if (known === undefined) throw new Error(`PostgreSQL ${major} is not one of ${POSTGRES_MAJORS.join(', ')}`);
  return installPostgres(known);
}

export class ChaosServer {
  /** Such as 170010. */
  readonly versionNum: number;
  /** Start-up options of a session that no planted setting reaches. */
  readonly #ownSettings: string;
  readonly #embedded: EmbeddedPostgres;
  readonly #binaries: Binaries;
  #standby: Promise<Standby> | null = null;
  readonly #postgres: string;
  readonly #forget: () => void;
  #restarted: ChildProcess | null = null;
  #pid: number;
  /** Fulfilled when the server takes connections. */
  #up: Promise<void> = Promise.resolve();

  private constructor(embedded: EmbeddedPostgres, binaries: Binaries, versionNum: number, ownSettings: string) {
    this.#embedded = embedded;
    this.#binaries = binaries;
    this.#pid = embedded.pid;
    this.versionNum = versionNum;
    this.#ownSettings = ownSettings;
    const copied = join(embedded.directory, 'native', 'bin', 'postgres');
    this.#postgres = existsSync(copied) ? copied : binaries.postgres;
    this.#forget = cleanUpAtExit(() => this.#kill(), true);
  }

  static async start(binaries: Binaries): Promise<ChaosServer> {
    const embedded = await startEmbeddedPostgres({ binaries, settings: SETTINGS });
    const client = new Client({ connectionString: embedded.url });
    await client.connect();
    const { rows } = await client.query<{ version: string }>("SELECT current_setting('server_version_num') AS version");
    const own = await ownSettings(client);
    await client.end();
    return new ChaosServer(embedded, binaries, Number(rows[0]?.version), own);
  }

  get port(): number {
    return this.#embedded.port;
  }

  /** A directory of the server's own user. */
  get directory(): string {
    return this.#embedded.directory;
  }

  url(database: string, port: number = this.port): string {
    const url = new URL(this.#embedded.databaseUrl(database));
    url.port = String(port);
    return url.href;
  }

  /** For sessions that settings planted on the database or its role must not reach: the application’s, and those that watch. */
  ownUrl(database: string, port?: number): string {
    const url = new URL(this.url(database, port));
    url.searchParams.set('options', this.#ownSettings);
    return url.href;
  }

  /** A standby that streams from this server. */
  async standby(): Promise<Standby> {
    await this.#up;
    this.#standby ??= Standby.start(this.#embedded, this.#binaries, SETTINGS);
    return this.#standby;
  }

  /** Before a tablespace is made, whose directory it would take for its own. */
  async endStandby(): Promise<void> {
    const standby = this.#standby;
    this.#standby = null;
    await (await standby)?.stop();
  }

  /** Until the server takes connections again. */
  up(): Promise<void> {
    return this.#up;
  }

  /** Shuts the server down; it is on its way up again when this resolves. Await {@link up} for the rest. */
  restart(shutdown: Shutdown): Promise<void> {
    return this.#restart(shutdown, () => undefined);
  }

  /**
   * A failover as its old primary sees it: shut down, and up again as a standby that takes no writes. It is on its way up when this
   * resolves.
   */
  demote(): Promise<void> {
    return this.#restart('fast', () => {
      const signal = join(this.directory, 'data', 'standby.signal');
      writeFileSync(signal, '', { mode: 0o600 });
      const user = serverUser();
      if (user !== null) chownSync(signal, user.uid, user.gid);
    });
  }

  /** Makes a standby the primary again, also where it is restarted meanwhile. */
  async promote(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      await this.#up;
      const client = new Client({ connectionString: this.url('postgres'), application_name: 'admin' });
      client.on('error', () => undefined);
      try {
        await client.connect();
        const { rows } = await client.query<{ primary: boolean }>(
          'SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(true, 60) ELSE true END AS primary',
        );
        if (rows[0]?.primary) return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(50);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  async #restart(shutdown: Shutdown, whileDown: () => void): Promise<void> {
    await this.#up;
    const pid = this.#pid;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#up = promise;
    promise.catch(() => undefined);
    process.kill(pid, shutdown === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await waitUntil(() => !isAlive(pid), `PostgreSQL ${pid} to shut down`, START_TIMEOUT_MS);
    whileDown();
    this.#launch().then(resolve, reject);
  }

  async stop(): Promise<void> {
    await this.endStandby();
    await this.#up.catch(() => undefined);
    const pid = this.#pid;
    if (this.#restarted !== null && isAlive(pid)) {
      process.kill(pid, 'SIGQUIT');
      await waitUntil(() => !isAlive(pid), `PostgreSQL ${pid} to stop`, START_TIMEOUT_MS);
    }
    this.#forget();
    await this.#embedded.stop();
  }

  /** The last lines of the server's log. */
  log(lines = 40): string[] {
    return readFileSync(join(this.directory, 'postgres.log'), 'utf8').trim().split('\n').slice(-lines);
  }

  async #launch(): Promise<void> {
    const data = join(this.directory, 'data');
    const parameters = Object.entries({ ...SETTINGS, port: this.port }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const log = openSync(join(this.directory, 'postgres.log'), 'a');
      const server = spawn(this.#postgres, ['-D', data, ...parameters], {
        cwd: this.directory,
        env: { LC_ALL: 'C', PATH: process.env.PATH ?? '' },
        stdio: ['ignore', log, log],
        detached: true,
        ...serverUser(),
      });
      closeSync(log);
      server.unref();
      const pid = server.pid;
      if (pid === undefined) throw new Error('PostgreSQL did not start again');
      this.#restarted = server;
      this.#pid = pid;
      while (server.exitCode === null && server.signalCode === null && Date.now() < deadline) {
        if (isReady(join(data, 'postmaster.pid'), pid)) return;
        await delay(10);
      }
      // Its predecessor's shared memory may still be in use for an instant.
      if (Date.now() > deadline) throw new Error(`PostgreSQL did not start again:\n${this.log(10).join('\n')}`);
      await delay(100);
    }
  }

  #kill(): void {
    try {
      if (this.#restarted !== null) process.kill(-this.#pid, 'SIGKILL');
    } catch {
      // It was gone already.
    }
  }
}

function isReady(pidFile: string, pid: number): boolean {
  if (!existsSync(pidFile)) return false;
  const lines = readFileSync(pidFile, 'utf8').split('\n');
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
