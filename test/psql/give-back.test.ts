/** The scripts leave a session as it was: of a pooler it goes on to an application, of psql to the person's next command. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { databaseWith, THREE_PAIRS } from '../core/case.helpers.ts';
import { describeWithPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { describeWithPsql, psql, psqlInOrder, STEPS } from './psql.helpers.ts';

/** All settings of a session, and what else it may keep. */
async function stateOf(client: Client) {
  const { rows } = await client.query(`
    SELECT (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name !~ '^plpgsql') AS settings,
           nullif(current_setting('p2pfk.caller_search_path', true), '') AS caller, nullif(current_setting('p2pfk.refusal', true), '') AS refusal,
           current_user,
           (SELECT count(*)::int FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS advisory_locks,
           (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`);
  return rows[0];
}

describeWithPgBouncer('the one session of a quiet pooler in transaction mode', () => {
  it('goes on to the application as it was, after scripts that succeeded and one that refused', async () => {
    const { db } = await databaseWith(THREE_PAIRS);
    const pooler = await startPgBouncer(db.url, 'transaction');
    onTestFinished(() => pooler.stop());
    const application = new Client({ connectionString: pooler.url, application_name: 'psql' });
    application.on('error', () => undefined);
    await application.connect();
    try {
      const before = await stateOf(application);
      expect(await psql(pooler.url, 'step3')).toMatchObject({
        code: 3,
        errors: [expect.stringMatching(/no open migration/)],
      });
      expect(await stateOf(application)).toEqual(before);
      await psqlInOrder(pooler.url, STEPS);
      expect(await stateOf(application)).toEqual(before);
      await psqlInOrder(pooler.url, ['rollback']);
      expect(await stateOf(application)).toEqual(before);
    } finally {
      await application.end();
    }
  });
});

describeWithPsql('a session of psql', () => {
  it('keeps after a script what was SET before it, in its own encoding', async () => {
    const { db } = await databaseWith(THREE_PAIRS);
    const script = fileURLToPath(new URL('../../sql/migrate-to-p2p-fk-step1-add-partition-fks.sql', import.meta.url));
    const { stdout, status } = spawnSync(
      'psql',
      [
        ...[db.url, '-XAtq', '-v', 'table=path', '-v', 'lock_timeout_ms=10000'],
        ...['-c', `SET search_path = "$user", public, pg_temp; SET statement_timeout = '1h'; SET "p2pfk.mine" = 'x'`],
        ...['-f', script, '-c', '\\pset tuples_only on'],
        ...[
          '-c',
          `SELECT current_setting('search_path'), current_setting('statement_timeout'), current_setting('lock_timeout'),
                          current_setting('client_encoding'), current_setting('p2pfk.mine')`,
        ],
      ],
      { encoding: 'utf8', env: { ...process.env, PGCLIENTENCODING: 'LATIN1' } },
    );
    expect({ status, last: stdout.trim().split('\n').at(-1) }).toEqual({
      status: 0,
      last: '"$user", public, pg_temp|1h|0|LATIN1|x',
    });
  });
});
