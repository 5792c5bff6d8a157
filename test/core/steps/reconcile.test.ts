/**
 * Reconcile: a migration whose execution died becomes a resume point, or is verified; one that lives is left alone. Where the way back is
 * needed it changes the ledger alone; test/core/steps/hand-over.test.ts has what becomes of it.
 */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReconcileResult } from '../../../core/contracts/steps/results.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { holdExecution } from '../../../core/ledger/liveness.ts';
import type { HandlerContext } from '../../../lambdas/handler.ts';
import { handler } from '../../../lambdas/operations/reconcile.ts';
import { databaseWith, everything, executionArn, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo, timeLeft } from '../execution.helpers.ts';

function reconciled({ arn }: Execution, context?: HandlerContext): Promise<ReconcileResult> {
  return handler({ execution: arn, reason: 'ABORTED' }, context) as Promise<ReconcileResult>;
}

const remoteArn = (name: string) => `arn:aws:states:eu-central-1:123456789012:execution:p2pfk:${name}`;

const NOTHING = { status: 'NOTHING_TO_DO', migrationId: null, waitSeconds: 0 };

describe('before the drop', () => {
  it.each(['Plan', 'AddForeignKeys'] as const)('after %s it becomes a resume point', async (last) => {
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
});

describe('after the drop', () => {
  it('it is verified as far as the time goes, and is migrated when it is called again', async () => {
    const { observer, execution: dead } = await migratedTo('DropParentForeignKey');

    expect(await reconciled(dead, timeLeft(20_000))).toMatchObject({ status: 'RUNNING', waitSeconds: 1 });
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
});

describe('where the way back is needed, nothing but the ledger is changed', () => {
  it.each([
    [
      'a check fails after the drop',
      'DropParentForeignKey',
      async (_: Execution, observer: Client) => observer.query('ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1'),
      'VerificationFailed',
    ],
    ['it died behind the fence, before the drop', 'AddForeignKeys', async (dead: Execution) => dead.fence(), undefined],
    [
      'it died in the rollback',
      'DropParentForeignKey',
      async (dead: Execution) => {
        const [first] = (await dead.fence({ Error: 'OrphanedRows', Cause: '3 rows' })).pairs;
        await dead.restoreParent(first?.pair ?? 0);
      },
      'OrphanedRows',
    ],
  ] as const)('%s', async (_, last, leave, why) => {
    const { observer, execution: dead } = await migratedTo(last, undefined, remoteArn('one'));
    await leave(dead, observer);
    const before = await everything(observer);

    const { status, rollback } = await reconciled(dead);
    expect(status).toBe('ROLL_BACK');
    const name = expect.stringMatching(`^reconcile-${dead.migrationId}-[0-9a-f]{12}-1-[0-9a-f]{16}$`);
    expect(rollback).toEqual({
      name,
      execution: remoteArn(rollback?.name ?? ''),
      input: {
        table: 'public.path',
        constraint: 'path_fk',
        operation: 'rollback',
        migrationId: dead.migrationId,
        by: 'p2pfk reconciliation',
        reason: 'execution one died',
        maxConcurrency: 4,
        lockTimeoutMs: 10_000,
        rowMovementGuard: true,
        noIndexes: false,
        keepIndexes: false,
        allowBlockingRollback: false,
      },
    });

    expect(await everything(observer)).toBe(before);
    expect(
      await oneRow(
        observer,
        `SELECT state, execution, fenced_at IS NOT NULL AS fenced, error ->> 'name' AS error, lease_until <= now() AS free FROM p2pfk.migration`,
      ),
    ).toEqual({
      state: 'rolling-back',
      execution: `reconcile:${dead.arn}`,
      fenced: true,
      error: why ?? null,
      free: true,
    });
    await expect(dead.fence()).rejects.toMatchObject({ name: 'MigrationFenced' });
    // Asked once more, the answer is the same: Step Functions then starts no second execution.
    expect(await reconciled(dead)).toMatchObject({ status: 'ROLL_BACK', rollback: { name: rollback?.name } });
  });
});

describe('nothing is changed', () => {
  it.each([['paused', 'AddForeignKeys', async (dead: Execution) => dead.pause({ Error: 'WindowClosed' })]] as const)(
    'where the migration is %s',
    async (_state, last, leave) => {
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
    },
  );

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
  });

  it('while the process of a local execution lives', async () => {
    const { db, observer, execution: owner } = await migratedTo('AddForeignKeys');
    const life = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/life' });
    onTestFinished(() => life.end().catch(() => undefined));
    await holdExecution(life, owner.arn);
    await owner.plan();

    expect(await reconciled(owner)).toMatchObject({ status: 'OWNER_ALIVE', waitSeconds: 10 });

    expect(await oneRow(observer, 'SELECT state, execution FROM p2pfk.migration')).toEqual({
      state: 'running',
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
