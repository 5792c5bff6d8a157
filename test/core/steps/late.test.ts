/** Deliveries that come when nobody waits for them any more: they undo nothing, and end nothing. */
import { describe, expect, it } from 'vitest';
import { holdExecution } from '../../../core/ledger/liveness.ts';
import { changeMigration } from '../../../core/ledger/migrations.ts';
import { coreSession, databaseWith, everything, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { holdStatement, proxiedCase } from './proxied.helpers.ts';

const stateOf = `SELECT string_agg(format('%s %s', id, state), ', ' ORDER BY id) AS states FROM p2pfk.migration`;

describe('a fence that comes late', () => {
  it('after its own rollback leaves the ledger at rest', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    await execution.rollBack();

    await expect(execution.fence()).rejects.toMatchObject({
      name: 'MigrationFenced',
      message: expect.stringContaining('is rolled back already'),
    });

    expect(await oneRow(observer, stateOf)).toEqual({ states: '1 rolled-back' });
  });

  it('from an execution that another has replaced stops nobody', async () => {
    const { observer } = await databaseWith();
    const first = new Execution();
    await first.migrate('AddForeignKeys');
    const second = new Execution();
    await second.plan();

    await expect(first.fence()).rejects.toMatchObject({
      name: 'MigrationFenced',
      message: expect.stringContaining(`is now owned by ${second.arn}`),
    });

    await second.runUntil('VerifyMigration');
    await expect(first.fence()).rejects.toMatchObject({ name: 'MigrationFenced' });
    expect(await oneRow(observer, stateOf)).toEqual({ states: '1 migrated' });
  });
});

describe('a plan that was made while the migration was open', () => {
  it.each(['rollback', 'migrate'] as const)(
    'of a %s leaves it rolled back, and the next one begins anew',
    async (operation) => {
      const { db, observer, proxy } = await proxiedCase();
      const execution = new Execution();
      await holdExecution(await coreSession(db.url), execution.arn);
      await execution.migrate('AddForeignKeys');
      const late = new Execution(execution.arn);
      const held = holdStatement(proxy, 'plan', /^UPDATE p2pfk\.migration m\s+SET execution/m);
      const planning = late.plan({ operation }).catch((error: unknown) => error);
      await held.reached;

      await execution.rollBack();
      held.release();

      expect(await planning).toMatchObject(
        operation === 'rollback'
          ? { status: 'NOTHING_TO_ROLL_BACK', reason: 'migration 1 was rolled back meanwhile' }
          : {
              name: 'MigrationInProgress',
              message: expect.stringContaining('was rolled back meanwhile, and nothing was begun'),
            },
      );
      expect(await oneRow(observer, stateOf)).toEqual({ states: '1 rolled-back' });
      await new Execution().migrate();
      expect(await oneRow(observer, stateOf)).toEqual({ states: '1 rolled-back, 2 migrated' });
    },
  );

  it('of a reconciliation does not pause it', async () => {
    const { db, observer } = await databaseWith();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    await execution.rollBack();

    await changeMigration(await coreSession(db.url), execution.migrationId, { state: 'paused' });

    expect(await oneRow(observer, stateOf)).toEqual({ states: '1 rolled-back' });
  });
});

it('a rollback step that comes late does not undo what a later migration made', async () => {
  const { observer } = await databaseWith();
  const first = new Execution();
  await first.migrate();
  await first.rollBack(null);
  const second = new Execution();
  await second.migrate();
  const before = await everything(observer);

  await expect(first.attachParent()).rejects.toMatchObject({ name: 'MigrationFenced' });
  for (const { pair } of first.pairs)
    await expect(first.restoreParent(pair)).rejects.toMatchObject({ name: 'MigrationFenced' });
  await expect(first.dropPairForeignKeys()).rejects.toMatchObject({ name: 'MigrationFenced' });
  await expect(first.verifyRolledBack()).rejects.toMatchObject({ name: 'MigrationFenced' });

  expect(await everything(observer)).toBe(before);
  expect(await oneRow(observer, stateOf)).toEqual({ states: '1 rolled-back, 2 migrated' });
});

describe('a step that is about to bring the migration to rest when a rollback begins', () => {
  it('verify-migration does not call it migrated', async () => {
    const { observer, proxy } = await proxiedCase();
    const execution = new Execution();
    await execution.migrate('DropParentForeignKey');
    const held = holdStatement(proxy, 'verify-migration', /^SELECT p2pfk\.enter/);
    const verifying = expect(execution.verifyMigration()).rejects.toMatchObject({ name: 'MigrationFenced' });
    await held.reached;

    await execution.fence({ Error: 'States.Timeout' });
    held.release();

    await verifying;
    expect(await oneRow(observer, stateOf)).toEqual({ states: '1 rolling-back' });
  });

  it('pause does not call it paused', async () => {
    const { observer, proxy } = await proxiedCase();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    const held = holdStatement(proxy, 'pause', /^SELECT p2pfk\.enter/);
    const pausing = execution.pause({ Error: 'WindowClosed' });
    await held.reached;

    await execution.fence({ Error: 'States.Timeout' });
    held.release();

    await pausing;
    expect(await oneRow(observer, stateOf)).toEqual({ states: '1 rolling-back' });
  });
});
