/**
 * Opens a session as libpq does: each host in turn, over TLS or in plain text as `sslmode` says, until one has the
 * `target_session_attrs` that are asked for.
 */

import type { Socket } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import { ConnectionLost, ConnectionRefused, OwnError, P2pfkError } from '../../contracts/errors.ts';
import { keepSecret } from '../../contracts/redact.ts';
import { isConnectionError, messageOf, sqlStateOf } from '../postgres-errors.ts';
import { watchChannelBinding } from './channel-binding.ts';
import { requireTrustedSocket } from './default-socket.ts';
import { type Host, type Parameters, resolveParameters } from './parameters.ts';
import { passwordFromFile } from './password-file.ts';
import { attributesMissing, weaker } from './session-attributes.ts';
import { transportsFor } from './tls.ts';
import { type Connected, openTransport, type Transport, type TransportOptions } from './transport.ts';

/** For whom a password is asked. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

export interface OpenOptions {
  readonly databaseUrl: string | undefined;
  readonly applicationName: string;
  readonly password: ((server: ServerAddress) => Promise<string>) | undefined;
  /** PEM; then the server has to prove its host name by these authorities, regardless of the settings. */
  readonly certificateAuthority: string | undefined;
  /** Of several hosts this one alone: the server of another session. */
  readonly only?: { readonly address: string; readonly port: number } | undefined;
  /** A new client that is not connected yet. */
  readonly create: (config: ClientConfig) => Client;
}

/** libpq waits for ever where nothing is set. Longer than a failover's TCP silence is not worth waiting for. */
const DEFAULT_CONNECT_TIMEOUT_S = 10;

/** The operating system's two hours are too long: a statement may be waited for that long on a connection that is gone. */
const DEFAULT_KEEPALIVE_S = 30;

/** SQLSTATE class of a refusal before the session begins: invalid authorization, such as no line in pg_hba.conf. */
const AUTHORIZATION = '28';
const CANNOT_CONNECT_NOW = '57P03';
const TIMEOUT = 'timeout expired';

/** Node's codes of a host that was never reached: another transport would not reach it either. */
const UNREACHED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES)$/;

/**
 * @throws InvalidInput where the parameters cannot be used
 * @throws Error of the driver, or ConnectionLost and ConnectionRefused, where no host gave a session
 */
export async function openSession(options: OpenOptions): Promise<Client> {
  const parameters = resolveParameters(options.databaseUrl);
  const wanted = parameters.settings.get('target_session_attrs') ?? 'any';
  const failures: unknown[] = [];
  // `prefer-standby` is two rounds: standbys first, then any server.
  for (const attributes of weaker(wanted)) {
    for (const host of parameters.hosts) {
      if (options.only && (host.address !== options.only.address || host.port !== options.only.port)) continue;
      try {
        const client = await openHost(host, parameters, options);
        const missing = await attributesMissing(client, attributes);
        if (missing === null) return client;
        await client.end();
        failures.push(new CombinedFailure(`${missing} (target_session_attrs=${wanted})`, new ConnectionLost(missing)));
      } catch (error) {
        if (!mayTryNext(error)) throw error;
        failures.push(error);
      }
    }
  }
  throw parameters.hosts.length === 1 ? failures.at(-1) : allFailed(parameters, failures);
}

/** Several tries failed, or one for a reason of ours: `main` decides which named error it becomes. */
export class CombinedFailure extends OwnError {
  readonly main: unknown;

  constructor(message: string, main: unknown) {
    super(message, { cause: main });
    this.main = main;
  }
}

function allFailed({ hosts }: Parameters, failures: readonly unknown[]): CombinedFailure {
  const lines = failures.map((failure, index) => {
    const host = hosts[index % hosts.length];
    return `${host?.host || host?.address}:${host?.port}: ${messageOf(failure)}`;
  });
  const lost = new ConnectionLost('none of the hosts can be used');
  return new CombinedFailure(`none of the hosts can be used: ${[...new Set(lines)].join('; ')}`, lost);
}

/** As in libpq: a host that is reached and refuses us ends the search, unless it is starting or shutting down. */
function mayTryNext(error: unknown): boolean {
  if (error instanceof P2pfkError) return false;
  return sqlStateOf(error) === CANNOT_CONNECT_NOW || isConnectionError(error);
}

async function openHost(host: Host, parameters: Parameters, options: OpenOptions): Promise<Client> {
  const { certificateAuthority } = options;
  const transports = transportsFor(
    host,
    parameters.settings,
    certificateAuthority === undefined ? undefined : { certificateAuthority },
  );
  if (host.byDefault) requireTrustedSocket(host.address, host.port);
  const failures: Failure[] = [];
  for (const transport of transports) {
    const timeoutMs = timeoutOf(parameters);
    let connected: Connected | undefined;
    try {
      connected = await openTransport(host, transport, transportOptions(parameters, timeoutMs));
      return await login(connected, host, parameters, options);
    } catch (error) {
      connected?.socket.destroy();
      const encrypted = connected?.encrypted ?? transport.tls !== null;
      failures.push({ error, encrypted });
      if (transport === transports.at(-1) || !mayTryOtherTransport(error, encrypted, transport)) break;
    }
  }
  throw mostTelling(failures);
}

interface Failure {
  readonly error: unknown;
  readonly encrypted: boolean;
}

/** A refusal over TLS may be one of TLS, and the other way round; what fails outside of TLS fails again. */
function mayTryOtherTransport(error: unknown, encrypted: boolean, transport: Transport): boolean {
  if (error instanceof P2pfkError || (transport.tls !== null && !encrypted)) return false;
  const state = sqlStateOf(error);
  if (state !== undefined) return state.startsWith(AUTHORIZATION);
  return encrypted && !UNREACHED.test(codeOf(error)) && messageOf(error) !== TIMEOUT;
}

function codeOf(error: unknown): string {
  return error instanceof Error ? String((error as NodeJS.ErrnoException).code ?? '') : '';
}

/** What PostgreSQL said over TLS comes first: in plain text it says at most that it does not take it. */
function mostTelling(failures: readonly Failure[]): unknown {
  const secure = failures.find(({ encrypted }) => encrypted)?.error;
  const plain = failures.find(({ encrypted }) => !encrypted)?.error;
  if (secure === undefined || plain === undefined) return secure ?? plain;
  if (messageOf(secure) === messageOf(plain)) return secure;
  const main = sqlStateOf(secure) === undefined ? plain : secure;
  return new CombinedFailure(`${messageOf(secure)}; without TLS: ${messageOf(plain)}`, main);
}

function timeoutOf({ settings }: Parameters): number {
  const seconds = Number(settings.get('connect_timeout') ?? 0);
  return (seconds > 0 ? seconds : DEFAULT_CONNECT_TIMEOUT_S) * 1_000;
}

function transportOptions({ settings }: Parameters, timeoutMs: number): TransportOptions {
  const idle = Number(settings.get('keepalives_idle') ?? DEFAULT_KEEPALIVE_S);
  const alive = Number(settings.get('keepalives') ?? 1) !== 0;
  return {
    timeoutMs,
    direct: settings.get('sslnegotiation') === 'direct',
    keepAliveIdleS: alive ? Math.max(idle, 0) : null,
  };
}

/** Hands the socket to node-postgres, which sends the start-up message as soon as it believes to be connected. */
async function login(
  { socket, encrypted }: Connected,
  host: Host,
  parameters: Parameters,
  options: OpenOptions,
): Promise<Client> {
  const { settings, user, database } = parameters;
  const bindChannel = settings.get('channel_binding') === 'require';
  const client = options.create({
    host: host.address,
    port: host.port,
    user,
    database,
    // Each of these is set although it is the default: otherwise node-postgres takes a variable of the environment.
    ssl: false,
    sslnegotiation: 'postgres',
    ...startOptions(settings),
    // A function in any case: otherwise node-postgres would look for a password itself, and print a warning.
    password: () => passwordFor(host, parameters, options),
    application_name: options.applicationName,
    connectionTimeoutMillis: timeoutOf(parameters),
    enableChannelBinding: bindChannel,
    stream: () => withoutConnect(socket),
  });
  const refusal = bindChannel ? watchChannelBinding(client, encrypted) : () => undefined;
  try {
    await client.connect();
    if (refusal()) throw refusal();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw refusal() ?? error;
  }
}

function withoutConnect(socket: Socket): Socket {
  const connect = (): Socket => {
    process.nextTick(() => socket.emit('connect'));
    return socket;
  };
  return Object.assign(socket, { connect });
}

/** A blank where there are explicitly none, for which node-postgres would take PGOPTIONS; poolers take neither. */
function startOptions(settings: Parameters['settings']): Pick<ClientConfig, 'options'> {
  const given = settings.get('options');
  return given === undefined ? {} : { options: given || ' ' };
}

/** Called only when the server asks for a password. */
async function passwordFor(host: Host, parameters: Parameters, options: OpenOptions): Promise<string> {
  const password = await findPassword(host, parameters, options);
  keepSecret(password);
  return password;
}

function findPassword(
  host: Host,
  { password, settings, user, database }: Parameters,
  { password: managed }: OpenOptions,
): string | Promise<string> {
  if (managed) return managed({ host: host.host || host.address, port: host.port, user });
  if (password !== undefined) return password;
  const name = host.host || host.address;
  const key = { host: name, port: host.port, database, user, hostOfFile: host.ofFile === true };
  const found = passwordFromFile(settings.get('passfile'), key);
  if (found.password) return found.password;
  throw new ConnectionRefused(
    `PostgreSQL at ${name}:${host.port} asks for a password, and there is none: PGPASSWORD is not set, and ${found.reason}`,
  );
}
