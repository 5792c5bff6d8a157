/** A transaction with a deadline ends by it, however its time is spent: in statements, in pauses between them, or in a client that stands still. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  lockUntil,
  sendAsOne,
  together,
  underDeadline,
  withShorterLimits,
} from '../../../core/postgres/session/deadline.ts';
import { inTransaction } from '../../../core/postgres/session/transactions.ts';
import { coreSession, databaseWith } from '../case.helpers.ts';
import { BUDGET_MS, deadlineIn, FAR_LESS_THAN_TWICE, lockedScene, TooLate } from './deadline.helpers.ts';

describe.each(['17 and newer', 'older'])('on PostgreSQL %s', (version) => {
  const scene = () => lockedScene(version);

  it('statements that each take less end together by the deadline', async () => {
    const { client, waitOfReader } = await scene();
    const sleep = () => client.query('SELECT pg_sleep(0.7)');
    const { waitedMs, error } = await waitOfReader(() => together(client, sleep, sleep, sleep, sleep, sleep, sleep));

    expect(error).toMatchObject({ code: expect.stringMatching(/^(57014|25P04)$/) });
    expect(waitedMs).toBeLessThan(FAR_LESS_THAN_TWICE);
  });

  it('pauses between statements count', async () => {
    const { client, waitOfReader } = await scene();
    const { waitedMs, error } = await waitOfReader(async () => {
      for (let n = 0; n < 20; n++) {
        await delay(BUDGET_MS / 5);
        await client.query('SELECT 1');
      }
    });

    expect(error).toBeInstanceOf(TooLate);
    expect(waitedMs).toBeLessThan(FAR_LESS_THAN_TWICE);
  });

  it('a statement after a pause has only what is left', async () => {
    const { client, waitOfReader } = await scene();
    const { waitedMs, error } = await waitOfReader(async () => {
      await delay(BUDGET_MS * 0.7);
      await client.query('SELECT pg_sleep(60)');
    });

    expect(error).toMatchObject({ code: '57014' });
    expect(waitedMs).toBeLessThan(FAR_LESS_THAN_TWICE);
  });

  it('a client that stands still after a long statement loses its session', async () => {
    const { client, waitOfReader } = await scene();
    const { waitedMs } = await waitOfReader(async () => {
      await client.query('SELECT pg_sleep(1.4)');
      await delay(BUDGET_MS * 1.5);
    });

    expect(waitedMs).toBeLessThan(FAR_LESS_THAN_TWICE);
  });

  it('also where a savepoint is rolled back that is older than the deadline', async () => {
    const { client } = await scene();
    await inTransaction(client, () =>
      underDeadline(client, deadlineIn(BUDGET_MS), async () => {
        await client.query('SAVEPOINT before');
        await lockUntil(
          client,
          { leftMs: BUDGET_MS, limitMs: BUDGET_MS },
          'LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE',
        );
        await client.query('SELECT 1 / 0').catch(() => undefined);
        await client.query('ROLLBACK TO SAVEPOINT before');
        const sleep = () => client.query('SELECT pg_sleep(0.7)');
        await together(client, sleep, sleep, sleep, sleep, sleep, sleep);
      }),
    ).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^(57014|25P04)$/) }),
    );
  });

  it('leaves the session as it was', async () => {
    const { client } = await scene();
    const settings = async () =>
      (
        await client.query(
          `SELECT name, setting FROM pg_catalog.pg_show_all_settings() WHERE name ~ '_timeout$' ORDER BY name`,
        )
      ).rows;
    const before = await settings();
    await inTransaction(client, () =>
      underDeadline(client, deadlineIn(BUDGET_MS), () => lockUntil(client, { leftMs: BUDGET_MS, limitMs: BUDGET_MS })),
    );

    expect(await settings()).toEqual(before);
    expect(client.pipeline).toBe(false);
  });
});

it('the error is that of the statement that failed, not of those behind it', async () => {
  const { db } = await databaseWith('CREATE TABLE t (n int)');
  const client = await coreSession(db.url);
  const failing = () =>
    underDeadline(client, deadlineIn(10_000), () =>
      together(
        client,
        () => client.query('SELECT 1'),
        () => client.query('SELECT 1 / 0'),
        () => client.query('SELECT 2'),
      ),
    );

  await expect(inTransaction(client, failing)).rejects.toMatchObject({ code: '22012' });
  await expect(
    inTransaction(client, () =>
      underDeadline(client, deadlineIn(10_000), () => sendAsOne(client, ['SELECT 1', 'SELECT nothing', 'SELECT 2'])),
    ),
  ).rejects.toMatchObject({ code: '42703' });
  expect((await client.query('SELECT 3 AS n')).rows).toEqual([{ n: 3 }]);
});

it('shorter limits are those of their statements alone', async () => {
  const { db } = await databaseWith('CREATE TABLE t (n int)');
  const client = await coreSession(db.url);
  onTestFinished(() => client.query('ROLLBACK').then(() => undefined));
  await client.query('BEGIN');
  await underDeadline(client, deadlineIn(60_000), async () => {
    await client.query('SAVEPOINT short');
    const cut = withShorterLimits(client, { statementMs: 50, lockMs: 20 }, () => client.query('SELECT pg_sleep(60)'));
    await expect(cut).rejects.toMatchObject({ code: '57014' });
    await client.query('ROLLBACK TO SAVEPOINT short');
    expect((await client.query('SELECT pg_sleep(0.2), 1 AS n')).rows).toMatchObject([{ n: 1 }]);
  });
});
