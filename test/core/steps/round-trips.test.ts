/**
 * How often a step waits for the server between the request of its locks and its end: with a server that is 30 ms away each of these
 * answers costs the application 30 ms. What a step asks, and what it changes, travels together.
 */
import { expect, it } from 'vitest';
import { provision } from '../../../core/provision/provision-pair.ts';
import { coreSession } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { WITH_DEFAULT } from '../provision/default.helpers.ts';
import { proxiedCase, roundTripsUnderLock } from './proxied.helpers.ts';

it('each step under locks waits for as few answers as are written here', async () => {
  const { proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.plan();
  await execution.run('BuildIndexes');
  const during = async (step: string, work: () => Promise<unknown>) => {
    const trips = roundTripsUnderLock(proxy, step);
    await work();
    return Math.max(...trips);
  };

  const forward = {
    AddForeignKeys: await during('add-foreign-key', () => execution.run('AddForeignKeys')),
    drop: await during('drop-parent-foreign-key', async () => {
      await execution.run('ValidateForeignKeys');
      await execution.dropParentForeignKey();
    }),
  };
  await execution.verifyMigration();
  await execution.fence({ Error: 'RollbackRequested' });
  const back = {
    RestoreParent: await during('restore-parent', () => execution.forEachPair((pair) => execution.restoreParent(pair))),
    AttachParent: await during('attach-parent', () => execution.attachParent()),
    DropPairForeignKeys: await during('drop-pair-foreign-keys', () => execution.dropPairForeignKeys()),
  };

  // One answer for each statement were 14, 36, and on the way back 9, 15, 19.
  expect({ ...forward, ...back }).toEqual({
    AddForeignKeys: 4,
    drop: 8,
    RestoreParent: 4,
    AttachParent: 4,
    DropPairForeignKeys: 5,
  });
});

// 69, one answer for each statement.
it('so does a new pair beside a DEFAULT partition', async () => {
  const { proxy } = await proxiedCase(WITH_DEFAULT);
  await new Execution().migrate();
  const core = await coreSession(process.env.DATABASE_URL ?? '');
  const trips = roundTripsUnderLock(proxy, 'test');

  await provision(core, { table: 'path', bound: "FOR VALUES IN ('five')", dryRun: false, lockTimeoutMs: 10_000 });

  expect(trips).toEqual([21]);
});
