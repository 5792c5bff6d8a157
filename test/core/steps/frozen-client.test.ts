/** A client that freezes while it holds locks (Lambda does that, networks too): the application waits no longer for it. */
import type { Client } from 'pg';
import { expect, it } from 'vitest';
import { backends, waitUntil } from '../../support/observe.ts';
import { Execution } from '../execution.helpers.ts';
import { freezeAfter, proxiedCase } from './proxied.helpers.ts';

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
  expect(await execution.addForeignKey(1)).toMatchObject({ status: 'DONE' });
});

it('with the rows of the DELETE probe locked lets them go', async () => {
  const { db, proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.migrate('DropParentForeignKey', { lockTimeoutMs: BUDGET_MS });
  const statement = /^DELETE FROM/;
  const { frozen } = freezeAfter(proxy, 'verify-migration', statement);
  const verifying = expect(execution.verifyMigration()).rejects.toMatchObject({ name: 'ConnectionLost' });
  const thaw = await frozen;
  const writer = await db.client();
  await idleAfter(writer, statement);

  const waited = await milliseconds(() => writer.query('UPDATE inode SET size = size + 1'));

  expect(waited).toBeLessThan(FAR_LESS_MS);
  thaw();
  await verifying;
  expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
});
