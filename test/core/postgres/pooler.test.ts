/** A real PgBouncer between us and the server: no setting of ours reaches the session of an application. */
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { connect, connectReadOnly } from '../../../core/ledger/connect.ts';
import { p2pfk } from '../../cli/cli.helpers.ts';
import { describeWithPgBouncer, startPgBouncer } from '../../support/pgbouncer.ts';
import { databaseWith, findDatabaseAt, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

async function pooled(mode: 'session' | 'transaction') {
  const { db } = await databaseWith(THREE_PAIRS);
  const pooler = await startPgBouncer(db.url, mode);
  onTestFinished(() => pooler.stop());
  const application = new Client({ connectionString: pooler.url });
  application.on('error', () => undefined);
  /** What an application finds set in the one session of the pool. */
  const settings = async (): Promise<unknown> => {
    const { rows } = await application.query(
      `SELECT pg_backend_pid() AS pid, current_setting('search_path') AS search_path, current_setting('lock_timeout') AS lock_timeout,
              current_setting('row_security') AS row_security, nullif(current_setting('p2pfk.caller_search_path', true), '') AS caller,
              (SELECT count(*)::int FROM path) AS rows`,
    );
    return rows[0];
  };
  return { pooler, application, settings };
}

function withSessionPooler(): void {
  process.env.P2PFK_SESSION_POOLER = 'true';
  onTestFinished(() => {
    delete process.env.P2PFK_SESSION_POOLER;
  });
}

describeWithPgBouncer('a pooler in transaction mode', () => {
  it('is refused before anything is set, and reading leaves nothing behind even where a user calls it a session pooler', async () => {
    const { pooler, application, settings } = await pooled('transaction');
    await application.connect();
    try {
      const before = await settings();
      const refused = {
        name: 'InvalidInput',
        message: expect.stringContaining('connect to the server directly'),
      };
      await expect(connect({ databaseUrl: pooler.url, applicationName: 'test' })).rejects.toMatchObject(refused);
      await expect(connectReadOnly({ databaseUrl: pooler.url, applicationName: 'test' })).rejects.toMatchObject(
        refused,
      );
      expect(await settings()).toEqual(before);

      const asked = ['-t', 'path', '--database-url', pooler.url];
      const { code, stderr } = await p2pfk(['plan', ...asked]);
      // The other line warns of the password in the arguments.
      const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('! the password in'));
      expect({ code, lines: lines.length }).toEqual({ code: 2, lines: 1 });
      expect(await p2pfk(['plan', ...asked, '--session-pooler'])).toMatchObject({ code: 0 });
      expect(await p2pfk(['verify', ...asked, '--session-pooler'])).toMatchObject({ code: 4 });
      expect(await settings()).toMatchObject({
        search_path: '"$user", public',
        lock_timeout: '0',
        row_security: 'on',
        caller: null,
        rows: 440,
      });
    } finally {
      await application.end();
    }
  });
});

describeWithPgBouncer('a pooler in session mode', () => {
  it('serves where the user says so, and its server session goes on as it was', async () => {
    const { pooler, application, settings } = await pooled('session');
    await expect(connect({ databaseUrl: pooler.url, applicationName: 'test' })).rejects.toMatchObject({
      name: 'InvalidInput',
    });
    withSessionPooler();
    findDatabaseAt(pooler.url);
    const first = await connect({ databaseUrl: pooler.url, applicationName: 'test' });
    const { rows } = await first.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await first.end();

    const execution = new Execution();
    await execution.plan();
    await execution.addForeignKey(1);

    await application.connect();
    expect(await settings()).toEqual({
      pid: rows[0]?.pid,
      search_path: '"$user", public',
      lock_timeout: '0',
      row_security: 'on',
      caller: null,
      rows: 440,
    });
    await application.end();
  });
});
