/** A client that freezes while it holds locks (Lambda does that, networks too): the application waits no longer for it. */
import { expect, it } from 'vitest';
import { Execution } from '../execution.helpers.ts';
import { freezeAfter, proxiedCase } from './proxied.helpers.ts';

const BUDGET_MS = 300;
/** The session's own idle_in_transaction_session_timeout is a minute: that is what must not be waited for. */
const FAR_LESS_MS = 15_000;

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const beganAt = performance.now();
  await work();
  return performance.now() - beganAt;
}

it('under the lock of a pair loses it with the lock budget, and the step is tried again', async () => {
  const { db, proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.plan({ lockTimeoutMs: BUDGET_MS });
  const { frozen } = freezeAfter(proxy, 'add-foreign-key', /^LOCK TABLE/);
  const adding = expect(execution.addForeignKey(1)).rejects.toMatchObject({ name: 'LockTimeout' });
  const thaw = await frozen;
  const writer = await db.client();

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
  const { frozen } = freezeAfter(proxy, 'verify-migration', /^DELETE FROM/);
  const verifying = expect(execution.verifyMigration()).rejects.toMatchObject({ name: 'ConnectionLost' });
  const thaw = await frozen;
  const writer = await db.client();

  const waited = await milliseconds(() => writer.query('UPDATE inode SET size = size + 1'));

  expect(waited).toBeLessThan(FAR_LESS_MS);
  thaw();
  await verifying;
  expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
});
