/** One `Client` per piece of work, never a pool: sessions hold locks and settings, so each has one owner and one end. */
import { Client, type ClientConfig } from 'pg';
import { parse } from 'pg-connection-string';
import { ConnectionLost, ConnectionRefused, InvalidInput } from './errors.ts';
import { isConnectionError, messageOf, sqlStateOf, toNamedError } from './postgres-errors.ts';
import { run } from './sql.ts';

export interface ConnectOptions {
  /** `postgres://user@host:port/database`; where absent, libpq's own variables (PGHOST, PGUSER, ...) decide. */
  readonly databaseUrl?: string | undefined;
  /** Shown in pg_stat_activity; names the migration, so a DBA knows whom to ask. Cut to 63 bytes by PostgreSQL. */
  readonly applicationName: string;
  /** Asked for the password once for this session, where neither the URL nor PGPASSWORD carries it. */
  readonly password?: () => Promise<string>;
  /** PEM. The server has to prove its host name by one of these authorities, and no others count. Not with a URL, whose sslmode decides. */
  readonly certificateAuthority?: string;
  /** Session lock_timeout in milliseconds; statements that take strong locks set their own. */
  readonly lockTimeoutMs?: number;
}

/** Longer than a failover's TCP silence is not worth waiting for: the state machine retries. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What was told of a connection that died between two statements; the next statement itself does not learn it. */
const losses = new WeakMap<Client, Error>();

/** SQLSTATE with which the server ended a session that was idle, such as 25P03; undefined while it lives. */
export function sqlStateOfLoss(client: Client): string | undefined {
  return sqlStateOf(losses.get(client));
}

/**
 * An open session with the settings of `sql/session.sql`. The caller ends it.
 *
 * @throws InvalidInput when the URL cannot be read
 * @throws ConnectionRefused when the server refuses this user, password or database
 * @throws ConnectionLost when there is no server to talk to
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const target = describeTarget(options.databaseUrl);
  const client = new Client({
    ...clientConfig(options.databaseUrl),
    ...(options.password ? { password: options.password } : {}),
    ...(options.certificateAuthority ? { ssl: { ca: options.certificateAuthority, rejectUnauthorized: true } } : {}),
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // Without a listener, a connection that dies while idle would end the process.
  client.on('error', (error) => losses.set(client, error));
  try {
    await client.connect();
    await run(client, 'session', { lock_timeout_ms: String(options.lockTimeoutMs ?? 5_000) });
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    const sqlState = sqlStateOf(error);
    if (isConnectionError(error)) {
      throw new ConnectionLost(
        `cannot connect to PostgreSQL at ${target}: ${messageOf(error)}; is the server running, and are host and port right?`,
        sqlState ? { sqlState } : {},
        { cause: error },
      );
    }
    if (sqlState === '57014') {
      // Somebody cancelled the settings of sql/session.sql. Nothing has begun, so it is tried again like a lost connection.
      throw new ConnectionLost(
        `the new session at ${target} was cancelled before it could do anything: ${messageOf(error)}`,
        { sqlState },
        { cause: error },
      );
    }
    if (sqlState) {
      throw new ConnectionRefused(
        `PostgreSQL at ${target} refuses the connection: ${messageOf(error)}`,
        { sqlState },
        { cause: error },
      );
    }
    throw new ConnectionRefused(`cannot connect to PostgreSQL at ${target}: ${messageOf(error)}`, {}, { cause: error });
  }
}

/** Where a URL leads, without user secrets: `host:port/database`. */
export function describeTarget(databaseUrl?: string): string {
  const { host, port, database, user } = new Client(clientConfig(databaseUrl));
  return `${host}:${port}/${database ?? user ?? ''}`;
}

function clientConfig(databaseUrl: string | undefined): ClientConfig {
  if (databaseUrl === undefined || databaseUrl === '') return {};
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new InvalidInput('the database URL must begin with postgres:// or postgresql://');
  }
  try {
    parse(databaseUrl);
  } catch (error) {
    // The message of a URL error quotes the URL, password included: say only what kind of error it was.
    const reason =
      error instanceof Error && error.message.includes('ENOENT')
        ? 'it names a certificate file that does not exist'
        : 'it is not a URL';
    throw new InvalidInput(
      `the database URL cannot be read: ${reason}; expected postgres://user:password@host:port/database`,
    );
  }
  return { connectionString: databaseUrl };
}

/**
 * Runs `work` with the search_path that the caller's session came with, so that an unqualified name means to us what it
 * means to the caller; then goes back to pg_catalog alone.
 */
export async function withCallerSearchPath<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  await client.query("SELECT set_config('search_path', current_setting('p2pfk.caller_search_path'), false)");
  try {
    return await work();
  } finally {
    // In a transaction that has failed this fails too, and its rollback puts the setting back.
    await client.query("SELECT set_config('search_path', 'pg_catalog', false)").catch(() => undefined);
  }
}

/** Runs one statement of ours; whatever fails comes out named, with SQLSTATE and the statement. */
export async function execute(client: Client, sql: string): Promise<number> {
  // PostgreSQL answers an empty message with success.
  if (sql.trim() === '') throw new Error('there is no statement to run');
  try {
    const result = await client.query(sql);
    return result.rowCount ?? 0;
  } catch (error) {
    throw toNamedError(error, sql);
  }
}
