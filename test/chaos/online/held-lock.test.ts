/** A transaction of somebody else that holds a lock on one pair, P2PFK_TEST_HOLD_SECONDS long (default 8). */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { TABLE } from '../harness/case.ts';
import { latency, table } from './latency.ts';
import { BUDGET_MS, failuresDuring, MARGIN_MS, useServer } from './scene.helpers.ts';

const { caseOf } = useServer();

const HOLD_SECONDS = Number(process.env.P2PFK_TEST_HOLD_SECONDS ?? 8);

/** What the holder does, and what of the migration it stands in the way of. */
const HOLDERS = [
  ['writes', `UPDATE path_1 SET name = name WHERE name = 'top secret'`],
  ['reads', 'SELECT FROM path_1'],
] as const;

it.each(HOLDERS)(
  'of one that %s: migrate waits, names it, holds nobody up, and finishes when it goes',
  async (_, sql) => {
    const {
      client,
      workload,
      observer,
      runner: start,
      url,
    } = await caseOf({
      pairs: 3,
      rows: 2_000,
      onDelete: 'CASCADE',
      deferred: false,
    });
    const runner = await start();
    const holder = await client();
    await holder.query(`SET application_name = 'nightly import'; BEGIN; ${sql}`);
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const app = workload(2);
    const watch = await observer();
    const from = performance.now();
    let releasedAt = 0;
    const released = delay(HOLD_SECONDS * 1_000).then(async () => {
      releasedAt = performance.now();
      await holder.query('COMMIT');
    });
    const named: string[] = [];
    runner.watch((report) => {
      if (report.type === 'failed' || report.type === 'held-back') named.push(report.message);
    });

    const { ending } = await failuresDuring(runner, () =>
      runner.run({ databaseUrl: url, input: { table: TABLE }, timeoutMs: (HOLD_SECONDS + 120) * 1_000 }),
    );
    const endedAt = performance.now();
    await released;
    await app.stop();
    await watch.stop();

    const during = latency(app.timings, from, releasedAt);
    console.log(
      `${table({ 'while held': during, afterwards: latency(app.timings, releasedAt, endedAt) })}\n${named[0]}`,
    );
    expect(ending).toMatchObject({ status: 'MIGRATED' });
    expect(endedAt).toBeGreaterThan(releasedAt);
    const holderNamed = new RegExp(`pid ${rows[0]?.pid} \\(postgres, nightly import\\), idle in transaction since `);
    expect(named.filter((message) => holderNamed.test(message)).length).toBeGreaterThan(0);
    expect(named.join()).not.toContain('secret');
    expect(app.violations).toEqual([]);
    expect(watch.violations).toEqual([]);
    expect(during.max).toBeLessThan(BUDGET_MS + MARGIN_MS);
  },
);
