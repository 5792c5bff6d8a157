/** The maintenance window and the approval: nothing new is begun, nothing is lost, the next execution goes on. */
import { describe, expect, it } from 'vitest';
import { databaseWith, everything, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution, FORWARD, migratedTo } from '../execution.helpers.ts';

const PAST = '2020-01-01T00:00:00Z';
const FUTURE = '2999-12-31T23:59:59+02:00';

describe('a window that has closed', () => {
  it('stops every state that begins new work, and nothing is changed', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    expect(await execution.plan({ deadline: PAST })).toMatchObject({ status: 'PLANNED' });
    const before = await everything(observer);

    for (const state of FORWARD.slice(0, 5)) {
      await expect(execution.run(state), state).rejects.toMatchObject({
        name: 'WindowClosed',
        message: expect.stringContaining(`the maintenance window closed at ${PAST}`),
      });
    }
    expect(await everything(observer)).toBe(before);
  });

  it('does not stop the checks after the drop', async () => {
    const { observer, execution } = await migratedTo('DropParentForeignKey', { deadline: FUTURE });
    await observer.query(`UPDATE p2pfk.migration SET options = jsonb_set(options, '{deadline}', to_jsonb($1::text))`, [
      PAST,
    ]);

    expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
  });

  it('is by the database’s clock, in any time zone', async () => {
    const { observer, execution } = await migratedTo('Plan', { deadline: FUTURE });
    expect(await execution.buildIndex(1)).toMatchObject({ status: 'DONE' });
    // An hour ago by the clock, an hour ahead for whoever does not read the offset.
    const { deadline } = await oneRow<{ deadline: string }>(
      observer,
      `SELECT to_char((now() AT TIME ZONE 'UTC') + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS') || '+02:00' AS deadline`,
    );
    await execution.plan({ deadline });

    await expect(execution.buildIndex(2)).rejects.toMatchObject({ name: 'WindowClosed' });
  });
});

describe('a pause', () => {
  it('keeps all that was done, and the next execution goes on from there', async () => {
    const { observer, execution: first } = await migratedTo('AddForeignKeys');
    const before = await everything(observer);

    const paused = await first.pause({
      Error: 'WindowClosed',
      Cause: JSON.stringify({ errorType: 'WindowClosed', errorMessage: 'the window closed' }),
    });

    expect(paused).toEqual({
      status: 'PAUSED',
      migrationId: first.migrationId,
      table: 'public.path',
      reason: 'the window closed',
    });
    expect(await everything(observer)).toBe(before);
    expect(await oneRow(observer, 'SELECT state, error FROM p2pfk.migration')).toEqual({
      state: 'paused',
      error: { name: 'WindowClosed', message: 'the window closed' },
    });
    expect(await foreignKeys(observer)).toHaveLength(4);
    const next = new Execution();
    expect(await next.plan()).toMatchObject({ status: 'PLANNED', migrationId: first.migrationId });
    expect(await next.addForeignKey(1)).toMatchObject({ status: 'SKIPPED' });
    await next.runUntil('VerifyMigration');
    expect(await oneRow(observer, 'SELECT state, error FROM p2pfk.migration')).toEqual({
      state: 'migrated',
      error: null,
    });
  });

  it('of an execution in AWS needs no lease to run out', async () => {
    const { execution: first } = await migratedTo(
      'BuildIndexes',
      undefined,
      'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:one',
    );
    await first.pause();

    expect(await new Execution('arn:aws:states:eu-central-1:123456789012:execution:p2pfk:two').plan()).toMatchObject({
      status: 'PLANNED',
    });
  });

  it('that comes late stops neither a rollback nor another execution', async () => {
    const { observer, execution: first } = await migratedTo('AddForeignKeys');
    const second = new Execution();
    await second.plan();
    await expect(first.pause({ Error: 'WindowClosed' })).rejects.toMatchObject({
      name: 'MigrationFenced',
      message: expect.stringContaining(second.arn),
    });
    expect(await oneRow(observer, 'SELECT state, execution FROM p2pfk.migration')).toEqual({
      state: 'running',
      execution: second.arn,
    });

    await second.fence({ Error: 'GateFailed' });
    await second.pause({ Error: 'WindowClosed' });
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'rolling-back' });
  });
});
