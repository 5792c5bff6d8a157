/** The rehearsal, and the word of a person: all is ready, and the parent FK stands until somebody decides. */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { approve, readToApprove, readToWithdraw, withdrawApproval } from '../../../core/ledger/approve.ts';
import { holdLock, waitForLockWait } from '../../support/observe.ts';
import { coreSession, databaseWith, everything, foreignKeys, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

/** Long enough for a busy machine; nothing here waits for a lock, because the drop goes NOWAIT. */
const BUDGET = { lockTimeoutMs: 10_000 };

/** A migration that stands before its gate. */
async function beforeGate(input: Record<string, unknown>): Promise<TestCase & { execution: Execution }> {
  const testCase = await databaseWith();
  const execution = new Execution();
  await execution.migrate('ValidateForeignKeys', { ...BUDGET, ...input });
  return { ...testCase, execution };
}

/** A migration that waits for approval, and a session to give it. */
async function waiting(input: Record<string, unknown> = {}) {
  const testCase = await beforeGate({ approval: 'manual', ...input });
  const asked = await testCase.execution.verifyGate();
  return { ...testCase, asked, core: await coreSession(testCase.db.url) };
}

/** Moves the moment at which approval was first asked for into the past. */
const waitedFor = (observer: Client, seconds: number) =>
  observer.query('UPDATE p2pfk.migration SET approval_asked_at = now() - make_interval(secs => $1)', [seconds]);

const parentStands = async (observer: Client) =>
  (await foreignKeys(observer)).some((line) => line.startsWith('path path_fk '));

const FIGURES =
  /^the drop was rehearsed and rolled back: \d+ ms under lock, \d checks passed, Deleted 10 rows in 00:00:0\d\.\d{3}/;

describe('a rehearsal', () => {
  it('does the drop on the live database, changes nothing, and notes its figures', async () => {
    const { observer, execution } = await beforeGate({ rehearse: true });
    const before = await everything(observer);

    const gate = await execution.verifyGate();
    await execution.pause({ Error: 'Rehearsed', Cause: gate.reason });

    expect(gate).toMatchObject({ status: 'REHEARSED', pairs: 3, reason: expect.stringMatching(FIGURES) });
    expect(await everything(observer)).toBe(before);
    const migration = await oneRow<{ rehearsal: { lockedMs: number; checks: { id: string; passed: boolean }[] } }>(
      observer,
      'SELECT state, rehearsal, dropped_at, locked_ms, approval_asked_at FROM p2pfk.migration',
    );
    expect(migration).toMatchObject({ state: 'paused', dropped_at: null, locked_ms: null, approval_asked_at: null });
    expect(migration.rehearsal).toMatchObject({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      lockedMs: expect.any(Number),
    });
    expect(gate.reason).toContain(`: ${migration.rehearsal.lockedMs} ms under lock`);
    expect(migration.rehearsal.checks.map(({ id, passed }) => [id, passed])).toEqual([
      ['pair-foreign-keys', true],
      ['parent-foreign-key', true],
      ['foreign-key-targets', true],
      ['delete-performance', true],
    ]);
    // What was rolled back has left no trace that it was done.
    expect((await observer.query(`SELECT FROM p2pfk.event WHERE step = 'DropParentForeignKey'`)).rows).toEqual([]);
  });

  it('is followed by the real drop in the next execution, which counts nothing twice', async () => {
    const { observer, execution } = await beforeGate({ rehearse: true });
    const gate = await execution.verifyGate();
    await execution.pause({ Error: 'Rehearsed', Cause: gate.reason });

    const next = new Execution();
    await next.migrate('VerifyMigration', BUDGET);

    expect(await parentStands(observer)).toBe(false);
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
  });

  it('fails as the drop would, and nothing has changed', async () => {
    const { observer, execution } = await beforeGate({ rehearse: true });
    // Passes the gate; what the drop looks at after it does not.
    await observer.query(
      'ALTER TABLE path_1 ADD CONSTRAINT astray FOREIGN KEY (medium, ino) REFERENCES inode_2 (medium, ino) ON DELETE CASCADE NOT VALID',
    );
    const before = await everything(observer);

    await expect(execution.verifyGate()).rejects.toMatchObject({
      name: 'VerificationFailed',
      message: expect.stringContaining('astray'),
    });

    expect(await everything(observer)).toBe(before);
    expect(await oneRow(observer, 'SELECT rehearsal FROM p2pfk.migration')).toEqual({ rehearsal: null });
  });

  it('is tried again where somebody holds a lock, and queues behind nobody', async () => {
    const { db, observer, execution } = await beforeGate({ rehearse: true, lockTimeoutMs: 60_000 });
    const held = await holdLock(await db.client(), 'SELECT FROM path_2');

    await expect(execution.verifyGate()).rejects.toMatchObject({ name: 'LockTimeout' });
    await held.release();

    expect(await execution.verifyGate()).toMatchObject({ status: 'REHEARSED' });
    expect(await parentStands(observer)).toBe(true);
  });
});

describe('a migration that waits for approval', () => {
  it('shows the rehearsal and the command, and keeps asking without rehearsing again', async () => {
    const { observer, execution, asked } = await waiting();
    const rehearsal = () => oneRow(observer, 'SELECT rehearsal, approval_asked_at FROM p2pfk.migration');
    const first = await rehearsal();

    const again = await execution.verifyGate();

    expect(asked).toMatchObject({
      status: 'AWAITING_APPROVAL',
      pairs: 3,
      waitSeconds: 2,
      reason: expect.stringMatching(FIGURES),
    });
    expect(asked.reason).toMatch(/; approve with: p2pfk approve --table public\.path$/);
    expect(again).toEqual(asked);
    expect(await rehearsal()).toEqual(first);
    expect(await parentStands(observer)).toBe(true);
  });

  it.each([
    [100, 10],
    [1_000, 100],
    [20_000, 300],
    [86_390, 10],
  ])('asks ever less often: after %i s of a day in %i s', async (waited, next) => {
    const { observer, execution } = await waiting({ approvalTimeoutSeconds: 86_400 });
    await waitedFor(observer, waited);

    const { waitSeconds } = await execution.verifyGate();

    expect(Math.abs(waitSeconds - next)).toBeLessThanOrEqual(1);
  });

  it('counts as alive until it asks again, also in AWS, where nothing else tells', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution('arn:aws:states:eu-central-1:123456789012:execution:p2pfk:one');
    await execution.migrate('ValidateForeignKeys', { ...BUDGET, approval: 'manual', approvalTimeoutSeconds: 86_400 });
    await execution.verifyGate();
    await waitedFor(observer, 20_000);

    const { waitSeconds } = await execution.verifyGate();

    const { lease } = await oneRow<{ lease: number }>(
      observer,
      'SELECT extract(epoch FROM lease_until - now())::int AS lease FROM p2pfk.migration',
    );
    expect(waitSeconds).toBe(300);
    expect(lease).toBeGreaterThan(waitSeconds + 30);
  });

  it('goes on when it is approved', async () => {
    const { observer, execution, core } = await waiting();

    const approved = await approve(core, { table: 'path' });

    expect(approved).toMatchObject({
      table: 'public.path',
      constraint: 'path_fk',
      migrationId: execution.migrationId,
      state: 'running',
      execution: execution.arn,
      approvedBy: 'postgres',
      alreadyApproved: false,
      rehearsal: { lockedMs: expect.any(Number), checks: expect.any(Array) },
    });
    expect(Date.parse(approved.waitingSince ?? '')).toBeLessThanOrEqual(Date.parse(approved.approvedAt));
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED', reason: '' });
    await execution.runUntil('VerifyMigration');
    expect(await parentStands(observer)).toBe(false);
  });

  it('may be approved twice; the first word counts', async () => {
    const { core } = await waiting();

    const first = await approve(core, { table: 'path' });
    const second = await approve(core, { table: 'public.path', constraint: 'path_fk' });

    expect(second).toEqual({ ...first, alreadyApproved: true });
  });

  it('pauses when nobody approves it in time; approved then, the next execution asks no more', async () => {
    const { observer, execution, core } = await waiting({ approvalTimeoutSeconds: 60 });
    await waitedFor(observer, 61);

    const gate = await execution.verifyGate();
    await execution.pause({ Error: 'ApprovalNeeded', Cause: gate.reason });
    const approved = await approve(core, { table: 'path' });

    expect(gate).toMatchObject({ status: 'APPROVAL_TIMED_OUT', reason: expect.stringMatching(FIGURES) });
    expect(gate.reason).toContain('it was not approved within 60 s');
    expect(approved).toMatchObject({ state: 'paused', waitingSince: expect.any(String) });
    const next = new Execution();
    await next.migrate('ValidateForeignKeys', { ...BUDGET, approval: 'manual' });
    expect(await next.verifyGate()).toMatchObject({ status: 'PASSED' });
  });

  it('does not wait at all where it may not, and waits anew in the next execution', async () => {
    const { observer, execution, asked } = await waiting({ approvalTimeoutSeconds: 0 });
    expect(asked).toMatchObject({ status: 'APPROVAL_TIMED_OUT' });
    await execution.pause({ Error: 'ApprovalNeeded', Cause: asked.reason });

    const next = new Execution();
    await next.migrate('ValidateForeignKeys', { ...BUDGET, approval: 'manual' });

    expect(await next.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL', waitSeconds: 2 });
    expect(await parentStands(observer)).toBe(true);
  });

  it('is stopped by the end of the window', async () => {
    const { observer, execution } = await waiting({ deadline: '2999-12-31T23:59:59Z' });
    await observer.query(`UPDATE p2pfk.migration SET options = options || '{"deadline": "2020-01-01T00:00:00Z"}'`);

    await expect(execution.verifyGate()).rejects.toMatchObject({ name: 'WindowClosed' });
  });

  it('is not asked about where the gate is closed, approved or not', async () => {
    const { observer, execution, core } = await waiting();
    await approve(core, { table: 'path' });
    await observer.query('ALTER TABLE path_1 DISABLE TRIGGER ALL');

    expect(await execution.verifyGate()).toMatchObject({ status: 'FAILED' });
  });

  it('loses its approval with a rollback', async () => {
    const { execution, core } = await waiting();
    await approve(core, { table: 'path' });
    await execution.rollBack();

    const next = new Execution();
    await next.migrate('ValidateForeignKeys', { ...BUDGET, approval: 'manual' });

    expect(await next.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });
  });
});

describe('an act on what was shown', () => {
  it('is refused where it names another migration, or what is open is not as it was shown', async () => {
    const { observer, execution, core } = await waiting();
    const { migrationId, shown } = await readToApprove(core, { table: 'path' });
    const refused = (request: object, message: RegExp) =>
      expect(approve(core, { table: 'path', ...request })).rejects.toMatchObject({
        name: 'InvalidInput',
        message: expect.stringMatching(message),
      });

    await refused(
      { migrationId: '999' },
      /^nothing waits for approval: migration 999 is not the open migration of path_fk on public\.path, which is \d+$/,
    );
    await refused({ shown: 'x' }, /^nothing was changed: it is not known what was shown; look at it again$/);
    await refused({ shown: shown.replace(/^\d+/, '999') }, /: migration 999 was shown, and this is migration \d+;/);
    await execution.pause({ Error: 'ApprovalNeeded' });
    await refused({ shown }, /: migration \d+ was running when it was shown, and is paused now; look at it again$/);
    const paused = await readToApprove(core, { table: 'path' });
    const next = new Execution();
    await next.migrate('ValidateForeignKeys', { ...BUDGET, approval: 'manual', noIndexes: true });
    await next.verifyGate();
    await next.pause({ Error: 'ApprovalNeeded' });
    await refused({ shown: paused.shown }, /: migration \d+ has changed since it was shown \(its execution, options, /);
    expect(await oneRow(observer, 'SELECT approved_at FROM p2pfk.migration')).toEqual({ approved_at: null });

    const now = await readToApprove(core, { table: 'path' });
    expect(now.options).toEqual({ lockTimeoutMs: BUDGET.lockTimeoutMs, noIndexes: true });
    await approve(core, { table: 'path', migrationId, shown: now.shown });
    const approval = await readToWithdraw(core, { table: 'path' });
    await approve(core, { table: 'path' });
    await observer.query("UPDATE p2pfk.migration SET approved_at = now(), approved_by = 'another one'");
    await expect(withdrawApproval(core, { table: 'path', shown: approval.shown })).rejects.toThrow(
      /^nothing was changed: migration \d+ has changed since it was shown/,
    );
    expect(await oneRow(observer, 'SELECT approved_by FROM p2pfk.migration')).toEqual({ approved_by: 'another one' });
  });

  it('is refused where it changes between the look and the act', async () => {
    const { db, observer, core } = await waiting();
    const owner = await db.client();
    await owner.query(`BEGIN; UPDATE p2pfk.migration SET options = options || '{"rowMovementGuard": false}'`);
    const approving = approve(core, { table: 'path' });
    approving.catch(() => undefined);
    await waitForLockWait(observer, /FOR NO KEY UPDATE/);
    await owner.query('COMMIT');

    await expect(approving).rejects.toThrow(/^nothing was changed: migration \d+ has changed since it was shown/);
    expect(await oneRow(observer, 'SELECT approved_at FROM p2pfk.migration')).toEqual({ approved_at: null });
  });

  it('goes on with the migration that was named, or with none', async () => {
    const { observer, execution } = await waiting();
    const { migrationId } = execution;
    await execution.pause({ Error: 'ApprovalNeeded' });
    const named = new Execution();
    expect(await named.plan({ migrationId })).toMatchObject({ status: 'PLANNED', migrationId, resumed: true });
    await named.rollBack();
    const before = await everything(observer);

    await expect(new Execution().plan({ migrationId })).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: `refused, nothing was changed: migration ${migrationId} of path_fk on public.path, which was to go on, is no longer open: none is open`,
    });
    const other = new Execution();
    await other.plan();
    await other.pause({ Error: 'WindowClosed' });
    await expect(new Execution().plan({ migrationId })).rejects.toThrow(
      `is no longer open: migration ${other.migrationId} is the open one`,
    );
    expect(await everything(observer)).toBe(before);
  });
});

describe('approving what does not wait is refused, and approves nothing', () => {
  const refused = async (testCase: TestCase, message: RegExp, constraint?: string) => {
    const core = await coreSession(testCase.db.url);
    const approving = approve(core, { table: 'path', constraint });
    await expect(approving).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(approving).rejects.toThrow(message);
  };
  const approvals = async ({ observer }: TestCase) =>
    (await observer.query('SELECT FROM p2pfk.migration WHERE approved_at IS NOT NULL')).rows.length;

  it('where there is no ledger', async () => {
    const testCase = await databaseWith();
    await refused(testCase, /^nothing waits for approval: the ledger has no open migration of public\.path$/);
    await refused(
      testCase,
      /^nothing waits for approval: the ledger has no open migration of public\.path$/,
      'path_fk',
    );
    await refused(testCase, /has no foreign key other: it has path_fk/, 'other');
  });

  it('where it runs without approval', async () => {
    const testCase = await beforeGate({});
    await refused(testCase, /migration \d+ of path_fk on public\.path runs without one \(--approval auto\)$/);
    expect(await approvals(testCase)).toBe(0);
  });

  it('where it has not come to the drop', async () => {
    const testCase = await beforeGate({ approval: 'manual' });
    await refused(testCase, /runs and has not come to the drop yet$/);
    await testCase.execution.pause({ Error: 'WindowClosed' });
    await refused(testCase, /was paused before it came to the drop; run migrate again first$/);
    expect(await approvals(testCase)).toBe(0);
  });

  it('where it is done, is being rolled back, or has been', async () => {
    const testCase = await databaseWith();
    const execution = new Execution();
    await execution.migrate('DropParentForeignKey', BUDGET);
    await refused(testCase, /has dropped the parent foreign key already$/);
    await execution.verifyMigration();
    await refused(testCase, /migration \d+ of path_fk on public\.path is done$/);
    await execution.fence();
    await refused(testCase, /is being rolled back$/);
    await execution.rollBack();
    await refused(testCase, /the ledger has no open migration/);
    expect(await approvals(testCase)).toBe(0);
  });
});

it('takes a role that may read and write the ledger, and nothing else', async () => {
  const { db, observer, core } = await waiting();
  const role = `approver_${db.name}`;
  await observer.query(`CREATE ROLE ${role}`);
  onTestFinished(async () => {
    await observer.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  await core.query(`SET ROLE ${role}`);
  const grant = (privilege: string) => observer.query(`GRANT ${privilege} TO ${role}`);

  await expect(approve(core, { table: 'path' })).rejects.toMatchObject({
    name: 'PrivilegeMissing',
    message: expect.stringMatching(/may not read the ledger: .*GRANT USAGE ON SCHEMA p2pfk/),
  });
  await grant('USAGE ON SCHEMA p2pfk');
  await grant('SELECT ON p2pfk.migration');
  await expect(approve(core, { table: 'path' })).rejects.toMatchObject({ name: 'PrivilegeMissing' });
  await grant('SELECT ON p2pfk.identity');
  await expect(approve(core, { table: 'path' })).rejects.toMatchObject({ name: 'PrivilegeMissing' });
  await grant('UPDATE ON p2pfk.migration');

  expect(await approve(core, { table: 'path' })).toMatchObject({ approvedBy: role });
  await core.query('RESET ROLE');
});

it('of two foreign keys of a table the one that waits is approved', async () => {
  const { db, observer } = await databaseWith();
  await observer.query(`
    CREATE TABLE twin (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
    CREATE TABLE twin_1 PARTITION OF twin FOR VALUES IN ('one');
    CREATE TABLE twin_2 PARTITION OF twin FOR VALUES IN ('two');
    CREATE TABLE twin_3 PARTITION OF twin FOR VALUES IN ('three');
    INSERT INTO twin SELECT medium, ino FROM inode WHERE medium <> 'four';
    ALTER TABLE path ADD CONSTRAINT path_twin FOREIGN KEY (medium, ino) REFERENCES twin (medium, ino) ON DELETE CASCADE;`);
  const [one, other] = [new Execution(), new Execution()];
  await one.migrate('ValidateForeignKeys', { constraint: 'path_fk' });
  await other.migrate('ValidateForeignKeys', { ...BUDGET, constraint: 'path_twin', approval: 'manual' });
  await other.verifyGate();

  expect(await approve(await coreSession(db.url), { table: 'path' })).toMatchObject({
    constraint: 'path_twin',
    migrationId: other.migrationId,
  });
});
