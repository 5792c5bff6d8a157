/** The password file: p2pfk takes the same line of it as psql, or none, for the same connection. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULT_SOCKET_FOLDER } from '../../../core/postgres/libpq/default-socket.ts';
import { inHome } from '../../../core/postgres/libpq/home.ts';
import { freePort, NO_HOME, p2pfk, psql, type Variables } from './libpq.helpers.ts';

const PASSWORD_MESSAGE = 'p'.charCodeAt(0);
const REFUSAL = 'SFATAL\0C28P01\0Mno\0\0';

/** Asks every client for its password in clear text, notes it, and refuses. */
function asking(socket: Socket): void {
  let started = false;
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    if (started) {
      // A client without a password only says goodbye.
      if (data[0] !== PASSWORD_MESSAGE) return;
      heard.push(data.toString('utf8', 5, data.length - 1));
      const refusal = Buffer.alloc(5 + REFUSAL.length);
      refusal.write('E');
      refusal.writeInt32BE(4 + REFUSAL.length, 1);
      refusal.write(REFUSAL, 5);
      socket.end(refusal);
    } else {
      started = true;
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
    }
  });
}

let heard: string[] = [];
let folder: string;
/** A directory with a socket; its name has a colon. */
let sockets: string;
let port: number;
let closed: number;
const servers: Server[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'p2pfk-pgpass-'));
  sockets = join(folder, 'a:b');
  mkdirSync(sockets);
  [port, closed] = [await freePort(), await freePort()];
  for (const address of [{ port, host: '127.0.0.1' }, { path: join(sockets, `.s.PGSQL.${port}`) }]) {
    const server = createServer(asking);
    await new Promise<void>((resolve) => server.listen(address, resolve));
    servers.push(server);
  }
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  heard = [];
});

/** What psql sends, after p2pfk was seen to send the same. Null where it sends none. */
async function sent(connection: string, file: string, more: Variables = {}): Promise<string | null> {
  const settings = `${connection} port=${connection.includes(',') ? `${closed},${port}` : port} sslmode=disable`;
  // Debian's psql is a script that sets PGHOST where there is none.
  const variables = { HOME: NO_HOME, PGHOST: '', PGUSER: 'app', PGPASSFILE: file, ...more };
  const results: (string | null)[] = [];
  for (const client of [p2pfk, psql]) {
    heard = [];
    expect((await client(settings, variables)).outcome).toBe('refused');
    expect(heard.length).toBeLessThan(2);
    results.push(heard[0] ?? null);
  }
  const [ours = null, theirs = null] = results;
  expect({ connection, sent: ours }).toEqual({ connection, sent: theirs });
  return theirs;
}

function passwords(text: string | Buffer, mode = 0o600): string {
  const file = join(folder, 'passwords');
  rmSync(file, { recursive: true, force: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const TCP = 'host=127.0.0.1';
const IN_DEFAULT_FOLDER = `host=${DEFAULT_SOCKET_FOLDER} hostaddr=127.0.0.1`;
const ownSocket = () => `host=${sockets}`;
const escapedFolder = () => sockets.replaceAll(':', '\\:');

describe('the host of a line', () => {
  it.each<[name: string, line: () => string, connection: () => string, sent: string | null]>([
    ['localhost is not the socket of another folder', () => 'localhost', ownSocket, null],
    ['is the path of that folder, with its colons escaped', escapedFolder, ownSocket, 'yes'],
    ['is that path whose colons are not escaped, too', () => sockets, ownSocket, 'yes'],
    ['localhost is the default folder', () => 'localhost', () => IN_DEFAULT_FOLDER, 'yes'],
    ['has no other name for the default folder', () => DEFAULT_SOCKET_FOLDER, () => IN_DEFAULT_FOLDER, null],
    [
      'is compared letter by letter with the default folder',
      () => 'localhost',
      () => `host=${DEFAULT_SOCKET_FOLDER}/ hostaddr=127.0.0.1`,
      null,
    ],
    ['is host, and not its hostaddr', () => '127.0.0.1', () => 'host=db.example hostaddr=127.0.0.1', null],
    ['is host, where hostaddr is given too', () => 'db.example', () => 'host=db.example hostaddr=127.0.0.1', 'yes'],
    ['is a path, where hostaddr is given too', () => 'localhost', () => `${ownSocket()} hostaddr=127.0.0.1`, null],
    ['is hostaddr, where there is no host', () => '127.0.0.1', () => 'hostaddr=127.0.0.1', 'yes'],
    ['localhost is not its address', () => 'localhost', () => TCP, null],
    ['is the one of several hosts that asks', () => '127.0.0.1', () => 'host=db.invalid,127.0.0.1', 'yes'],
    ['is no other of several hosts', () => 'db.invalid', () => 'host=db.invalid,127.0.0.1', null],
    ['has no socket as its hostaddr', () => 'db.example', () => `host=db.example hostaddr=${sockets}`, null],
    ['has no name as its hostaddr', () => 'db.example', () => 'host=db.example hostaddr=localhost', null],
  ])('%s', async (_, line, connection, expected) => {
    expect(await sent(connection(), passwords(`${line()}:*:*:*:yes\n`))).toBe(expected);
  });
});

it.each<[name: string, text: (port: number) => string | Buffer, sent: string | null]>([
  ['the port is compared', (own) => `*:${own + 1}:*:*:no\n*:${own}:*:*:yes`, 'yes'],
  ['the database is the user where none is given', () => '*:*:postgres:*:no\n*:*:app:app:yes', 'yes'],
  ['the user is compared', () => '*:*:*:other:no\n', null],
  ['an asterisk is a whole field', () => '127*:*:*:*:no\n*:*:*:ap*:no\n*:*:*:\\*:no\n', null],
  ['the first line that fits counts, and its empty password is none', () => '*:*:*:*:\n*:*:*:*:no\n', null],
  ['a line without a password does not fit', () => '*:*:*:*\n*:*:*:app:yes\n', 'yes'],
  ['a password ends at a colon that is not escaped', () => '*:*:*:*:a\\:b\\\\c\\d:more\n', 'a:b\\cd'],
  ['a backslash at the end is one', () => '*:*:*:*:yes\\', 'yes\\'],
  ['any character can be escaped', () => '\\127.0.0.1:*:*:\\a\\p\\p:\\\u2028\\\ryes\n', '\u2028\ryes'],
  ['all ends of a line are taken off', () => '*:*:*:*:yes\r\r\n', 'yes'],
  ['spaces count', () => ' *:*:*:*:no\n*:*:*:*: yes \n', ' yes '],
  ['a comment begins at once', () => '#*:*:*:*:no\n*:*:*:*:#yes', '#yes'],
  ['other lines need not be UTF-8', () => Buffer.from('*:*:*:\xe4:n\xe4\n*:*:*:*:yes', 'latin1'), 'yes'],
])('%s', async (_, text, expected) => {
  expect(await sent(TCP, passwords(text(port)))).toBe(expected);
});

it('is read by its owner alone, a plain file, and the one that is named first', async () => {
  const file = passwords('*:*:*:*:yes\n');
  const link = join(folder, 'link');
  symlinkSync(file, link);
  expect(await sent(TCP, link)).toBe('yes');
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(file, mode);
    expect(await sent(TCP, link)).toBeNull();
  }
  expect(await sent(TCP, folder)).toBeNull();

  writeFileSync(join(folder, 'services'), `[orders]\nhost=127.0.0.1\npassfile=${passwords('127.0.0.1:*:*:*:yes\n')}\n`);
  const service = { PGSERVICEFILE: join(folder, 'services') };
  expect(await sent('service=orders', join(folder, 'missing'), service)).toBe('yes');
  expect(await sent(`service=orders passfile=${join(folder, 'missing')}`, file, service)).toBeNull();
});

it('is refused clearly where its password is empty or not UTF-8, which cannot be sent', async () => {
  for (const [password, reason] of [
    ['', /and the line for it in .* has an empty password$/],
    ['n\xe4', /and the password for it in .* is not UTF-8$/],
  ] as const) {
    const file = passwords(Buffer.from(`*:*:*:*:${password}\n`, 'latin1'));
    const { message } = await p2pfk(`${TCP} port=${port} sslmode=disable`, { PGUSER: 'app', PGPASSFILE: file });
    expect(message).toMatch(reason);
    expect(heard).toEqual([]);
  }
});

it.skipIf(process.platform === 'win32')('an empty HOME is no name for the current directory', () => {
  const before = process.env.HOME;
  onTestFinished(() => {
    if (before === undefined) delete process.env.HOME;
    else process.env.HOME = before;
  });
  process.env.HOME = '';
  expect(inHome('.pgpass')).toBe(join(userInfo().homedir, '.pgpass'));
});
