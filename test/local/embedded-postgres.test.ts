import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findBinaries, reachableBinaries } from '../../local/embedded/binaries.ts';
import {
  EmbeddedPostgresUnavailable,
  FAST,
  STREAMED,
  startEmbeddedPostgres,
} from '../../local/embedded/embedded-postgres.ts';

const CHILD = join(import.meta.dirname, 'embedded-postgres.child.ts');

interface Server {
  readonly pid: number;
  readonly directory: string;
  readonly url: string;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const NOBODY = { uid: 65534, gid: 65534 };

const children = new Set<ChildProcess>();

/** The temporary directory of one test, where nothing may be left; open to the user that the server runs as. */
let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'p2pfk-test-'));
  chmodSync(temporary, 0o1777);
  vi.stubEnv('TMPDIR', temporary);
});

afterEach(() => {
  vi.unstubAllEnvs();
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  rmSync(temporary, { recursive: true, force: true });
});

/** Starts the child; `uid` runs it as somebody else. */
function start(ending: string, identity: { uid?: number; gid?: number } = {}) {
  const child = spawn(process.execPath, [CHILD, ending], { stdio: ['ignore', 'pipe', 'pipe'], ...identity });
  children.add(child);
  const ended = once(child, 'exit').then(([code, signal]): Ended => ({ code, signal }));
  const server = once(createInterface({ input: child.stdout }), 'line').then(([line]): Server => JSON.parse(line));
  return { child, server, ended };
}

/** A process that ended and waits for an init to collect it counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function expectNothingLeft({ pid, directory }: Server): void {
  expect(isAlive(pid)).toBe(false);
  expect(directory.startsWith(temporary)).toBe(true);
  expect(readdirSync(temporary)).toEqual([]);
}

describe('an embedded server', () => {
  it('takes connections on 127.0.0.1 with its password only, has the settings asked for, and stops without a trace', async () => {
    const server = await startEmbeddedPostgres({ settings: { ...FAST, work_mem: '9MB' } });
    try {
      const client = new Client(server.url);
      await client.connect();
      const { rows } = await client.query(
        `SELECT name, setting FROM pg_settings
         WHERE name IN ('fsync', 'work_mem', 'listen_addresses', 'unix_socket_directories') ORDER BY name`,
      );
      await client.end();
      const wrong = new Client(server.url.replace(/:[^:@]+@/, ':wrong@'));

      expect(rows.map(({ name, setting }) => `${name}=${setting}`)).toEqual([
        'fsync=off',
        'listen_addresses=127.0.0.1',
        'unix_socket_directories=',
        'work_mem=9216',
      ]);
      await expect(wrong.connect()).rejects.toMatchObject({ code: '28P01' });
      // `native`: a copy of the binaries, where the project's own cannot be reached by the server's user.
      expect(
        readdirSync(server.directory)
          .sort()
          .filter((name) => name !== 'native'),
      ).toEqual(['data', 'postgres.log']);
    } finally {
      await server.stop();
      await server.stop();
    }
    expectNothingLeft(server);
    expect(process.listeners('exit').filter(({ name }) => name === 'cleanUp')).toEqual([]);
  });

  it.runIf(existsSync('/proc/self/environ'))('gives its processes nothing of our environment', async () => {
    const secrets = ['DATABASE_URL', 'AWS_SECRET_ACCESS_KEY', 'P2PFK_CONSOLE_PASSWORD', 'PGPASSWORD', 'NPM_TOKEN'];
    for (const name of secrets) vi.stubEnv(name, 's3cr3t');
    const server = await startEmbeddedPostgres({ settings: FAST });
    try {
      const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ');
      expect(children.length).toBeGreaterThan(1);
      expect(readFileSync(`/proc/${server.pid}/environ`, 'utf8')).toMatch(/^PATH=/m);
      for (const pid of [server.pid, ...children]) {
        const variables = readFileSync(`/proc/${pid}/environ`, 'utf8');
        expect(variables).not.toMatch(/s3cr3t|VITEST|HOME=/);
      }
    } finally {
      await server.stop();
    }
  });

  it.runIf(process.getuid?.() === 0)('of root leaves to the other user only the directory of its data', async () => {
    const server = await startEmbeddedPostgres({ settings: FAST });
    try {
      const owners = ['', 'postgres.log', 'data'].map((name) => statSync(join(server.directory, name)));
      expect(owners.map(({ uid }) => uid === 0)).toEqual([true, true, false]);
      expect(owners.map(({ mode }) => mode & 0o777)).toEqual([0o711, 0o600, 0o700]);
    } finally {
      await server.stop();
    }
  });

  it.runIf(process.getuid?.() === 0)(
    'of root copies for a standby only what the other server has written',
    async () => {
      const primary = await startEmbeddedPostgres({ settings: { ...FAST, ...STREAMED } });
      const secret = join(primary.directory, 'secret');
      writeFileSync(secret, 'of root alone', { mode: 0o600 });
      symlinkSync(secret, join(primary.directory, 'data', 'link'));
      linkSync(secret, join(primary.directory, 'data', 'hard-link'));
      mkdirSync(join(primary.directory, 'folder'));
      writeFileSync(join(primary.directory, 'folder', 'secret'), 'of root alone', { mode: 0o600 });
      symlinkSync(join(primary.directory, 'folder'), join(primary.directory, 'data', 'folder'));
      try {
        const standby = await startEmbeddedPostgres({ settings: { ...FAST, ...STREAMED }, standbyOf: primary });
        try {
          const data = readdirSync(join(standby.directory, 'data'));
          expect(data).toContain('base');
          for (const name of ['link', 'hard-link', 'folder']) expect(data).not.toContain(name);
          expect(statSync(join(standby.directory, 'data')).uid).not.toBe(0);
        } finally {
          await standby.stop();
        }
      } finally {
        await primary.stop();
      }
    },
  );

  it.runIf(process.getuid?.() === 0)('of root is removed with the rights of its user alone', async () => {
    const server = await startEmbeddedPostgres({ settings: FAST });
    const data = join(server.directory, 'data');
    const folder = join(server.directory, '..', `${basename(server.directory)}-of-root`);
    mkdirSync(folder);
    try {
      // Only a removal by root could take this file of root’s away.
      mkdirSync(join(data, 'root'));
      writeFileSync(join(data, 'root', 'file'), 'of root');
      symlinkSync(folder, join(data, 'link'));
      writeFileSync(join(folder, 'file'), 'of root');
      await server.stop();
      expect(readdirSync(folder)).toEqual(['file']);
      expect(readdirSync(data)).toEqual(['root']);
      expect(readdirSync(join(data, 'root'))).toEqual(['file']);
    } finally {
      rmSync(folder, { recursive: true });
      rmSync(server.directory, { recursive: true, force: true });
    }
  });

  it('keeps its data in a directory that is to be kept, for the next start', async () => {
    const keptIn = join(temporary, 'kept');
    const first = await startEmbeddedPostgres({ settings: FAST, keptIn });
    await query(first.url, 'CREATE TABLE kept AS SELECT 4711 AS value');
    await first.stop();

    const second = await startEmbeddedPostgres({ settings: FAST, keptIn });

    expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 4711 }]);
    await second.stop();
    expect(existsSync(join(keptIn, 'data', 'PG_VERSION'))).toBe(true);
    expect(existsSync(join(keptIn, 'data', 'postmaster.pid'))).toBe(false);
  });

  it('is not started in a kept directory in which another one runs', async () => {
    const keptIn = join(temporary, 'kept');
    const first = await startEmbeddedPostgres({ settings: FAST, keptIn });

    await expect(startEmbeddedPostgres({ settings: FAST, keptIn })).rejects.toThrow(/lock file "postmaster.pid"/);

    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await first.stop();
  });

  it('is not kept in a directory that other users can change', async () => {
    const keptIn = join(temporary, 'kept');
    mkdirSync(keptIn);
    chmodSync(keptIn, 0o777);

    await expect(startEmbeddedPostgres({ settings: FAST, keptIn })).rejects.toThrow(EmbeddedPostgresUnavailable);

    expect(readdirSync(keptIn)).toEqual([]);
  });

  it('stops although a client is connected and busy', async () => {
    const server = await startEmbeddedPostgres({ settings: FAST });
    const client = new Client(server.url);
    client.on('error', () => {});
    await client.connect();
    const busy = client.query('SELECT pg_sleep(60)').catch((error) => error);

    await server.stop();

    expect(await busy).toBeInstanceOf(Error);
    expectNothingLeft(server);
  });

  it('that cannot start says why in one line and leaves nothing', async () => {
    const started = startEmbeddedPostgres({ settings: { shared_buffers: 'plenty' } });

    await expect(started).rejects.toThrow(EmbeddedPostgresUnavailable);
    await expect(started).rejects.toThrow(
      /^Embedded PostgreSQL did not start \(postgres: ended with exit code 1\)\. .*"plenty"[^\n]*$/,
    );
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('for a platform without programs says in one line what to do instead', () => {
    expect(() => findBinaries('sunos', 'sparc')).toThrow(
      /^There is no embedded PostgreSQL for sunos-sparc here: [^\n]+$/,
    );
  });
});

describe('nothing is left and the exit code stays right', () => {
  it.each([
    ['stop() with an exit code set', 'stop', 3],
    ['the end of work without stop()', 'forget', 4],
    ['process.exit()', 'exit', 5],
    ['an uncaught exception', 'throw', 1],
  ])('after %s', async (_, ending, code) => {
    const { server, ended } = start(ending);

    const left = await server;

    expect(await ended).toEqual({ code, signal: null });
    expectNothingLeft(left);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('after %s, of which the process then dies', async (signal) => {
    const { child, server, ended } = start('wait');
    const left = await server;

    child.kill(signal);

    expect(await ended).toEqual({ code: null, signal });
    expectNothingLeft(left);
  });

  it('after a signal that the program handles itself', async () => {
    const { child, server, ended } = start('own-handlers');
    const left = await server;

    child.kill('SIGINT');

    expect(await ended).toEqual({ code: 6, signal: null });
    expectNothingLeft(left);
  });

  it('after an exit while the server is being created', async () => {
    const { server, ended } = start('exit-while-starting');
    server.catch(() => {});

    expect(await ended).toEqual({ code: 7, signal: null });
    expect(readdirSync(temporary)).toEqual([]);
  });
});

/** Whether another user than root could run this clone at all: one below /root is closed to them. */
function othersCanRunThis(): boolean {
  if (process.getuid?.() !== 0) return false;
  const look = 'process.exit(require("node:fs").existsSync(process.argv[1]) ? 0 : 1)';
  return spawnSync(process.execPath, ['-e', look, CHILD], NOBODY).status === 0;
}

// Root runs the server as another user; everybody else runs it as themselves, as all the tests above then do.
describe.runIf(othersCanRunThis())('without root', () => {
  it('the server runs as the user who starts it', async () => {
    const { server, ended } = start('stop', NOBODY);

    const left = await server;

    expect(await ended).toEqual({ code: 3, signal: null });
    expectNothingLeft(left);
  });
});

describe('programs that the server may not reach', () => {
  it('are copied to where it may', () => {
    const closed = join(temporary, 'closed');
    for (const part of ['bin', 'lib']) mkdirSync(join(closed, 'native', part), { recursive: true });
    for (const name of ['initdb', 'postgres', 'pg_ctl']) writeFileSync(join(closed, 'native/bin', name), name);
    symlinkSync('libpq.so.5.17', join(closed, 'native/lib/libpq.so.5'));
    const original = {
      initdb: join(closed, 'native/bin/initdb'),
      postgres: join(closed, 'native/bin/postgres'),
      pgCtl: join(closed, 'native/bin/pg_ctl'),
    };
    chmodSync(closed, 0o700);

    const copied = reachableBinaries(original, NOBODY, join(temporary, 'server'));
    const ownUser = reachableBinaries(original, null, join(temporary, 'server'));

    expect(readFileSync(copied.postgres, 'utf8')).toBe('postgres');
    expect(copied.postgres.startsWith(join(temporary, 'server'))).toBe(true);
    expect(readlinkSync(join(temporary, 'server/native/lib/libpq.so.5'))).toBe('libpq.so.5.17');
    expect(ownUser).toBe(original);
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
