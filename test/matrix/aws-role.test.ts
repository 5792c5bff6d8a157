/** sql/aws-role.sql, run by a master user as RDS has one: no superuser, and owner of the tables. On every version. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPsql, type Finished, psqlFile } from '../psql/psql.helpers.ts';
import { execute } from './migration.helpers.ts';
import { threePairs } from './scenarios/scenario.helpers.ts';
import { type MatrixDatabase, type MatrixServer, startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

/** Roles are the server's: each test has names of its own. */
interface Names {
  readonly master: string;
  readonly role: string;
}

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
});
afterAll(() => server?.stop());

/** A database, schema and tables of a role with CREATEROLE, but no superuser and no member of any other role. */
async function databaseOf(names: Names, attributes = 'CREATEROLE'): Promise<MatrixDatabase> {
  const db = await server.database('CREATE SCHEMA app');
  await db.observer.query(`
    CREATE ROLE ${names.master} LOGIN ${attributes} PASSWORD 'master';
    ALTER DATABASE ${new URL(db.url).pathname.slice(1)} OWNER TO ${names.master};
    ALTER SCHEMA app OWNER TO ${names.master};
    SET ROLE ${names.master}; SET search_path = app; ${threePairs()}; RESET ROLE`);
  return db;
}

function urlAs(db: MatrixDatabase, user: string, password: string): string {
  const url = new URL(db.url);
  url.username = user;
  url.password = password;
  return url.href;
}

const SCRIPT = fileURLToPath(new URL('../../sql/aws-role.sql', import.meta.url));

const grantAs = (db: MatrixDatabase, { master, role }: Names, variables = {}): Promise<Finished> =>
  psqlFile(urlAs(db, master, 'master'), SCRIPT, { role, table: 'app.path', ...variables });

const rolesNamed = async (db: MatrixDatabase, role: string) =>
  (await db.observer.query('SELECT FROM pg_roles WHERE rolname = $1', [role])).rowCount;

/** The statements that are printed to be copied. */
const wayOut = ({ lines }: Finished): string[] =>
  lines.slice(lines.indexOf('BEGIN;'), lines.lastIndexOf('COMMIT;') + 1);

async function migratesAs(db: MatrixDatabase, user: string, password: string): Promise<void> {
  const as = { ...db, url: urlAs(db, user, password) };
  expect(await execute(as, { table: 'app.path', accept: ['all'] })).toMatchObject({ status: 'MIGRATED' });
}

describeWithPsql('the role for AWS', () => {
  it('is given what it needs by a master user that owns the tables; where that cannot be, nothing changes and the ways out work', async () => {
    const names = { master: 'master_1', role: 'p2pfk_1' };
    const db = await databaseOf(names);

    const first = await grantAs(db, names);
    expect(first.code).toBe(3);
    expect(first.lines.join('\n')).toMatch(
      majorUnderTest >= 16
        ? /^Nothing was changed.*\n {2}GRANT master_1 TO p2pfk_1; {2}-- .*\nA superuser/m
        : /^Nothing was changed.*\n {2}GRANT master_1 TO p2pfk_1; {2}-- master_1 has CREATEROLE\nBefore PostgreSQL 16/m,
    );
    expect(await rolesNamed(db, names.role)).toBe(0);
    // The first way out, as it is printed, run by the master user itself.
    const owned = await db.client();
    await owned.query('SET SESSION AUTHORIZATION master_1');
    await owned.query(wayOut(first).join('\n'));
    const { lines, code, errors } = await grantAs(db, names);
    expect({ code, errors }).toEqual({ code: 0, errors: [] });
    // CREATEROLE of before 16 grants this as well.
    expect(lines.join('\n').includes('GRANT pg_monitor')).toBe(majorUnderTest >= 16);
    // Again: nothing is left to grant.
    expect(await grantAs(db, names)).toMatchObject({ code: 0, errors: [] });
    await db.observer.query(`ALTER ROLE p2pfk_1 PASSWORD 'p2pfk'`);
    await migratesAs(db, names.role, 'p2pfk');
  });

  it('may be the owner of the tables itself, to whom nothing has to be granted', async () => {
    const names = { master: 'master_2', role: 'master_2' };
    const db = await databaseOf(names);

    expect(await grantAs(db, names, { iam: 'off' })).toMatchObject({ code: 0, errors: [] });

    await migratesAs(db, names.master, 'master');
  });

  it('becomes a member of the owners of the one foreign key alone, and of no superuser', async () => {
    const names = { master: 'master_4', role: 'p2pfk_4' };
    const db = await databaseOf(names, majorUnderTest >= 16 ? 'SUPERUSER' : 'CREATEROLE');
    await db.observer.query(`CREATE TABLE app.other (k int PRIMARY KEY) PARTITION BY LIST (k);
      GRANT REFERENCES ON app.other TO master_4; ALTER TABLE app.path ADD COLUMN k int, ADD CONSTRAINT other_fk FOREIGN KEY (k) REFERENCES app.other`);

    expect(await grantAs(db, names)).toMatchObject({
      code: 3,
      errors: [expect.stringMatching(/nothing was changed: app\.path has 2 foreign keys \(.*other_fk.*choose the one/)],
    });
    expect(await grantAs(db, names, { constraint: 'other_fk' })).toMatchObject({
      code: 3,
      errors: [
        expect.stringMatching(/nothing was changed: app\.other belongs to a superuser \((?:postgres|master_4)\)/),
      ],
    });
    expect(await rolesNamed(db, names.role)).toBe(0);
  });

  it('becomes a member of no role that could become a superuser', async () => {
    const names = { master: 'master_5', role: 'p2pfk_5' };
    const db = await databaseOf(names);
    await db.observer.query(
      `CREATE ROLE deputy_5; GRANT postgres TO deputy_5; CREATE ROLE almost_5; GRANT deputy_5 TO almost_5`,
    );

    const named = await grantAs(db, names, { ledger_owner: 'almost_5' });
    expect(named.errors).toEqual([
      expect.stringMatching(/nothing was changed: ledger_owner is almost_5, a member of a superuser \(postgres\)/),
    ]);
    await db.observer.query('ALTER TABLE app.inode_2 OWNER TO almost_5');
    const owned = await grantAs(db, names);
    expect(owned.errors).toEqual([
      expect.stringMatching(
        /nothing was changed: app\.inode_2 belongs to almost_5, a member of a superuser \(postgres\)/,
      ),
    ]);
    await db.observer.query('GRANT pg_execute_server_program TO almost_5; REVOKE deputy_5 FROM almost_5');
    const programs = await grantAs(db, names);
    expect(programs.errors).toEqual([
      expect.stringMatching(
        /app\.inode_2 belongs to almost_5, a member of pg_execute_server_program, which is as good as/,
      ),
    ]);
    expect(await rolesNamed(db, names.role)).toBe(0);
  });

  it('becomes a member of no role that can grant itself all others, as CREATEROLE can before 16', async () => {
    const names = { master: 'master_6', role: 'p2pfk_6' };
    const db = await databaseOf(names);
    await db.observer.query('CREATE ROLE maker_6 CREATEROLE; CREATE ROLE almost_6; GRANT maker_6 TO almost_6');
    const asSuperuser = (variables = {}) =>
      psqlFile(db.url, SCRIPT, { role: names.role, table: 'app.path', iam: 'off', ...variables });
    const refusedBefore16 = async (granted: string, risk: string, variables = {}) => {
      if (majorUnderTest >= 16) return;
      const { code, lines } = await asSuperuser(variables);
      expect({ code, refused: lines.filter((line) => /^ {2}[A-Z]/.test(line)) }).toEqual({
        code: 3,
        refused: [`  GRANT ${granted} TO p2pfk_6;  -- ${risk} has CREATEROLE`],
      });
      expect(await rolesNamed(db, names.role)).toBe(0);
    };

    await refusedBefore16('master_6', 'master_6');
    await db.observer.query('ALTER ROLE master_6 NOCREATEROLE; GRANT almost_6 TO master_6');
    await refusedBefore16('master_6', 'maker_6');
    await db.observer.query('REVOKE almost_6 FROM master_6');
    await refusedBefore16('almost_6', 'maker_6', { ledger_owner: 'almost_6' });
    expect(await asSuperuser()).toMatchObject({ code: 0, errors: [] });
  });

  it('gets no way out printed by which the owner of a partition would gain the rights of the table’s owner', async () => {
    const names = { master: 'master_7', role: 'p2pfk_7' };
    const db = await databaseOf(names);
    await db.observer.query('CREATE ROLE tenant_7; ALTER TABLE app.inode_2 OWNER TO tenant_7');

    const { code, lines } = await grantAs(db, names);

    expect(code).toBe(3);
    expect(lines).toContain('  app.inode_2 belongs to tenant_7');
    expect(lines.filter((line) => /^(?:CREATE|GRANT|ALTER) /.test(line))).toEqual([]);
  });

  it('gets a way out with a new role, which changes nothing where a role of that name has come since', async () => {
    const names = { master: 'master_8', role: 'p2pfk_8' };
    const db = await databaseOf(names);
    const newOwner = (printed: Finished) => /CREATE ROLE (\w+) NOLOGIN/.exec(printed.lines.join('\n'))?.[1] ?? '';
    const taken = newOwner(await grantAs(db, names));
    expect(taken).toMatch(/^app_path_owner/);
    expect(await rolesNamed(db, taken)).toBe(0);
    await db.observer.query(`CREATE ROLE ${taken}`);
    const printed = await grantAs(db, names);
    expect(newOwner(printed)).toMatch(/^app_path_owner_\d+$/);
    const owned = await db.client();
    // A role of its own for something else, which it may grant, from 16 on, too.
    await owned.query(`SET SESSION AUTHORIZATION master_8; CREATE ROLE ${newOwner(printed)}`);

    // As a client that goes on after an error.
    for (const line of wayOut(printed)) await owned.query(line).catch(() => undefined);

    const { rows } = await db.observer.query(
      `SELECT DISTINCT pg_get_userbyid(relowner) AS owner, pg_has_role('master_8', $1, 'USAGE') AS granted
         FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p')`,
      [newOwner(printed)],
    );
    expect(rows).toEqual([{ owner: 'master_8', granted: false }]);
  });

  it('is not made by a login that may not make roles, nor half of it', async () => {
    const names = { master: 'master_3', role: 'p2pfk_3' };
    const db = await databaseOf(names, '');

    const { code, lines } = await grantAs(db, names);

    expect({ code, refused: lines.filter((line) => /^ {2}[A-Z]/.test(line)) }).toEqual({
      code: 3,
      refused: [expect.stringMatching(/^ {2}CREATE ROLE p2pfk_3 LOGIN; {2}-- permission denied/)],
    });
    expect(await rolesNamed(db, names.role)).toBe(0);
  });
});
