/** A synchronous standby that answers late or never: what waits for it holds no lock on the primary. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { readTrail } from '../../../core/ledger/read-trail.ts';
import { confirmOnStandby } from '../../../core/ledger/standby-commit.ts';
import { changeOnline } from '../../../core/steps/locks/online-change.ts';
import { startPsql } from '../../psql/psql.helpers.ts';
import { holdLock, waitUntil } from '../../support/observe.ts';
import {
  type Replicated,
  type ReplicatedDatabase,
  replicatedDatabase,
  startReplicated,
} from '../../support/standby.ts';
import { foreignKeys, oneRow, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

let servers: Replicated;
beforeAll(async () => {
  servers = await startReplicated();
});
afterAll(() => servers?.stop());

const BUDGET_MS = 2_000;

/** From now on a COMMIT of new sessions waits until the standby has replayed it. */
async function makeSynchronous({ observer, name }: ReplicatedDatabase): Promise<void> {
  const names = async (text: string): Promise<void> => {
    await observer.query(`ALTER SYSTEM SET synchronous_standby_names = '${text}'`);
    await observer.query('SELECT pg_reload_conf()');
    const isSet = async () =>
      (await oneRow<{ names: string }>(observer, "SELECT current_setting('synchronous_standby_names') AS names"))
        .names === text;
    await waitUntil(isSet, 'the server to have read its configuration');
  };
  await names('standby');
  onTestFinished(() => names(''));
  await waitUntil(
    async () =>
      (
        await oneRow<{ n: number }>(
          observer,
          "SELECT count(*)::int AS n FROM pg_stat_replication WHERE sync_state = 'sync'",
        )
      ).n === 1,
    'the standby to be synchronous',
  );
  await observer.query(`ALTER DATABASE ${name} SET synchronous_commit = 'remote_apply'`);
}

/** Until a session of ours waits for the standby, for longer than a quick answer takes. The observer came before and does not wait itself. */
function waitForStandbyWait(observer: Client): Promise<unknown> {
  return waitUntil(
    async () =>
      (
        await observer.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep' AND clock_timestamp() - state_change > '500 ms'",
        )
      ).rowCount === 1,
    'a session of ours to wait for the standby',
  );
}

/** What a reader and a writer of the primary meet while something waits for the standby. */
async function useTables(observer: Client): Promise<void> {
  await observer.query(`SET statement_timeout = '${BUDGET_MS}ms'`);
  await observer.query('SELECT count(*) FROM path');
  await observer.query("UPDATE path SET name = name WHERE medium = 'two'");
  await observer.query('RESET statement_timeout');
}

/** A session on the standby that has read the tables: the replay of an ACCESS EXCLUSIVE lock waits for its end. */
async function readingOnStandby({ reader, caughtUp }: ReplicatedDatabase) {
  await caughtUp();
  return holdLock(await reader(), 'SELECT FROM path, inode');
}

describe('while a reader on a synchronous standby holds the replay up', () => {
  it('the drop of the parent foreign key stops no reader and no writer, and is reported when the standby has it', async () => {
    const db = await replicatedDatabase(servers, THREE_PAIRS);
    await makeSynchronous(db);
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys', { lockTimeoutMs: BUDGET_MS });
    const held = await readingOnStandby(db);

    let reported = false;
    const dropping = execution.dropParentForeignKey().finally(() => {
      reported = true;
    });
    await waitForStandbyWait(db.observer);
    await useTables(db.observer);
    expect((await foreignKeys(db.observer)).filter((line) => line.startsWith('path path_fk'))).toEqual([]);
    expect(reported).toBe(false);

    await held.release();
    expect(await dropping).toMatchObject({ status: 'DROPPED' });
    expect(await oneRow(db.observer, 'SELECT max(lock_held_ms) < 2000 AS short FROM p2pfk.event')).toEqual({
      short: true,
    });
  });

  it('no lock of the psql scripts or of a person’s command is held meanwhile either', async () => {
    const db = await replicatedDatabase(servers, THREE_PAIRS);
    await makeSynchronous(db);
    for (const script of ['step1', 'step2'] as const) expect((await startPsql(db.url, script).finished).code).toBe(0);
    const held = await readingOnStandby(db);

    const dropping = startPsql(db.url, 'step3');
    await waitForStandbyWait(db.observer);
    await useTables(db.observer);
    await held.release();
    const { code, lines } = await dropping.finished;
    expect(code).toBe(0);
    expect(lines).toContainEqual(expect.stringMatching(/^Waiting for the synchronous standby/));
    expect((await startPsql(db.url, 'step4').finished).code).toBe(0);

    const heldAgain = await readingOnStandby(db);
    const client = await connect({ databaseUrl: db.url, applicationName: 'p2pfk audit' });
    onTestFinished(() => client.end());
    const { rows } = await client.query<{ oid: number }>("SELECT 'public.path_2'::regclass::oid AS oid");
    const lock = { sql: 'LOCK TABLE ONLY public.path_2 IN ACCESS EXCLUSIVE MODE', mode: 'ACCESS EXCLUSIVE' } as const;
    const locks = [{ ...lock, relations: rows.map(({ oid }) => oid) }];
    const change = { step: 'audit', migrationId: null, budgetMs: BUDGET_MS, locks };
    const changing = changeOnline(client, change, (budget) =>
      budget.run("COMMENT ON TABLE public.path_2 IS 'repaired'"),
    );
    await Promise.race([changing, waitForStandbyWait(db.observer)]);
    await useTables(db.observer);
    const confirming = changing.then(() => confirmOnStandby(client));
    await waitForStandbyWait(db.observer);
    await heldAgain.release();
    expect(await confirming).toBe(true);
  });
});

describe('a synchronous standby that does not answer', () => {
  it('is waited for as long as was allowed, with a word, and the session goes on', async () => {
    const db = await replicatedDatabase(servers, THREE_PAIRS);
    const standby = await db.reader();
    await makeSynchronous(db);
    await db.caughtUp();
    await standby.query('SELECT pg_wal_replay_pause()');
    onTestFinished(async () => {
      await standby.query('SELECT pg_wal_replay_resume()');
    });
    const client = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => client.end());
    await client.query('CREATE TABLE public.made (x int)');

    const said: string[] = [];
    const confirmed = await confirmOnStandby(client, {
      reportAfterMs: 100,
      limitMs: 1_000,
      warn: (message) => said.push(message),
    });

    expect(confirmed).toBe(false);
    expect(said).toEqual([
      expect.stringMatching(/^waiting for the synchronous standby .*; no lock is held$/),
      expect.stringMatching(/has not confirmed it within 1 s: until it does, a failover to it would lose it$/),
    ]);
    await client.query('INSERT INTO public.made SELECT 1');
    expect(await oneRow(db.observer, 'SELECT count(*)::int AS n FROM public.made')).toEqual({ n: 1 });
  });

  it('is named in the ledger, and so in the report; that it cannot be noted fails no step', async () => {
    const db = await replicatedDatabase(servers, THREE_PAIRS);
    const standby = await db.reader();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    await makeSynchronous(db);
    await db.caughtUp();
    await standby.query('SELECT pg_wal_replay_pause()');
    onTestFinished(async () => {
      await standby.query('SELECT pg_wal_replay_resume()');
    });
    // A function that has little time left.
    const short = { getRemainingTimeInMillis: () => 11_500 };
    const notes = async () =>
      (await readTrail(db.observer, execution.migrationId, '')).events
        .filter(({ step }) => step === 'ConfirmOnStandby')
        .map(({ sql, error, execution: by }) => ({ sql, error, by }));

    expect(await execution.addForeignKey(1, short)).toMatchObject({ status: 'SKIPPED' });
    const noted = {
      sql: null,
      by: execution.arn,
      error: expect.stringMatching(
        /^what was committed is on this server, and the synchronous standby has not confirmed/,
      ),
    };
    expect(await notes()).toEqual([noted]);

    const again = execution.addForeignKey(1, short);
    await waitForStandbyWait(db.observer);
    const held = await holdLock(db.observer, 'LOCK TABLE p2pfk.event IN ACCESS EXCLUSIVE MODE');
    expect(await again).toMatchObject({ status: 'SKIPPED' });
    await held.release();
    expect(await notes()).toEqual([noted]);
  });

  it('is not asked where the session came with a synchronous_commit that does not wait for it', async () => {
    const db = await replicatedDatabase(servers, THREE_PAIRS);
    const standby = await db.reader();
    await makeSynchronous(db);
    await db.observer.query(`ALTER DATABASE ${db.name} SET synchronous_commit = off`);
    await db.caughtUp();
    await standby.query('SELECT pg_wal_replay_pause()');
    onTestFinished(async () => {
      await standby.query('SELECT pg_wal_replay_resume()');
    });
    const client = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
    onTestFinished(() => client.end());

    expect(await confirmOnStandby(client)).toBe(true);
    expect(await oneRow(client, "SELECT current_setting('synchronous_commit') AS own")).toEqual({ own: 'local' });
  });
});
