/**
 * A foreign key is chosen by its oid, and a statement names it. The owner of its table drops it while p2pfk waits for its lock, and gives
 * the name to one that references a table of its own, whose code would run with the rights of p2pfk.
 */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { type CountedPair, countOrphans } from '../../../core/checks/orphan-count.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { describeWithPsql, psql } from '../../psql/psql.helpers.ts';
import { waitForLockWait } from '../../support/observe.ts';
import { coreSession, databaseWith, oneRow, type TestCase, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

interface Attack extends TestCase {
  readonly role: string;
  readonly owner: Client;
  readonly execution: Execution;
}

const REPLACED = {
  name: 'PartitionSetChanged',
  message: expect.stringContaining(
    'refused, nothing was changed: a foreign key was replaced by another one of its name',
  ),
};
const ACCEPT = { accept: ['all'] };

/** The first partition of `path` is another role's, which has made a table with the same keys and its code. */
async function leafOwner(): Promise<Attack> {
  const testCase = await databaseWith(THREE_PAIRS);
  const { role } = await plainRole(testCase);
  await testCase.observer.query(`
    CREATE SCHEMA lo AUTHORIZATION ${role}; GRANT REFERENCES, SELECT ON inode_1, inode TO ${role};
    ALTER TABLE path_1 OWNER TO ${role}; SET ROLE ${role};
    CREATE FUNCTION lo.take() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE 'ALTER ROLE ${role} SUPERUSER'; RETURN true;
    EXCEPTION WHEN OTHERS THEN RETURN true; END $$;
    CREATE FUNCTION lo.evil(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lo.take(); END';
    CREATE TABLE lo.evil_t AS SELECT DISTINCT medium, ino FROM path_1;
    ALTER TABLE lo.evil_t ADD PRIMARY KEY (medium, ino);
    CREATE INDEX ON lo.evil_t (ino) WHERE lo.evil(1); RESET ROLE`);
  const owner = await testCase.db.client();
  await owner.query(`SET SESSION AUTHORIZATION ${role}`);
  return { ...testCase, role, owner, execution: new Execution() };
}

const isSuperuser = ({ observer, role }: Attack) =>
  oneRow<{ yes: boolean }>(observer, 'SELECT rolsuper AS yes FROM pg_roles WHERE rolname = $1', [role]);

/** The foreign key of `path_1` that is not valid yet. */
const unvalidated = ({ observer }: Attack) =>
  oneRow<{ name: string; definition: string }>(
    observer,
    "SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = 'path_1'::regclass AND contype = 'f' AND NOT convalidated AND conparentid = 0",
  );

/** While `work` waits for the lock that the owner holds, another foreign key gets the name; afterwards it is as it was. */
async function swapped(attack: Attack, work: () => Promise<unknown>): Promise<unknown> {
  const { owner, observer } = attack;
  const { name, definition } = await unvalidated(attack);
  await owner.query('BEGIN; LOCK TABLE ONLY path_1 IN SHARE UPDATE EXCLUSIVE MODE');
  const working = work().catch((error: unknown) => error);
  await waitForLockWait(observer, /VALIDATE CONSTRAINT|LOCK TABLE|attempt/);
  await owner.query(`
    ALTER TABLE path_1 DROP CONSTRAINT ${name};
    ALTER TABLE path_1 ADD CONSTRAINT ${name} FOREIGN KEY (medium, ino) REFERENCES lo.evil_t NOT VALID; COMMIT`);
  const outcome = await working;
  expect(await isSuperuser(attack)).toEqual({ yes: false });
  expect(await unvalidated(attack)).toMatchObject({ definition: expect.stringContaining('REFERENCES lo.evil_t') });
  await owner.query(
    `ALTER TABLE path_1 DROP CONSTRAINT ${name}; ALTER TABLE path_1 ADD CONSTRAINT ${name} ${definition}`,
  );
  return outcome;
}

describe('the owner of a partition who replaces its foreign key while its lock is waited for', () => {
  it('has no code run by ValidateForeignKeys, which goes on when the foreign key is back', async () => {
    const attack = await leafOwner();
    const { execution } = attack;
    await execution.migrate('AddForeignKeys', ACCEPT);
    expect(await swapped(attack, () => execution.validateForeignKey(1))).toMatchObject(REPLACED);
    expect(await execution.validateForeignKey(1)).toMatchObject({ status: 'DONE' });
  });

  it('has no code run by the rollback, which validates a foreign key of the partition to the whole table', async () => {
    const attack = await leafOwner();
    const { execution, observer } = attack;
    await execution.migrate(undefined, ACCEPT);
    await execution.fence();
    // As an earlier, interrupted try has left it.
    await observer.query(
      'ALTER TABLE path_1 ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE NOT VALID',
    );
    expect(await swapped(attack, () => execution.restoreParent(1))).toMatchObject(REPLACED);
    expect(await execution.restoreParent(1)).toMatchObject({ status: 'DONE' });
  });

  it('has no code run by the repairs of an audit', async () => {
    const attack = await leafOwner();
    await attack.execution.migrate(undefined, ACCEPT);
    await attack.observer.query(`
      DO $$ DECLARE k record; BEGIN
        SELECT conname, pg_get_constraintdef(oid) AS definition INTO k FROM pg_constraint WHERE conrelid = 'path_1'::regclass AND contype = 'f';
        EXECUTE format('ALTER TABLE path_1 DROP CONSTRAINT %I, ADD CONSTRAINT %1$I %s NOT VALID', k.conname, k.definition);
      END $$`);
    const core = await coreSession(attack.db.url);
    const repairing = () => auditAndRepair(core, { table: 'path', lockTimeoutMs: 10_000 });
    expect(await swapped(attack, repairing)).toMatchObject({
      outcomes: [{ id: 'pair-foreign-key-not-valid', status: 'FAILED', error: REPLACED.message }],
    });
    expect(await repairing()).toMatchObject({ outcomes: [{ status: 'REPAIRED' }] });
  });

  it('does not have another foreign key dropped by the repairs of an audit', async () => {
    const attack = await leafOwner();
    const { owner, observer } = attack;
    await attack.execution.migrate(undefined, ACCEPT);
    await owner.query(
      'ALTER TABLE path_1 ADD CONSTRAINT stray FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino)',
    );
    const core = await coreSession(attack.db.url);
    await owner.query('BEGIN; LOCK TABLE ONLY path_1 IN SHARE UPDATE EXCLUSIVE MODE');
    const repairing = auditAndRepair(core, { table: 'path', lockTimeoutMs: 10_000 });
    await waitForLockWait(observer, /LOCK TABLE/);
    await owner.query(`
      ALTER TABLE path_1 DROP CONSTRAINT stray;
      ALTER TABLE path_1 ADD CONSTRAINT stray FOREIGN KEY (medium, ino) REFERENCES lo.evil_t; COMMIT`);
    expect(await repairing).toMatchObject({ outcomes: [{ status: 'FAILED', error: REPLACED.message }] });
    expect(
      await oneRow(observer, "SELECT confrelid::regclass::text AS reaches FROM pg_constraint WHERE conname = 'stray'"),
    ).toEqual({ reaches: 'lo.evil_t' });
  });
});

/** The first partition of `inode`, which `path_1` references, is the role's, too. */
async function ownerOfBoth(): Promise<Attack> {
  const attack = await leafOwner();
  await attack.observer.query(
    `ALTER TABLE inode_1 OWNER TO ${attack.role}; GRANT CREATE ON SCHEMA public TO ${attack.role}`,
  );
  await attack.execution.migrate('AddForeignKeys', ACCEPT);
  return attack;
}
const PLANTED = 'CREATE INDEX planted ON inode_1 (ino) WHERE lo.evil(1)';
const UNTRUSTED = { name: 'UntrustedCode', message: expect.stringContaining('function lo.evil(integer)') };

describe('the owner of the referenced partition, who sees in pg_locks how far p2pfk is,', () => {
  it('has no code run by VALIDATE that comes to the referenced partition, before the question or behind it', async () => {
    const attack = await ownerOfBoth();
    const { owner, observer, execution, db, role } = attack;
    await owner.query('BEGIN; LOCK TABLE ONLY inode_1 IN EXCLUSIVE MODE');
    const refused = execution.validateForeignKey(1).catch((error: unknown) => error);
    await waitForLockWait(observer, /VALIDATE CONSTRAINT/);
    await owner.query(`${PLANTED}; COMMIT`);
    expect(await refused).toMatchObject(UNTRUSTED);
    await owner.query('DROP INDEX planted');

    // An index is locked without its table: VALIDATE waits for it behind the question, while its query is planned.
    await owner.query('BEGIN; ALTER INDEX inode_1_pkey SET TABLESPACE pg_default');
    const validating = execution.validateForeignKey(1);
    await waitForLockWait(observer, /VALIDATE CONSTRAINT/);
    const other = await db.client();
    await other.query(`SET SESSION AUTHORIZATION ${role}; SET lock_timeout = '100ms'`);
    for (const code of [PLANTED, 'CREATE STATISTICS planted ON (lo.evil(1)), ino FROM inode_1'])
      await expect(other.query(code)).rejects.toMatchObject({ code: '55P03' });
    await owner.query('COMMIT');
    expect(await validating).toMatchObject({ status: 'DONE' });
    expect(await isSuperuser(attack)).toEqual({ yes: false });
  });

  it('has no code run by a count that comes while its lock is waited for', async () => {
    const attack = await ownerOfBoth();
    const { owner, observer, db } = attack;
    const core = await coreSession(db.url);
    const foreignKey = await resolveForeignKey(core, { table: 'path' }, 'migrate');
    const { rows } = await observer.query<CountedPair>(`
      SELECT 1 AS pair, conrelid::int AS referencing_oid, confrelid::int AS referenced_oid, oid::int AS constraint_oid
        FROM pg_constraint WHERE conrelid = 'path_1'::regclass AND confrelid = 'inode_1'::regclass`);
    await owner.query('BEGIN; LOCK TABLE ONLY inode_1 IN ACCESS EXCLUSIVE MODE');
    const refused = countOrphans(core, foreignKey, rows).catch((error: unknown) => error);
    await waitForLockWait(observer, /LOCK TABLE/);
    await owner.query(`${PLANTED}; COMMIT`);
    expect(await refused).toMatchObject(UNTRUSTED);
    expect(await isSuperuser(attack)).toEqual({ yes: false });
    await owner.query('DROP INDEX planted');
    expect(await countOrphans(core, foreignKey, rows)).toMatchObject([{ orphans: 0 }]);
  });
});

describeWithPsql('in the psql scripts', () => {
  it('nor by step 2, which says nothing of valid data', async () => {
    const attack = await leafOwner();
    expect(await psql(attack.db.url, 'step1', { table: 'path', accept: 'all' })).toMatchObject({ code: 0 });
    const finished = await swapped(attack, () => psql(attack.db.url, 'step2'));
    expect(finished).toMatchObject({ code: 3, errors: [REPLACED.message] });
    expect(JSON.stringify(finished)).not.toContain('No FK violations found');
    expect(await psql(attack.db.url, 'step2')).toMatchObject({ code: 0 });
  });
});
