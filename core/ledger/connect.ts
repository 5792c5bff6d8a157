/**
 * Sessions: one `Client` for each piece of work, never a pool. Sessions hold locks and settings, so each has one owner, who ends
 * it.
 */
import { channel } from 'node:diagnostics_channel';
import { Client } from 'pg';
import { ConnectionLost, ConnectionRefused, P2pfkError } from '../contracts/errors.ts';
import { redact } from '../contracts/redact.ts';
import { NoSocket } from '../postgres/libpq/default-socket.ts';
import { SESSION_OPENED } from '../postgres/libpq/keywords.ts';
import { CombinedFailure, openSession, type ServerAddress } from '../postgres/libpq/open.ts';
import { resolveParameters } from '../postgres/libpq/parameters.ts';
import { readerConnectionString, readerUrls } from '../postgres/libpq/reader-url.ts';
import { isConnectionError, isTrouble, messageOf, sqlStateOf } from '../postgres/postgres-errors.ts';
import { backendOf, PooledSession, refuseTransactionPooler, usesSessionPooler } from '../postgres/session/pooler.ts';
import { endpointOfUrl, noteEndpoint } from '../postgres/session/session-endpoint.ts';
import { endStandbyWait, stillWorks } from '../postgres/session/session-look.ts';
import { pinSettings } from '../postgres/session/session-settings.ts';
import { rollBack } from '../postgres/session/transactions.ts';
import { expectAnswersWithin, watchAnswers } from '../postgres/session/unanswered.ts';
import { becomeLedgerOwner, checkLedger, checkLedgerAtBeginning, LEDGER_OWNER } from './schema/state.ts';

/** How to open a session. */
export interface ConnectOptions {
  /**
   * `postgres://user@host:port/database` or `host=... dbname=...`, as psql accepts it. What is missing is taken from a service
   * (PGSERVICE), from libpq's variables (PGHOST, PGSSLMODE, ...) and from libpq's defaults, in this order.
   */
  readonly databaseUrl?: string | undefined;
  /**
   * Shown in pg_stat_activity. It names the migration, so that a DBA can see what the session belongs to. PostgreSQL cuts it to
   * 63 bytes.
   */
  readonly applicationName: string;
  /** Returns the password of this session; used instead of the URL, PGPASSWORD and the password file. */
  readonly password?: (server: ServerAddress) => Promise<string>;
  /** PEM. The server has to prove its host name by one of these authorities; no others are trusted, with any sslmode. */
  readonly certificateAuthority?: string;
  /** The session's lock_timeout in milliseconds; statements that take strong locks set their own. */
  readonly lockTimeoutMs?: number;
  /** The caller's search_path, as PostgreSQL writes it; default: the session's own. */
  readonly searchPath?: string | undefined;
  /**
   * Milliseconds after which it is checked whether the server still works on a statement that has no answer, and then repeatedly;
   * default 30 s.
   */
  readonly lookAfterMs?: number;
  /** The role that owns the ledger, as `--ledger-owner`; default: P2PFK_LEDGER_OWNER, if it is set. */
  readonly ledgerOwner?: string | undefined;
}

/** How to open a session that only reads. */
export interface ReadOnlyOptions extends ConnectOptions {
  /**
   * Read everything as of one moment. Only for work of at most some seconds, because VACUUM cannot remove what that moment still
   * saw.
   */
  readonly snapshot?: boolean;
}

const DEFAULT_LOCK_TIMEOUT_MS = 5_000;

const sessionOpened = channel(SESSION_OPENED);

/** The error of a connection that was lost between two statements; the next statement does not get it. */
const losses = new WeakMap<Client, unknown>();

/** Sessions of {@link connectReadOnly}: everything that they do is in one transaction. */
const readers = new WeakMap<Client, ReadOnlyOptions>();

/** The options of each session, with which its readers are opened, too. */
const origins = new WeakMap<Client, ConnectOptions>();

/** SQLSTATE with which the server ended a session, for example 25P03; undefined while it lives, or where the server gave none. */
export function sqlStateOfLoss(client: Client): string | undefined {
  return sqlStateOf(losses.get(client));
}

/** Whether the session is gone. */
export function isLost(client: Client): boolean {
  return losses.has(client);
}

/** The first reason that is told has the SQLSTATE; what follows says only that the connection has ended. */
function noteLoss(client: Client, error: unknown): void {
  if (sqlStateOfLoss(client) === undefined) losses.set(client, error);
}

/**
 * Opens a session with the settings of `sql/session.sql`. The caller ends it.
 *
 * @throws InvalidInput when the URL cannot be read, or there is a pooler in between that does not keep sessions
 * @throws SettingRefused when the database or the role has a setting that our queries cannot work with, and this role may not
 *   change it
 * @throws LedgerNotTrusted, LedgerVersionRefused when this database has a ledger that must not be used
 * @throws ConnectionRefused when the server refuses this user, password or database
 * @throws ConnectionLost when no server can be reached
 */
export function connect(options: ConnectOptions): Promise<Client> {
  return open(options, async (client) => {
    await refusePooler(client, options);
    await pin(client, options, false);
    await checkLedgerAtBeginning(client);
  });
}

/**
 * Opens a session for a command that only reads: one READ ONLY transaction until the session ends, whose settings end with it. It
 * can write nothing and leaves nothing behind, even through a pooler.
 *
 * READ COMMITTED, because a snapshot that is as old as a long count would hold VACUUM back in the whole database. Locks last
 * until the end of the transaction; {@link contained} releases them earlier.
 *
 * @throws as {@link connect}
 */
export async function connectReadOnly(options: ReadOnlyOptions): Promise<Client> {
  const client = await open(options, async (opened) => {
    // Begun first, because on a standby a role whose default is SERIALIZABLE can run nothing outside such a transaction.
    await opened.query(beginOf(options));
    await refusePooler(opened, options);
    await pin(opened, options, true);
    await checkLedger(opened);
  });
  readers.set(client, options);
  return client;
}

/** The readers of a session on the primary (see core/checks/readers.ts), with complete URLs, which may contain passwords. */
export function readersOf(primary: Client): { readonly url: string; readonly name: string }[] {
  return readerUrls().map((given) => {
    const url = readerConnectionString(given, origins.get(primary)?.databaseUrl);
    return { url, name: endpointOfUrl(url) };
  });
}

/**
 * Opens a session on a reader, with the credentials of the session on the primary and the settings of `sql/session.sql`. The
 * caller ends it.
 *
 * @param answerMs time limit of a question to it
 * @throws as {@link connect}
 */
export function openReader(primary: Client, url: string, answerMs: number): Promise<Client> {
  const { searchPath: _path, ...options } = origins.get(primary) ?? { applicationName: 'p2pfk' };
  const reader = { ...options, databaseUrl: url };
  return open(reader, async (client) => {
    await refusePooler(client, reader);
    await pinSettings(client, {
      lockTimeoutMs: answerMs,
      searchPath: '',
      local: false,
      expectedRole: ownerOf(options),
    });
    await client.query("SELECT set_config('statement_timeout', $1, false)", [String(answerMs)]);
    expectAnswersWithin(client, answerMs);
  });
}

async function open(options: ConnectOptions, prepare: (client: Client) => Promise<void>): Promise<Client> {
  const target = describeTarget(options.databaseUrl);
  let client: Client;
  try {
    client = await openSession({
      databaseUrl: options.databaseUrl,
      applicationName: options.applicationName,
      password: options.password,
      certificateAuthority: options.certificateAuthority,
      create: (config) => {
        const created = usesSessionPooler() ? new PooledSession(config) : new Client(config);
        // Without a listener, a connection that is lost while idle would end the process.
        created.on('error', (error) => noteLoss(created, error));
        return created;
      },
    });
  } catch (error) {
    throw connectionError(error, target);
  }
  noteEndpoint(client, options.databaseUrl);
  origins.set(client, options);
  try {
    await prepare(client);
    const pid = await backendOf(client);
    watchAnswers(client, () => stillWorks(client, pid, options), {
      lookMs: options.lookAfterMs,
      // Where a statement was on its way when the server ended the session, the statement is told why, and nothing else is.
      failed: (error) => {
        if (isConnectionError(error)) noteLoss(client, error);
      },
    });
    sessionOpened.publish(undefined);
    return client;
  } catch (error) {
    if (client.getTransactionStatus() === 'T') await rollBack(client);
    await client.end().catch(() => undefined);
    throw connectionError(error, target);
  }
}

/** Called before the first SET, which a pooler would pass on to another client's session. */
async function refusePooler(client: Client, { databaseUrl }: ConnectOptions): Promise<void> {
  if (!usesSessionPooler()) await refuseTransactionPooler(client, describeTarget(databaseUrl));
}

/** Pins the settings of a session of {@link connect} again, and its role, as at its beginning: local/sessions/again.ts. */
export function pinAgain(client: Client): Promise<void> {
  return pin(client, origins.get(client) ?? { applicationName: 'p2pfk' }, false);
}

async function pin(client: Client, options: ConnectOptions, local: boolean): Promise<void> {
  const { lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS, searchPath = '' } = options;
  await pinSettings(client, { lockTimeoutMs, searchPath, local, expectedRole: ownerOf(options) });
  await becomeLedgerOwner(client, options.ledgerOwner, local);
}

function ownerOf({ ledgerOwner = process.env[LEDGER_OWNER] }: Pick<ConnectOptions, 'ledgerOwner'>): string | undefined {
  return ledgerOwner;
}

async function beginReading(client: Client, options: ReadOnlyOptions): Promise<void> {
  await client.query(beginOf(options));
  await pin(client, options, true);
}

function beginOf({ snapshot = false }: ReadOnlyOptions): string {
  return `BEGIN ISOLATION LEVEL ${snapshot ? 'REPEATABLE READ' : 'READ COMMITTED'}, READ ONLY`;
}

/** {@link endStandbyWait} for a session that {@link connect} has opened. */
export async function endStandbyWaitOf(client: Client, pid: number): Promise<boolean> {
  return endStandbyWait(client, pid, origins.get(client) ?? {});
}

/**
 * Runs `work` in one short transaction that may write and is always rolled back, also in a session that only reads.
 *
 * @example
 * await rolledBack(client, () => probeDelete(client, pairs, 5_000));
 */
export async function rolledBack<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  const reader = readers.get(client);
  if (reader) await client.query('ROLLBACK');
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE');
    if (reader) await pin(client, reader, true);
    return await work();
  } finally {
    await rollBack(client);
    if (reader) await beginReading(client, reader).catch(() => undefined);
  }
}

/**
 * Reads everything as of one moment: in the transaction of a session that was opened for that, otherwise in a transaction of its
 * own.
 */
export async function inSnapshot<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  if (readers.get(client)?.snapshot) return work();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  try {
    return await work();
  } finally {
    await rollBack(client);
  }
}

function connectionError(thrown: unknown, target: string): P2pfkError {
  if (thrown instanceof P2pfkError) return thrown;
  const error = thrown instanceof CombinedFailure ? thrown.main : thrown;
  const sqlState = sqlStateOf(error);
  const context = sqlState ? { sqlState } : {};
  const options = { cause: thrown };
  // The message says what is missing; where it was looked for would hide it.
  if (error instanceof NoSocket) return new ConnectionLost(error.message, context, options);
  if (isConnectionError(error)) {
    const advice = thrown === error ? '; is the server running, and are host and port right?' : '';
    const message = `cannot connect to PostgreSQL at ${target}: ${messageOf(thrown)}${advice}`;
    return new ConnectionLost(message, context, options);
  }
  if (sqlState === '57014' || sqlState === '55P03') {
    // The statement of sql/session.sql was cancelled, or waited for a lock on a catalog that only a superuser can take. No work
    // has begun, so it is retried like a lost connection.
    const message = `the new session at ${target} was cancelled before it could do anything: ${messageOf(error)}`;
    return new ConnectionLost(message, context, options);
  }
  if (sqlState !== undefined && isTrouble(sqlState)) {
    // For example a full disk, so that the server cannot write what a new session needs. It is temporary, like an outage.
    const message = `PostgreSQL at ${target} cannot open a session: ${messageOf(thrown)}`;
    return new ConnectionLost(message, context, options);
  }
  const verb = sqlState
    ? `PostgreSQL at ${target} refuses the connection`
    : `cannot connect to PostgreSQL at ${target}`;
  return new ConnectionRefused(`${verb}: ${messageOf(thrown)}`, context, options);
}

/** Where a session leads, without secrets: `host:port/database`, or `host:port,host:port/database`. */
export function describeTarget(databaseUrl?: string): string {
  const { hosts, database } = resolveParameters(databaseUrl);
  return `${hosts.map(({ host, address, port }) => `${host || address}:${port}`).join(',')}/${redact(database)}`;
}
