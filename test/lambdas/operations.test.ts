/** The functions that are no step of the state machine, on a real database. */
import { expect, it } from 'vitest';
import { handler as audit } from '../../lambdas/operations/audit.ts';
import { handler as look } from '../../lambdas/operations/look.ts';
import { handler as reconcile } from '../../lambdas/operations/reconcile.ts';
import { migratedTo } from '../core/execution.helpers.ts';

it('the audit counts partitions without a working foreign key, each once, and no others', async () => {
  const { observer } = await migratedTo('VerifyMigration');
  expect(await audit({})).toEqual({ tables: 1, unprotectedPartitions: 0, findings: [] });

  await observer.query('ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1');
  await observer.query('ALTER TABLE path_2 DISABLE TRIGGER ALL');
  await observer.query('DROP INDEX idx_path_3_fk');

  const found = await audit({});
  expect(found).toMatchObject({ tables: 1, unprotectedPartitions: 2 });
  expect((found as { findings: string[] }).findings).toEqual(
    expect.arrayContaining([
      'missing-pair-foreign-key public.path_1',
      'pair-foreign-key-not-enforced public.path_2',
      'missing-index public.path_3',
    ]),
  );
});

it('reconcile makes a point to go on from of a migration whose execution was stopped, and is asked again without harm', async () => {
  const { observer, execution } = await migratedTo('AddForeignKeys');
  const event = { execution: execution.arn, reason: 'ABORTED' };

  expect(await reconcile(event)).toMatchObject({ status: 'PAUSED', migrationId: execution.migrationId });
  const { rows } = await observer.query('SELECT state FROM p2pfk.migration');
  expect(rows).toEqual([{ state: 'paused' }]);
  expect(await reconcile(event)).toMatchObject({ status: 'NOTHING_TO_DO' });
});

it('reconcile refuses an event that does not say how the execution ended', async () => {
  await migratedTo('Plan');
  await expect(reconcile({ execution: 'arn:x', reason: 'SUCCEEDED' })).rejects.toMatchObject({ name: 'InvalidInput' });
});

it('the look finds a migration for which nothing works once its lease is over, and changes nothing', async () => {
  const { observer, execution } = await migratedTo('AddForeignKeys');
  const { arn, migrationId } = execution;
  const event = { executions: arn.slice(0, -3) };
  const found = { deadExecutions: 1, dead: [{ migrationId, execution: arn }] };
  const nothing = { deadExecutions: 0, dead: [] };
  const change = (what: string) => observer.query(`UPDATE p2pfk.migration SET ${what}`);

  expect(await look(event)).toEqual(nothing);
  await change("lease_until = now() - interval '6 minutes'");
  const before = await observer.query('TABLE p2pfk.migration');
  expect(await look(event)).toEqual(found);
  expect((await observer.query('TABLE p2pfk.migration')).rows).toEqual(before.rows);
  // Another stack leaves it alone, and its people are told.
  expect(await look({ executions: 'arn:aws:states:eu-west-1:1:execution:other:' })).toEqual({ ...found, dead: [] });

  // A reconciliation that died itself, and one whose session is at work.
  await change(`execution = 'reconcile:' || execution, liveness_key = 4711`);
  expect(await look(event)).toEqual(found);
  await observer.query('SELECT pg_advisory_lock(4711)');
  expect(await look(event)).toEqual(nothing);
  await observer.query('SELECT pg_advisory_unlock(4711)');

  await change("state = 'paused'");
  expect(await look(event)).toEqual(nothing);
});
