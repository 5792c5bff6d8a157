/** A validation that takes longer than its handler may run, and whose client is killed meanwhile. */
import { expect, it } from 'vitest';
import { waitUntil } from '../../support/observe.ts';
import { TABLE } from '../harness/case.ts';
import { useServer } from './scene.helpers.ts';

const { caseOf } = useServer();

/** A handler keeps 15 s back for its last words: that leaves it one second for the validation. */
const ALLOWANCE_MS = 16_000;
const TIMEOUT_MS = 240_000;

/** A VALIDATE takes some seconds on any machine; the planner's settings are pinned in our sessions, so an event trigger does it. */
const SLOW = `
  CREATE FUNCTION slow_validation() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN IF pg_catalog.current_query() LIKE '%VALIDATE CONSTRAINT%' THEN PERFORM pg_catalog.pg_sleep(6); END IF; END $$;
  CREATE EVENT TRIGGER slow_validation ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slow_validation();`;

it('ends validated, begun once', async () => {
  const { client, runner: start, url } = await caseOf({ pairs: 2, rows: 2_000, onDelete: 'CASCADE', deferred: false });
  const observer = await client();
  await observer.query(SLOW);
  const input = { table: TABLE, maxConcurrency: 1 };
  const first = await start();
  const leftRunning = new Promise<'left running'>((resolve) => {
    first.watch((report) => {
      if (report.type === 'entered' && report.state === 'WaitForValidation') resolve('left running');
    });
  });
  const validating = async () => {
    const { rows } = await observer.query<{ pid: number; application: string }>(
      `SELECT pid, application_name AS application FROM pg_stat_activity
        WHERE application_name LIKE 'p2pfk/%/run/ValidateForeignKeys/1' AND state = 'active' AND query LIKE '%VALIDATE%'`,
    );
    return rows[0];
  };

  const killed = first.run({ databaseUrl: url, input, allowanceMs: ALLOWANCE_MS, timeoutMs: TIMEOUT_MS });
  expect(await Promise.race([leftRunning, killed]), 'the validation was too short').toBe('left running');
  const running = await validating();
  await first.kill();

  expect(await killed).toMatchObject({ status: 'KILLED' });
  expect(running, 'the validation was too short to be left running').toBeDefined();
  expect(await validating()).toEqual(running);
  const second = await start();
  const ending = await second.run({ databaseUrl: url, input, allowanceMs: ALLOWANCE_MS, timeoutMs: TIMEOUT_MS });
  expect(ending).toMatchObject({ status: 'MIGRATED' });
  await waitUntil(async () => (await validating()) === undefined, 'the validation to end');
  const { rows: events } = await observer.query<{ validations: number; seconds: number }>(
    `SELECT count(*)::int AS validations, max(duration_ms)::float8 / 1000 AS seconds FROM p2pfk.event WHERE pair = 1 AND sql LIKE '%VALIDATE CONSTRAINT%' AND error IS NULL`,
  );
  console.log(`validated by the server in ${events[0]?.seconds.toFixed(1)} s; its handler was allowed to wait for one`);
  expect(events).toMatchObject([{ validations: 1 }]);
  const { rows: constraints } = await observer.query(
    `SELECT convalidated FROM pg_constraint WHERE conrelid = 'path_1'::regclass AND contype = 'f'`,
  );
  expect(constraints).toEqual([{ convalidated: true }]);
});
