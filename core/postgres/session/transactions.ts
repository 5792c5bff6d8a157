/** Transactions and savepoints around a piece of work. */
import { type Client, escapeIdentifier } from 'pg';

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
    await rollBackTo(client, 'contained');
  }
}

/**
 * Ends the transaction, also an aborted one. A time limit of the transaction may cut ROLLBACK itself: then the transaction is
 * aborted, and its limits and locks are gone, but each further statement fails with SQLSTATE 25P02 until a second ROLLBACK.
 */
export async function rollBack(client: Client): Promise<void> {
  await client.query('ROLLBACK').catch(() => undefined);
  if (client.getTransactionStatus() !== 'I') await client.query('ROLLBACK').catch(() => undefined);
}

/** The same for a savepoint, which is released. */
export async function rollBackTo(client: Client, savepoint: string): Promise<void> {
  const name = escapeIdentifier(savepoint);
  const back = () => client.query(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`);
  await back().catch(() => back().catch(() => undefined));
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
    await rollBack(client);
    throw error;
  }
}
