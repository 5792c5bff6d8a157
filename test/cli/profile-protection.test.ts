/** A profile only strengthens a connection: what the environment, the home directory or a reader's URL asks for stays. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { URL_PARAMETERS } from '../../cli/config/keys.ts';
import { KEYWORDS } from '../../core/postgres/libpq/keywords.ts';
import { p2pfkHere } from './here.helpers.ts';

/** A server without TLS that asks for each password in clear text: what a false one would do. */
const falseServer = createServer((socket) => {
  let before = true;
  heard.push('a connection');
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    if (data.length === 8 && data.readInt32BE(4) === 80_877_103) socket.write('N');
    else if (before) {
      before = false;
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
    } else {
      if (data[0] === 'p'.charCodeAt(0)) heard.push(data.toString('utf8', 5, data.length - 1));
      socket.end();
    }
  });
});
let heard: string[] = [];
let port: number;
let home: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => falseServer.listen(0, '127.0.0.1', resolve));
  const address = falseServer.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  home = mkdtempSync(join(tmpdir(), 'p2pfk-home-'));
});
afterAll(() => {
  falseServer.close();
  rmSync(home, { recursive: true });
});
beforeEach(() => {
  heard = [];
});

/** Beside `~/.postgresql/root.crt`. */
function trustInHome(): void {
  mkdirSync(join(home, '.postgresql'));
  writeFileSync(join(home, '.postgresql', 'root.crt'), '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
  onTestFinished(() => rmSync(join(home, '.postgresql'), { recursive: true }));
}

const AUTHORITY_OF_A_FILE = '/evil/ca.crt';
const HERE = { PGHOST: '127.0.0.1', PGUSER: 'app', PGPASSWORD: 'hunter22-of-the-environment' };

/** What `plan` says with a profile of this `databaseUrl`. */
async function said(
  databaseUrl: string,
  env: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-config-'));
  const spy = vi.spyOn(process, 'cwd').mockReturnValue(folder);
  try {
    const config = { profiles: { prod: { databaseUrl } } };
    writeFileSync(join(folder, 'p2pfk.config.json'), JSON.stringify(config), { mode: 0o600 });
    const args = ['plan', '-t', 'path', '--profile', 'prod', ...more];
    const { code, stdout, stderr } = await p2pfkHere(args, { HOME: home, PGPORT: String(port), ...HERE, ...env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^p2pfk: [^\n]+\n$/);
    return stderr;
  } finally {
    spy.mockRestore();
    rmSync(folder, { recursive: true });
  }
}

/** Refused before anything connects, with the file and the profile in the line. */
async function refused(...args: Parameters<typeof said>): Promise<string> {
  const line = await said(...args);
  expect(heard).toEqual([]);
  expect(line).toContain('p2pfk.config.json, profile "prod": the databaseUrl has ');
  return line;
}

describe('a profile does not weaken', () => {
  it('a verified connection by another authority than that of the home directory', async () => {
    trustInHome();
    const profile = `postgres:///orders?sslrootcert=${AUTHORITY_OF_A_FILE}`;

    for (const env of [{ PGSSLMODE: 'verify-full' }, { PGSSLMODE: 'prefer' }, {}])
      expect(await refused(profile, env)).toMatch(
        /sslrootcert="\/evil\/ca\.crt", which would take the place of ".*\/\.postgresql\/root\.crt": leave it out, or set PGSSLROOTCERT yourself\n$/,
      );
    // The authorities of the system are others, too.
    expect(await refused('postgres:///orders?sslmode=verify-full&sslrootcert=system', {})).toContain('take the place');
  });

  it('a connection that the environment wants verified, and names no authority for', async () => {
    expect(
      await refused(`postgres:///orders?sslrootcert=${AUTHORITY_OF_A_FILE}`, { PGSSLMODE: 'verify-ca' }),
    ).toContain('but sslmode=verify-ca was asked for elsewhere, and a file may not say who is believed then');
  });

  it.each([
    ['PGSSLROOTCERT=system, which means verify-full', { PGSSLROOTCERT: 'system' }, 'disable', 'verify-full'],
    ['PGSSLROOTCERT=system, by a weaker verification', { PGSSLROOTCERT: 'system' }, 'verify-ca', 'verify-full'],
    ['PGREQUIRESSL=1', { PGREQUIRESSL: '1' }, 'disable', 'require'],
    ['PGREQUIRESSL=1, by the default', { PGREQUIRESSL: '1' }, 'prefer', 'require'],
    ['the default', {}, 'disable', 'prefer'],
    ['the default, by plain text first', {}, 'allow', 'prefer'],
  ] as const)('the sslmode that follows from %s', async (_what, env, mode, before) => {
    expect(await refused(`postgres:///orders?sslmode=${mode}`, env)).toContain(
      `has sslmode=${mode}, and without the file it would be ${before}: leave it out, or set PGSSLMODE yourself`,
    );
  });

  it('the binding of the login to TLS', async () => {
    expect(await refused('postgres:///orders?channel_binding=disable', {})).toContain('has channel_binding=disable');
  });

  it('a verified connection by a socket as its host', async () => {
    const password = { PGPASSWORD: '', PGHOST: '', PGPORT: '' };
    expect(await refused('host=/tmp/of-a-file dbname=x', { ...password, PGSSLMODE: 'verify-full' })).toContain(
      'has the socket in "/tmp/of-a-file" as its host, where nothing is verified',
    );
  });

  it('the connection of a reader that asks for more than the primary', async () => {
    const readers = ['--reader', 'postgres://127.0.0.1/?sslmode=verify-full'];
    const profile = `postgres:///orders?sslmode=require&sslrootcert=${AUTHORITY_OF_A_FILE}`;
    expect(await refused(profile, {}, readers)).toContain('a file may not say who is believed then');
    expect(await refused(profile, { P2PFK_READERS: readers[1] ?? '' })).toContain('who is believed then');
    expect(
      await refused('postgres:///orders?sslmode=require', {}, ['--reader', 'host=r sslrootcert=system']),
    ).toContain('has sslmode=require, and without the file it would be verify-full');
  });

  it('a reader that a service describes', async () => {
    const services = join(home, 'services.conf');
    writeFileSync(services, '[reader]\nhost=127.0.0.1\nsslmode=verify-full\n');
    expect(
      await refused('postgres:///orders?sslmode=require', { PGSERVICEFILE: services }, ['--reader', 'service=reader']),
    ).toContain('without the file it would be verify-full');
  });

  it('anything else of TLS: no other parameter of it may be in a file', async () => {
    const compared = ['sslmode', 'sslrootcert', 'sslnegotiation', 'channel_binding'];
    const ofProtection = /^(ssl(?!password)|gss|krb|channel|require)|protocol_version/;
    const keywords = Object.keys(KEYWORDS).filter((keyword) => ofProtection.test(keyword));

    expect(keywords.filter((keyword) => URL_PARAMETERS.has(keyword))).toEqual(expect.arrayContaining(compared));
    for (const keyword of keywords.filter((one) => !compared.includes(one)))
      expect(await said(`host=db ${keyword}=x`, {})).toContain(`databaseUrl may not have ${keyword}`);
    expect(heard).toEqual([]);
  });
});

describe('a profile strengthens', () => {
  const WANTS_TLS = 'the server does not support SSL, but SSL was required';

  it('by sslmode=require where the environment says nothing, or less', async () => {
    expect(await said('postgres:///orders?sslmode=require', {})).toContain(WANTS_TLS);
    expect(await said('postgres:///orders?sslmode=verify-full', { PGREQUIRESSL: '1' })).toContain(
      'needs the certificate',
    );
    expect(await said('postgres:///orders?sslmode=prefer', {})).not.toContain('profile');
  });

  it('by sslmode=verify-full beside the authorities of the home directory, or those that it names where there are none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'p2pfk-authority-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const authority = join(folder, 'team.pem');
    writeFileSync(authority, '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
    const named = `postgres:///orders?sslmode=verify-full&sslrootcert=${authority}`;
    expect(await said(named, {})).toContain(WANTS_TLS);
    expect(await said(named, { PGREQUIRESSL: '1' })).toContain(WANTS_TLS);
    // The environment’s own wins.
    expect(await said(named, { PGSSLROOTCERT: '/nowhere.pem' })).toContain('/nowhere.pem');

    trustInHome();
    expect(await said('postgres:///orders?sslmode=verify-full', {})).toContain(WANTS_TLS);
    expect(heard).not.toContain(HERE.PGPASSWORD);
  });
});

describe('a password of ~/.pgpass', () => {
  /** Without a host of the environment, so that the profile's counts. */
  const NO_HOST = { PGHOST: '', PGPORT: '', PGPASSWORD: '' };
  const keep = (lines: string): void => writeFileSync(join(home, '.pgpass'), lines, { mode: 0o600 });
  const sentTo = async (databaseUrl: string, more: Readonly<Record<string, string>> = {}) => {
    heard = [];
    const line = await said(databaseUrl, { ...NO_HOST, ...more });
    return { line, sent: heard.filter((one) => one !== 'a connection') };
  };

  it('for every host goes to no server that a profile names, and that of the host does', async () => {
    const profile = `postgres://127.0.0.1:${port}/orders`;
    keep('*:*:*:app:secret-of-every-host');
    const { line, sent } = await sentTo(profile);
    expect(sent).toEqual([]);
    expect(line).toMatch(
      /\.pgpass has only one for every host \("\*"\), which is not sent to a server that a profile names: give it a line with this host/,
    );
    // Also by several hosts, and as keywords.
    expect((await sentTo(`host=127.0.0.1,127.0.0.1 port=${port} dbname=orders`)).sent).toEqual([]);

    keep('*:*:*:app:secret-of-every-host\n127.0.0.1:*:*:app:secret-of-this-host\n');
    expect((await sentTo(profile)).sent).toEqual(['secret-of-this-host']);
  });

  it('for every host goes to the server that the environment names', async () => {
    keep('*:*:*:app:secret-of-every-host');
    const place = { PGHOST: '127.0.0.1', PGPORT: String(port) };
    expect((await sentTo('postgres://db.example:1/orders', place)).sent).toEqual(['secret-of-every-host']);
  });
});
