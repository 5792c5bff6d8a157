/** Connections: p2pfk and psql take the same settings, and are let in or refused by the same servers. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import type { EmbeddedPostgres } from '../../../local/embedded/embedded-postgres.ts';
import { type Authority, makeAuthority } from '../../lambdas/tls.helpers.ts';
import { waitUntil } from '../../support/observe.ts';
import {
  type Case,
  freePort,
  interloper,
  makeClientCertificate,
  makeRevocationLists,
  NO_HOME,
  PASSWORD,
  p2pfk,
  type Standby,
  same,
  sameForAll,
  startStandby,
  startTlsServer,
  useCertificate,
} from './libpq.helpers.ts';

let folder: string;
let ours: Authority;
let stranger: Authority;
let tls: EmbeddedPostgres;
let standby: Standby;
let downPort: number;

const warnings: string[] = [];
const onWarning = ({ message }: Error): void => void warnings.push(message);

beforeAll(async () => {
  process.on('warning', onWarning);
  folder = mkdtempSync(join(tmpdir(), 'p2pfk-libpq-'));
  ours = makeAuthority(folder, 'ours');
  stranger = makeAuthority(folder, 'stranger');
  makeClientCertificate(folder, 'by_certificate');
  [tls, standby, downPort] = await Promise.all([
    startTlsServer(ours.server, ours.certificate),
    startStandby(),
    freePort(),
  ]);
});

afterAll(async () => {
  process.off('warning', onWarning);
  await tls?.stop();
  await standby?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const MODES = ['', 'disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Server kind -> `user@port`; `none` has no TLS at all. */
function kinds(): Record<string, { readonly user: string; readonly port: string; readonly password: string }> {
  const { port, password } = new URL(inject('serverUrl'));
  const own = { port: String(tls.port), password: PASSWORD };
  return {
    both: { user: 'app', ...own },
    only_tls: { user: 'only_tls', ...own },
    only_plain: { user: 'only_plain', ...own },
    none: { user: 'postgres', port, password: decodeURIComponent(password) },
  };
}

describe('every sslmode with every kind of server', () => {
  it.each(MODES)('sslmode=%s is let in, or refused, as psql is', async (mode) => {
    const cases: Case[] = [];
    const roots = [
      ['localhost', ''],
      ['localhost', ours.certificate],
      ['127.0.0.1', ours.certificate],
      ['localhost', stranger.certificate],
    ] as const;
    for (const [kind, { user, port, password }] of Object.entries(kinds())) {
      const withTls = kind === 'both' || kind === 'only_tls';
      for (const [host, root] of roots.slice(0, mode === '' ? 1 : withTls ? 4 : 2)) {
        const variables = {
          PGPASSWORD: password,
          ...(mode ? { PGSSLMODE: mode } : {}),
          ...(root ? { PGSSLROOTCERT: root } : {}),
        };
        cases.push([`host=${host} port=${port} user=${user} dbname=postgres`, variables]);
      }
    }
    await sameForAll(cases);
  });
});

/** `user@localhost` of the server with TLS, as a URI. */
const uri = (user: string, query = '', host = 'localhost'): string =>
  `postgres://${user}@${host}:${tls.port}/postgres${query}`;

const WITH_PASSWORD = { PGPASSWORD: PASSWORD };

describe('certificates', () => {
  it('that are self-signed are their own authority, and no other is', async () => {
    const make = (name: string, subject: string): { certificate: string; key: string } => {
      const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
      const request = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      const names = ['-subj', `/CN=${subject}`];
      execFileSync('openssl', ['req', ...request, '-keyout', key, '-out', certificate, ...names], { stdio: 'pipe' });
      return { certificate, key };
    };
    const [alone, byAddress] = [make('alone', 'localhost'), make('address', '127.0.0.1')];
    try {
      await serve(alone);
      for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full']) {
        for (const root of [alone.certificate, ours.certificate]) {
          await same(uri('app', `?sslmode=${mode}&sslrootcert=${root}`), WITH_PASSWORD);
        }
      }
      await serve(byAddress);
      // A common name that is an address counts where there is nothing better.
      await same(uri('app', `?sslmode=verify-full&sslrootcert=${byAddress.certificate}`, '127.0.0.1'), WITH_PASSWORD);
      await same(uri('app', `?sslmode=verify-full&sslrootcert=${byAddress.certificate}`), WITH_PASSWORD);
    } finally {
      await serve(ours.server);
    }
  });

  it('of a client are sent, and a key that others can read is refused', async () => {
    const files = (key: string): string => `sslcert=${join(folder, 'client.pem')}&sslkey=${join(folder, key)}`;
    expect((await same(uri('by_certificate', `?${files('client.key')}`))).outcome).toMatch(/^tls by_certificate/);
    await same(uri('by_certificate'));
    await same(uri('by_certificate', `?${files('open.key')}&sslmode=require`));
    await same(uri('by_certificate'), {
      PGSSLMODE: 'require',
      PGSSLCERT: join(folder, 'client.pem'),
      PGSSLKEY: join(folder, 'client.key'),
    });
  });

  it('in ~/.postgresql are used where none is named', async () => {
    const own = join(folder, 'with-files');
    mkdirSync(join(own, '.postgresql'), { recursive: true });
    const place = (name: string, source: string, mode: number): void => {
      const file = join(own, '.postgresql', name);
      copyFileSync(source, file);
      chmodSync(file, mode);
    };
    place('root.crt', ours.certificate, 0o644);
    place('postgresql.crt', join(folder, 'client.pem'), 0o644);
    place('postgresql.key', join(folder, 'client.key'), 0o600);
    const variables = { HOME: own };
    expect((await same(uri('by_certificate', '?sslmode=verify-full'), variables)).outcome).toMatch(/^tls/);
    place('root.crt', stranger.certificate, 0o644);
    expect((await same(uri('by_certificate', '?sslmode=require'), variables)).outcome).toBe('refused');
  });

  it('of public authorities are those of the operating system, and the host name has to match', async () => {
    const system = { HOME: NO_HOME, PGSSLROOTCERT: 'system', SSL_CERT_FILE: ours.certificate, ...WITH_PASSWORD };
    expect((await p2pfk(uri('app'), system)).outcome).toMatch(/^tls/);
    expect((await p2pfk(uri('app', '', '127.0.0.1'), system)).message).toMatch(/^ConnectionRefused: .*does not match/);
    expect((await p2pfk(uri('app', '?sslmode=verify-ca'), system)).message).toMatch(/^InvalidInput: .*verify-full/);
  });

  it('that are revoked are refused', async () => {
    const { empty, full } = makeRevocationLists(folder);
    const verify = `?sslmode=verify-full&sslrootcert=${ours.certificate}`;
    expect((await same(uri('app', `${verify}&sslcrl=${empty}`), WITH_PASSWORD)).outcome).toMatch(/^tls/);
    expect((await same(uri('app', `${verify}&sslcrl=${full}`), WITH_PASSWORD)).outcome).toBe('refused');
    await same(uri('app', verify), { ...WITH_PASSWORD, PGSSLCRL: full });
  });

  it('that are named and not there are refused, although psql goes on without them', async () => {
    const missing = join(folder, 'missing.pem');
    for (const query of [`sslrootcert=${missing}`, `sslcert=${missing}`, `sslrootcert=${ours.server.key}`]) {
      const { message } = await p2pfk(uri('app', `?sslmode=require&${query}`), { HOME: NO_HOME, ...WITH_PASSWORD });
      expect(message).toMatch(/^InvalidInput: the (root|client) certificate .*(cannot be read|not in PEM format)$/);
    }
  });
});

/** Waits until a new session sees the certificate: a reload takes its time. */
async function serve(server: { readonly certificate: string; readonly key: string }): Promise<void> {
  useCertificate(tls, server);
  const admin = new Client({ connectionString: tls.url });
  await admin.connect();
  await admin.query('SELECT pg_reload_conf()');
  await admin.end();
  const settings = uri(
    'app',
    `?sslmode=verify-ca&sslrootcert=${server === ours.server ? ours.certificate : server.certificate}`,
  );
  const seen = async (): Promise<boolean> =>
    (await p2pfk(settings, { HOME: NO_HOME, ...WITH_PASSWORD })).outcome.startsWith('tls');
  await waitUntil(seen, 'the new certificate');
}

it.each([
  ['has no TLS', 'N', /^ConnectionRefused: .*the server does not support SSL, but SSL was required/],
  ['has put something before the encryption', 'SE', /^ConnectionRefused: .*no valid answer to the request for SSL/],
])('with sslmode=require nothing is sent to somebody in between who %s', async (_, answer, message) => {
  const between = await interloper(answer);
  onTestFinished(() => between.close());
  const connection = `host=127.0.0.1 port=${between.port} user=app sslmode=require`;
  expect((await p2pfk(connection, { HOME: NO_HOME, ...WITH_PASSWORD })).message).toMatch(message);
  expect(between.heard()).toBe('');
});

describe('addresses', () => {
  it('of hostaddr are connected to, while the certificate is checked against host', async () => {
    const verify = `sslmode=verify-full sslrootcert=${ours.certificate} port=${tls.port} user=app dbname=postgres`;
    expect((await same(`host=localhost hostaddr=127.0.0.1 ${verify}`, WITH_PASSWORD)).outcome).toMatch(/^tls/);
    await same(`host=elsewhere.invalid hostaddr=127.0.0.1 ${verify}`, WITH_PASSWORD);
    await same(`hostaddr=127.0.0.1 ${verify}`, WITH_PASSWORD);
    await same(`host=localhost ${verify}`, { ...WITH_PASSWORD, PGHOSTADDR: '127.0.0.1' });
    // As psql 17 has it; the server of the tests is one.
    const direct = await p2pfk(`host=localhost sslnegotiation=direct ${verify}`, { HOME: NO_HOME, ...WITH_PASSWORD });
    expect(direct.outcome).toMatch(/^tls/);
  });

  it('of several servers are tried in turn, until one has the target_session_attrs', async () => {
    const list = (...ports: number[]): string =>
      `host=${ports.map(() => 'localhost').join(',')} port=${ports.join(',')} dbname=postgres`;
    const user = 'user=postgres';
    const password = { PGPASSWORD: decodeURIComponent(new URL(tls.url).password) };
    const attributes = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'];
    await sameForAll([
      ...attributes.flatMap((each): Case[] => [
        [`${list(downPort, standby.port, tls.port)} ${user} target_session_attrs=${each}`, password],
        [`${list(tls.port, standby.port)} ${user}`, { ...password, PGTARGETSESSIONATTRS: each }],
      ]),
      [`${list(tls.port)} user=reads target_session_attrs=read-write`, WITH_PASSWORD],
      [`${list(tls.port)} user=reads target_session_attrs=primary`, WITH_PASSWORD],
      [`postgres://reads@localhost:${downPort},localhost:${tls.port}/postgres`, WITH_PASSWORD],
      [`host=localhost,localhost port=${tls.port} user=app dbname=postgres`, WITH_PASSWORD],
      // A server that is reached and refuses the password ends the search.
      [`${list(tls.port, standby.port)} ${user}`, { PGPASSWORD: 'wrong' }],
    ]);
    const { message } = await same(`${list(downPort, standby.port)} ${user} target_session_attrs=primary`);
    expect(message).toMatch(/^ConnectionLost: .*ECONNREFUSED.*server is in hot standby mode/);
  });
});

describe('passwords', () => {
  const escaped = PASSWORD.replace(/[:\\]/g, '\\$&');

  it.each([
    ['for everybody', () => `*:*:*:*:${escaped}\n`, 0o600],
    [
      'for this role, after a comment and another host',
      () => `# x\nother:*:*:*:wrong\nlocalhost:${tls.port}:postgres:app:${escaped}\n`,
      0o600,
    ],
    ['for others only', () => `localhost:${tls.port}:postgres:only_tls:${escaped}\n`, 0o600],
    ['in a file that its group can read', () => `*:*:*:*:${escaped}\n`, 0o640],
  ])('of a password file: %s', async (_, text, mode) => {
    const file = join(folder, 'passwords');
    rmSync(file, { force: true });
    writeFileSync(file, text());
    chmodSync(file, mode);
    await same(uri('app'), { PGPASSFILE: file });
    await same(`${uri('app')}?passfile=${file}`);
    copyFileSync(file, join(NO_HOME, '.pgpass'));
    chmodSync(join(NO_HOME, '.pgpass'), mode);
    await same(uri('app'));
    rmSync(join(NO_HOME, '.pgpass'));
  });

  it('of PGPASSWORD come before those of a file, and none at all is one clear line', async () => {
    const file = join(folder, 'wrong');
    writeFileSync(file, '*:*:*:*:wrong\n', { mode: 0o600 });
    await same(uri('app'), { PGPASSFILE: file, PGPASSWORD: PASSWORD });
    await same(uri('trusted'), { PGPASSFILE: file });
    const { message } = await same(uri('app'));
    expect(message).toMatch(/asks for a password, and there is none: PGPASSWORD is not set, and there is no readable/);
  });

  it('with channel_binding=require are sent only over TLS and by SCRAM', async () => {
    for (const user of ['binds', 'trusted', 'only_plain', 'by_certificate']) {
      await same(uri(user, '?channel_binding=require'), WITH_PASSWORD);
      await same(uri(user, '?channel_binding=disable'), WITH_PASSWORD);
    }
    expect((await p2pfk(uri('trusted', '?channel_binding=require'), { HOME: NO_HOME })).message).toMatch(
      /^ConnectionRefused: channel_binding=require/,
    );
  });
});

describe('services', () => {
  const write = (file: string): void => {
    const lines = [`host=localhost`, `port=${tls.port}`, 'user=app', 'dbname=postgres', `password=${PASSWORD}`];
    writeFileSync(
      file,
      `# ours\n[other]\nhost=nowhere.invalid\n\n[orders]\n${lines.join('\n')}\nsslmode=require\n[broken]\nhots=x\n`,
    );
  };

  it('come from PGSERVICEFILE, the home or the system, and give way to the connection string alone', async () => {
    const [file, machine] = [join(folder, 'services'), join(folder, 'machine')];
    write(file);
    mkdirSync(machine);
    write(join(machine, 'pg_service.conf'));
    const given = { PGSERVICEFILE: file };
    expect((await same('service=orders', given)).outcome).toMatch(/^tls app/);
    await same('service=orders sslmode=disable', given);
    await same('postgres:///?service=orders', given);
    await same('user=only_tls', { ...given, PGSERVICE: 'orders', PGUSER: 'only_plain' });
    await same('service=orders', { ...given, PGUSER: 'only_plain', PGSSLMODE: 'disable' });
    await same('service=orders', { PGSYSCONFDIR: machine });
    await same('service=orders', { PGSERVICEFILE: join(folder, 'missing') });
    copyFileSync(file, join(NO_HOME, '.pg_service.conf'));
    await same('service=orders');
    rmSync(join(NO_HOME, '.pg_service.conf'));
    for (const name of ['broken', 'order']) expect((await same(`service=${name}`, given)).outcome).toBe('refused');
  });
});

it('PGOPTIONS reaches the session, and weakens none of our settings; PGAPPNAME is not our name', async () => {
  const options = '-c search_path=app -c default_transaction_read_only=on -c statement_timeout=60s -c work_mem=5MB';
  const names = ['default_transaction_read_only', 'statement_timeout', 'search_path', 'application_name', 'work_mem'];
  const before = { ...process.env };
  Object.assign(process.env, { PGOPTIONS: options, PGAPPNAME: 'theirs', PGPASSWORD: PASSWORD });
  const client = await connect({ databaseUrl: uri('app'), applicationName: 'p2pfk/-/test' }).finally(() => {
    for (const name of ['PGOPTIONS', 'PGAPPNAME', 'PGPASSWORD']) delete process.env[name];
    Object.assign(process.env, before);
  });
  const { rows } = await client.query('SELECT name, current_setting(name) AS value FROM unnest($1::text[]) name', [
    names,
  ]);
  await client.end();
  expect(rows.map(({ value }) => value)).toEqual(['off', '0', 'pg_catalog, pg_temp', 'p2pfk/-/test', '5MB']);
});

it('an authority of the caller counts alone, with the host name, whatever the settings say', async () => {
  const open = (host: string, certificateAuthority: string) =>
    connect({
      databaseUrl: `postgres://app@${host}:${tls.port}/postgres?sslmode=disable`,
      applicationName: 'p2pfk/-/test',
      password: () => Promise.resolve(PASSWORD),
      certificateAuthority,
    });
  const [right, wrong] = [ours.certificate, stranger.certificate].map((file) => readFileSync(file, 'utf8'));
  await (await open('localhost', right ?? '')).end();
  await expect(open('127.0.0.1', right ?? '')).rejects.toMatchObject({ name: 'ConnectionRefused' });
  await expect(open('localhost', wrong ?? '')).rejects.toMatchObject({ name: 'ConnectionRefused' });
});

it('no library has printed a warning in any of these connections', () => {
  expect(warnings).toEqual([]);
});
