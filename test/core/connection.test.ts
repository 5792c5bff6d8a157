/** Sessions that end before they have begun. */
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../core/connection.ts';
import { holdExecution } from '../../core/liveness.ts';
import { LoopbackProxy } from '../chaos/harness/proxy.ts';
import { createDatabase } from '../support/database.ts';
import { executionArn } from './case.helpers.ts';

it('a session whose settings somebody cancels is lost, not refused: it is tried again', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const observer = await db.client();
  const url = new URL(db.url);
  const proxy = await LoopbackProxy.start(Number(url.port));
  onTestFinished(() => proxy.stop());
  url.port = String(proxy.port);
  proxy.listen({
    before: async () => undefined,
    after: async ({ backendPid }) => {
      await observer.query('SELECT pg_cancel_backend($1)', [backendPid]);
    },
  });
  // The settings wait in the server until they are cancelled.
  await (await db.client()).query('BEGIN; LOCK TABLE pg_catalog.pg_settings IN ACCESS EXCLUSIVE MODE');

  await expect(connect({ databaseUrl: url.href, applicationName: 'p2pfk/-/test' })).rejects.toMatchObject({
    name: 'ConnectionLost',
    message: expect.stringContaining('was cancelled before it could do anything'),
  });
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
