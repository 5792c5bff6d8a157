/** Statements that take strong locks: they wait no longer than they may, and say who stood in the way. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockHolders, underLock } from '../../../core/steps/locks/lock-budget.ts';
import { backends, holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, oneRow } from '../case.helpers.ts';
import { migratedTo } from '../execution.helpers.ts';
import { slowNext } from '../slow-statement.helpers.ts';

const BUDGET_MS = 500;
/** Machines stall; a wait for each lock instead of one in all would be longer still. */
const SLACK = 5;

const pidOf = async (client: Client) => (await oneRow<{ pid: number }>(client, 'SELECT pg_backend_pid() AS pid')).pid;

/** What the ledger has noted of the tries on pair 1. */
const noted = (observer: Client) =>
  oneRow<{ attempts: number; last_error: string | null; lock_wait_ms: number; state: string }>(
    observer,
    'SELECT attempts, last_error, lock_wait_ms, state FROM p2pfk.pair WHERE pair = 1',
  );

function showBlockingQueries(): void {
  process.env.P2PFK_SHOW_BLOCKING_QUERIES = 'true';
  onTestFinished(() => {
    delete process.env.P2PFK_SHOW_BLOCKING_QUERIES;
  });
}

it('tells the holder’s query, without its data, only where the operator wants it', async () => {
  const { db, execution } = await migratedTo('Plan', { lockTimeoutMs: BUDGET_MS });
  await holdLock(await db.client(), `UPDATE path_1 SET name = 'top secret' WHERE name = 'it''s hidden'`);
  showBlockingQueries();

  const { message } = (await execution.addForeignKey(1).catch((error: Error) => error)) as Error;

  expect(message).toContain(`UPDATE path_1 SET name = '...' WHERE name = '...'`);
  expect(message).not.toMatch(/secret|hidden/);
});

it('names a prepared transaction by its owner: no session holds its locks', async () => {
  const { db, observer, execution } = await migratedTo('Plan', { lockTimeoutMs: BUDGET_MS });
  const gid = db.name;
  await observer.query(`BEGIN; UPDATE path_1 SET name = 'x'; PREPARE TRANSACTION '${gid}'`);
  try {
    const { message } = (await execution.addForeignKey(1).catch((error: Error) => error)) as Error;
    expect(message).toMatch(
      /RowExclusiveLock on public.path_1 is held by a prepared transaction of postgres \(see pg_prepared_xacts; COMMIT PREPARED or ROLLBACK PREPARED ends it\) since \d{4}-/,
    );
  } finally {
    await observer.query(`ROLLBACK PREPARED '${gid}'`);
  }
});

describe('adding a pair foreign key while somebody writes to its partition', () => {
  it('gives up within the budget, names the holder without its data, and changes nothing', async () => {
    const { db, observer, execution } = await migratedTo('Plan', { lockTimeoutMs: BUDGET_MS });
    const writer = await db.client();
    await writer.query(`SET application_name = 'nightly import'`);
    const pid = await pidOf(writer);
    const held = await holdLock(writer, `UPDATE path_1 SET name = 'top secret' WHERE name = 'it''s hidden'`);
    const before = await everything(observer);

    const refused = execution.addForeignKey(1);

    await expect(refused).rejects.toMatchObject({
      name: 'LockTimeout',
      context: {
        sqlState: expect.stringMatching(/^(55P03|57014)$/),
        holders: [
          expect.objectContaining({
            pid,
            application: 'nightly import',
            mode: 'RowExclusiveLock',
            relation: 'public.path_1',
            query: null,
          }),
        ],
      },
    });
    const { message } = (await refused.catch((error: Error) => error)) as Error;
    expect(message).toMatch(
      `no lock within ${BUDGET_MS} ms for AddForeignKeys: RowExclusiveLock on public.path_1 is held by pid ${pid} (postgres, nightly import), idle in transaction since `,
    );
    expect(message).not.toMatch(/UPDATE|secret|hidden/);
    expect(await everything(observer)).toBe(before);

    const { attempts, last_error: error, lock_wait_ms: waited, state } = await noted(observer);
    expect({ attempts, state }).toEqual({ attempts: 1, state: 'planned' });
    expect(error).toContain(`held by pid ${pid}`);
    expect(waited).toBeGreaterThan(BUDGET_MS * 0.8);
    expect(waited).toBeLessThan(BUDGET_MS * SLACK);

    await held.release();
    expect(await execution.addForeignKey(1)).toMatchObject({ status: 'DONE', object: 'fk_path_to_inode_1' });
    expect(await noted(observer)).toMatchObject({ attempts: 1, state: 'added' });
    const { rows: events } = await observer.query(
      'SELECT step, error IS NULL AS done FROM p2pfk.event WHERE lock_held_ms > 0 ORDER BY id',
    );
    expect(events).toEqual([
      { step: 'AddForeignKeys', done: false },
      { step: 'AddForeignKeys', done: true },
    ]);
  });

  it('counts the waits for several locks as one', async () => {
    const budget = 1_000;
    const { db, observer, execution } = await migratedTo('Plan', { lockTimeoutMs: budget });
    const [first, second] = await Promise.all([db.client(), db.client()]);
    const onReferencing = await holdLock(first, 'LOCK TABLE ONLY path_1 IN ROW EXCLUSIVE MODE');
    const onReferenced = await holdLock(second, 'LOCK TABLE ONLY inode_1 IN ROW EXCLUSIVE MODE');

    const refused = expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'LockTimeout' });
    // The first lock comes free when most of the budget is used up.
    await waitUntil(async () => {
      const { rows } = await observer.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
         AND now() - query_start > make_interval(secs => $1)`,
        [(budget * 0.7) / 1000],
      );
      return rows.length > 0;
    }, 'most of the budget to be used up');
    await onReferencing.release();
    await refused;

    const { lock_wait_ms: waited } = await noted(observer);
    expect(waited).toBeLessThan(budget * 1.5);
    await onReferenced.release();
  });

  it('lets readers pass all the while', async () => {
    const { db, observer, execution } = await migratedTo('Plan', { lockTimeoutMs: 5_000 });
    const [writer, reader] = await Promise.all([db.client(), db.client()]);
    const held = await holdLock(writer, 'UPDATE path_1 SET name = name WHERE ino = 1');

    const adding = execution.addForeignKey(1);
    const waiting = await waitForLockWait(observer, /^LOCK TABLE ONLY public\.inode_1, ONLY public\.path_1/);
    const { rows } = await reader.query('SELECT count(*)::int AS rows FROM path');
    await held.release();

    expect(rows).toEqual([{ rows: 440 }]);
    expect(waiting.application).toBe(`p2pfk/${execution.migrationId}/add-foreign-key/1`);
    expect(await adding).toMatchObject({ status: 'DONE' });
  });

  it('that is cancelled by a person is no lock timeout', async () => {
    const { db, observer, execution } = await migratedTo('Plan', { lockTimeoutMs: 30_000 });
    const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');

    const cancelled = expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'StatementCanceled' });
    const { pid } = await waitForLockWait(observer);
    await observer.query('SELECT pg_cancel_backend($1)', [pid]);

    await cancelled;
    await held.release();
  });

  it('that loses its connection is tried again', async () => {
    const { db, observer, execution } = await migratedTo('Plan', { lockTimeoutMs: 30_000 });
    const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');

    const lost = expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'ConnectionLost' });
    const { pid } = await waitForLockWait(observer);
    await observer.query('SELECT pg_terminate_backend($1)', [pid]);

    await lost;
    await held.release();
    expect(await execution.addForeignKey(1)).toMatchObject({ status: 'DONE' });
  });
});

describe('a try for locks on a busy machine', () => {
  /** Shorter than the budget: where deadlock_timeout is short, a try waits no longer than that. */
  const tryWithin = async (...wanted: Parameters<typeof scene>) => (await scene(...wanted)).tried();

  const scene = async (
    pattern: RegExp,
    work = (_client: Client, _left: () => number): Promise<unknown> => Promise.resolve('done'),
    {
      slowSeconds = 0.2,
      ...more
    }: { readonly end?: 'COMMIT' | 'ROLLBACK'; readonly budgetMs?: number; readonly slowSeconds?: number } = {},
  ) => {
    const { db, observer, execution } = await migratedTo('Plan');
    await observer.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''100ms''', current_database()); END $$`,
    );
    const client = await coreSession(db.url);
    slowNext(client, pattern, slowSeconds);
    const context = {
      client,
      logger: { debug: () => undefined, info: () => undefined, warn: () => undefined },
      remainingMs: () => 60_000,
      openSession: () => coreSession(db.url),
      closeSession: (session: Client) => session.end(),
    };
    const { oid } = await oneRow<{ oid: number }>(client, `SELECT 'public.path_1'::regclass::oid AS oid`);
    const lock = { sql: 'LOCK TABLE public.path_1 IN SHARE ROW EXCLUSIVE MODE', mode: 'SHARE ROW EXCLUSIVE' } as const;
    const locked = {
      migrationId: execution.migrationId,
      execution: execution.arn,
      direction: 'forward',
      step: 'AddForeignKeys',
      pair: 1,
      budgetMs: 10_000,
      lock: { ...lock, relations: [oid] },
      ...more,
    } as const;
    return { observer, tried: () => underLock(context, locked, (left) => work(client, left)) };
  };

  it('gives what is asked before the lock as long as it needs', async () => {
    expect(await tryWithin(/p2pfk\.began_at/)).toMatchObject({ result: 'done' });
  });

  it('gives what is asked right after the lock the rest of the budget, not of the try', async () => {
    expect(await tryWithin(/p2pfk\.locked_at/)).toMatchObject({ result: 'done' });
  });

  it('is a lock timeout too where the lock is granted so late that what follows it is cut', async () => {
    const tried = tryWithin(/p2pfk\.locked_at/, undefined, { budgetMs: 1_000, slowSeconds: 3 });
    await expect(tried).rejects.toMatchObject({ name: 'LockTimeout', context: { sqlState: '57014' } });
  });

  it.each(['COMMIT', 'ROLLBACK'] as const)(
    'that is too late for its %s is rolled back, also where no statement was too long, and tried again',
    async (end) => {
      // The server itself would wait for some milliseconds more.
      const untilTheEnd = async (_: Client, left: () => number) => {
        while (left() > 1) await delay(left());
        // What was left may still be a part of a millisecond.
        await delay(2);
      };
      await expect(tryWithin(/nothing/, untilTheEnd, { end, budgetMs: 1_000 })).rejects.toMatchObject({
        name: 'LockTimeout',
        message: expect.stringContaining('did not fit into the lock budget of 1000 ms; it was rolled back'),
      });
    },
  );

  it('is noted also where the server has ended its session', async () => {
    const { observer, tried } = await scene(/nothing/, () => delay(2_000), { budgetMs: 500 });
    await expect(tried()).rejects.toMatchObject({ name: 'LockTimeout' });

    const { attempts, last_error: error } = await noted(observer);
    expect({ attempts, error }).toEqual({
      attempts: 1,
      error: expect.stringContaining('did not fit into the lock budget of 500 ms'),
    });
  });

  it('is tried again where a timeout has aborted its transaction, and only the next statement says so', async () => {
    const aborted = async (client: Client) => {
      await client.query('SELECT 1 / 0').catch(() => undefined);
      await client.query('SELECT 1');
    };
    await expect(tryWithin(/nothing/, aborted)).rejects.toMatchObject({
      name: 'LockTimeout',
      context: { sqlState: '25P02' },
    });
  });
});

describe('what is told of a holder', () => {
  it.each([
    ['literals', `SELECT 'secret', E'it\\'s secret', 'se''cret'`, `SELECT '...', '...', '...'`],
    ['dollar-quoted text', 'SELECT $$secret$$, $tag$it is $$ secret$tag$', 'SELECT $$...$$, $$...$$'],
    [
      'numbers',
      'SELECT 4711, 47.11, path_1.ino FROM path_1 WHERE ino = 4711',
      'SELECT ..., ..., path_1.ino FROM path_1 WHERE ino = ...',
    ],
    ['a literal longer than the server remembers', `SELECT '${'secret '.repeat(400)}'`, `SELECT '...'`],
    ['dollar-quoted text longer than that', `SELECT $$${'secret '.repeat(400)}$$`, 'SELECT $$...$$'],
  ])('carries no %s', async (_, query, shown) => {
    const { db } = await databaseWith();
    showBlockingQueries();
    const core = await coreSession(db.url);
    const { oid } = await oneRow<{ oid: number }>(core, `SELECT 'public.path_1'::regclass::oid AS oid`);
    const holder = await db.client();
    await holder.query('BEGIN; LOCK TABLE path_1 IN ROW EXCLUSIVE MODE');
    await holder.query(query);

    const [told] = await lockHolders(core, [oid], 'SHARE ROW EXCLUSIVE');

    expect(told?.query).toBe(shown);
  });

  it('is only of those who hold what conflicts', async () => {
    const { db } = await databaseWith();
    const core = await coreSession(db.url);
    const { oid } = await oneRow<{ oid: number }>(core, `SELECT 'public.path_1'::regclass::oid AS oid`);
    const [reader, writer] = await Promise.all([db.client(), db.client()]);
    await holdLock(reader, 'SELECT FROM path_1');
    await holdLock(writer, 'LOCK TABLE path_1 IN ROW EXCLUSIVE MODE');

    const modes = async (wanted: Parameters<typeof lockHolders>[2]) =>
      (await lockHolders(core, [oid], wanted)).map(({ mode }) => mode);

    expect(await modes('SHARE UPDATE EXCLUSIVE')).toEqual([]);
    expect(await modes('SHARE ROW EXCLUSIVE')).toEqual(['RowExclusiveLock']);
    expect((await modes('ACCESS EXCLUSIVE')).sort()).toEqual(['AccessShareLock', 'RowExclusiveLock']);
  });
});

it('no session of ours stays behind', async () => {
  const { observer } = await migratedTo('VerifyMigration');

  expect((await backends(observer)).filter(({ application }) => application.startsWith('p2pfk/'))).toEqual([]);
});
