/** The whole migration and the rollback of it while an application works on the tables. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { TABLE } from '../harness/case.ts';
import { compare } from '../watch/account.ts';
import { latency, table } from './latency.ts';
import { BUDGET_MS, MARGIN_MS, useServer } from './scene.helpers.ts';

const { caseOf } = useServer();

/** Seconds of the same load without us, before and after. */
const BASELINE_SECONDS = 6;
/**
 * How many times slower the middle and the slow end of the application's statements may become. Generous: on two cores the
 * migration, its validations and the application share what there is; a lock held for long shows as hundreds.
 */
const RATIO = { p50: 4, p95: 8 } as const;

it('migrate and rollback hold the application up no longer than the lock budget', async () => {
  const {
    client,
    workload,
    observer,
    runner: start,
    url,
  } = await caseOf({
    pairs: 5,
    rows: 40_000,
    onDelete: 'CASCADE',
    deferred: false,
  });
  const runner = await start();
  const app = workload(1);
  const watch = await observer();
  const phase = async (work: () => Promise<unknown>) => {
    const from = performance.now();
    await work();
    return [from, performance.now()] as const;
  };
  const execute = (operation: string, status: string) => async () =>
    expect(
      await runner.run({ databaseUrl: url, input: { table: TABLE, operation }, timeoutMs: 240_000 }),
    ).toMatchObject({
      status,
    });

  const before = await phase(() => delay(BASELINE_SECONDS * 1_000));
  const migration = await phase(execute('migrate', 'MIGRATED'));
  const rollback = await phase(execute('rollback', 'ROLLED_BACK'));
  const after = await phase(() => delay(BASELINE_SECONDS * 1_000));
  await app.stop();
  await watch.stop();

  const alone = latency([...app.timings], ...before);
  const phases = {
    'without us': alone,
    migrate: latency(app.timings, ...migration),
    rollback: latency(app.timings, ...rollback),
    afterwards: latency(app.timings, ...after),
  };
  console.log(`${table(phases)}\nlongest wait for us, as the server saw it: ${Math.round(watch.longestHoldUpMs)} ms`);
  // No statement failed, no orphan got in, no row was lost.
  expect(app.violations).toEqual([]);
  expect(watch.violations).toEqual([]);
  expect(await compare(await client(), app.shares)).toEqual([]);
  const longestAlone = Math.max(alone.max, phases.afterwards.max);
  for (const name of ['migrate', 'rollback'] as const) {
    const { statements, p50, p95, max } = phases[name];
    expect(statements, name).toBeGreaterThan(100);
    expect(max, `${name}: longest statement`).toBeLessThan(BUDGET_MS + MARGIN_MS + longestAlone);
    expect(p50 / alone.p50, `${name}: median`).toBeLessThan(RATIO.p50);
    expect(p95 / alone.p95, `${name}: 95th percentile`).toBeLessThan(RATIO.p95);
  }
});
