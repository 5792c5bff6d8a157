/** Transactions and savepoints around a piece of work. */
import type { Client } from 'pg';

/**
 * Reading work in a transaction of its own, or in a savepoint of the one around it: there it may fail without an end to that, and the
 * locks that it took are given back, and its settings.
 */
export async function contained<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  if (client.getTransactionStatus() !== 'T') return inTransaction(client, work);
  await client.query('SAVEPOINT contained');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT contained; RELEASE SAVEPOINT contained').catch(() => undefined);
  }
}

/** BEGIN, work, COMMIT (or whatever `end` says); ROLLBACK when anything fails, also where the connection is gone already. */
export async function inTransaction<Result>(
  client: Client,
  work: () => Promise<Result>,
  end: 'COMMIT' | 'ROLLBACK' = 'COMMIT',
): Promise<Result> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query(end);
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
