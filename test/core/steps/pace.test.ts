/** Limits and holds that a person sets while an execution runs: its steps read them before each pair, and a rollback does not ask. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { changePace, type PaceChange, type PaceRequest } from '../../../core/ledger/change-pace.ts';
import { readMigration } from '../../../core/ledger/migrations.ts';
import { whyNotNow } from '../../../core/steps/pace.ts';
import { holdLock, waitForLockWait, waitForQuery, waitUntil } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, foreignKeys, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

/** An execution in AWS: between two steps it counts as alive by its lease. */
const ARN = 'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:migrate-path';

/** One command of a person, in a session of its own. */
async function act({ db }: Pick<TestCase, 'db'>, change: PaceChange, wanted: Partial<PaceRequest> = {}) {
  const client = await coreSession(db.url);
  return changePace(client, change, { by: 'Ana', table: 'path', ...wanted });
}
const throttle = (testCase: Pick<TestCase, 'db'>, maxConcurrency: number) =>
  act(testCase, { command: 'throttle', maxConcurrency });
const hold = (testCase: Pick<TestCase, 'db'>) => act(testCase, { command: 'hold' }, { reason: 'CHG-7' });
const resume = (testCase: Pick<TestCase, 'db'>) => act(testCase, { command: 'resume' });

const HELD = /^held by Ana \(login \w+\) since 20\d\d-\S+Z: CHG-7$/;
const LIMITED = /^1 of 1 pairs side by side are at work, the limit that was set by Ana /;
const notNow = (note: RegExp) => ({
  status: 'RUNNING',
  waitSeconds: expect.any(Number),
  note: expect.stringMatching(note),
});

const plant = (observer: Client, pace: unknown) =>
  observer.query(`UPDATE p2pfk.migration SET options = jsonb_set(options, '{pace}', $1)`, [JSON.stringify(pace)]);
const planted = (at: string) => ({ by: 'Ana', login: 'ana', reason: null, at });
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

/** Sessions that run a long statement of ours now: an index build, or a validation with what belongs to it. */
async function atWork(observer: Client): Promise<number> {
  const { rows } = await observer.query(
    `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'p2pfk/%/run/%' AND state = 'active' AND query ~ '^(BEGIN;|CREATE INDEX)'`,
  );
  return rows.length;
}

/** Until its end every index build waits. */
async function openSnapshot({ db }: Pick<TestCase, 'db'>) {
  return holdLock(await db.client(), 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM path');
}

describe('a hold', () => {
  it('whose reason the ledger keeps longer than it was typed is one, or is refused', async () => {
    const testCase = await migratedTo('ValidateForeignKeys', undefined, ARN);
    const reason = `${'x'.repeat(497)}…`;
    expect(await act(testCase, { command: 'hold' }, { reason })).toMatchObject({ hold: { by: 'Ana' } });
    expect(await testCase.execution.verifyGate()).toMatchObject({ status: 'HELD' });
    await resume(testCase);
    await expect(act(testCase, { command: 'hold' }, { reason: `${'x'.repeat(499)}…` })).rejects.toThrow(
      /^the reason must be one line of 1 to 500 characters/,
    );
    // As an edition before this one has written it.
    await plant(testCase.observer, { hold: { ...planted(new Date().toISOString()), reason: `${'x'.repeat(499)}...` } });
    expect(await testCase.execution.verifyGate()).toMatchObject({ status: 'HELD' });
  });

  it('begins nothing of any pair, changes nothing meanwhile, and lets all of it go on afterwards', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    const { execution, observer } = testCase;
    for (const step of ['buildIndex', 'addForeignKey', 'validateForeignKey'] as const) {
      await hold(testCase);
      const before = await everything(observer);

      expect(await execution[step](1)).toMatchObject(notNow(HELD));
      expect(await everything(observer)).toBe(before);

      await resume(testCase);
      expect(await execution[step](1)).toMatchObject({ status: 'DONE' });
    }
  });

  it('interrupts no statement that runs, and the pair is done where it is', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    const { execution, observer } = testCase;
    const { release } = await openSnapshot(testCase);
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'RUNNING' });
    expect(await atWork(observer)).toBe(1);

    await hold(testCase);
    expect((await execution.buildIndex(1)).note).not.toMatch(/^held/);
    expect(await atWork(observer)).toBe(1);
    expect(await execution.buildIndex(2)).toMatchObject(notNow(HELD));

    await release();
    await waitUntil(async () => (await atWork(observer)) === 0, 'the build to end');
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'SKIPPED' });
  });

  it('keeps the gate from going on to the drop, and no time stands still: an approval times out', async () => {
    const testCase = await migratedTo('ValidateForeignKeys', undefined, ARN);
    const { execution, observer } = testCase;
    await hold(testCase);
    expect(await execution.verifyGate()).toMatchObject({ status: 'HELD', reason: expect.stringMatching(HELD) });
    await resume(testCase);
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });

    await observer.query(
      `UPDATE p2pfk.migration SET options = options || '{"approval": "manual", "approvalTimeoutSeconds": 60}', approval_asked_at = now() - interval '30 s'`,
    );
    await hold(testCase);
    expect(await execution.verifyGate()).toMatchObject({ status: 'HELD' });
    await observer.query(`UPDATE p2pfk.migration SET approval_asked_at = now() - interval '61 s'`);
    expect(await execution.verifyGate()).toMatchObject({ status: 'APPROVAL_TIMED_OUT' });
  });

  it('that comes after the gate leaves the parent foreign key, also where the drop has its locks already', async () => {
    const testCase = await migratedTo('VerifyGate', undefined, ARN);
    const { execution, observer, db } = testCase;
    await hold(testCase);
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'Held' });
    await resume(testCase);

    // The drop has read that nothing holds it, and waits for its locks.
    const reader = await db.client();
    await holdLock(reader, 'SELECT count(*) FROM path_1');
    const dropping = (async () => {
      for (;;) {
        const outcome = await execution.dropParentForeignKey().then(
          () => 'dropped',
          ({ name }: Error) => name,
        );
        if (outcome !== 'LockTimeout') return outcome;
      }
    })();
    await waitForLockWait(observer);
    await plant(observer, { hold: planted(hoursAgo(0)) });
    await reader.query('COMMIT');

    expect(await dropping).toBe('Held');
    expect((await foreignKeys(observer)).some((line) => line.startsWith('path path_fk '))).toBe(true);
  });

  it('is over with its execution, and stays where the same one makes its plan twice', async () => {
    const testCase = await databaseWith();
    const execution = new Execution(ARN);
    await execution.plan({ lockTimeoutMs: 10_000 });
    await hold(testCase);
    await execution.plan();
    expect(await execution.buildIndex(1)).toMatchObject(notNow(HELD));
    await execution.pause({ Error: 'WindowClosed' });

    const next = new Execution();
    await next.plan();
    expect(await next.buildIndex(1)).toMatchObject({ status: 'DONE' });
  });

  it('that has lasted for a day ends the execution paused', async () => {
    const { execution, observer } = await migratedTo('Plan', undefined, ARN);
    await plant(observer, { hold: planted(hoursAgo(23.9)) });
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'RUNNING' });
    await plant(observer, { hold: planted(hoursAgo(24.1)) });
    await expect(execution.buildIndex(1)).rejects.toMatchObject({ name: 'Held' });
    await expect(execution.verifyGate()).rejects.toMatchObject({ name: 'Held' });
  });

  it('does not keep a window open', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    await hold(testCase);
    await testCase.observer.query(
      `UPDATE p2pfk.migration SET options = jsonb_set(options, '{deadline}', '"2026-01-01T00:00:00Z"')`,
    );
    await expect(testCase.execution.buildIndex(1)).rejects.toMatchObject({ name: 'WindowClosed' });
  });
});

describe('a rollback', () => {
  it('is not held, and its validations take no place of a limit', async () => {
    const { execution, observer, original } = await migratedTo('DropParentForeignKey', undefined, ARN);
    await plant(observer, {
      hold: planted(hoursAgo(0)),
      throttle: { ...planted(hoursAgo(0)), maxConcurrency: 1 },
    });
    await execution.fence({ Error: 'GateFailed' });
    for (const { pair } of execution.pairs) {
      expect(await execution.restoreParent(pair)).toMatchObject({ status: 'DONE' });
    }
    expect(await execution.attachParent()).toMatchObject({ status: 'DONE' });
    await execution.dropPairForeignKeys();
    await execution.verifyRolledBack();
    expect(await everything(observer)).toBe(original);
  });

  it('refuses a hold and a limit, as do the checks after the drop and a migration that is done or paused', async () => {
    const testCase = await migratedTo('DropParentForeignKey', undefined, ARN);
    const { execution, observer } = testCase;
    const refused = async (why: RegExp) => {
      const before = await oneRow(observer, 'SELECT options FROM p2pfk.migration');
      for (const change of [hold, resume, (one: TestCase) => throttle(one, 1)])
        await expect(change(testCase)).rejects.toMatchObject({
          name: 'InvalidInput',
          message: expect.stringMatching(why),
        });
      expect(await oneRow(observer, 'SELECT options FROM p2pfk.migration')).toEqual(before);
    };
    await refused(
      /^nothing was changed: migration 1 of path_fk on public\.path has dropped the parent foreign key: only its last checks are left/,
    );
    await execution.fence({ Error: 'GateFailed' });
    await refused(/ is being rolled back, and nothing delays the way back/);
    await observer.query(`UPDATE p2pfk.migration SET state = 'paused', dropped_at = NULL`);
    await refused(/ is paused: no execution works on it/);
    await observer.query(`UPDATE p2pfk.migration SET state = 'migrated'`);
    await refused(/ is at its end/);
    await observer.query(`UPDATE p2pfk.migration SET state = 'running', lease_until = now() - interval '1 s'`);
    await refused(/ has an execution that is dead/);
  });

  it('that begins while a person types is not held', async () => {
    const testCase = await migratedTo('AddForeignKeys', undefined, ARN);
    const { db, observer } = testCase;
    const fencing = await db.client();
    await holdLock(fencing, `UPDATE p2pfk.migration SET state = 'rolling-back', fenced_at = now()`);
    const failed = expect(hold(testCase)).rejects.toThrow(/has gone on at the same moment/);
    await waitForQuery(observer, /approved_options\s+FROM p2pfk\.migration[\s\S]*FOR NO KEY UPDATE/);
    await fencing.query('COMMIT');
    await failed;
  });
});

describe('a lower limit', () => {
  it('counts statements that run, also of a function that is gone, and a session that has died takes no place', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    const { execution, observer } = testCase;
    await throttle(testCase, 1);
    const { release } = await openSnapshot(testCase);
    expect((await execution.buildIndex(1)).note).not.toMatch(LIMITED);

    expect(await execution.buildIndex(2)).toMatchObject(notNow(LIMITED));
    expect(await oneRow(observer, 'SELECT index_added FROM p2pfk.pair WHERE pair = 2')).toEqual({ index_added: false });
    expect((await execution.buildIndex(1)).note).not.toMatch(LIMITED);

    await observer.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'p2pfk/%/run/%'`,
    );
    await waitUntil(async () => (await atWork(observer)) === 0, 'its session to be gone');
    expect((await execution.buildIndex(2)).note).not.toMatch(LIMITED);
    expect(await execution.buildIndex(1)).toMatchObject(notNow(LIMITED));
    await release();
  });

  it('is kept by pairs that ask at the same moment', async () => {
    const testCase = await migratedTo('AddForeignKeys', undefined, ARN);
    const { db, execution, observer } = testCase;
    await throttle(testCase, 1);
    const { release } = await holdLock(
      await db.client(),
      'LOCK TABLE path_1, path_2, path_3 IN SHARE UPDATE EXCLUSIVE MODE',
    );
    let most = 0;
    let over = false;
    const looking = (async () => {
      while (!over) most = Math.max(most, await atWork(observer));
    })();
    // A validation that waits for its lock in vain ends with an error.
    await Promise.allSettled([1, 2, 3].map((pair) => execution.validateForeignKey(pair)));
    over = true;
    await looking;
    await release();
    expect(most).toBeLessThanOrEqual(1);
  });

  it('that is set while several pairs are at work lets them end, one after the other begins then, and all are done', async () => {
    const testCase = await migratedTo('AddForeignKeys', undefined, ARN);
    const { db, execution, observer } = testCase;
    const { release } = await holdLock(await db.client(), 'LOCK TABLE path_1, path_2 IN SHARE UPDATE EXCLUSIVE MODE');
    await Promise.all([execution.validateForeignKey(1), execution.validateForeignKey(2)]);
    expect(await atWork(observer)).toBe(2);

    expect(await throttle(testCase, 1)).toMatchObject({ changed: true, maxConcurrency: 1, maxConcurrencyAtStart: 4 });
    expect(await execution.validateForeignKey(3)).toMatchObject(notNow(/^2 of 1 pairs side by side are at work/));

    await release();
    await waitUntil(async () => (await atWork(observer)) === 0, 'both to end');
    for (const pair of [1, 2, 3])
      expect(await execution.validateForeignKey(pair)).toMatchObject({ status: pair === 3 ? 'DONE' : 'SKIPPED' });
  });

  it('is for adding foreign keys and counting orphans, too, and leaves no lock in the session', async () => {
    const testCase = await migratedTo('BuildIndexes', undefined, ARN);
    const { db, execution, observer } = testCase;
    await throttle(testCase, 1);
    const other = await db.client();
    await other.query('SELECT pg_advisory_lock(4711)');
    await other.query('INSERT INTO p2pfk.running (object, migration_id, key) VALUES (1, 1, 4711)');
    expect(await execution.addForeignKey(1)).toMatchObject(notNow(LIMITED));
    await other.query('SELECT pg_advisory_unlock(4711)');
    for (const { pair } of execution.pairs) {
      expect(await execution.addForeignKey(pair)).toMatchObject({ status: 'DONE' });
      expect(await execution.validateForeignKey(pair)).toMatchObject({ status: 'DONE' });
    }

    await observer.query('UPDATE p2pfk.pair SET proof = NULL');
    await other.query('SELECT pg_advisory_lock(4711)');
    expect(await execution.countOrphans(1)).toMatchObject(notNow(LIMITED));
    await other.query('SELECT pg_advisory_unlock(4711)');
    expect(await execution.countOrphans(1)).toMatchObject({ status: 'DONE' });
    expect(await oneRow(observer, 'SELECT count(*)::int AS rows FROM p2pfk.running WHERE object <> 1')).toEqual({
      rows: 0,
    });
    expect(
      await oneRow(
        observer,
        `SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      ),
    ).toEqual({ locks: 0 });
  });

  it('may be raised again up to the one at the start, and no further', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    await throttle(testCase, 1);
    expect(await throttle(testCase, 3)).toMatchObject({
      maxConcurrency: 3,
      throttle: { maxConcurrency: 3, by: 'Ana' },
    });
    expect(await throttle(testCase, 4)).toMatchObject({ changed: true, maxConcurrency: 4, throttle: null });
    expect(await throttle(testCase, 4)).toMatchObject({ changed: false });
    await expect(throttle(testCase, 5)).rejects.toThrow(
      /^--max-concurrency 5 is more than the 4 that the execution was started with, and the state machine begins no more at once: choose 1 to 4, or stop it and migrate again with --max-concurrency 5$/,
    );
  });
});

describe('who, why and when', () => {
  it('are in the ledger: the hold of the first person stays, and each change is an event', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    const { observer } = testCase;
    const first = await hold(testCase);
    expect(first).toMatchObject({ changed: true, hold: { by: 'Ana', reason: 'CHG-7', login: expect.any(String) } });
    expect(await act(testCase, { command: 'hold' }, { by: 'Bob' })).toMatchObject({ changed: false, hold: first.hold });
    await throttle(testCase, 2);
    expect(await resume(testCase)).toMatchObject({ changed: true, hold: null, maxConcurrency: 2 });
    expect(await resume(testCase)).toMatchObject({ changed: false });
    const { rows } = await observer.query(
      `SELECT step, person, reason, login = session_user AS login FROM p2pfk.event WHERE step ~ '^(Hold|Throttle|Resume)' ORDER BY id`,
    );
    expect(rows).toEqual([
      { step: 'Hold', person: 'Ana', reason: 'CHG-7', login: true },
      { step: 'Throttle to 2', person: 'Ana', reason: null, login: true },
      { step: 'Resume', person: 'Ana', reason: null, login: true },
    ]);
  });

  it('cannot be written by a role that may only read the ledger, or approve', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    const { observer } = testCase;
    const { role, url } = await plainRole(testCase);
    await observer.query(`REVOKE ALL ON ALL TABLES IN SCHEMA p2pfk FROM ${role}; GRANT USAGE ON SCHEMA p2pfk TO ${role};
      GRANT SELECT ON ALL TABLES IN SCHEMA p2pfk TO ${role};
      GRANT UPDATE (approved_at, approved_by, updated_at) ON p2pfk.migration TO ${role}`);
    const client = await coreSession(url);
    for (const change of [{ command: 'hold' }, { command: 'throttle', maxConcurrency: 1 }] as const)
      await expect(changePace(client, change, { by: 'Eve', execution: 'migrate-path' })).rejects.toMatchObject({
        name: 'PrivilegeMissing',
      });
    expect(await oneRow(observer, `SELECT options -> 'pace' AS pace FROM p2pfk.migration`)).toEqual({ pace: null });
  });
});

it('a planted value that p2pfk does not write is no wish and no crash', async () => {
  const testCase = await migratedTo('Plan', undefined, ARN);
  const now = planted(hoursAgo(0));
  const client = await coreSession(testCase.db.url);
  const asked = async () => whyNotNow(client, await readMigration(client, '1'), testCase.execution.pairs.length);
  await plant(testCase.observer, { hold: now });
  expect(await asked()).toMatchObject({ note: expect.stringMatching(/^held by Ana/) });
  for (const pace of [
    'hold',
    [1],
    null,
    { hold: true, throttle: 1 },
    { throttle: { ...now, maxConcurrency: 0 } },
    { throttle: { ...now, maxConcurrency: 1e9 } },
    { throttle: { ...now, maxConcurrency: -1 } },
    { throttle: { ...now, maxConcurrency: 'one' } },
    { hold: { ...now, at: undefined } },
    { hold: { ...now, at: 'infinity' } },
    { hold: { ...now, by: '' } },
  ]) {
    await plant(testCase.observer, pace);
    expect(await asked(), JSON.stringify(pace)).toBeUndefined();
    expect(await hold(testCase)).toMatchObject({ changed: true });
    expect(await resume(testCase)).toMatchObject({ changed: true });
  }
});

describe('which execution is meant', () => {
  it('is told by its table, its ARN, its name or an end of that, or it is the one that is at work', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    for (const wanted of [
      { table: 'public.path' },
      { execution: ARN },
      { execution: 'migrate-path' },
      { execution: 'path' },
      {},
    ])
      expect(await act(testCase, { command: 'resume' }, { table: undefined, ...wanted })).toMatchObject({
        migrationId: '1',
        execution: ARN,
      });
  });

  it('is refused in one line where that is not clear', async () => {
    const testCase = await migratedTo('Plan', undefined, ARN);
    for (const [wanted, line] of [
      [{ table: 'path', execution: ARN }, /^--execution and --table both say which execution is meant/],
      [{ constraint: 'path_fk' }, /^--constraint needs --table/],
      [{ execution: 'other' }, /^nothing was changed: no migration of this database belongs to an execution other/],
      [{ execution: '' }, /^nothing was changed: no migration of this database belongs/],
      [{ table: 'nowhere' }, /^table nowhere does not exist/],
      [{ table: 'inode' }, /has never been migrated/],
    ] as const)
      await expect(act(testCase, { command: 'hold' }, { table: undefined, ...wanted })).rejects.toThrow(line);
  });

  it('is none without a ledger', async () => {
    await expect(hold(await databaseWith())).rejects.toThrow(/this database has no ledger of p2pfk/);
  });
});
