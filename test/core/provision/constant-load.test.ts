/** Beside an application that writes without a pause: a new pair and a repair get through, and no writer waits for long. */
import { expect, it } from 'vitest';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import type { TestDatabase } from '../../support/database.ts';
import { backends, holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { startWriters, WRITERS } from '../../support/writers.ts';
import { WITH_DEFAULT } from './default.helpers.ts';
import { column, FIVE, migrated, request, standingOn } from './migrated.helpers.ts';

/** A try waits for 0.9 s at most (of deadlock_timeout); the rest is room for the work on a busy machine. */
const BUDGET_MS = 2_000;
/** How long a transaction is open that makes tries fail. */
const SLOW_MS = 1_000;
/** What the contract allows beside the budget. */
const MARGIN_MS = 200;

/**
 * Runs `change` beside writers of these media, the first of which also has a transaction that is longer than a try waits. What
 * this machine makes the writers wait without us is added to what is allowed.
 */
async function besideWriters(db: TestDatabase, media: readonly string[], change: () => Promise<unknown>) {
  const load = await startWriters(db, media);
  const alone = load.longest();
  const slow = await db.client();
  const held = await holdLock(
    slow,
    `INSERT INTO path SELECT medium, ino, 'slow' FROM inode WHERE medium = '${media[0]}' LIMIT 1`,
  );
  const changed = change().then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    const from = performance.now();
    await waitUntil(() => performance.now() - from > SLOW_MS, 'some tries to be refused');
    await held.release();
    expect(await changed).toBeUndefined();
    const before = load.statements();
    await waitUntil(() => load.statements() > before + WRITERS, 'the writers to go on');
    expect(load.longest()).toBeLessThan(BUDGET_MS + MARGIN_MS + alone);
    expect(load.errors).toEqual([]);
  } finally {
    await changed;
    await load.stop();
  }
}

it('provision gets the locks of DEFAULT partitions that are written to', async () => {
  const { db, core, observer } = await migrated(WITH_DEFAULT);
  await besideWriters(db, ['something else'], () => provision(core, request(FIVE, { lockTimeoutMs: BUDGET_MS })));
  expect((await standingOn(observer, 'path_five')).foreignKeys).toHaveLength(1);
});

it('a repair gets the locks of a pair that is written to', async () => {
  const { db, core, observer } = await migrated();
  // Replaced under ACCESS EXCLUSIVE, and one that ties the leaf to the whole table goes under that on all of inode.
  await observer.query(`
    ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
    ALTER TABLE path_one ADD CONSTRAINT fk_path_to_inode_one FOREIGN KEY (medium, ino) REFERENCES inode_one ON DELETE CASCADE ON UPDATE CASCADE;
    ALTER TABLE path_two ADD CONSTRAINT stray FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;`);
  await besideWriters(db, ['one', 'two'], async () => {
    const { outcomes } = await auditAndRepair(core, { lockTimeoutMs: BUDGET_MS });
    expect(outcomes.map(({ error }) => error)).toEqual(outcomes.map(() => null));
    expect(outcomes.length).toBeGreaterThan(0);
  });
  expect(
    await column(
      observer,
      `SELECT pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conname IN ('fk_path_to_inode_one', 'stray') AND conparentid = 0`,
    ),
  ).toEqual(['FOREIGN KEY (medium, ino) REFERENCES inode_one(medium, ino) ON DELETE CASCADE']);
});

it('the wait for strong locks and the work under them share the budget: a try that waited too long is made anew', async () => {
  const budget = 3_000;
  const { db, core, observer } = await migrated(WITH_DEFAULT);
  await observer.query(`
    CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF pg_catalog.current_query() ~ 'ATTACH PARTITION public.path_five' THEN PERFORM pg_catalog.pg_sleep(1.5); END IF; END $$;
    CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION slow();`);
  // So that a try may wait for nearly all of the budget.
  await core.query("SET deadlock_timeout = '10s'");
  const held = await holdLock(await db.client(), 'SELECT FROM path_default');
  const application = await db.client();
  const provisioned = provision(core, request(FIVE, { lockTimeoutMs: budget }));
  const waiting = await waitForLockWait(observer, /LOCK TABLE/);
  const from = performance.now();
  const read = application.query('SELECT count(*) FROM path_default').then(() => performance.now() - from);
  await waitUntil(() => performance.now() - from > 2_200, 'more than half of the budget to pass');
  expect((await backends(observer)).find(({ pid }) => pid === waiting.pid)?.waitsForLock).toBe(true);
  await held.release();
  expect((await provisioned).status).toBe('PROVISIONED');
  // Together they would take 3.7 s.
  expect(await read).toBeLessThan(budget + MARGIN_MS + 300);
});
