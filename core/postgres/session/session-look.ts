/** A look at one session through another one: does the server still work on what the first was asked? */
import { Client } from 'pg';
import { CombinedFailure, type OpenOptions, openSession } from '../libpq/open.ts';
import { sqlStateOf } from '../postgres-errors.ts';
import { runOne } from '../sql.ts';

/** How the session that is looked at was opened. */
export interface LookOptions {
  readonly databaseUrl?: string | undefined;
  readonly password?: OpenOptions['password'];
  readonly certificateAuthority?: OpenOptions['certificateAuthority'];
}

/** Through a new session to the same server. Rejects where it does not answer; a server that only refuses another session is there. */
export async function stillWorks(client: Client, pid: number, options: LookOptions): Promise<boolean> {
  let session: Client;
  try {
    session = await openLook(client, options);
  } catch (error) {
    if (sqlStateOf(error instanceof CombinedFailure ? error.main : error) !== undefined) return true;
    throw error;
  }
  try {
    return (await runOne(session, 'checks/session-works', { pid })).works;
  } finally {
    await session.end().catch(() => undefined);
  }
}

/**
 * Ends a wait of that session for a synchronous standby, which no timeout of the server ends. Its transaction stays committed.
 *
 * @returns false: it does not wait for one
 */
export async function endStandbyWait(client: Client, pid: number, options: LookOptions): Promise<boolean> {
  const session = await openLook(client, options);
  try {
    return (await runOne(session, 'checks/end-standby-wait', { pid })).ended;
  } finally {
    await session.end().catch(() => undefined);
  }
}

function openLook(client: Client, options: LookOptions): Promise<Client> {
  return openSession({
    databaseUrl: options.databaseUrl,
    applicationName: 'p2pfk/-/look',
    password: options.password,
    certificateAuthority: options.certificateAuthority,
    only: { address: client.host, port: client.port },
    create: (config) => new Client(config).on('error', () => undefined),
  });
}
