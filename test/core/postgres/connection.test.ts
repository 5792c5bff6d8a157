/** Sessions that end before they have begun. */
import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { PAGE_COST_OF_TODAY } from '../../../core/catalog/server-facts.ts';
import { connect, connectReadOnly } from '../../../core/ledger/connect.ts';
import { holdExecution } from '../../../core/ledger/liveness.ts';
import { toNamedError } from '../../../core/postgres/postgres-errors.ts';
import { createDatabase } from '../../support/database.ts';
import { waitUntil } from '../../support/observe.ts';
import { executionArn } from '../case.helpers.ts';

it('a session whose settings somebody cancels is lost, not refused: it is tried again', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const observer = await db.client();
  const locker = await db.client();
  const waiting = () =>
    waitUntil(async () => {
      const { rows } = await observer.query<{ pid: number; query: string }>(
        `SELECT l.pid, coalesce(a.query, '') AS query FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
          WHERE l.relation = 'pg_aggregate'::regclass AND NOT l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return rows[0];
    }, 'a session to wait for pg_aggregate');

  // The settings wait in the server until they are cancelled. A session may wait even before them: the first one after a change of the
  // catalogs builds its cache of them anew.
  for (;;) {
    await locker.query('BEGIN; LOCK TABLE pg_catalog.pg_aggregate IN ACCESS EXCLUSIVE MODE');
    const connecting = connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
    const lost = expect(connecting).rejects.toMatchObject({
      name: 'ConnectionLost',
      message: expect.stringContaining('was cancelled before it could do anything'),
    });
    const { pid, query } = await waiting();
    if (query !== '') {
      await observer.query('SELECT pg_cancel_backend($1)', [pid]);
      await lost;
      return;
    }
    lost.catch(() => undefined);
    await locker.query('ROLLBACK');
    await (await connecting).end();
  }
});

it('a server that cannot open a session for want of disk space is lost, not one that refuses us', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const observer = await db.client();
  const failWith = (sqlState: string) =>
    observer.query(`CREATE OR REPLACE FUNCTION public.at_login() RETURNS event_trigger LANGUAGE plpgsql
      AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '${sqlState}'; END $$`);
  await failWith('53100');
  // As the server does it itself: the error ends the session before it has begun. 17 and newer, as the server of this suite.
  await observer.query('CREATE EVENT TRIGGER full_disk ON login EXECUTE FUNCTION public.at_login()');
  const opening = () => connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });

  await expect(opening()).rejects.toMatchObject({
    name: 'ConnectionLost',
    message: expect.stringMatching(/ cannot open a session: could not extend file: No space left on device$/),
    context: { sqlState: '53100' },
  });
  await failWith('42501');
  await expect(opening()).rejects.toMatchObject({ name: 'ConnectionRefused' });
});

it('a role that can only connect stops no session of ours with a lock on pg_settings, which PUBLIC may take', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const stranger = await db.client();
  const role = `can_connect_${randomBytes(6).toString('hex')}`;
  await stranger.query(`CREATE ROLE ${role}`);
  onTestFinished(async () => {
    await stranger.query(`ROLLBACK; RESET ROLE; DROP ROLE ${role}`);
  });
  await stranger.query(`SET ROLE ${role}`);
  await stranger.query('BEGIN; LOCK TABLE pg_catalog.pg_settings IN ACCESS EXCLUSIVE MODE');

  for (const open of [connect, connectReadOnly]) {
    const client = await open({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
    const { rows } = await client.query("SELECT current_setting('lock_timeout') AS lock_timeout");
    expect(rows).toEqual([{ lock_timeout: '5s' }]);
    await client.query(PAGE_COST_OF_TODAY);
    await client.end();
  }
});

it('to hold an execution in a session that is gone is told as a lost connection', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const client = await connect({ databaseUrl: db.url, applicationName: 'p2pfk execution' });
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const observer = await db.client();
  await observer.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);

  await expect(holdExecution(client, executionArn())).rejects.toMatchObject({ name: 'ConnectionLost' });
});

it('a statement in a transaction that has failed is no lost connection', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const client = await db.client();
  await client.query('BEGIN');
  await client.query('SELECT 1 / 0').catch(() => undefined);

  const error: unknown = await client.query('SELECT 1').catch((failure: unknown) => failure);

  expect(toNamedError(error)).toMatchObject({ name: 'StatementFailed', context: { sqlState: '25P02' } });
});
