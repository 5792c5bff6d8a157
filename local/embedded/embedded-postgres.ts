/**
 * A PostgreSQL server of our own, for the demo and the tests: in a temporary directory, on 127.0.0.1 and a free port,
 * with a random password, and gone without a trace when it is stopped or the process ends.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../core/contracts/errors.ts';
import {
  type Binaries,
  EmbeddedPostgresUnavailable,
  findBinaries,
  reachableBinaries,
  type ServerUser,
  serverUser,
  temporaryRoot,
} from './binaries.ts';
import { blockUntil, cleanUpAtExit } from './cleanup.ts';
import { copyPrimary } from './copy-primary.ts';
import { programEnvironment } from './environment.ts';
import { removeCluster } from './remove-cluster.ts';

export { EmbeddedPostgresUnavailable } from './binaries.ts';

/** Server parameters, name -> value, as in postgresql.conf. */
export type ServerSettings = Readonly<Record<string, string>>;

/** Every commit reaches the disk, as on a production server. */
export const DURABLE: ServerSettings = { fsync: 'on', synchronous_commit: 'on' };

/** For data that nobody will miss: a crash of the machine may lose all of it. No autovacuum takes locks on its own. */
export const FAST: ServerSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  autovacuum: 'off',
};

/** Added to the settings of a server that a standby is made of, after its others. */
export const STREAMED: ServerSettings = {
  wal_level: 'replica',
  max_wal_senders: '4',
  wal_keep_size: '1GB',
  full_page_writes: 'on',
};

/** What every embedded server has. The restored parent FK of 17 pairs takes some 900 locks, that of 60 over 10,000. */
const BASE_SETTINGS: ServerSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_locks_per_transaction: '256',
  logging_collector: 'off',
};

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** Somebody else may take the free port between our look and the server's start. */
const PORT_TRIES = 5;

export interface EmbeddedPostgresOptions {
  /** Default: the version that came with npm. */
  readonly binaries?: Binaries;
  /** Added to the base settings; default `DURABLE`. */
  readonly settings?: ServerSettings;
  /** Stop the server on SIGINT, SIGTERM and SIGHUP and let the signal end the process. Default true. */
  readonly handleSignals?: boolean;
  /** A hot standby that streams from this server, which has the settings `STREAMED`. */
  readonly standbyOf?: EmbeddedPostgres;
}

export interface EmbeddedPostgres {
  /** Superuser `postgres`, database `postgres`; holds the password. */
  readonly url: string;
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  /** Everything that the server has on disk. */
  readonly directory: string;
  /** The same URL with another database. */
  databaseUrl(database: string): string;
  /** Stops the server, whoever is connected, and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it takes connections, about a second.
 *
 * @throws EmbeddedPostgresUnavailable with one line that says why
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const user = serverUser();
  const found = options.binaries ?? findBinaries();
  const directory = mkdtempSync(join(temporaryRoot(user), 'p2pfk-postgres-'));
  const cluster = new Cluster(directory, user, options.handleSignals ?? true);
  try {
    makeDataDirectory(directory, user);
    cluster.binaries = reachableBinaries(found, user, directory);
    const { standbyOf } = options;
    const password = standbyOf ? new URL(standbyOf.url).password : randomBytes(24).toString('base64url');
    await (standbyOf ? cluster.copy(standbyOf) : cluster.initialise(password));
    const settings = { ...BASE_SETTINGS, ...(options.settings ?? DURABLE) };
    const { port, pid } = await cluster.start(settings);
    const databaseUrl = (database: string) =>
      `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
    return { url: databaseUrl('postgres'), databaseUrl, port, pid, directory, stop: () => cluster.stop() };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/**
 * Only `data` is the server user's. In a directory of that user's, a link that its other processes put in place of the log or the
 * password file would make root write, or give away, the file at its end.
 */
function makeDataDirectory(directory: string, user: ServerUser | null): void {
  const data = join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (user === null) return;
  chownSync(data, user.uid, user.gid);
  chmodSync(directory, 0o711);
}

class Cluster {
  readonly #directory: string;
  readonly #data: string;
  readonly #log: string;
  readonly #user: ServerUser | null;
  readonly #forget: () => void;
  #process: ChildProcess | null = null;
  #stopped: Promise<void> | null = null;
  binaries: Binaries | null = null;

  constructor(directory: string, user: ServerUser | null, handleSignals: boolean) {
    this.#directory = directory;
    this.#data = join(directory, 'data');
    this.#log = join(directory, 'postgres.log');
    this.#user = user;
    this.#forget = cleanUpAtExit(() => this.#stopNow(), handleSignals);
  }

  async initialise(password: string): Promise<void> {
    const passwordFile = join(this.#directory, 'password');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (this.#user !== null) chownSync(passwordFile, this.#user.uid, this.#user.gid);
    const initdb = this.#spawn(this.#program('initdb'), [
      `--pgdata=${this.#data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ]);
    const failure = await exited(initdb);
    if (failure !== null) throw this.#unavailable('initdb', failure);
    rmSync(passwordFile);
  }

  async copy({ url, directory }: EmbeddedPostgres): Promise<void> {
    await copyPrimary({ url, data: join(directory, 'data') }, this.#data, this.#user);
  }

  async start(settings: ServerSettings): Promise<{ port: number; pid: number }> {
    for (let tries = 1; ; tries += 1) {
      const port = await freePort();
      const parameters = Object.entries({ ...settings, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const server = this.#spawn(this.#program('postgres'), ['-D', this.#data, ...parameters]);
      const failure = await Promise.race([exited(server), this.#ready(server)]);
      if (failure === null && server.pid !== undefined) {
        // The server alone must not keep this process alive: without work left it ends, and takes the server along.
        server.unref();
        return { port, pid: server.pid };
      }
      const portTaken = readFileSync(this.#log, 'utf8').includes('Address already in use');
      if (!portTaken || tries === PORT_TRIES) throw this.#unavailable('postgres', failure ?? 'no process');
      rmSync(this.#log, { force: true });
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const server = this.#process;
    if (server !== null && isRunning(server)) {
      server.ref();
      const gone = once(server, 'exit');
      this.#signalImmediateShutdown(server);
      await Promise.race([gone, delay(STOP_TIMEOUT_MS, undefined, { ref: false }).then(() => killGroup(server))]);
    }
    removeCluster(this.#directory, this.#user);
    this.#forget();
  }

  /** For the end of the process, where nothing can be awaited. */
  #stopNow(): void {
    const server = this.#process;
    if (server !== null && isRunning(server)) {
      this.#signalImmediateShutdown(server);
      // The exit of a child is not seen while this thread blocks; the server removes its pid file last.
      const pidFile = join(this.#data, 'postmaster.pid');
      if (existsSync(pidFile)) blockUntil(() => !existsSync(pidFile), STOP_TIMEOUT_MS);
      killGroup(server);
    }
    removeCluster(this.#directory, this.#user);
  }

  /** Immediate: the data is deleted next, so a checkpoint of it would be work for nothing. */
  #signalImmediateShutdown(server: ChildProcess): void {
    if (process.platform === 'win32' && this.binaries !== null) {
      const args = ['stop', '-D', this.#data, '-m', 'immediate'];
      spawnSync(this.binaries.pgCtl, args, { env: programEnvironment(), stdio: 'ignore' });
    } else {
      server.kill(server.spawnfile === this.binaries?.initdb ? 'SIGKILL' : 'SIGQUIT');
    }
  }

  #program(name: 'initdb' | 'postgres'): string {
    if (this.binaries === null) throw new Error('The programs are not known yet.');
    return this.binaries[name];
  }

  /** In a session of its own, so that Ctrl-C in the terminal reaches us and not the server. */
  #spawn(program: string, args: readonly string[]): ChildProcess {
    const log = openSync(this.#log, 'a', 0o600);
    try {
      this.#process = spawn(program, args, {
        cwd: this.#directory,
        env: programEnvironment(),
        stdio: ['ignore', log, log],
        detached: true,
        ...this.#user,
      });
    } finally {
      closeSync(log);
    }
    return this.#process;
  }

  /** The server writes its status into the eighth line of its pid file. */
  async #ready(server: ChildProcess): Promise<null | string> {
    const pidFile = join(this.#data, 'postmaster.pid');
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline && isRunning(server)) {
      if (existsSync(pidFile) && readFileSync(pidFile, 'utf8').split('\n')[7]?.trim() === 'ready') return null;
      await delay(10);
    }
    return `not ready after ${START_TIMEOUT_MS / 1000} s`;
  }

  #unavailable(program: string, failure: string): EmbeddedPostgresUnavailable {
    const lines = existsSync(this.#log) ? readFileSync(this.#log, 'utf8').trim().split('\n') : [];
    const line = lines.findLast((text) => /FATAL|error:/.test(text)) ?? lines.at(-1) ?? '';
    return new EmbeddedPostgresUnavailable(
      `Embedded PostgreSQL did not start (${program}: ${failure}). ${line}`.trim(),
    );
  }
}

/** `null` when the program ended well, else why it did not. */
async function exited(child: ChildProcess): Promise<string | null> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`;
  } catch (error) {
    return messageOf(error);
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Kills what is left of the session that a child leads. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing was left.
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
