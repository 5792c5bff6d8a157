/**
 * Liveness of sessions: a session of ours holds an advisory lock on a random key that the ledger has. When its process dies, for
 * any reason, PostgreSQL sees that the socket was closed and releases the lock: the next execution may take over at once, without
 * waiting for a lease. The lock excludes no other session. A key counts only while a trusted login holds it (p2pfk.key_holder),
 * because pg_locks shows the key to every role.
 */
import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { run, runOne } from '../postgres/sql.ts';
import { isLedgerReadable } from './schema/state.ts';

/** Keys of the executions that run in this process, by ARN. */
const keys = new Map<string, string>();

/** Another role that holds a new key has guessed 64 random bits; if that happens twice, it is a defect. */
const TRIES = 2;

/** The key of an execution of this process, for its row in the ledger; null for an execution in AWS. */
export function livenessKeyOf(execution: string): string | null {
  return keys.get(execution) ?? null;
}

/** Chooses a key and holds it until `client` ends. */
export async function holdRandomKey(client: Client): Promise<string> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const key = randomBytes(8).readBigInt64BE().toString();
    if (await hold(client, key)) return key;
  }
  throw new Error('another session holds each random key that was tried');
}

/**
 * Shows that the process of a local execution lives, until `client` ends. When it is called again for the same execution, because
 * the session was lost, it takes the same key; if another session holds that by now, it takes a new one, which it notes in the
 * ledger.
 *
 * @throws ConnectionLost when the server becomes unreachable meanwhile
 */
export async function holdExecution(client: Client, executionArn: string): Promise<void> {
  try {
    const before = keys.get(executionArn);
    if (before !== undefined && (await hold(client, before))) return;
    const key = await holdRandomKey(client);
    keys.set(executionArn, key);
    if (before !== undefined && (await isLedgerReadable(client)))
      await run(client, 'ledger/renew-key', { execution: executionArn, before, liveness_key: key });
  } catch (error) {
    throw toNamedError(error);
  }
}

/** Removes the key of an execution that has ended in this process. */
export function forgetExecution(executionArn: string): void {
  keys.delete(executionArn);
}

async function hold(client: Client, key: string): Promise<boolean> {
  const { held } = await runOne(client, 'ledger/hold-key', { liveness_key: key });
  return held;
}
