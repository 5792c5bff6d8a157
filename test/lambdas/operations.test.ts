/** The functions that are no step of the state machine, on a real database. */
import { expect, it, onTestFinished } from 'vitest';
import { handler as audit } from '../../lambdas/operations/audit.ts';
import { handler as look } from '../../lambdas/operations/look.ts';
import { handler as reconcile } from '../../lambdas/operations/reconcile.ts';
import { databaseWith, findDatabaseAt } from '../core/case.helpers.ts';
import { migratedTo } from '../core/execution.helpers.ts';
import { TO_VERSION_2 } from '../core/ledger/restore.helpers.ts';
import { plainRole } from '../core/roles.helpers.ts';

it('the audit counts partitions without a working foreign key, each once, and no others', async () => {
  const { observer } = await migratedTo('VerifyMigration');
  expect(await audit({})).toEqual({ tables: 1, unprotectedPartitions: 0, tablesNotRead: 0, findings: [] });

  await observer.query('ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1');
  await observer.query('ALTER TABLE path_2 DISABLE TRIGGER ALL');
  await observer.query('DROP INDEX idx_path_3_fk');

  const found = await audit({});
  expect(found).toMatchObject({ tables: 1, unprotectedPartitions: 2, tablesNotRead: 0 });
  expect((found as { findings: string[] }).findings).toEqual(
    expect.arrayContaining([
      'missing-pair-foreign-key public.path_1',
      'pair-foreign-key-not-enforced public.path_2',
      'missing-index public.path_3',
    ]),
  );
});

it('the audit says that it did not read a table with code of another role, and counts by the catalog what that has lost', async () => {
  const testCase = await migratedTo('VerifyMigration');
  const { observer } = testCase;
  const { role } = await plainRole(testCase);
  const as = (sql: string) => observer.query(`SET ROLE ${role}; ${sql}; RESET ROLE`);
  await observer.query(`
    CREATE SCHEMA lo AUTHORIZATION ${role}; GRANT USAGE, CREATE ON SCHEMA public TO ${role};
    ALTER TABLE path_3 OWNER TO ${role}; GRANT REFERENCES ON inode_3 TO ${role}`);
  await as(`
    CREATE FUNCTION lo.f(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
    CREATE INDEX e ON public.path_3 (name) WHERE lo.f(1)`);
  expect(await audit({})).toEqual({
    tables: 1,
    unprotectedPartitions: 0,
    tablesNotRead: 1,
    findings: ['table-not-read public.path'],
  });

  await as('ALTER TABLE public.path_3 DROP CONSTRAINT fk_path_to_inode_3');
  expect(await audit({})).toMatchObject({
    unprotectedPartitions: 1,
    findings: ['unread-partition-unprotected public.path_3', 'table-not-read public.path'],
  });
  // Not valid, not enforced, with other actions, and a new partition without one.
  await observer.query(`
    ALTER TABLE path_3 ADD CONSTRAINT again FOREIGN KEY (medium, ino) REFERENCES inode_3 ON DELETE CASCADE NOT VALID;
    ALTER TABLE path_2 DISABLE TRIGGER ALL;
    ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1, ADD FOREIGN KEY (medium, ino) REFERENCES inode_1;
    CREATE TABLE path_5 PARTITION OF path FOR VALUES IN ('five')`);
  expect(await audit({})).toMatchObject({ unprotectedPartitions: 4, tablesNotRead: 1 });
  // One to the whole table guards, too; a foreign key to the partner of another does not.
  await observer.query(`
    ALTER TABLE path_3 VALIDATE CONSTRAINT again;
    ALTER TABLE path_1 ADD FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE;
    TRUNCATE path_2; ALTER TABLE path_2 ENABLE TRIGGER ALL, DROP CONSTRAINT fk_path_to_inode_2;
    ALTER TABLE path_2 ADD FOREIGN KEY (medium, ino) REFERENCES inode_1 ON DELETE CASCADE`);
  const { findings } = (await audit({})) as { findings: string[] };
  expect(findings.slice(0, -1)).toEqual([
    'unread-partition-unprotected public.path_2',
    'unread-partition-unprotected public.path_5',
  ]);
});

it('the audit says that it did not look at all where a table is gone, and where its role may not read the ledger', async () => {
  const testCase = await migratedTo('VerifyMigration');
  const { url } = await plainRole(testCase);
  const restore = findDatabaseAt(url);
  try {
    expect(await audit({})).toEqual({
      tables: 1,
      unprotectedPartitions: 0,
      tablesNotRead: 1,
      findings: ['ledger-unreadable public.path'],
    });
  } finally {
    restore();
  }
  await testCase.observer.query('DROP TABLE path CASCADE');
  expect(await audit({})).toEqual({
    tables: 1,
    unprotectedPartitions: 0,
    tablesNotRead: 1,
    findings: ['ledger-table-gone public.path'],
  });
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

it.each([
  ['look', (arn: string) => look({ executions: arn.slice(0, -3) })],
  ['reconcile', (arn: string) => reconcile({ execution: arn, reason: 'ABORTED' })],
])(
  '%s fails at a ledger that its role may not read, instead of an answer that says nothing is there',
  async (_, ask) => {
    const testCase = await migratedTo('AddForeignKeys');
    const { url } = await plainRole(testCase);
    const restore = findDatabaseAt(url);
    onTestFinished(restore);
    await expect(ask(testCase.execution.arn)).rejects.toMatchObject({
      name: 'PrivilegeMissing',
      message: expect.stringContaining('may not read the ledger'),
    });
  },
);

it('the look fails at a ledger that is older than it, instead of an answer that says nothing is dead', async () => {
  const { observer, execution } = await migratedTo('AddForeignKeys');
  await observer.query(TO_VERSION_2);
  await expect(look({ executions: execution.arn.slice(0, -3) })).rejects.toMatchObject({
    name: 'LedgerVersionRefused',
    message: expect.stringContaining('is older than this p2pfk'),
  });
});

it('the look has nothing to find where there is no ledger', async () => {
  await databaseWith();
  expect(await look({ executions: 'arn:' })).toEqual({ deadExecutions: 0, dead: [] });
});
