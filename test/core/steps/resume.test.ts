/** An execution that ended anywhere is taken up by the next one; one that lives is left alone. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { holdExecution } from '../../../core/ledger/liveness.ts';
import { databaseWith, everything, executionArn, foreignKeys, oneRow } from '../case.helpers.ts';
import { Execution, FORWARD, migratedTo } from '../execution.helpers.ts';

/** An ARN as AWS gives it: its owner cannot be looked for in the database. */
const remoteArn = (name: string) => `arn:aws:states:eu-central-1:123456789012:execution:p2pfk:${name}`;

describe('a migration whose execution is gone', () => {
  it.each(FORWARD)('after %s is taken over, and only what is left is done', async (last) => {
    const { observer, execution: first } = await migratedTo(last);

    const second = new Execution();
    const planned = await second.plan();

    if (last === 'VerifyMigration') {
      expect(planned.status).toBe('ALREADY_MIGRATED');
      return;
    }
    expect(planned).toMatchObject({ status: 'PLANNED', migrationId: first.migrationId, pairs: first.pairs });
    for (const state of FORWARD) {
      const done = FORWARD.indexOf(state) <= FORWARD.indexOf(last);
      for (const result of await second.run(state)) {
        if (state !== 'VerifyGate' && state !== 'VerifyMigration')
          expect(result, state).toMatchObject({ status: done ? 'SKIPPED' : expect.stringMatching(/^(DONE|DROPPED)$/) });
      }
    }
    expect(await foreignKeys(observer)).toHaveLength(3);
    expect(await oneRow(observer, 'SELECT state, execution FROM p2pfk.migration')).toEqual({
      state: 'migrated',
      execution: second.arn,
    });
  });

  it('between two pairs goes on with the others, also where a partition came or went meanwhile', async () => {
    const { observer } = await databaseWith();
    const first = new Execution();
    await first.plan();
    await first.buildIndex(1);
    await first.addForeignKey(1);
    await observer.query(`
      ALTER TABLE path DETACH PARTITION path_3;
      DROP TABLE path_3;
      CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four');
      INSERT INTO path VALUES ('four', 1, 'a name');`);

    const second = new Execution();
    await second.plan();
    await second.runUntil('VerifyMigration');

    expect(await foreignKeys(observer)).toEqual(
      [1, 2, 4].map((n) => expect.stringContaining(`path_${n} fk_path_to_inode_${n} `)),
    );
    const { rows } = await observer.query(`SELECT referencing FROM p2pfk.pair ORDER BY 1`);
    expect(rows.map(({ referencing }) => referencing)).toEqual(['public.path_1', 'public.path_2', 'public.path_4']);
  });

  it('refuses the steps of the execution before', async () => {
    const { observer, execution: first } = await migratedTo('BuildIndexes');
    const second = new Execution();
    await second.plan();
    const before = await everything(observer);

    for (const late of [
      () => first.buildIndex(1),
      () => first.addForeignKey(1),
      () => first.validateForeignKey(1),
      () => first.verifyGate(),
      () => first.dropParentForeignKey(),
      () => first.verifyMigration(),
    ]) {
      await expect(late()).rejects.toMatchObject({
        name: 'MigrationFenced',
        message: expect.stringContaining(`now owned by ${second.arn}`),
      });
    }
    expect(await everything(observer)).toBe(before);
  });
});

describe('a migration whose execution lives', () => {
  it('on this machine is left alone until its process ends', async () => {
    const { db, observer } = await databaseWith();
    const owner = new Execution();
    const life = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/life' });
    onTestFinished(() => life.end().catch(() => undefined));
    await holdExecution(life, owner.arn);
    await owner.migrate('AddForeignKeys');
    // However old its last sign of life is.
    await observer.query(`UPDATE p2pfk.migration SET lease_until = now() - interval '1 day'`);
    const before = await everything(observer);
    const other = new Execution();

    for (const operation of ['migrate', 'rollback']) {
      await expect(other.plan({ operation })).rejects.toMatchObject({
        name: 'MigrationInProgress',
        message: expect.stringMatching(
          new RegExp(
            `${owner.arn} \\(at work since \\d{4}-.*Z as postgres from 127\\.0\\.0\\.1; .*watch it with: p2pfk watch --execution ${owner.arn} \\(on another machine: p2pfk status --table public.path\\)`,
          ),
        ),
      });
    }
    expect(await everything(observer)).toBe(before);
    expect(await owner.plan()).toMatchObject({ status: 'PLANNED' });

    await life.end();
    expect(await other.plan()).toMatchObject({ status: 'PLANNED', migrationId: owner.migrationId });
    await other.runUntil('VerifyMigration');
  });

  it('in AWS is left alone until its lease is over', async () => {
    const { observer, execution: owner } = await migratedTo('AddForeignKeys', undefined, remoteArn('one'));
    const other = new Execution(remoteArn('two'));

    await expect(other.plan()).rejects.toMatchObject({
      name: 'MigrationInProgress',
      message: expect.stringMatching(/not seen at work; it counts as alive until \d{4}-.*Z/),
    });
    await observer.query(`UPDATE p2pfk.migration SET lease_until = now() - interval '1 second'`);

    expect(await other.plan()).toMatchObject({ status: 'PLANNED', migrationId: owner.migrationId });
  });

  it('and has a step open, whatever its lease says', async () => {
    const { db, observer, execution: owner } = await migratedTo('AddForeignKeys', undefined, remoteArn('one'));
    await observer.query(`UPDATE p2pfk.migration SET lease_until = now() - interval '1 second'`);
    const other = new Execution(remoteArn('two'));

    const step = await connect({ databaseUrl: db.url, applicationName: `p2pfk/${owner.migrationId}/verify-gate` });
    await expect(other.plan()).rejects.toMatchObject({ name: 'MigrationInProgress' });
    await step.end();

    // What is left running is nobody's sign of life.
    const left = await connect({
      databaseUrl: db.url,
      applicationName: `p2pfk/${owner.migrationId}/run/ValidateForeignKeys/1`,
    });
    onTestFinished(() => left.end());
    expect(await other.plan()).toMatchObject({ status: 'PLANNED' });
  });

  it('keeps its lease with every step', async () => {
    const { observer, execution: owner } = await migratedTo('Plan', undefined, remoteArn('one'));
    await observer.query(`UPDATE p2pfk.migration SET lease_until = now() - interval '1 second'`);

    await owner.buildIndex(1);

    expect(await oneRow(observer, 'SELECT lease_until > now() AS alive FROM p2pfk.migration')).toEqual({ alive: true });
  });
});

it('of two that come at the same moment one runs, and the other is told', async () => {
  const { db, observer } = await databaseWith();
  const executions = Array.from({ length: 4 }, () => new Execution(executionArn()));
  const lives = await Promise.all(
    executions.map(async ({ arn }) => {
      const life = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/life' });
      onTestFinished(() => life.end());
      await holdExecution(life, arn);
      return life;
    }),
  );

  const outcomes = await Promise.allSettled(executions.map((execution) => execution.plan()));

  expect(lives).toHaveLength(4);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'MigrationInProgress' });
  }
  expect(await oneRow(observer, 'SELECT count(*)::int AS migrations FROM p2pfk.migration')).toEqual({ migrations: 1 });
});
