/** What ends a transaction ends it, also where a time limit of that transaction cuts the ROLLBACK itself. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { inSnapshot, rolledBack } from '../../../core/ledger/connect.ts';
import { contained, inTransaction } from '../../../core/postgres/session/transactions.ts';
import { databaseWith } from '../case.helpers.ts';

/** PostgreSQL reads such a comment for longer than a millisecond, and then sees that the time is up. */
const LONG_COMMENT = `/* ${'x'.repeat(16_000_000)} */`;

/** From here on the first ROLLBACK takes longer than the statement_timeout of its transaction. Says whether one was cut. */
function cutFirstRollback(client: Client): () => boolean {
  const query = client.query.bind(client) as (text: string, values?: unknown[]) => Promise<unknown>;
  let wasCut: boolean | undefined;
  const replaced = async (text: string, values?: unknown[]) => {
    if (wasCut !== undefined || !text.startsWith('ROLLBACK')) return query(text, values);
    wasCut = false;
    return query(LONG_COMMENT + text).catch((error: unknown) => {
      wasCut = true;
      throw error;
    });
  };
  Object.assign(client, { query: replaced });
  return () => wasCut === true;
}

const LIMITED = "SELECT set_config('statement_timeout', '1', true)";

describe('a ROLLBACK that a time limit cuts', () => {
  it.each([
    ['inTransaction', inTransaction],
    ['rolledBack', rolledBack],
    ['inSnapshot', inSnapshot],
  ])('is sent again by %s, and the session goes on', async (_, run) => {
    const client = (await databaseWith('')).observer;
    const wasCut = cutFirstRollback(client);
    const work = run(client, async () => {
      await client.query(LIMITED);
      throw new Error('the work has failed');
    });
    await expect(work).rejects.toThrow('the work has failed');
    expect(wasCut()).toBe(true);
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(client.getTransactionStatus()).toBe('I');
  });

  it('is sent again by what is contained in a transaction, which goes on', async () => {
    const client = (await databaseWith('')).observer;
    await client.query('BEGIN');
    await client.query('CREATE TABLE kept ()');
    const wasCut = cutFirstRollback(client);
    await contained(client, async () => {
      await client.query('CREATE TABLE taken_back ()');
      await client.query(LIMITED);
    });
    expect(wasCut()).toBe(true);
    expect(
      (await client.query("SELECT to_regclass('kept') IS NOT NULL AS kept, to_regclass('taken_back') AS taken_back"))
        .rows,
    ).toEqual([{ kept: true, taken_back: null }]);
    await client.query('COMMIT');
  });
});
