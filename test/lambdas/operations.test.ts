/** The functions that are no step of the state machine, on a real database. */
import { expect, it } from 'vitest';
import { handler as audit } from '../../lambdas/operations/audit.ts';
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
