/**
 * A table is chosen by its oid, and a statement names it. Its owner renames it while p2pfk waits for its lock, and gives the name to a
 * table whose code would run with the rights of p2pfk.
 */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { type CountedPair, countOrphans } from '../../../core/checks/orphan-count.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { waitForLockWait } from '../../support/observe.ts';
import { coreSession, databaseWith, oneRow, type TestCase, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

interface Attack extends TestCase {
  readonly role: string;
  readonly owner: Client;
  readonly execution: Execution;
}

const CHANGED = {
  name: 'PartitionSetChanged',
  message: expect.stringContaining('its name belongs to another one now'),
};
const ACCEPT = { accept: ['all'] };

/** The first partition of `path` is another role's, which may make tables beside it. */
async function leafOwner(): Promise<Attack> {
  const testCase = await databaseWith(THREE_PAIRS);
  const { role } = await plainRole(testCase);
  await testCase.observer.query(`
    CREATE SCHEMA lo AUTHORIZATION ${role}; GRANT CREATE ON SCHEMA public TO ${role}; GRANT REFERENCES ON inode_1 TO ${role}; SET ROLE ${role};
    CREATE FUNCTION lo.take() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE 'ALTER ROLE ${role} SUPERUSER'; RETURN 1;
    EXCEPTION WHEN OTHERS THEN RETURN 0; END $$;
    CREATE FUNCTION lo.evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lo.take(); END';
    RESET ROLE; ALTER TABLE path_1 OWNER TO ${role}`);
  const owner = await testCase.db.client();
  await owner.query(`SET SESSION AUTHORIZATION ${role}`);
  return { ...testCase, role, owner, execution: new Execution() };
}

const isSuperuser = ({ observer, role }: Attack) =>
  oneRow<{ yes: boolean }>(observer, 'SELECT rolsuper AS yes FROM pg_roles WHERE rolname = $1', [role]);

/** While `work` waits for the lock that the owner holds, another table gets the name; afterwards all is as it was. */
async function swapped(
  { owner, observer }: Attack,
  mode: string,
  work: () => Promise<unknown>,
  kind = '',
): Promise<unknown> {
  await owner.query(`BEGIN; LOCK TABLE ONLY path_1 IN ${mode} MODE`);
  const working = work().catch((error: unknown) => error);
  await waitForLockWait(observer, /path_1/);
  await owner.query(`
    ALTER TABLE path_1 RENAME TO path_1_real;
    CREATE TABLE path_1 (medium text, ino int, name text) ${kind};
    COMMIT`);
  const outcome = await working;
  await owner.query('DROP TABLE path_1; ALTER TABLE path_1_real RENAME TO path_1');
  return outcome;
}

const EVIL = 'PARTITION BY RANGE ((ino + lo.evil(1)))';
const evilIndex = 'CREATE INDEX ON path_1 (lo.evil(1))';

describe('the owner of a partition who renames it while its lock is waited for', () => {
  it('has no code run by AddForeignKeys, which goes on when the name is back', async () => {
    const attack = await leafOwner();
    const { execution } = attack;
    await execution.migrate('BuildIndexes', ACCEPT);
    expect(await swapped(attack, 'SHARE ROW EXCLUSIVE', () => execution.addForeignKey(1), EVIL)).toMatchObject(CHANGED);
    expect(await isSuperuser(attack)).toEqual({ yes: false });
    expect(await execution.addForeignKey(1)).toMatchObject({ status: 'DONE' });
  });

  it('has no code run by ValidateForeignKeys', async () => {
    const attack = await leafOwner();
    const { execution, owner, observer } = attack;
    await execution.migrate('AddForeignKeys', ACCEPT);
    const { name } = await oneRow<{ name: string }>(
      observer,
      "SELECT conname AS name FROM pg_constraint WHERE conrelid = 'path_1'::regclass AND contype = 'f' AND NOT convalidated",
    );
    await owner.query('BEGIN; LOCK TABLE ONLY path_1 IN SHARE UPDATE EXCLUSIVE MODE');
    const validating = expect(execution.validateForeignKey(1)).rejects.toMatchObject(CHANGED);
    await waitForLockWait(observer, /VALIDATE CONSTRAINT/);
    await owner.query(`
      ALTER TABLE path_1 RENAME TO path_1_real; CREATE TABLE path_1 (LIKE path_1_real); ${evilIndex};
      ALTER TABLE path_1 ADD CONSTRAINT ${name} FOREIGN KEY (medium, ino) REFERENCES inode_1 NOT VALID; COMMIT`);
    await validating;
    await owner.query('DROP TABLE path_1; ALTER TABLE path_1_real RENAME TO path_1');
    expect(await isSuperuser(attack)).toEqual({ yes: false });
    expect(await execution.validateForeignKey(1)).toMatchObject({ status: 'DONE' });
  });

  it('has no other table counted, nor code run', async () => {
    const attack = await leafOwner();
    await attack.execution.migrate('AddForeignKeys', ACCEPT);
    const core = await coreSession(attack.db.url);
    const foreignKey = await resolveForeignKey(core, { table: 'path' }, 'migrate');
    const { rows } = await attack.observer.query<CountedPair>(`
      SELECT 1 AS pair, conrelid::int AS referencing_oid, confrelid::int AS referenced_oid, oid::int AS constraint_oid
        FROM pg_constraint WHERE conrelid = 'path_1'::regclass AND confrelid = 'inode_1'::regclass`);
    const counting = () => countOrphans(core, foreignKey, rows);
    expect(await swapped(attack, 'ACCESS EXCLUSIVE', counting, EVIL)).toMatchObject(CHANGED);
    expect(await isSuperuser(attack)).toEqual({ yes: false });
    expect(await counting()).toMatchObject([{ orphans: 0 }]);
  });

  it('has no code run by the repairs of an audit', async () => {
    const attack = await leafOwner();
    await attack.execution.migrate(undefined, ACCEPT);
    await attack.observer.query(`
      DO $$ DECLARE name text; BEGIN
        SELECT conname INTO name FROM pg_constraint WHERE conrelid = 'path_1'::regclass AND contype = 'f';
        EXECUTE format('ALTER TABLE path_1 DROP CONSTRAINT %I', name);
      END $$`);
    const core = await coreSession(attack.db.url);
    const repairing = () => auditAndRepair(core, { table: 'path', lockTimeoutMs: 10_000 });
    const repaired = await swapped(attack, 'SHARE ROW EXCLUSIVE', repairing, EVIL);
    expect(JSON.stringify(repaired)).toContain('its name belongs to another one now');
    expect(await isSuperuser(attack)).toEqual({ yes: false });
  });
});

describe('the owner of a schema, who can put another one in its place at any moment,', () => {
  /** A table is in a schema of another role, as `move` says. */
  async function ownedByAnother(move: string) {
    const testCase = await databaseWith(THREE_PAIRS);
    const { role } = await plainRole(testCase);
    await testCase.observer.query(`CREATE SCHEMA app AUTHORIZATION ${role}; ${move}`);
    const core = await coreSession(testCase.db.url);
    const grant = (privilege: string) =>
      testCase.observer.query(
        `DO $$ BEGIN EXECUTE format('GRANT ${privilege.replace('ON DATABASE', 'ON DATABASE %I')}', current_database()); END $$`,
      );
    const find = (table = 'path') => resolveForeignKey(core, { table }, 'migrate');
    return { ...testCase, role, core, grant, find };
  }

  async function refusedUntilTrusted(table: string, move: string): Promise<void> {
    const { role, core, grant, find } = await ownedByAnother(move);
    await grant(`CREATE ON DATABASE TO ${role}`);
    await expect(find(table)).rejects.toMatchObject({
      name: 'UntrustedCode',
      message: expect.stringMatching(
        /schema app, in which its owner can put other tables .* of plain_.*ALTER SCHEMA app OWNER TO .* or see that no role but trusted ones may CREATE in database \S+, as plain_\S+ may, .*--trust-owner/,
      ),
    });
    await core.query("SELECT set_config('p2pfk.trusted_owners', $1, false)", [role]);
    expect(await find(table)).toMatchObject({ constraint_name: 'path_fk' });
  }

  it('has to be trusted where it holds the table', () =>
    refusedUntilTrusted('app.path', 'ALTER TABLE path SET SCHEMA app'));

  it('has to be trusted where it holds one partition', () =>
    refusedUntilTrusted('path', 'ALTER TABLE inode_2 SET SCHEMA app'));

  it('need not be trusted where no role but trusted ones may rename a schema, for which PostgreSQL asks for CREATE on the database', async () => {
    const { db, role, grant, find } = await ownedByAnother('ALTER TABLE inode_2 SET SCHEMA app');
    expect(await find()).toMatchObject({ constraint_name: 'path_fk' });
    const owner = await db.client();
    await owner.query(`SET SESSION AUTHORIZATION ${role}`);
    await expect(owner.query('ALTER SCHEMA app RENAME TO gone')).rejects.toThrow('permission denied for database');
    await expect(owner.query('CREATE SCHEMA app')).rejects.toThrow('permission denied for database');

    await grant('CREATE ON DATABASE TO PUBLIC');
    await expect(find()).rejects.toMatchObject({ name: 'UntrustedCode' });
  });

  it('has to be trusted where the owner of the database is not, who could let it', async () => {
    const { db, observer, find } = await ownedByAnother('ALTER TABLE inode_2 SET SCHEMA app');
    const owner = `owns_${db.name}`;
    await observer.query(`CREATE ROLE ${owner}`);
    await observer.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO ${owner}', current_database()); EXECUTE format('REVOKE CREATE ON DATABASE %I FROM ${owner}', current_database()); END $$`,
    );
    const refused = find();
    await expect(refused).rejects.toMatchObject({ name: 'UntrustedCode' });
    await expect(refused).rejects.not.toThrow('may CREATE in database');
    await observer.query(`REASSIGN OWNED BY ${owner} TO CURRENT_USER; DROP ROLE ${owner}`);
  });
});
