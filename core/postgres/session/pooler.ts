/** Poolers between us and the server: known before the first SET, and left as they were. */
import { Client } from 'pg';
import { InvalidInput } from '../../contracts/errors.ts';

/** Environment variable behind `--session-pooler` and the construct's `sessionPooler`; `true` switches it on. */
const SESSION_POOLER = 'P2PFK_SESSION_POOLER';

/** There is a pooler that was not declared to be in session mode. */
export class PoolerFound extends InvalidInput {}

/** Whether the user says that the pooler gives each client a server session of its own. */
export function usesSessionPooler(): boolean {
  return process.env[SESSION_POOLER] === 'true';
}

/**
 * A pooler sends a cancel key of its own, so the process id in it is not the server's. In transaction mode every statement
 * may run in another session, and what we SET would stay behind in the application's.
 *
 * @throws PoolerFound before anything was set
 */
export async function refuseTransactionPooler(client: Client, target: string): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
  if (keyOf(client) === rows[0]?.pid) return;
  throw new PoolerFound(
    `there is a connection pooler at ${target}: connect to the server directly, because settings and locks of our sessions would reach the application; if it is a pooler in session mode, or a proxy with a cancel key of its own, use --session-pooler (or ${SESSION_POOLER}=true)`,
  );
}

/** Process id of the server's process, through a pooler as well. */
export async function backendOf(client: Client): Promise<number> {
  if (!usesSessionPooler()) return Number(keyOf(client));
  const { rows } = await client.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** Process id in the backend key, which node-postgres keeps for cancel requests; its types leave it out. */
function keyOf(client: Client): unknown {
  return Reflect.get(client, 'processID');
}

/** A session whose server connection is reused by other clients: it is reset before it is released. */
export class PooledSession extends Client {
  #abandoned = false;

  /** A statement is left running: there is nothing to clean, the pooler closes the server connection. */
  abandon(): void {
    this.#abandoned = true;
  }

  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | void {
    if (callback) return super.end(callback);
    return this.#abandoned ? super.end() : this.#cleanAndEnd();
  }

  async #cleanAndEnd(): Promise<void> {
    try {
      await this.query('ROLLBACK');
      await this.query('DISCARD ALL');
    } catch {
      // The connection is gone, and with it all that was set.
    }
    await super.end();
  }
}
