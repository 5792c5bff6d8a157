/** A login that a role is set for (`ALTER ROLE login SET role = owner`): its sessions are the login's, and its tables the owner's. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, connectReadOnly } from '../../../core/ledger/connect.ts';
import { runAsLogin } from '../../../core/postgres/session/as-login.ts';
import { planScript } from '../../psql/plan-script.helpers.ts';
import { describeWithPsql, psql, psqlFile } from '../../psql/psql.helpers.ts';
import { holdLock, waitForLockWait } from '../../support/observe.ts';
import { coreSession, databaseWith, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

/** The three pairs, owned by a role that cannot log in; the handlers come as a login that becomes this role. */
async function loginWithRole(): Promise<TestCase & { url: string; owner: string; login: string }> {
  const testCase = await databaseWith();
  const { db, observer } = testCase;
  const [owner, login] = [`owner_${db.name}`, `login_${db.name}`];
  await observer.query(`
    CREATE ROLE ${owner}; CREATE ROLE ${login} LOGIN PASSWORD 'plain' IN ROLE ${owner};
    ALTER ROLE ${login} SET role = ${owner};
    GRANT CREATE ON DATABASE ${db.name} TO ${owner}; GRANT CREATE ON SCHEMA public TO ${owner};
    DO $$ DECLARE t regclass; BEGIN
      FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO ${owner}', t); END LOOP; END $$;`);
  onTestFinished(async () => {
    await observer.query(`DROP OWNED BY ${owner} CASCADE; DROP ROLE ${login}; DROP ROLE ${owner}`);
  });
  const url = db.urlAs(login, 'plain');
  process.env.DATABASE_URL = url;
  return { ...testCase, url, owner, login };
}

it('cancels its own statement when a rollback begins, and the whole migration is the owner’s', async () => {
  const { db, observer, owner, login } = await loginWithRole();
  const execution = new Execution();
  await execution.migrate('AddForeignKeys');
  const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');
  const validating = expect(execution.validateForeignKey(1)).rejects.toMatchObject({ name: 'StatementCanceled' });
  const { pid } = await waitForLockWait(observer, /VALIDATE CONSTRAINT/);
  expect(await oneRow(observer, `SELECT usename FROM pg_stat_activity WHERE pid = ${pid}`)).toEqual({ usename: login });

  await execution.fence();

  await validating;
  await held.release();
  await execution.dropPairForeignKeys();
  await execution.verifyRolledBack();
  expect(await oneRow(observer, 'SELECT DISTINCT role FROM p2pfk.event')).toEqual({ role: owner });
});

it('sees its own step at work: no other execution takes the migration over, and is told who', async () => {
  const { url, observer, login } = await loginWithRole();
  const remote = (name: string) => `arn:aws:states:eu-central-1:123456789012:execution:p2pfk:${name}`;
  const first = new Execution(remote('one'));
  await first.plan();
  await observer.query(`UPDATE p2pfk.migration SET lease_until = now() - interval '1 second'`);
  const step = await connect({ databaseUrl: url, applicationName: `p2pfk/${first.migrationId}/verify-gate` });

  await expect(new Execution(remote('two')).plan()).rejects.toMatchObject({
    name: 'MigrationInProgress',
    message: expect.stringMatching(new RegExp(`at work since .* as ${login} from`)),
  });
  await step.end();
});

it('tells for whom its index build waits', async () => {
  const { db } = await loginWithRole();
  const execution = new Execution();
  await execution.plan();
  const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN ROW EXCLUSIVE MODE');

  const left = await execution.buildIndex(1);
  await held.release();
  while ((await execution.buildIndex(1)).status === 'RUNNING');

  expect(left).toMatchObject({ status: 'RUNNING', note: expect.stringMatching(/^waits for pid \d+ \(postgres/) });
});

it('is the owner again after it has looked, also where a query fails', async () => {
  const { url, owner } = await loginWithRole();
  const core = await coreSession(url);
  const role = () => oneRow(core, 'SELECT current_user::text AS role');

  await runAsLogin(core, 'checks/in-flight', { pids: [] });
  expect(await role()).toEqual({ role: owner });
  await expect(runAsLogin(core, 'ledger/approval', { migration_id: '1' })).rejects.toThrow(/does not exist/);
  expect(await role()).toEqual({ role: owner });
});

describeWithPsql('the psql scripts', () => {
  it('cancel a statement of the login when they roll back', async () => {
    const { db, url, observer } = await loginWithRole();
    const execution = new Execution();
    await execution.migrate('AddForeignKeys');
    const held = await holdLock(await db.client(), 'LOCK TABLE path_1 IN SHARE UPDATE EXCLUSIVE MODE');
    const validating = expect(execution.validateForeignKey(1)).rejects.toMatchObject({ name: 'StatementCanceled' });
    await waitForLockWait(observer, /VALIDATE CONSTRAINT/);

    const back = psql(url, 'rollback');
    await validating;
    await held.release();

    expect(await back).toMatchObject({ code: 0 });
  });
});

/** As the owner of a database may do it; the ledger that p2pfk would find or make there is that role's. */
async function roleOfDatabase() {
  const testCase = await databaseWith();
  const { role } = await plainRole(testCase);
  await testCase.observer.query(
    `ALTER DATABASE ${testCase.db.name} SET role = ${role}; GRANT CREATE ON DATABASE ${testCase.db.name} TO ${role}`,
  );
  return { ...testCase, role };
}

describe('a role that the database’s owner has chosen for all of its sessions', () => {
  it('is refused, unless it is named, has the login’s rights, or is set for the login as well', async () => {
    const { db, observer, role } = await roleOfDatabase();
    const open = async (ledgerOwner?: string) => {
      const client = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test', ledgerOwner });
      onTestFinished(() => client.end());
      return oneRow(client, 'SELECT current_user::text AS role');
    };
    const refused = {
      name: 'SettingRefused',
      message: expect.stringContaining(`this session is role "${role}", because the database says so`),
    };

    await expect(new Execution().plan()).rejects.toMatchObject(refused);
    await expect(connectReadOnly({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' })).rejects.toMatchObject(
      refused,
    );
    await expect(open('postgres')).rejects.toMatchObject(refused);
    expect(await oneRow(observer, `SELECT to_regnamespace('p2pfk') AS ledger`)).toEqual({ ledger: null });
    expect(await open(role)).toEqual({ role });

    const login = (await oneRow<{ name: string }>(observer, 'SELECT session_user::text AS name')).name;
    await observer.query(`GRANT ${login} TO ${role}`);
    expect(await open()).toEqual({ role });
    await observer.query(`REVOKE ${login} FROM ${role}`);
    await observer.query(`ALTER ROLE ${login} IN DATABASE ${db.name} SET role = ${role}`);
    expect(await open()).toEqual({ role });
  });

  describeWithPsql('in psql', () => {
    it('is refused by a script, and by that of plan --sql', async () => {
      const testCase = await databaseWith();
      const { db, observer } = testCase;
      const file = await planScript(db.url);
      const { role } = await plainRole(testCase);
      await observer.query(`ALTER DATABASE ${db.name} SET role = ${role}`);
      for (const run of [psql(db.url, 'step1'), psqlFile(db.url, file)])
        expect(await run).toMatchObject({
          code: 3,
          errors: expect.arrayContaining([expect.stringContaining('because the database says so')]),
        });
    });
  });
});
