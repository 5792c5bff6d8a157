/**
 * The time between our statements is the application's, too. Where the network is slow, a step gives its locks back by the end of the
 * lock budget, however many statements it still had to send; and it does not ask for them where it cannot succeed.
 */
import { expect, it } from 'vitest';
import { provision } from '../../../core/provision/provision-pair.ts';
import { waitUntil } from '../../support/observe.ts';
import { coreSession, everything, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { WITH_DEFAULT } from '../provision/default.helpers.ts';
import { proxiedCase, slowUnderLock, watchWaits } from './proxied.helpers.ts';

const BUDGET_MS = 1_000;
/** In each direction. A pause for an answer fits into the budget twice, and eight of them would be several budgets. */
const LATENCY_MS = 225;
/** As test/chaos/online has it: what a statement of the application may take longer than the budget on a busy machine. */
const MARGIN_MS = 1_500;

const DID_NOT_FIT = /did not fit into the lock budget of 1000 ms; it was rolled back/;

type Proxied = Awaited<ReturnType<typeof proxiedCase>>;

/**
 * Tries `step` until it has had its locks, which a busy application may refuse it at first, with a network that is slow from then on.
 * Then once more in peace.
 */
async function slowAndAgain<Result>(
  { db, observer, proxy }: Proxied,
  what: string,
  step: () => Promise<Result>,
): Promise<Result> {
  const before = await everything(observer);
  slowUnderLock(proxy, LATENCY_MS);
  const waits = await watchWaits(db);
  const tried = () =>
    step().then(
      () => expect.unreachable(`${what} was done`),
      (error: Error) => {
        if (DID_NOT_FIT.test(error.message)) return error;
        // The application had the locks: once more.
        expect(error.name).toBe('LockTimeout');
        return undefined;
      },
    );
  const error = await waitUntil(tried, `${what} to have its locks`, 100_000);
  const longest = await waits.stop();
  proxy.listen(null);
  proxy.slow(0);

  expect(error).toMatchObject({ name: expect.stringMatching(/^(LockTimeout|StatementCanceled)$/) });
  expect(longest.reader, `${what}: a reader`).toBeLessThan(BUDGET_MS + MARGIN_MS);
  expect(longest.writer, `${what}: a writer`).toBeLessThan(BUDGET_MS + MARGIN_MS);
  expect(await everything(observer), what).toBe(before);
  return waitUntil(() => step().catch(unlessLost), `${what} to succeed`);
}

/** A machine that is as busy as that may need one more try. */
function unlessLost(error: Error): undefined {
  if (error.name !== 'LockTimeout' && !DID_NOT_FIT.test(error.message)) throw error;
}

it('no reader and no writer waits longer than the lock budget, however slowly our statements arrive', async () => {
  const test = await proxiedCase();
  const execution = new Execution();
  await execution.plan({ lockTimeoutMs: BUDGET_MS });
  await execution.run('BuildIndexes');
  await slowAndAgain(test, 'AddForeignKeys', () => execution.addForeignKey(1));
  await execution.run('AddForeignKeys');
  await execution.run('ValidateForeignKeys');

  await execution.plan({ lockTimeoutMs: BUDGET_MS, rehearse: true });
  const rehearsed = await slowAndAgain(test, 'the rehearsal', () => execution.verifyGate());
  expect(rehearsed).toMatchObject({ status: 'REHEARSED' });
  await execution.plan({ lockTimeoutMs: BUDGET_MS });
  const dropped = await slowAndAgain(test, 'the drop', () => execution.dropParentForeignKey());
  expect(dropped).toMatchObject({ status: 'DROPPED' });
  expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
});

it('nor on the way back', async () => {
  const test = await proxiedCase();
  const original = await everything(test.observer);
  const execution = new Execution();
  await execution.migrate();
  await execution.plan({ lockTimeoutMs: BUDGET_MS, operation: 'rollback' });
  const { pairs } = await execution.fence({ Error: 'RollbackRequested' });
  // From 18 on the parent foreign key comes back NOT VALID, and no pair of itself.
  if (pairs.length > 0) await slowAndAgain(test, 'RestoreParent', () => execution.restoreParent(1));
  await Promise.all(pairs.map(({ pair }) => execution.restoreParent(pair)));
  await slowAndAgain(test, 'AttachParent', () => execution.attachParent());
  await slowAndAgain(test, 'DropPairForeignKeys', () => execution.dropPairForeignKeys());
  await execution.verifyRolledBack();

  expect(await everything(test.observer)).toBe(original);
});

it('nor for a command of a person', async () => {
  const test = await proxiedCase(WITH_DEFAULT);
  await new Execution().migrate();
  const request = { table: 'path', bound: "FOR VALUES IN ('five')", dryRun: false, lockTimeoutMs: BUDGET_MS };

  const provisioned = await slowAndAgain(test, 'provision', async () =>
    provision(await coreSession(process.env.DATABASE_URL ?? ''), request),
  );
  expect(provisioned).toMatchObject({ status: 'PROVISIONED' });
});

it('what did not fit pauses with the reason, and nothing is lost', async () => {
  const { observer, proxy } = await proxiedCase();
  const execution = new Execution();
  await execution.plan({ lockTimeoutMs: BUDGET_MS });
  const before = await everything(observer);
  slowUnderLock(proxy, LATENCY_MS);
  const error = await execution.addForeignKey(1).catch((failure: Error) => failure);
  proxy.listen(null);
  proxy.slow(0);
  const Cause = JSON.stringify({ errorMessage: (error as Error).message });
  await execution.pause({ Error: (error as Error).name, Cause });

  const paused = await oneRow<{ state: string; error: { name: string; message: string } }>(
    observer,
    'SELECT state, error FROM p2pfk.migration',
  );
  expect(paused).toMatchObject({
    state: 'paused',
    error: { name: 'LockTimeout', message: expect.stringMatching(DID_NOT_FIT) },
  });
  expect(await everything(observer)).toBe(before);
  const next = new Execution();
  await next.migrate('VerifyMigration');
  expect(next.migrationId).toBe(execution.migrationId);
});

/** Statements that ask for locks, of any session of ours. */
function locksAskedFor({ proxy }: Pick<Proxied, 'proxy'>): readonly string[] {
  const asked: string[] = [];
  proxy.listen({
    before: async (_, { sql }) => {
      if (sql === 'SELECT') proxy.slow(2 * LATENCY_MS);
      if (/^(?:LOCK TABLE|DO )/.test(sql)) asked.push(sql);
    },
    after: async () => undefined,
  });
  return asked;
}

it('asks for no lock where the server is so far away that no try could succeed, and says so', async () => {
  const test = await proxiedCase();
  const execution = new Execution();
  await execution.plan({ lockTimeoutMs: BUDGET_MS });
  const asked = locksAskedFor(test);

  await expect(execution.addForeignKey(1)).rejects.toMatchObject({
    name: 'LockTimeout',
    message: expect.stringMatching(
      /^AddForeignKeys does not fit into the lock budget of 1000 ms, so no lock was asked for: each statement takes \d{3} ms to the server and back, and \d follow each other under the locks; run p2pfk near the server, or allow more with --lock-timeout-ms$/,
    ),
  });
  expect(asked).toEqual([]);
  const { attempts } = await oneRow<{ attempts: number }>(
    test.observer,
    'SELECT attempts FROM p2pfk.pair WHERE pair = 1',
  );
  expect(attempts).toBe(1);
});

it('nor does a command of a person', async () => {
  const test: TestCase & Proxied = await proxiedCase(WITH_DEFAULT);
  await new Execution().migrate();
  const core = await coreSession(process.env.DATABASE_URL ?? '');
  const asked = locksAskedFor(test);
  const request = { table: 'path', bound: "FOR VALUES IN ('five')", dryRun: false, lockTimeoutMs: BUDGET_MS };

  await expect(provision(core, request)).rejects.toMatchObject({
    message: expect.stringMatching(/no lock was asked for, and nothing was changed: each statement takes \d{3} ms/),
  });
  expect(asked).toEqual([]);
});
