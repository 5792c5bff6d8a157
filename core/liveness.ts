/**
 * How others know that the process of a local execution lives: it keeps one session open that holds an advisory lock.
 * When the process dies, however it dies, PostgreSQL sees the socket close and the lock is gone: the next run may take
 * over at once, without a lease to wait for.
 */
import type { Client } from 'pg';
import { toNamedError } from './postgres-errors.ts';
import { run } from './sql.ts';

/**
 * Takes the lock; it is held until `client` ends. `executionArn` must be a local one.
 *
 * @throws ConnectionLost when the server goes away meanwhile
 */
export async function holdExecution(client: Client, executionArn: string): Promise<void> {
  try {
    await run(client, 'ledger/hold-execution', { execution: executionArn });
  } catch (error) {
    throw toNamedError(error);
  }
}
