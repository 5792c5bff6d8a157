/** The script that `audit --fix` prints, run by psql, later and by a superuser whom the owner of the tables waits for. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { audit } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { repairScript } from '../../../core/drift/repair-script.ts';
import { describeWithPsql, type Finished, psqlFile } from '../../psql/psql.helpers.ts';
import { oneRow } from '../case.helpers.ts';
import { column, migrated, partitionOf, standingOn } from '../provision/migrated.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

/** The tables belong to a role whose function `f` makes it superuser where a superuser runs it. */
async function ownedByAnother() {
  const testCase = await migrated();
  const { core, db, observer } = testCase;
  const { role } = await plainRole(testCase);
  await observer.query(`
    CREATE TABLE third (medium text PRIMARY KEY); INSERT INTO third SELECT DISTINCT medium FROM inode;
    DO $$ DECLARE t regclass; BEGIN
      FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO ${role}', t); END LOOP; END $$;
    GRANT CREATE ON SCHEMA public TO ${role}; SET ROLE ${role};
    CREATE FUNCTION take() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE 'ALTER ROLE ${role} SUPERUSER'; RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 1; END $$;
    CREATE FUNCTION f(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN public.take() > 0; END';
    RESET ROLE`);
  const asOwner = (sql: string) => observer.query(`SET ROLE ${role}; ${sql}; RESET ROLE`);
  const script = async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'p2pfk-script-')), 'repair.sql');
    await writeFile(file, repairScript(await audit(core, {}), 10_000));
    return file;
  };
  const run = async (file: string, variables = {}) => {
    const { code, errors }: Finished = await psqlFile(db.url, file, variables);
    return { code, error: errors[0] };
  };
  const hasGained = () => oneRow(observer, `SELECT rolsuper AS yes FROM pg_roles WHERE rolname = '${role}'`);
  return { ...testCase, role, asOwner, script, run, hasGained };
}

const PLANTED = 'CREATE INDEX planted ON public.inode_one (ino) WHERE public.f(1)';
const DROPPED = 'ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one';
const WELL = { code: 0, error: undefined };
const untrusted = (table: string) => ({
  code: 3,
  error: expect.stringMatching(
    `refused: reading public\\.${table} and .* function public\\.f\\(integer\\) of plain_.*p2pfk audit --fix prints`,
  ),
});

describeWithPsql('the script of audit --fix', () => {
  it('runs no code that the owner of the tables has added since the audit', async () => {
    const { observer, asOwner, script, run, hasGained } = await ownedByAnother();
    await observer.query(DROPPED);
    const file = await script();
    await asOwner(PLANTED);
    expect(await run(file)).toEqual(untrusted('path'));
    expect((await standingOn(observer, 'path_one')).foreignKeys).toEqual([]);

    await asOwner('DROP INDEX planted');
    expect(await run(file)).toEqual(WELL);
    expect((await standingOn(observer, 'path_one')).foreignKeys).toEqual([
      expect.stringContaining('valid t, triggers 4'),
    ]);
    expect(await hasGained()).toEqual({ yes: false });
  });

  it('asks about no decoy: other tables that got the names since are refused', async () => {
    const { observer, asOwner, script, run, hasGained } = await ownedByAnother();
    await observer.query(DROPPED);
    const file = await script();
    await asOwner(PLANTED);
    await asOwner(
      'ALTER TABLE inode_one RENAME TO inode_r; CREATE TABLE inode_one (medium text, ino bigint, PRIMARY KEY (medium, ino))',
    );

    expect(await run(file)).toEqual({
      code: 3,
      error: expect.stringMatching(
        /public\.inode_one is not the table that this script .*; make the script anew with p2pfk audit --fix/,
      ),
    });
    expect(await hasGained()).toEqual({ yes: false });
  });

  it('asks again under the lock of each VALIDATE; so does --fix --run', async () => {
    const { core, observer, script, run, hasGained } = await ownedByAnother();
    await observer.query(DROPPED);
    const file = await script();
    // The code of the owner comes with the foreign key, which is not valid yet.
    await observer.query(`CREATE FUNCTION at_that_moment() RETURNS event_trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'fk_path_to_inode_one') AND to_regclass('public.planted') IS NULL THEN
          ${PLANTED};
        END IF;
      END $$;
      CREATE EVENT TRIGGER at_that_moment ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION at_that_moment()`);

    expect(await run(file)).toEqual(untrusted('path_one'));
    await observer.query(`DROP INDEX planted; ${DROPPED}`);
    expect((await auditAndRepair(core, { lockTimeoutMs: 10_000 })).outcomes).toMatchObject([
      { status: 'FAILED', error: expect.stringContaining('refused: reading public.path_one and') },
    ]);

    expect((await standingOn(observer, 'path_one')).foreignKeys).toEqual([expect.stringContaining('valid f')]);
    expect(await hasGained()).toEqual({ yes: false });
  });

  it('asks for each table that a partner references as well, also by a foreign key that has come since', async () => {
    const { observer, asOwner, script, run, hasGained } = await ownedByAnother();
    await asOwner("CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five')");
    const file = await script();
    await asOwner('ALTER TABLE inode ADD CONSTRAINT third_fk FOREIGN KEY (medium) REFERENCES third');
    await asOwner('CREATE INDEX planted ON third (medium) WHERE public.f(1)');

    expect(await run(file)).toEqual(untrusted('third'));

    expect(await hasGained()).toEqual({ yes: false });
    expect(await column(observer, "SELECT to_regclass('inode_five')")).toEqual([null]);
    await asOwner('DROP INDEX planted');
    expect(await run(file)).toEqual(WELL);
    expect(await partitionOf(observer, 'inode_five')).toBe("inode FOR VALUES IN ('five')");
  });

  it('gives a new partition its owner and no rights of others for the role that runs it, not for the one that wrote it', async () => {
    const { core, observer, asOwner, role, script, run } = await ownedByAnother();
    const reporting = `reporting_${role}`;
    await observer.query(`CREATE ROLE ${reporting}`);
    onTestFinished(async () => {
      await observer.query(`DROP OWNED BY ${reporting}; DROP ROLE ${reporting}`);
    });
    await asOwner("CREATE TABLE path_five PARTITION OF path FOR VALUES IN ('five')");
    // Written by the owner, who has nothing to change. A superuser runs it, and has default privileges.
    await observer.query(
      `GRANT USAGE ON SCHEMA p2pfk TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA p2pfk TO ${role}`,
    );
    await core.query(`SET ROLE ${role}`);
    const file = await script();
    await core.query('RESET ROLE');
    expect(await readFile(file, 'utf8')).toContain('CREATE TABLE public.inode_five');
    await observer.query(`ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ${reporting}`);

    expect(await run(file)).toEqual(WELL);

    const acl =
      "SELECT pg_get_userbyid(relowner) || ' ' || coalesce(relacl::text, '') FROM pg_class WHERE relname = 'inode_five'";
    expect(await column(observer, acl)).toEqual([expect.stringMatching(`^${role} `)]);
    expect(await column(observer, acl)).toEqual([expect.not.stringContaining(reporting)]);
  });

  it('uses no ledger that another role owns or has changed, unless its owner is named', async () => {
    const { observer, role, script, run } = await ownedByAnother();
    await observer.query('DROP TRIGGER "~p2pfk_row_movement_guard_1" ON inode_two');
    const file = await script();
    const refusal = (text: string) => ({ code: 3, error: expect.stringContaining(text) });
    await observer.query('CREATE FUNCTION p2pfk.enter(text, text) RETURNS void LANGUAGE sql AS $$SELECT$$');
    expect(await run(file)).toEqual(refusal('is not as its version has it: function enter('));
    await observer.query('DROP FUNCTION p2pfk.enter(text, text)');
    await observer.query(`ALTER FUNCTION p2pfk.refuse_row_movement() OWNER TO ${role}`);
    expect(await run(file)).toEqual(
      refusal('the ledger, schema p2pfk, cannot be trusted: function p2pfk.refuse_row_movement()'),
    );

    await observer.query('ALTER FUNCTION p2pfk.refuse_row_movement() OWNER TO CURRENT_USER');
    expect(await run(file)).toEqual(WELL);
    expect(
      await column(observer, "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '~p2pfk%' ORDER BY 1"),
    ).toContain('inode_two');
  });
});
