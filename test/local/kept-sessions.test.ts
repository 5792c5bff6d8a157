/** Sessions that the steps of a local execution use one after the other: each finds its session as a new one would be. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import dns from 'node:dns/promises';
import { Client } from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SESSION_OPENED } from '../../core/postgres/libpq/keywords.ts';
import { ROWS_READ, type RowsRead, run, runOne } from '../../core/postgres/sql.ts';
import { openSession } from '../../lambdas/database.ts';
import { shareSessions } from '../../local/handlers.ts';
import { KeptSessions } from '../../local/sessions/kept-sessions.ts';
import { coreSession, databaseWith, oneRow, type TestCase } from '../core/case.helpers.ts';
import { Execution, keepSessions, migratedTo } from '../core/execution.helpers.ts';
import { plainRole } from '../core/roles.helpers.ts';
import { waitUntil } from '../support/observe.ts';
import { runExecution } from '../support/run-execution.ts';

/** Of which 18 prepare and reset the two sessions, and two ask what it cost others. */
const QUERIES_OF_A_VALIDATION = 39;

function counted(): { readonly sessions: number } {
  const count = { sessions: 0 };
  const opened = () => void count.sessions++;
  subscribe(SESSION_OPENED, opened);
  onTestFinished(() => void unsubscribe(SESSION_OPENED, opened));
  return count;
}

async function ours(observer: Client): Promise<string[]> {
  const { rows } = await observer.query<{ name: string }>(
    "SELECT application_name AS name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'p2pfk%' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

const pidOf = async (client: Client) => (await oneRow<{ pid: number }>(client, 'SELECT pg_backend_pid() AS pid')).pid;

/** A session behind one step, and how the next one gets its own. */
async function afterAStep(testCase: TestCase, during: (client: Client) => Promise<unknown>) {
  const sessions = new KeptSessions();
  onTestFinished(() => sessions.end());
  const first = await sessions.open('p2pfk/1/build-index/1', undefined);
  const pid = await pidOf(first);
  await during(first);
  await sessions.close(first, false);
  return {
    ...testCase,
    sessions,
    pid,
    next: async () => {
      const session = await sessions.open('p2pfk/1/validate-foreign-key/1', undefined);
      onTestFinished(() => session.end().catch(() => undefined));
      return session;
    },
  };
}

async function settingsOf(client: Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>('SELECT name, setting FROM pg_settings');
  return new Map(rows.map(({ name, setting }) => [name, setting]));
}

const DIRTY = `
  SET work_mem = '1MB'; SET search_path = public; SET lock_timeout = 0; SET statement_timeout = '1h'; SET row_security = on;
  SET p2pfk.validation_guard = 'RAISE'; SET synchronous_commit = off;
  SELECT pg_catalog.pg_advisory_lock(4711), pg_catalog.pg_advisory_lock_shared(4712);
  LISTEN news; CREATE TEMPORARY TABLE path (x int); CREATE TEMPORARY SEQUENCE s; SELECT nextval('s');
  DECLARE c CURSOR WITH HOLD FOR SELECT 1`;

describe('the steps of a local execution', () => {
  it('open as many sessions as work side by side, and none is left at its end', async () => {
    const { db, observer } = await databaseWith();
    const count = counted();

    const { outcome } = await runExecution({
      input: { table: 'path', lockTimeoutMs: 10_000, maxConcurrency: 1 },
      databaseUrl: db.url,
    });

    expect(outcome.status).toBe('SUCCEEDED');
    // The one that shows that it lives, that of the steps, and that of a statement that may outlive its step. With new ones 23.
    expect(count.sessions).toBe(3);
    expect(await ours(observer)).toEqual([]);
  });

  it('ask as many questions for one more validation as are written here', async () => {
    const { execution } = await migratedTo('AddForeignKeys');
    keepSessions(execution.arn);
    const query = vi.spyOn(Client.prototype, 'query');
    onTestFinished(() => query.mockRestore());
    await execution.validateForeignKey(1);
    const before = query.mock.calls.length;

    await execution.validateForeignKey(2);

    expect(query.mock.calls.length - before).toBe(QUERIES_OF_A_VALIDATION);
  });

  it('open their own where they belong to no execution of this process, and end them', async () => {
    const { execution, observer } = await migratedTo('Plan');
    const count = counted();

    await execution.buildIndex(1);
    await execution.buildIndex(1);

    expect(count.sessions).toBe(3);
    await waitUntil(async () => (await ours(observer)).length === 0, 'the sessions to end');
  });

  it('use no session again that was open when one of them failed', async () => {
    await databaseWith();
    const sessions = new KeptSessions();
    onTestFinished(() => sessions.end());
    const open = (pair: number) => sessions.open(`p2pfk/1/build-index/${pair}`, undefined);
    const [waits, fails, works] = await Promise.all([open(1), open(2), open(3)]);
    const before = await Promise.all([waits, fails, works].map(pidOf));
    await sessions.close(waits, false);

    await sessions.close(fails, true);
    await sessions.close(works, false);

    const next = await open(4);
    expect(before).not.toContain(await pidOf(next));
    await sessions.close(next, false);
  });

  it('open a new one where the last has waited for long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const testCase = await databaseWith();
    const { next, pid } = await afterAStep(testCase, async () => undefined);
    vi.advanceTimersByTime(60_000);
    vi.useRealTimers();

    expect(await pidOf(await next())).not.toBe(pid);
  });
});

describe('the session of the step before', () => {
  it('has the settings of a new one, and nothing that the step has left behind', async () => {
    const { observer, next, pid } = await afterAStep(await databaseWith(), async (client) => {
      await run(client, 'catalog/is-validated', { constraint_oid: 1 });
      await client.query(DIRTY);
    });
    const locks = () => observer.query("SELECT FROM pg_locks WHERE pid = $1 AND locktype = 'advisory'", [pid]);
    expect((await locks()).rowCount).toBe(0);
    const fresh = await openSession('p2pfk/1/validate-foreign-key/1');
    onTestFinished(() => fresh.end());

    const kept = await next();

    expect(await pidOf(kept)).toBe(pid);
    const expected = new Map([...(await settingsOf(fresh)), ['plan_cache_mode', 'force_generic_plan']]);
    expect(await settingsOf(kept)).toEqual(expected);
    expect(await oneRow(kept, "SELECT current_setting('p2pfk.caller_search_path') AS path")).toEqual(
      await oneRow(fresh, "SELECT current_setting('p2pfk.caller_search_path') AS path"),
    );
    expect(await oneRow(kept, "SELECT current_setting('p2pfk.caller_synchronous_commit') AS commit")).toEqual(
      await oneRow(fresh, "SELECT current_setting('p2pfk.caller_synchronous_commit') AS commit"),
    );
    const left = `SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema())
      + (SELECT count(*) FROM pg_listening_channels()) + (SELECT count(*) FROM pg_cursors WHERE is_holdable) AS n`;
    expect(await oneRow(kept, left)).toEqual({ n: '0' });
  });

  const PLANTED: Readonly<Record<string, (client: Client, testCase: TestCase) => Promise<unknown>>> = {
    'an open transaction': (client) => client.query('BEGIN'),
    'a transaction that has failed': (client) => client.query('BEGIN; SELECT 1/0').catch(() => undefined),
    'a statement by PREPARE': (client) => client.query('PREPARE mine AS SELECT 1'),
    'a prepared statement of ours that is gone': async (client) => {
      await run(client, 'catalog/is-validated', { constraint_oid: 1 });
      await client.query('DEALLOCATE ALL');
    },
    'a prepared statement that is not ours': (client) => client.query({ name: 'theirs', text: 'SELECT 1', values: [] }),
    'an end by the server': async (client, { observer }) => {
      const pid = await pidOf(client);
      await observer.query('SELECT pg_terminate_backend($1)', [pid]);
      await waitUntil(
        async () => (await observer.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 0,
        'the session to end',
      );
    },
  };

  it.each(Object.keys(PLANTED))('is not used again behind %s', async (what) => {
    const testCase = await databaseWith();
    const { next, pid } = await afterAStep(testCase, async (client) => PLANTED[what]?.(client, testCase));

    expect(await pidOf(await next())).not.toBe(pid);
  });

  const CHANGED: Readonly<Record<string, (role: string, database: string) => string>> = {
    'ALTER ROLE ... SET': (role) => `ALTER ROLE ${role} SET search_path = elsewhere`,
    'ALTER DATABASE ... SET': (_role, database) => `ALTER DATABASE ${database} SET random_page_cost = 7`,
    'another attribute of the role': (role) => `ALTER ROLE ${role} CREATEROLE`,
    'another role for the login': (role) => `ALTER ROLE ${role} SET role = pg_monitor; GRANT pg_monitor TO ${role}`,
  };

  it.each(Object.keys(CHANGED))('is not used again after %s', async (what) => {
    const testCase = await databaseWith();
    const { role, url } = await plainRole(testCase);
    process.env.DATABASE_URL = url;
    const { observer, next, pid } = await afterAStep(testCase, async () => undefined);
    const { name } = await oneRow<{ name: string }>(observer, 'SELECT quote_ident(current_database()) AS name');
    await observer.query(CHANGED[what]?.(role, name) ?? '');

    const session = await next();

    expect(await pidOf(session)).not.toBe(pid);
  });

  it('is not used again where the name of the server leads elsewhere by now, or nowhere', async () => {
    const { db } = await databaseWith();
    const named = new URL(db.url);
    named.hostname = 'localhost';
    process.env.DATABASE_URL = named.href;
    const sessions = new KeptSessions();
    onTestFinished(() => sessions.end());
    const pids: number[] = [];
    const step = async () => {
      const session = await sessions.open('p2pfk/1/build-index/1', undefined);
      pids.push(await pidOf(session));
      await sessions.close(session, false);
    };
    await step();
    await step();
    const lookup = vi.spyOn(dns, 'lookup');
    onTestFinished(() => lookup.mockRestore());
    lookup.mockImplementation((async () => [{ address: '192.0.2.1', family: 4 }]) as unknown as typeof dns.lookup);
    await step();
    lookup.mockImplementation((async () => Promise.reject(new Error('ENOTFOUND'))) as unknown as typeof dns.lookup);
    await step();

    expect(pids[1]).toBe(pids[0]);
    expect(new Set(pids).size).toBe(3);
  });

  it('is not used again where its role takes another one at its beginning', async () => {
    const testCase = await databaseWith();
    const { role, url } = await plainRole(testCase);
    await testCase.observer.query(`ALTER ROLE ${role} SET role = pg_monitor; GRANT pg_monitor TO ${role}`);
    process.env.DATABASE_URL = url;
    const { next, pid } = await afterAStep(testCase, async () => undefined);

    expect(await pidOf(await next())).not.toBe(pid);
  });

  it('is known by the name of its step, and shows no owner at work between two steps', async () => {
    const { observer, next } = await afterAStep(await databaseWith(), async () => undefined);
    expect(await ours(observer)).toEqual(['p2pfk/-/kept']);

    await next();

    expect(await ours(observer)).toEqual(['p2pfk/1/validate-foreign-key/1']);
  });

  it('trusts the ledger no longer than a new one does', async () => {
    const { execution } = await migratedTo('Plan');
    keepSessions(execution.arn);
    await execution.buildIndex(1);
    const asked: string[] = [];
    const note = (message: unknown) => void asked.push((message as RowsRead).name);
    subscribe(ROWS_READ, note);
    onTestFinished(() => void unsubscribe(ROWS_READ, note));

    await execution.buildIndex(1);

    // Where the last check is too old, all of it is asked instead: core/ledger/schema/state.ts.
    expect(asked.filter((name) => name === 'ledger/version')).toHaveLength(1);
  });

  it('that a step has not given back goes to no other step', async () => {
    await databaseWith();
    const sessions = new KeptSessions();
    onTestFinished(() => sessions.end());

    const both = await Promise.all([1, 2].map((pair) => sessions.open(`p2pfk/1/build-index/${pair}`, undefined)));

    expect(new Set(await Promise.all(both.map(pidOf))).size).toBe(2);
    await Promise.all(both.map((session) => sessions.close(session, false)));
  });

  it('belongs to one database: where the environment leads to another one, a new one is opened', async () => {
    const { next, pid } = await afterAStep(await databaseWith(), async () => undefined);
    await databaseWith('CREATE TABLE other (x int)');

    expect(await pidOf(await next())).not.toBe(pid);
  });

  it('is ended with the execution, also one that a step still has then', async () => {
    const { sessions, next } = await afterAStep(await databaseWith(), async () => undefined);
    const session = await next();
    await sessions.end();
    await sessions.close(session, false);

    await expect(session.query('SELECT 1')).rejects.toThrow(/closed|ended|not queryable/);
  });
});

describe('what a reset has left behind', () => {
  it('counts each lock, but not those of the question itself', async () => {
    const { db } = await databaseWith();
    const client = await coreSession(db.url);
    const locks = async () => (await runOne(client, 'kept/left-behind')).locks;
    expect(await locks()).toBe(0);

    await client.query('SELECT pg_advisory_lock(4711)');
    expect(await locks()).toBe(1);
    await client.query('BEGIN; LOCK TABLE public.path IN ACCESS SHARE MODE');
    expect(await locks()).toBeGreaterThan(1);
    await client.query(
      'ROLLBACK; SELECT pg_advisory_unlock_all(); BEGIN; LOCK TABLE pg_catalog.pg_class IN SHARE MODE',
    );
    expect(await locks()).toBe(1);
    await client.query('ROLLBACK');
  });
});

describe('a migration on kept sessions', () => {
  it('does each step twice without a difference, and ends migrated', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    keepSessions(execution.arn);
    const count = counted();
    await execution.plan();
    for (const state of ['BuildIndexes', 'AddForeignKeys', 'ValidateForeignKeys'] as const) {
      await execution.run(state);
      await execution.run(state);
    }
    expect((await execution.verifyGate()).status).toBe('PASSED');
    expect((await execution.dropParentForeignKey()).status).toBe('DROPPED');
    expect((await execution.dropParentForeignKey()).status).toBe('SKIPPED');

    expect((await execution.verifyMigration()).status).toBe('MIGRATED');
    // Three pairs side by side, each with a second session for its index and its validation.
    expect(count.sessions).toBeLessThanOrEqual(6);
    const { rows } = await observer.query(
      "SELECT FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND application_name LIKE 'p2pfk%'",
    );
    expect(rows).toEqual([]);
    shareSessions(execution.arn, undefined);
  });
});
