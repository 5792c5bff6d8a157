/** A team: one role that cannot log in owns tables and ledger; people and the Lambda functions are members of it. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { approve } from '../../../core/ledger/approve.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { LEDGER_OWNER } from '../../../core/ledger/schema/state.ts';
import { p2pfk } from '../../cli/cli.helpers.ts';
import { describeWithPsql, psqlInOrder, STEPS } from '../../psql/psql.helpers.ts';
import { databaseWith, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

interface Team extends TestCase {
  readonly team: string;
  /** URLs of two members of the team, and of a role that is none. */
  readonly dba: string;
  readonly lambda: string;
  readonly outsider: { readonly url: string; readonly role: string };
}

async function teamOf(): Promise<Team> {
  const testCase = await databaseWith();
  const { db, observer } = testCase;
  const id = randomBytes(4).toString('hex');
  const [team, dba, lambda, outsider] = [`team_${id}`, `dba_${id}`, `lambda_${id}`, `outsider_${id}`];
  await observer.query(`
    CREATE ROLE ${team}; GRANT CREATE ON DATABASE ${db.name} TO ${team}; GRANT CREATE ON SCHEMA public TO ${team};
    CREATE ROLE ${dba} LOGIN PASSWORD 'plain' IN ROLE ${team}; CREATE ROLE ${lambda} LOGIN PASSWORD 'plain' IN ROLE ${team};
    CREATE ROLE ${outsider} LOGIN PASSWORD 'plain';
    DO $$ DECLARE t regclass; BEGIN
      FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO ${team}', t); END LOOP; END $$;`);
  onTestFinished(async () => {
    await observer.query(
      `DROP OWNED BY ${outsider}, ${team} CASCADE; DROP ROLE ${dba}, ${lambda}, ${outsider}, ${team}`,
    );
  });
  const urlOf = (role: string) => db.urlAs(role, 'plain');
  return {
    ...testCase,
    team,
    dba: urlOf(dba),
    lambda: urlOf(lambda),
    outsider: { url: urlOf(outsider), role: outsider },
  };
}

/** The handlers of this process run as that login, with that owner of the ledger. */
function deployedAs(url: string, owner?: string): void {
  const before = process.env[LEDGER_OWNER];
  process.env.DATABASE_URL = url;
  if (owner !== undefined) process.env[LEDGER_OWNER] = owner;
  onTestFinished(() => {
    if (before === undefined) delete process.env[LEDGER_OWNER];
    else process.env[LEDGER_OWNER] = before;
  });
}

it('one member begins, the other goes on: all that is made belongs to the team', async () => {
  const { observer, team, dba, lambda } = await teamOf();
  const begun = await p2pfk([
    'migrate',
    '-d',
    dba,
    '--table',
    'path',
    '--ledger-owner',
    team,
    '--rehearse',
    '--lock-timeout-ms',
    '10000',
    '--json',
  ]);
  expect({ code: begun.code, stderr: begun.stderr }).toMatchObject({ code: 6 });

  deployedAs(lambda, team);
  await new Execution().migrate();

  expect(
    await oneRow(
      observer,
      `SELECT nspowner::regrole::text AS owner, (SELECT string_agg(DISTINCT role, ',') FROM p2pfk.event) AS roles, (SELECT state FROM p2pfk.migration) AS state FROM pg_namespace WHERE nspname = 'p2pfk'`,
    ),
  ).toEqual({ owner: team, roles: team, state: 'migrated' });
});

it('membership alone is no trust: the owner has to be named, and be one', async () => {
  const { team, dba, lambda } = await teamOf();
  deployedAs(dba, team);
  await new Execution().plan();
  const session = { databaseUrl: lambda, applicationName: 'test' };

  await expect(connect({ ...session, ledgerOwner: '' })).rejects.toMatchObject({
    name: 'LedgerNotTrusted',
    message: expect.stringContaining(`schema p2pfk is owned by ${team}`),
  });
  await expect(connect({ ...session, ledgerOwner: 'nobody of that name' })).rejects.toMatchObject({
    name: 'InvalidInput',
  });
  const member = await connect({ ...session, ledgerOwner: team });
  expect(await oneRow(member, 'SELECT current_user::text AS role')).toEqual({ role: team });
  await member.end();
});

it('the execution input names the owner at home; in AWS what was deployed decides', async () => {
  const { team, dba } = await teamOf();
  deployedAs(dba);
  const execution = new Execution();
  await execution.plan({ ledgerOwner: team });
  await execution.runUntil('AddForeignKeys');
  await expect(new Execution().plan()).rejects.toMatchObject({ name: 'LedgerNotTrusted' });

  process.env.AWS_LAMBDA_FUNCTION_NAME = 'plan';
  onTestFinished(() => {
    delete process.env.AWS_LAMBDA_FUNCTION_NAME;
  });
  await expect(new Execution().plan({ ledgerOwner: team })).rejects.toMatchObject({ name: 'InvalidInput' });
});

describeWithPsql('with psql', () => {
  it('an approver who is no member approves, and can do nothing else', async () => {
    const { db, observer, team, dba, outsider } = await teamOf();
    deployedAs(dba, team);
    const waiting = new Execution();
    await waiting.migrate('ValidateForeignKeys', { approval: 'manual' });
    await waiting.verifyGate();
    const granted = spawnSync('psql', [
      db.url,
      '-X',
      '-v',
      `role=${outsider.role}`,
      '-f',
      fileURLToPath(new URL('../../../sql/ledger-approver.sql', import.meta.url)),
    ]);
    expect(granted.status).toBe(0);

    const approver = await connect({ databaseUrl: outsider.url, applicationName: 'test', ledgerOwner: team });
    onTestFinished(() => approver.end());
    expect(await approve(approver, { table: 'path' })).toMatchObject({ approvedBy: outsider.role, state: 'running' });

    await expect(approver.query(`UPDATE p2pfk.migration SET definition = 'x'`)).rejects.toMatchObject({
      code: '42501',
    });
    await expect(approver.query('DELETE FROM p2pfk.event')).rejects.toMatchObject({ code: '42501' });
    // Its name and reason belong to its approval; times are the database's.
    await approver.query(
      `UPDATE p2pfk.migration SET approved_by = 'the director', approval_withdrawn_at = now(), updated_at = 'infinity'`,
    );
    expect(
      await oneRow(
        observer,
        `SELECT approved_by, approval_withdrawn_at, isfinite(updated_at) AS finite FROM p2pfk.migration`,
      ),
    ).toEqual({ approved_by: outsider.role, approval_withdrawn_at: null, finite: true });

    await expect(
      approver.query(`UPDATE p2pfk.migration SET approved_at = now(), approved_by = repeat('x', 201)`),
    ).rejects.toMatchObject({ code: '22001' });

    expect(await waiting.verifyGate()).toMatchObject({ status: 'PASSED' });
    await waiting.dropParentForeignKey();
    for (const change of [
      `approved_at = NULL`,
      `approved_by = 'x'`,
      `approval_withdrawn_at = now()`,
      'updated_at = now()',
    ])
      await expect(approver.query(`UPDATE p2pfk.migration SET ${change}`)).rejects.toMatchObject({
        code: '42501',
        message: 'migration 1 is past its drop or at its end: its approval cannot be changed',
      });
    await observer.query(`REVOKE ALL ON p2pfk.migration FROM ${outsider.role}`);
  });

  it('the scripts become the owner, too', async () => {
    const { observer, team, dba } = await teamOf();

    await psqlInOrder(dba, STEPS, { table: 'path', ledger_owner: team });
    const verify = fileURLToPath(new URL('../../../sql/migrate-to-p2p-fk-step4-verify.sql', import.meta.url));
    const options = ['-XAtq', '-v', 'table=path', '-v', `ledger_owner=${team}`];
    const after = spawnSync('psql', [dba, ...options, '-f', verify, '-c', 'SELECT current_user = session_user'], {
      encoding: 'utf8',
    });
    expect(after.stdout.trim().split('\n').at(-1)).toBe('t');

    expect(
      await oneRow(observer, `SELECT nspowner::regrole::text AS owner FROM pg_namespace WHERE nspname = 'p2pfk'`),
    ).toEqual({ owner: team });
  });
});
