/** Where no host is given: the socket of the server's own folder, and no other user of the machine in its place. */
import { chmodSync, chownSync, lchownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DEFAULT_SOCKET_FOLDER, requireTrustedSocket } from '../../../core/postgres/libpq/default-socket.ts';
import { freePort, p2pfk } from './libpq.helpers.ts';

const onPosix = it.skipIf(process.platform === 'win32');

/** Asks for a password in clear text, as a server of PostgreSQL may, and hears what comes. */
async function thief(path: string): Promise<{ heard: () => string }> {
  let heard = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return { heard: () => heard };
}

const SECRET = { PGUSER: 'postgres', PGDATABASE: 'orders', PGPASSWORD: 'topsecret', PGCONNECT_TIMEOUT: '2' };

onPosix('a socket in /tmp, and a server on localhost, get nothing unless they are named', async () => {
  const port = await freePort();
  const inTmp = await thief(join('/tmp', `.s.PGSQL.${port}`));
  // The same port, which any user can listen on while the server is down.
  const onLoopback = createServer((socket) => socket.destroy());
  const connections: unknown[] = [];
  onLoopback.on('connection', (socket) => connections.push(socket));
  await new Promise<void>((resolve) => onLoopback.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void onLoopback.close());

  const { message } = await p2pfk('', { ...SECRET, PGPORT: String(port) });
  expect(message).toBe(
    `ConnectionLost: no host is given, and there is no ${DEFAULT_SOCKET_FOLDER}/.s.PGSQL.${port}: name the database with --database-url postgres://user@host:port/database, DATABASE_URL, or PGHOST and the other variables of libpq`,
  );
  expect([inTmp.heard(), connections]).toEqual(['', []]);

  await p2pfk('', { ...SECRET, PGPORT: String(port), PGHOST: '/tmp' });
  expect(inTmp.heard()).toContain('topsecret');
});

onPosix.each(['verify-full', 'verify-ca', ''])(
  'sslmode=%s without a host is refused, as a socket is not verified',
  async (mode) => {
    const variables = mode ? { PGSSLMODE: mode } : { PGSSLROOTCERT: 'system' };
    const { message } = await p2pfk('', { ...SECRET, ...variables });
    expect(message).toBe(
      `InvalidInput: sslmode=${mode || 'verify-full'} needs a host, and none is given: name it in the database URL or PGHOST (PGHOST=${DEFAULT_SOCKET_FOLDER} for the local socket, which is not verified)`,
    );
  },
);

it.runIf(process.getuid?.() === 0)('the socket has to belong to the owner of its folder, root or oneself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-socket-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, '.s.PGSQL.5432');
  await thief(path);
  const look = () => requireTrustedSocket(folder, 5432);
  expect(look).not.toThrow();
  // As Debian has it: the folder, and its group, are the server's.
  chownSync(folder, 65534, 65534);
  chmodSync(folder, 0o2775);
  chownSync(path, 65534, 65534);
  expect(look).not.toThrow();
  chownSync(path, 65533, 65534);
  expect(look).toThrow(/is not used, because it belongs to another user \(uid 65533\): name the host \(PGHOST\)$/);
  chownSync(path, 65534, 65534);
  chmodSync(folder, 0o1777);
  expect(look).toThrow(/because every user may write to its folder/);
  chmodSync(folder, 0o755);
  rmSync(path);
  expect(look).toThrow(/there is no /);
  writeFileSync(path, '');
  expect(look).toThrow(/because it is no socket/);
  rmSync(path);
  symlinkSync('/elsewhere', path);
  lchownSync(path, 65534, 65534);
  expect(look).toThrow(/because it is no socket/);
});
