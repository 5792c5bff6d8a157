/** Who counts as the owner of a migration, as another member of the team sees it without being a superuser. */
import { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newLedger } from '../../core/ledger/schema/make-ledger.ts';
import { startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

const LOGINS = ['dba', 'lambda', 'outsider'] as const;

describe('roles', () => {
  it('a login that may become the ledger’s owner counts, and no other does, whatever it holds and calls itself', async () => {
    const server = await startServer(majorUnderTest);
    onTestFinished(() => server.stop());
    const db = await server.database(`
    CREATE ROLE team; ${LOGINS.map((login) => `CREATE ROLE ${login} LOGIN NOINHERIT PASSWORD 'plain'`).join(';')};
    GRANT team TO dba, lambda; ${newLedger()};
    ALTER SCHEMA p2pfk OWNER TO team; ALTER TABLE p2pfk.migration OWNER TO team`);
    const open = async (user: string, applicationName: string) => {
      const url = Object.assign(new URL(db.url), { username: user, password: 'plain' });
      const client = new Client({ connectionString: url.href, application_name: applicationName });
      await client.connect();
      onTestFinished(() => client.end());
      return client;
    };
    const dba = await open('dba', 'p2pfk/-/test');
    await dba.query('SET ROLE team');
    const seen = async () => {
      const { rows } = await dba.query<{ steps: number; holder: number | null }>(
        'SELECT (SELECT count(*)::int FROM p2pfk.step_sessions(1)) AS steps, p2pfk.key_holder(-42) AS holder',
      );
      return rows[0];
    };

    const outsider = await open('outsider', 'p2pfk/1/verify-gate');
    await outsider.query('SELECT pg_advisory_lock(-42)');
    expect(await seen()).toEqual({ steps: 0, holder: null });
    await outsider.query('SELECT pg_advisory_unlock(-42)');

    const lambda = await open('lambda', 'p2pfk/1/verify-gate');
    const { rows } = await lambda.query<{ pid: number }>(
      'SELECT pg_backend_pid() AS pid, pg_try_advisory_lock(-42) AS held',
    );
    expect(await seen()).toEqual({ steps: 1, holder: rows[0]?.pid });
  });
});
