/** Readers on a streaming standby: an ACCESS EXCLUSIVE lock of the primary is replayed there, and they wait behind it. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { requireFreeReaders } from '../../../core/checks/readers.ts';
import { changeOnline } from '../../../core/steps/locks/online-change.ts';
import { holdLock, waitUntil } from '../../support/observe.ts';
import {
  type Replicated,
  type ReplicatedDatabase,
  replicatedDatabase,
  startReplicated,
} from '../../support/standby.ts';
import { coreSession, foreignKeys, oneRow, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

let servers: Replicated;
beforeAll(async () => {
  servers = await startReplicated();
});
afterAll(() => servers?.stop());

/** Shorter than the rest of the suite's: a reader's transaction must become older than it. */
const BUDGET_MS = 1_000;
const BUSY =
  /^a reader is in use, so no lock was asked for by \w+: AccessShareLock on public\.\w+ at reader 127\.0\.0\.1:\d+ is held by pid \d+ \(postgres, a report\), idle in transaction since \d{4}-/;

const database = (sql: string = THREE_PAIRS) => replicatedDatabase(servers, sql);

function useReaders(...urls: string[]): void {
  vi.stubEnv('P2PFK_READERS', urls.join('\n'));
}

/** A session on the standby whose open transaction has read `table` and is older than the budget. */
async function reading({ reader, caughtUp }: ReplicatedDatabase, table: string) {
  await caughtUp();
  return holdOlder(await reader(), `SELECT FROM ${table}`);
}

async function holdOlder(client: Client, sql: string) {
  const held = await holdLock(client, sql);
  const isOld = async () =>
    (await oneRow<{ old: boolean }>(client, `SELECT clock_timestamp() - now() > '${BUDGET_MS} ms' AS old`)).old;
  await waitUntil(isOld, 'the transaction to be older than the lock budget');
  return held;
}

/** What a new reader of the standby is told when it does not want to wait. */
async function newReader(db: ReplicatedDatabase): Promise<string> {
  const client = await db.reader();
  await client.query("SET lock_timeout = '300ms'");
  const told = await client.query('SELECT count(*) FROM path').then(
    () => 'answered',
    (error: Error) => error.message,
  );
  await client.end();
  return told;
}

/** Whether the replay on the standby waits for a session there. */
async function replayWaits({ reader }: ReplicatedDatabase): Promise<boolean> {
  const client = await reader();
  const { rowCount } = await client.query(`SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'`);
  await client.end();
  return rowCount !== 0;
}

const parentStands = async (observer: Client) =>
  (await foreignKeys(observer)).some((line) => line.startsWith('path path_fk'));

describe('while a session on a standby has read a table in an open transaction', () => {
  it('the drop makes new readers there wait, where the standby is not named', async () => {
    const db = await database();
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys', { lockTimeoutMs: BUDGET_MS });
    const held = await reading(db, 'path_2');

    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED' });
    await waitUntil(
      async () => (await newReader(db)) !== 'answered',
      'the replay to stand in front of new readers on the standby',
    );
    expect(await newReader(db)).toMatch(/lock timeout/);

    await held.release();
    await db.caughtUp();
    expect(await newReader(db)).toBe('answered');
  });

  it('the drop and its rehearsal are not tried where it is named, and no reader waits', async () => {
    const db = await database();
    useReaders(db.readerUrl);
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys', { lockTimeoutMs: BUDGET_MS, rehearse: true });
    const held = await reading(db, 'path_2');

    for (const work of [() => execution.verifyGate(), () => execution.dropParentForeignKey()]) {
      await expect(work()).rejects.toMatchObject({ name: 'LockTimeout', message: expect.stringMatching(BUSY) });
      await db.caughtUp();
      expect(await newReader(db)).toBe('answered');
    }
    expect(await parentStands(db.observer)).toBe(true);
    expect(
      await oneRow(db.observer, `SELECT count(*)::int AS tries FROM p2pfk.event WHERE error ~ '^a reader is in use'`),
    ).toEqual({ tries: 2 });

    await held.release();
    expect(await execution.verifyGate()).toMatchObject({
      status: 'REHEARSED',
      reason: expect.stringContaining('a standby streams from this server: standby (127.0.0.1)'),
    });
    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED' });
    expect(await parentStands(db.observer)).toBe(false);
  });

  it('a rollback leaves the pair foreign keys, the guards and the indexes until the reader has ended', async () => {
    const db = await database();
    useReaders(db.readerUrl);
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys', { lockTimeoutMs: BUDGET_MS });
    await execution.fence();
    const held = await reading(db, 'inode_1');
    const before = await foreignKeys(db.observer);

    await expect(execution.dropPairForeignKeys()).rejects.toMatchObject({
      name: 'LockTimeout',
      message: expect.stringMatching(BUSY),
    });
    await db.caughtUp();
    expect(await newReader(db)).toBe('answered');
    expect(await foreignKeys(db.observer)).toEqual(before);

    await held.release();
    expect(await execution.dropPairForeignKeys()).toMatchObject({ status: 'DROPPED', foreignKeys: 3 });
  });

  it('an index is not dropped, because the replay of its last lock would wait for readers of the table', async () => {
    const db = await database(`${THREE_PAIRS}; CREATE INDEX other_1 ON path_1 (name)`);
    useReaders(db.readerUrl);
    const execution = new Execution();
    await execution.migrate('BuildIndexes', { lockTimeoutMs: BUDGET_MS });
    await execution.fence();
    const held = await reading(db, 'path_1');

    await expect(execution.dropPairForeignKeys()).rejects.toMatchObject({ message: expect.stringMatching(BUSY) });
    // Without p2pfk, to see that it is needed.
    await db.observer.query('DROP INDEX CONCURRENTLY other_1');
    await waitUntil(() => replayWaits(db), 'the replay of the lock on the index');

    await held.release();
    expect(await execution.dropPairForeignKeys()).toMatchObject({ indexes: 3 });
  });

  it('a partition that is in no pair is asked after, too', async () => {
    const db = await database();
    useReaders(db.readerUrl);
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys', { lockTimeoutMs: BUDGET_MS });
    const held = await holdOlder(await db.reader(), 'LOCK TABLE ONLY inode_4 IN ACCESS SHARE MODE');

    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      message: expect.stringMatching(/ public\.inode_4 at reader/),
    });
    await held.release();
    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED' });
  });

  it('a change by a person’s command is tried again, and then made', async () => {
    const db = await database();
    useReaders(db.readerUrl);
    const core = await coreSession(db.url);
    const { oid } = await oneRow<{ oid: number }>(core, `SELECT 'public.path_1'::regclass::oid AS oid`);
    const lock = { sql: 'LOCK TABLE public.path_1', mode: 'ACCESS EXCLUSIVE', relations: [oid] } as const;
    const change = { step: 'AuditRepair', migrationId: null, budgetMs: 300, locks: [lock] };
    const held = await reading(db, 'path_1');

    let tries = 0;
    const changed = changeOnline(core, change, async (budget) => {
      tries++;
      await budget.run('COMMENT ON TABLE public.path_1 IS $$changed$$');
    });
    const watcher = await db.reader();
    const asked = async () =>
      (
        await watcher.query(
          `SELECT FROM pg_stat_activity WHERE application_name = 'p2pfk/-/test' AND query ~ 'pg_inherits'`,
        )
      ).rowCount === 1;
    await waitUntil(asked, 'the standby to be asked');
    expect(await newReader(db)).toBe('answered');
    expect(tries).toBe(0);
    await held.release();
    await changed;
    expect(tries).toBe(1);
  });

  it('one whose transaction is younger than the lock budget is not waited for', async () => {
    const db = await database();
    useReaders(db.readerUrl);
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys');
    const held = await holdLock(await db.reader(), 'SELECT FROM path_2');
    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED' });
    await held.release();
  });
});

describe('a reader that cannot be asked', () => {
  it('is no reason to go on: nothing is locked', async () => {
    const db = await database();
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys');
    useReaders('postgres://127.0.0.1:1');

    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({
      name: 'ConnectionLost',
      message: expect.stringMatching(
        /^reader 127\.0\.0\.1:1 cannot be asked whether it is free, so no lock was asked for/,
      ),
    });
    expect(await parentStands(db.observer)).toBe(true);
    useReaders(db.readerUrl);
    expect(await execution.dropParentForeignKey()).toMatchObject({ status: 'DROPPED' });
  });

  it('that was promoted counts as lost, also where its session was open already', async () => {
    const others = await startReplicated();
    try {
      const db = await replicatedDatabase(others, THREE_PAIRS);
      useReaders(db.readerUrl);
      const core = await coreSession(db.url);
      const wanted = { relations: [0], budgetMs: BUDGET_MS, step: 'DropParentForeignKey' };
      await requireFreeReaders(core, wanted);
      await (await db.reader()).query('SELECT pg_promote()');

      for (const session of [core, await coreSession(db.url)])
        await expect(requireFreeReaders(session, wanted)).rejects.toMatchObject({
          name: 'ConnectionLost',
          message: expect.stringMatching(/no standby/),
        });
    } finally {
      await others.stop();
    }
  });

  it('is refused by the plan, and so is what is no standby of this database', async () => {
    const db = await database();
    const elsewhere = await startReplicated();
    const refusals = [
      ['postgres://127.0.0.1:1', 'ConnectionLost', /^reader 127\.0\.0\.1:1 cannot be asked/],
      [db.url, 'InvalidInput', /is not a reader of this database: it is no standby, it accepts changes itself/],
      [
        servers.standby.databaseUrl('postgres'),
        'InvalidInput',
        /is not a reader of this database: it leads to database "postgres"/,
      ],
      [
        elsewhere.standby.url,
        'InvalidInput',
        /is not a reader of this database: it leads to database "postgres" .* identifier \d+/,
      ],
      ['postgres://a,b', 'InvalidInput', /^a,b is not one server/],
      ['postgres://x.cluster-ro-abc.eu-central-1.rds.amazonaws.com', 'InvalidInput', /is not one server/],
    ] as const;
    try {
      for (const [url, name, message] of refusals) {
        useReaders(url);
        const refused = new Execution().plan();
        await expect(refused, url).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
      }
      expect(await oneRow(db.observer, `SELECT to_regclass('p2pfk.migration') AS ledger`)).toEqual({ ledger: null });
    } finally {
      await elsewhere.stop();
    }
  });
});
