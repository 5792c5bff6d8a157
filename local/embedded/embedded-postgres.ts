/**
 * An embedded PostgreSQL server for the demo and the tests: in a temporary directory, on 127.0.0.1 and a free port, with a random
 * password, and removed without a trace when it is stopped or the process ends.
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
import { intruderAbove } from '../trusted-path.ts';
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

/** Writes every commit to disk, as a production server does. */
export const DURABLE: ServerSettings = { fsync: 'on', synchronous_commit: 'on' };

/** For data that may be lost: a crash of the machine may lose all of it. Without autovacuum, which would take locks by itself. */
export const FAST: ServerSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  autovacuum: 'off',
};

/** Added, last, to the settings of a server that a standby is made of. */
export const STREAMED: ServerSettings = {
  wal_level: 'replica',
  max_wal_senders: '4',
  wal_keep_size: '1GB',
  full_page_writes: 'on',
};

/** Settings of every embedded server. Restoring the parent FK of 17 pairs takes some 900 locks, of 60 pairs over 10,000. */
const BASE_SETTINGS: ServerSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_locks_per_transaction: '256',
  logging_collector: 'off',
};

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** A server that is kept writes its last checkpoint before it ends, and may have gigabytes to recover when it starts. */
const KEPT_TIMEOUT_MS = 600_000;
/** Another process may take the free port between its choice and the server's start. */
const PORT_TRIES = 5;

/** What a caller can choose. */
export interface EmbeddedPostgresOptions {
  /** Default: the version that npm installed. */
  readonly binaries?: Binaries;
  /** Added to the base settings; default `DURABLE`. */
  readonly settings?: ServerSettings;
  /** Stop the server on SIGINT, SIGTERM and SIGHUP and let the signal end the process. Default true. */
  readonly handleSignals?: boolean;
  /** Makes a hot standby that streams from this server, whose settings include `STREAMED`. */
  readonly standbyOf?: EmbeddedPostgres;
  /** A directory that stays when the server is stopped, and is used again. Default: a new one, which is removed. */
  readonly keptIn?: string;
}

/** A running server. */
export interface EmbeddedPostgres {
  /** URL of superuser `postgres`, database `postgres`; contains the password. */
  readonly url: string;
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  /** The directory of everything that the server has on disk. */
  readonly directory: string;
  /** The same URL with another database. */
  databaseUrl(database: string): string;
  /** Stops the server, even if clients are connected, and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it accepts connections, about a second.
 *
 * @throws EmbeddedPostgresUnavailable with one line that says why
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const user = serverUser();
  const found = options.binaries ?? findBinaries();
  const { standbyOf, keptIn } = options;
  const directory = keptIn ?? mkdtempSync(join(temporaryRoot(user), 'p2pfk-postgres-'));
  const kept = keptIn === undefined ? undefined : keptPassword(keptIn, user);
  const cluster = new Cluster(directory, user, { handleSignals: options.handleSignals ?? true, keep: !!keptIn });
  try {
    if (kept === undefined) makeDataDirectory(directory, user);
    cluster.binaries = reachableBinaries(found, user, directory);
    const password = kept ?? (standbyOf ? new URL(standbyOf.url).password : randomBytes(24).toString('base64url'));
    if (kept === undefined) await (standbyOf ? cluster.copy(standbyOf) : cluster.initialise(password));
    // Last: a directory without it was not finished.
    if (keptIn !== undefined) writeFileSync(join(keptIn, KEPT_PASSWORD), password, { mode: 0o600 });
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

const KEPT_PASSWORD = 'kept-password';

/**
 * The password of the server in a directory that is kept; undefined where there is none yet. What was not finished is removed.
 *
 * @throws EmbeddedPostgresUnavailable where another user could have made the directory, or can replace what is in it
 */
function keptPassword(directory: string, user: ServerUser | null): string | undefined {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const intruder = intruderAbove(join(directory, 'x'));
  if (intruder !== null)
    throw new EmbeddedPostgresUnavailable(
      `A server is not kept in ${directory}, because another user could change it (${intruder.path}: ${intruder.reason}).`,
    );
  const file = join(directory, KEPT_PASSWORD);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  removeCluster(directory, user);
  mkdirSync(directory, { mode: 0o700 });
  return undefined;
}

/**
 * Makes the data directory. Only `data` is owned by the server's user. If its parent were too, other processes of that user could
 * replace the log or the password file with a link, and root would write, or give away, the file it leads to.
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
  readonly #keep: boolean;
  readonly #forget: () => void;
  #process: ChildProcess | null = null;
  #stopped: Promise<void> | null = null;
  binaries: Binaries | null = null;

  constructor(
    directory: string,
    user: ServerUser | null,
    { handleSignals, keep }: { readonly handleSignals: boolean; readonly keep: boolean },
  ) {
    this.#directory = directory;
    this.#data = join(directory, 'data');
    this.#log = join(directory, 'postgres.log');
    this.#user = user;
    this.#keep = keep;
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
        // A server that runs must not keep this process alive: when the process has nothing left to do, it ends, and stops the
        // server.
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
      if (this.#keep) server.kill('SIGINT');
      else this.#signalImmediateShutdown(server);
      await Promise.race([
        gone,
        delay(this.#timeoutMs(STOP_TIMEOUT_MS), undefined, { ref: false }).then(() => killGroup(server)),
      ]);
    }
    if (!this.#keep) removeCluster(this.#directory, this.#user);
    this.#forget();
  }

  /** For the end of the process, where nothing can be awaited. */
  #stopNow(): void {
    const server = this.#process;
    if (server !== null && isRunning(server)) {
      this.#signalImmediateShutdown(server);
      // A blocked thread does not see a child's exit, but the server removes its pid file last.
      const pidFile = join(this.#data, 'postmaster.pid');
      if (existsSync(pidFile)) blockUntil(() => !existsSync(pidFile), STOP_TIMEOUT_MS);
      killGroup(server);
    }
    if (!this.#keep) removeCluster(this.#directory, this.#user);
  }

  #timeoutMs(usual: number): number {
    return this.#keep ? KEPT_TIMEOUT_MS : usual;
  }

  /** Mode immediate: the data is deleted next, so a checkpoint would be useless work. What is kept is recovered at the next start. */
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

  /** Starts the program in a session of its own, so that Ctrl-C in the terminal reaches this process and not the server. */
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

  /** Waits until the server has written `ready` to the eighth line of its pid file. @returns null, or why it is not ready */
  async #ready(server: ChildProcess): Promise<null | string> {
    const pidFile = join(this.#data, 'postmaster.pid');
    const timeoutMs = this.#timeoutMs(START_TIMEOUT_MS);
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline && isRunning(server)) {
      const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
      // Another server may run in a directory that is kept.
      if (Number(lines[0]) === server.pid && lines[7]?.trim() === 'ready') return null;
      await delay(10);
    }
    return `not ready after ${timeoutMs / 1000} s`;
  }

  #unavailable(program: string, failure: string): EmbeddedPostgresUnavailable {
    const lines = existsSync(this.#log) ? readFileSync(this.#log, 'utf8').trim().split('\n') : [];
    const line = lines.findLast((text) => /FATAL|error:/.test(text)) ?? lines.at(-1) ?? '';
    return new EmbeddedPostgresUnavailable(
      `Embedded PostgreSQL did not start (${program}: ${failure}). ${line}`.trim(),
    );
  }
}

/** @returns `null` when the program succeeded, else how it ended */
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

/** Kills what is left of the session whose leader is this child. */
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
