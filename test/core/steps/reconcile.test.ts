/** Reconcile: a migration whose execution died comes to rest, wherever it was left; one that lives is left alone. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../core/connection.ts';
import type { ReconcileResult } from '../../../core/contracts.ts';
import { holdExecution } from '../../../core/liveness.ts';
import type { HandlerContext } from '../../../lambdas/handler.ts';
import { handler } from '../../../lambdas/operations/reconcile.ts';
import { holdLock, waitForQuery } from '../../support/observe.ts';
import { databaseWith, everything, executionArn, foreignKeys, oneRow, smuggle } from '../case.helpers.ts';
import { Execution, FORWARD, migratedTo, timeLeft } from '../execution.helpers.ts';

function reconciled({ arn }: Execution, context?: HandlerContext): Promise<ReconcileResult> {
  return handler({ execution: arn, reason: 'ABORTED' }, context) as Promise<ReconcileResult>;
}

const remoteArn = (name: string) => `arn:aws:states:eu-central-1:123456789012:execution:p2pfk:${name}`;

const NOTHING = { status: 'NOTHING_TO_DO', migrationId: null, waitSeconds: 0 };

describe('before the drop', () => {
  it.each(['Plan', ...FORWARD.slice(0, 4)] as const)('after %s it becomes a resume point', async (last) => {
    const { observer, execution: dead } = await migratedTo(last);
    const before = await everything(observer);

    expect(await reconciled(dead)).toEqual({ status: 'PAUSED', migrationId: dead.migrationId, waitSeconds: 0 });

    expect(await everything(observer)).toBe(before);
    expect(await oneRow(observer, 'SELECT state, error FROM p2pfk.migration')).toEqual({
      state: 'paused',
      error: {
        name: 'ExecutionDied',
        message: `execution ${dead.arn} ended as ABORTED; run the same migration again to go on, or roll it back`,
      },
    });
    await expect(dead.addForeignKey(1)).rejects.toMatchObject({ name: 'MigrationFenced' });
    expect(await reconciled(dead)).toEqual(NOTHING);
  });

  it('the next execution goes on from there', async () => {
    const { observer, execution: dead } = await migratedTo('AddForeignKeys');
    await reconciled(dead);

    const next = new Execution();
    expect(await next.plan()).toMatchObject({ status: 'PLANNED', migrationId: dead.migrationId });
    await next.runUntil('VerifyMigration');

    expect(await foreignKeys(observer)).toHaveLength(3);
  });
});

describe('after the drop', () => {
  it('it is verified, and is migrated', async () => {
    const { observer, execution: dead } = await migratedTo('DropParentForeignKey');

    expect(await reconciled(dead)).toMatchObject({ status: 'MIGRATED', migrationId: dead.migrationId });

    expect(await foreignKeys(observer)).toHaveLength(3);
    expect(await oneRow(observer, `SELECT state, verification ->> 'passed' AS passed FROM p2pfk.migration`)).toEqual({
      state: 'migrated',
      passed: 'true',
    });
    expect(await reconciled(dead)).toEqual(NOTHING);
  });

  it('a pause says what is missing, and is finished as well', async () => {
    const { observer, execution: dead } = await migratedTo('DropParentForeignKey');
    const reason =
      'the parent foreign key is gone, the checks after the drop are still to be run: the server went away';
    const paused = await dead.pause({ Error: 'ConnectionLost', Cause: 'the server went away' });
    expect(paused).toMatchObject({ status: 'CHECKS_PENDING', reason });
    expect(await oneRow(observer, `SELECT state, error ->> 'message' AS error FROM p2pfk.migration`)).toEqual({
      state: 'paused',
      error: reason,
    });

    expect(await reconciled(dead)).toMatchObject({ status: 'MIGRATED', migrationId: dead.migrationId });

    expect(await foreignKeys(observer)).toHaveLength(3);
    expect(await reconciled(dead)).toEqual(NOTHING);
  });

  it('it is rolled back where a check fails', async () => {
    const { observer, execution: dead, original } = await migratedTo('DropParentForeignKey');
    await observer.query('ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1');

    expect(await reconciled(dead)).toMatchObject({ status: 'ROLLED_BACK' });

    expect(await everything(observer)).toBe(original);
    expect(await oneRow(observer, `SELECT state, error ->> 'name' AS error FROM p2pfk.migration`)).toEqual({
      state: 'rolled-back',
      error: 'VerificationFailed',
    });
  });
});

describe('a rollback that died half-way is finished', () => {
  it.each([
    ['behind the fence, before the drop', 'ValidateForeignKeys', async (dead: Execution) => dead.fence()],
    ['behind the fence', 'DropParentForeignKey', async (dead: Execution) => dead.fence()],
    [
      'with some partitions ready',
      'DropParentForeignKey',
      async (dead: Execution) => {
        const { pairs } = await dead.fence();
        for (const { pair } of pairs.slice(0, 1)) await dead.restoreParent(pair);
      },
    ],
    [
      'with the parent foreign key back',
      'VerifyMigration',
      async (dead: Execution) => {
        for (const { pair } of (await dead.fence()).pairs) await dead.restoreParent(pair);
        await dead.attachParent();
      },
    ],
    [
      'before its last check',
      'DropParentForeignKey',
      async (dead: Execution) => {
        for (const { pair } of (await dead.fence()).pairs) await dead.restoreParent(pair);
        await dead.attachParent();
        await dead.dropPairForeignKeys();
      },
    ],
  ] as const)('%s', async (_where, last, leave) => {
    const { observer, execution: dead, original } = await migratedTo(last);
    await leave(dead);

    expect(await reconciled(dead)).toMatchObject({ status: 'ROLLED_BACK', migrationId: dead.migrationId });

    expect(await everything(observer)).toBe(original);
    expect(await reconciled(dead)).toEqual(NOTHING);
  });

  it('as far as the time goes, and further when called again', async () => {
    const { observer, execution: dead, original } = await migratedTo('DropParentForeignKey');
    await dead.fence();

    expect(await reconciled(dead, timeLeft(20_000))).toMatchObject({ status: 'RUNNING', waitSeconds: 1 });
    expect(await reconciled(dead)).toMatchObject({ status: 'ROLLED_BACK' });

    expect(await everything(observer)).toBe(original);
  });

  it('when the application lets go of what it holds', async () => {
    const { db, observer, execution: dead, original } = await migratedTo('AddForeignKeys', { lockTimeoutMs: 200 });
    await dead.fence();
    const held = await holdLock(await db.client(), 'UPDATE path_1 SET name = name WHERE ino = 1');

    expect(await reconciled(dead)).toMatchObject({ status: 'RUNNING', waitSeconds: 10 });
    await held.release();
    // Nobody retries here as its caller would, and a busy machine may need more than these 200 ms.
    await observer.query(`UPDATE p2pfk.migration SET options = jsonb_set(options, '{lockTimeoutMs}', '10000')`);
    expect(await reconciled(dead)).toMatchObject({ status: 'ROLLED_BACK' });

    expect(await everything(observer)).toBe(original);
  });

  it('or a person is told', async () => {
    const { observer, execution: dead } = await migratedTo('DropParentForeignKey');
    await dead.fence();
    await smuggle(observer, `INSERT INTO path VALUES ('one', 4711, 'orphan')`);

    for (let time = 0; time < 2; time++)
      await expect(reconciled(dead)).rejects.toMatchObject({
        name: 'RollbackFailed',
        message: expect.stringContaining('the pair foreign keys stay'),
      });

    const pairForeignKeys = (await foreignKeys(observer)).filter((line) => /fk_path_to_inode_\d/.test(line));
    expect(pairForeignKeys).toHaveLength(3);
  });
});

describe('nothing is changed', () => {
  it.each([
    ['paused', 'AddForeignKeys', async (dead: Execution) => dead.pause({ Error: 'WindowClosed' })],
    ['migrated', 'VerifyMigration', async () => undefined],
    ['rolled back', 'DropParentForeignKey', async (dead: Execution) => dead.rollBack()],
  ] as const)('where the migration is %s', async (_state, last, leave) => {
    const { observer, execution: dead } = await migratedTo(last);
    await leave(dead);
    const before = await everything(observer);
    const { ledger } = await oneRow<{ ledger: unknown }>(
      observer,
      'SELECT to_jsonb(m) AS ledger FROM p2pfk.migration m',
    );

    expect(await reconciled(dead)).toEqual(NOTHING);

    expect(await everything(observer)).toBe(before);
    expect(await oneRow(observer, 'SELECT to_jsonb(m) AS ledger FROM p2pfk.migration m')).toEqual({ ledger });
  });

  it('where there is no ledger', async () => {
    await databaseWith();

    expect(await reconciled(new Execution())).toEqual(NOTHING);
  });

  it('where another execution has taken over', async () => {
    const { observer, execution: dead } = await migratedTo('AddForeignKeys');
    const next = new Execution();
    await next.plan();

    expect(await reconciled(dead)).toEqual(NOTHING);

    expect(await oneRow(observer, 'SELECT state, execution FROM p2pfk.migration')).toEqual({
      state: 'running',
      execution: next.arn,
    });
    await next.runUntil('VerifyMigration');
  });

  it('while the process of a local execution lives', async () => {
    const { db, observer, execution: owner } = await migratedTo('AddForeignKeys');
    const life = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/life' });
    onTestFinished(() => life.end().catch(() => undefined));
    await holdExecution(life, owner.arn);
    await owner.plan();

    expect(await reconciled(owner)).toMatchObject({ status: 'OWNER_ALIVE', waitSeconds: 10 });
    await owner.runUntil('VerifyMigration');

    expect(await oneRow(observer, 'SELECT state, execution FROM p2pfk.migration')).toEqual({
      state: 'migrated',
      execution: owner.arn,
    });
  });

  it('while a step of an execution in AWS is in flight; its lease is not waited for', async () => {
    const { db, observer, execution: dead } = await migratedTo('AddForeignKeys', undefined, remoteArn('one'));
    const step = await connect({ databaseUrl: db.url, applicationName: `p2pfk/${dead.migrationId}/verify-gate` });

    expect(await reconciled(dead)).toMatchObject({ status: 'OWNER_ALIVE' });
    await step.end();
    expect(await oneRow(observer, 'SELECT lease_until > now() AS leased FROM p2pfk.migration')).toEqual({
      leased: true,
    });

    expect(await reconciled(dead)).toMatchObject({ status: 'PAUSED' });
  });
});

it('told of it twice at once, one works and the other is told to ask again', async () => {
  const { db, observer, execution: dead, original } = await migratedTo('DropParentForeignKey');
  await dead.fence();
  const held = await holdLock(await db.client(), 'LOCK TABLE p2pfk.pair IN ACCESS EXCLUSIVE MODE');
  const first = reconciled(dead);
  await waitForQuery(observer, /p2pfk\.pair/);

  expect(await reconciled(dead)).toMatchObject({ status: 'RUNNING', waitSeconds: 10 });
  await held.release();
  expect(await first).toMatchObject({ status: 'ROLLED_BACK' });

  expect(await everything(observer)).toBe(original);
});

it('an owner that reconciles is not taken for dead by the next execution', async () => {
  const { db, observer, execution: dead } = await migratedTo('DropParentForeignKey');
  await dead.fence();
  await reconciled(dead, timeLeft(20_000));
  const session = await connect({ databaseUrl: db.url, applicationName: `p2pfk/${dead.migrationId}/reconcile` });
  await observer.query(`UPDATE p2pfk.migration SET lease_until = now() - interval '1 second'`);

  await expect(new Execution().plan()).rejects.toMatchObject({
    name: 'MigrationInProgress',
    message: expect.stringContaining(`reconcile:${dead.arn}`),
  });
  await session.end();
  expect(await new Execution().plan()).toMatchObject({ status: 'ROLLBACK_REQUESTED' });
});

it('p2pfk rollback brings a dead execution to rest first, and the ledger tells that it died', async () => {
  const { observer, execution: dead, original } = await migratedTo('AddForeignKeys');
  const rollback = new Execution(executionArn());

  await rollback.plan({ operation: 'rollback' });
  await rollback.rollBack(null);

  expect(await everything(observer)).toBe(original);
  expect(await oneRow(observer, `SELECT error FROM p2pfk.event WHERE step = 'Reconcile'`)).toEqual({
    error: `execution ${dead.arn} was found dead when ${rollback.arn} came to roll back`,
  });
});
