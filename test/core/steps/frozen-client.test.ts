/** A client that freezes while it holds locks (Lambda does that, networks too): the application waits no longer for it. */
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { backends, holdLock, waitForLockWait, waitUntil } from '../../support/observe.ts';
import { oneRow } from '../case.helpers.ts';
import { Execution, untilItFits } from '../execution.helpers.ts';
import { freezeAfter, holdStatement, proxiedCase } from './proxied.helpers.ts';

const BUDGET_MS = 300;
/** The session's own idle_in_transaction_session_timeout is a minute: that is what must not be waited for. */
const FAR_LESS_MS = 15_000;

/** The server has done the statement and waits for the next one, which will not come: only now are its locks held. */
function idleAfter(observer: Client, statement: RegExp) {
  return waitUntil(
    async () =>
      (await backends(observer)).some(({ state, query }) => state === 'idle in transaction' && statement.test(query)),
    `a session to sit in its transaction after ${statement}`,
  );
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const beganAt = performance.now();
  await work();
  return performance.now() - beganAt;
}

it('under the lock of a pair loses it with the lock budget, and the step is tried again', async () => {
  const { db, proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.plan({ lockTimeoutMs: BUDGET_MS });
  const statement = /^LOCK TABLE/;
  const { frozen } = freezeAfter(proxy, 'add-foreign-key', statement);
  const adding = expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'LockTimeout' });
  const thaw = await frozen;
  const writer = await db.client();
  await idleAfter(writer, statement);

  const waited = await milliseconds(() => writer.query(`INSERT INTO path VALUES ('one', 1, 'meanwhile')`));

  expect(waited).toBeLessThan(FAR_LESS_MS);
  thaw();
  await adding;
  expect(await untilItFits(() => execution.addForeignKey(1))).toMatchObject({ status: 'DONE' });
});

it('in the DELETE probe holds no row of the application, as the DELETE and its end are one statement', async () => {
  const { db, proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.migrate('DropParentForeignKey', { lockTimeoutMs: BUDGET_MS });
  const statement = /^LOCK TABLE/;
  const { frozen } = freezeAfter(proxy, 'verify-migration', statement);
  const verifying = execution.verifyMigration();
  const thaw = await frozen;
  const writer = await db.client();
  await idleAfter(writer, statement);

  const waited = await milliseconds(() => writer.query('UPDATE inode SET size = size + 1'));

  expect(waited).toBeLessThan(FAR_LESS_MS);
  thaw();
  // The server may have ended the session that stood still: then the step is tried again.
  await verifying.catch((error: unknown) => expect(error).toMatchObject({ name: 'ConnectionLost' }));
  expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
});

it('after it waited for the locks of the drop has only the rest of the budget', async () => {
  const budgetMs = 3_000;
  const { db, observer, proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.migrate('VerifyGate', { lockTimeoutMs: budgetMs });
  // The first try is NOWAIT; the fifth waits in one order, the referenced table first.
  await observer.query(`INSERT INTO p2pfk.event (migration_id, step, error)
    SELECT id, 'DropParentForeignKey', 'refused' FROM p2pfk.migration, generate_series(1, 4)`);
  const holder = await holdLock(await db.client(), 'SELECT FROM path_3');
  const gate = holdStatement(proxy, 'drop-parent-foreign-key', /^ALTER TABLE .* DROP CONSTRAINT/);
  const dropping = expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'LockTimeout' });
  await waitForLockWait(observer, /LOCK TABLE/);
  const reader = await db.client();
  // It comes to a table whose lock we have already, and waits for as long as we wait and work.
  const waited = milliseconds(() => reader.query('SELECT count(*) FROM inode'));
  const waitedOurselves = () =>
    oneRow<{ ms: number }>(
      observer,
      `SELECT extract(epoch FROM clock_timestamp() - query_start) * 1000 AS ms FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%LOCK TABLE%' AND state = 'active' AND pid <> pg_backend_pid()`,
    );
  await waitUntil(async () => (await waitedOurselves()).ms > budgetMs * 0.1, 'a tenth of the budget to be gone');
  await holder.release();
  await gate.reached;

  expect(await waited).toBeLessThan(budgetMs * 1.4);

  gate.release();
  await dropping;
});
