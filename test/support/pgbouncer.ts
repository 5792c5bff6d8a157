/** A real PgBouncer before a server of the tests, on 127.0.0.1 and a free port. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe } from 'vitest';
import { serverUser, temporaryRoot } from '../../local/embedded/binaries.ts';
import { waitUntil } from './observe.ts';
import { programPath } from './programs.ts';

const PROGRAM = programPath('pgbouncer');

/** Like `describe`, where there is a PgBouncer. */
export const describeWithPgBouncer = describe.runIf(PROGRAM !== undefined);

export interface PgBouncer {
  /** Leads through the pooler, which has one connection to the server at most, and does not clean it itself. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPgBouncer(serverUrl: string, mode: 'session' | 'transaction'): Promise<PgBouncer> {
  const server = new URL(serverUrl);
  const user = serverUser();
  const directory = mkdtempSync(join(temporaryRoot(user), 'p2pfk-pgbouncer-'));
  const port = await freePort();
  const [name, password] = [server.username, server.password].map(decodeURIComponent);
  const file = (leaf: string, text: string) => {
    const path = join(directory, leaf);
    writeFileSync(path, text, { mode: 0o600 });
    if (user) chownSync(path, user.uid, user.gid);
    return path;
  };
  const users = file('users.txt', `"${name}" "${password}"\n`);
  const ini = file(
    'pgbouncer.ini',
    `[databases]\n* = host=127.0.0.1 port=${server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = ${users}\npool_mode = ${mode}\ndefault_pool_size = 1\nserver_reset_query =\n`,
  );
  if (user) chownSync(directory, user.uid, user.gid);
  const child = spawn(PROGRAM ?? '', ['-q', ini], { stdio: 'ignore', ...(user ?? {}) });
  const url = new URL(serverUrl);
  url.port = String(port);
  await waitUntil(async () => answers(url.href), 'PgBouncer to answer');
  return {
    url: url.href,
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
