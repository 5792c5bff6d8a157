/** Servers of every kind, and the same connection settings given to psql and to p2pfk. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, expect } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { findBinaries, reachableBinaries, serverUser, temporaryRoot } from '../../../local/embedded/binaries.ts';
import { type EmbeddedPostgres, FAST, startEmbeddedPostgres } from '../../../local/embedded/embedded-postgres.ts';
import { waitUntil } from '../../support/observe.ts';

export const PASSWORD = "it's: a\\secret";

/** Roles of the server that has TLS, and by which way each of them is let in. */
const HBA = `
hostssl   all only_tls   all scram-sha-256
hostnossl all only_tls   all reject
hostnossl all only_plain all scram-sha-256
hostssl   all only_plain all reject
hostssl   all by_certificate all cert
hostssl   all binds      all scram-sha-256
host      all trusted    all trust
host      all app        all scram-sha-256
`;

/** With TLS by this certificate and key; who comes with a certificate has to have one of `clientAuthority`. */
export async function startTlsServer(server: ServerFiles, clientAuthority: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ settings: FAST });
  useCertificate(postgres, server);
  copyForServer(postgres, clientAuthority, 'root.crt');
  const rules = join(postgres.directory, 'data', 'pg_hba.conf');
  const before = readFileSync(rules, 'utf8');
  writeFileSync(rules, HBA);
  appendFileSync(rules, before);
  const admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  const roles = ['app', 'only_tls', 'only_plain', 'by_certificate', 'binds', 'trusted', 'reads'];
  for (const role of roles) await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD.replaceAll("'", "''")}'`);
  await admin.query('ALTER ROLE reads SET default_transaction_read_only = on');
  await admin.query("ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.query('SELECT pg_reload_conf()');
  await admin.end();
  return postgres;
}

export interface ServerFiles {
  readonly certificate: string;
  readonly key: string;
}

/** From the next reload on. */
export function useCertificate(postgres: EmbeddedPostgres, { certificate, key }: ServerFiles): void {
  copyForServer(postgres, certificate, 'server.crt');
  copyForServer(postgres, key, 'server.key');
}

function copyForServer(postgres: EmbeddedPostgres, source: string, name: string): void {
  const data = join(postgres.directory, 'data');
  const { uid, gid } = statSync(data);
  const file = join(data, name);
  copyFileSync(source, file);
  chmodSync(file, 0o600);
  if (process.getuid?.() === 0) chownSync(file, uid, gid);
}

export interface Standby {
  readonly port: number;
  stop(): Promise<void>;
}

/** A standby that waits for a primary for ever, and answers reading queries meanwhile. Everybody may come in. */
export async function startStandby(): Promise<Standby> {
  const user = serverUser();
  const directory = mkdtempSync(join(temporaryRoot(user), 'p2pfk-standby-'));
  if (user !== null) chownSync(directory, user.uid, user.gid);
  const { initdb, postgres } = reachableBinaries(findBinaries(), user, directory);
  const data = join(directory, 'data');
  const as = { cwd: directory, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...user };
  execFileSync(initdb, ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--locale=C'], {
    ...as,
    stdio: 'pipe',
  });
  writeFileSync(join(data, 'standby.signal'), '');
  if (user !== null) chownSync(join(data, 'standby.signal'), user.uid, user.gid);
  const port = await freePort();
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', `port=${port}`];
  const server = spawn(postgres, ['-D', data, ...settings], { ...as, stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    if (server.exitCode === null) {
      server.kill('SIGQUIT');
      await gone;
    }
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const answers = async (): Promise<boolean> => {
      const client = new Client({ host: '127.0.0.1', port, user: 'postgres' });
      const answered = await client.connect().then(
        () => true,
        () => false,
      );
      await client.end();
      return answered;
    };
    await waitUntil(answers, 'the standby to answer', 30_000);
    return { port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** `tls`, `plain` or `refused`, and where it led to. */
export interface Outcome {
  readonly outcome: string;
  /** Of who was refused. */
  readonly message: string;
}

const QUESTION = `SELECT concat_ws(' ', CASE WHEN ssl THEN 'tls' ELSE 'plain' END, current_user, inet_server_port())
  FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;

/** Environment of a connection: these variables, this home, and nothing else of libpq's. */
export type Variables = Readonly<Record<string, string>>;

export function psql(connection: string, variables: Variables): Promise<Outcome> {
  const env = { PATH: process.env.PATH, PGCONNECT_TIMEOUT: '5', ...variables };
  return new Promise((resolve) => {
    execFile('psql', ['-X', '-w', '-At', '-d', connection, '-c', QUESTION], { env }, (error, stdout, stderr) => {
      resolve(error ? { outcome: 'refused', message: stderr } : { outcome: stdout.trim(), message: '' });
    });
  });
}

export async function p2pfk(connection: string, variables: Variables): Promise<Outcome> {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('PG')) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    const client = await connect({ databaseUrl: connection, applicationName: 'p2pfk/-/test' });
    const { rows } = await client.query<{ concat_ws: string }>(QUESTION);
    await client.end();
    return { outcome: rows[0]?.concat_ws ?? '', message: '' };
  } catch (error) {
    return { outcome: 'refused', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

/** A folder without anything of libpq's; a case may bring another HOME. */
export const NO_HOME = mkdtempSync(join(tmpdir(), 'p2pfk-home-'));
afterAll(() => rmSync(NO_HOME, { recursive: true, force: true }));

export type Case = readonly [connection: string, variables?: Variables];

/** Asks psql and p2pfk; their answers have to be the same. Returns those of p2pfk. */
export async function sameForAll(cases: readonly Case[]): Promise<Outcome[]> {
  const all = cases.map(([connection, variables]) => [connection, { HOME: NO_HOME, ...variables }] as const);
  // Side by side; p2pfk one after the other, because all of them share this process's environment.
  const expected = Promise.all(all.map(([connection, variables]) => psql(connection, variables)));
  const actual: Outcome[] = [];
  for (const [connection, variables] of all) actual.push(await p2pfk(connection, variables));
  for (const [index, { outcome }] of (await expected).entries()) {
    expect({ settings: all[index], ...actual[index] }).toMatchObject({ outcome });
    expect(actual[index]?.message).not.toContain(PASSWORD);
  }
  return actual;
}

export async function same(...asked: Case): Promise<Outcome> {
  const [outcome] = await sameForAll([asked]);
  if (!outcome) throw new Error('nothing was asked');
  return outcome;
}

/** `client.pem` and `client.key` of `user`, and `open.key`, which others can read; signed by the authority "ours" of that folder. */
export function makeClientCertificate(folder: string, user: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', ...elliptic, '-keyout', 'client.key', '-out', 'client.csr', '-subj', `/CN=${user}`);
  const authority = ['-CA', 'ours-ca.pem', '-CAkey', 'ours-ca.key', '-CAcreateserial'];
  openssl('x509', '-req', '-in', 'client.csr', ...authority, '-days', '2', '-out', 'client.pem');
  chmodSync(join(folder, 'client.key'), 0o600);
  copyFileSync(join(folder, 'client.key'), join(folder, 'open.key'));
  chmodSync(join(folder, 'open.key'), 0o644);
}

/** Revocation lists of the authority "ours" of that folder: one that is empty, and one with its server certificate. */
export function makeRevocationLists(folder: string): { readonly empty: string; readonly full: string } {
  const settings = ['database=revoked.txt', 'certificate=ours-ca.pem', 'private_key=ours-ca.key', 'default_md=sha256'];
  writeFileSync(join(folder, 'ca.cnf'), `[ca]\ndefault_ca=d\n[d]\n${settings.join('\n')}\ndefault_crl_days=2\n`);
  writeFileSync(join(folder, 'revoked.txt'), '');
  const ca = (...args: string[]) =>
    execFileSync('openssl', ['ca', '-config', 'ca.cnf', ...args], { cwd: folder, stdio: 'pipe' });
  ca('-gencrl', '-out', 'empty.crl');
  ca('-revoke', 'ours-server.pem');
  ca('-gencrl', '-out', 'full.crl');
  return { empty: join(folder, 'empty.crl'), full: join(folder, 'full.crl') };
}

/** Somebody between us and the server, who answers the request for TLS with these bytes, and hears what comes after. */
export async function interloper(
  answer: string,
): Promise<{ readonly port: number; readonly heard: () => string; close(): void }> {
  let heard = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(answer);
      socket.on('data', (data) => {
        heard += data.toString('latin1');
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, heard: () => heard, close: () => void server.close() };
}
