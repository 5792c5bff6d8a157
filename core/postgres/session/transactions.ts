/** Transactions and savepoints around a piece of work. */
import type { Client } from 'pg';

/**
 * Reading work that may fail without an end to the transaction around it, if there is one. There the locks that it took
 * are given back too, and its settings.
 */
export async function contained<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  if (client.getTransactionStatus() !== 'T') return work();
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
