/** Who acts on a migration and why; an approver who is not a starter; an approval that is taken back. */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { approve, readToApprove, withdrawApproval } from '../../../core/ledger/approve.ts';
import { connectReadOnly } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { waitForLockWait } from '../../support/observe.ts';
import { coreSession, databaseWith, foreignKeys, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { TO_VERSION_3 } from '../ledger/restore.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const GRANTED =
  'approved_at, approved_by, approval_reason, approval_withdrawn_at, approval_withdrawn_by, approval_withdrawn_reason, updated_at';

/** A session of a role that may approve, and nothing else. */
async function approver(testCase: TestCase, columns = GRANTED): Promise<Client> {
  const { role, url } = await plainRole(testCase);
  await testCase.observer.query(`GRANT USAGE ON SCHEMA p2pfk TO ${role};
    GRANT SELECT ON p2pfk.migration, p2pfk.ledger_version, p2pfk.identity TO ${role};
    GRANT UPDATE (${columns}) ON p2pfk.migration TO ${role}`);
  return coreSession(url);
}

/** A migration that waits for approval. */
async function waiting(input: Record<string, unknown> = {}) {
  const testCase = await migratedTo('ValidateForeignKeys', { approval: 'manual', ...input });
  expect(await testCase.execution.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });
  return testCase;
}

const parentStands = async (observer: Client) =>
  (await foreignKeys(observer)).some((line) => line.startsWith('path path_fk '));

describe('an approval, or its withdrawal,', () => {
  it('is noted with no connection string, whoever calls for it', async () => {
    const { db, observer } = await waiting();
    const session = await coreSession(db.url);
    for (const people of [{ by: 'postgres://app:hunter2@db/x' }, { by: 'Ben', reason: 'password=hunter2' }])
      for (const decide of [approve, withdrawApproval]) {
        // There is one to withdraw by then.
        if (decide === withdrawApproval) await approve(session, { table: 'path', by: 'Ben' });
        await expect(decide(session, { table: 'path', ...people })).rejects.toMatchObject({
          name: 'InvalidInput',
          message: expect.stringMatching(/^(?!.*hunter2)the (name|reason) holds a connection string/),
        });
      }
    const ledger = await observer.query(
      'SELECT m::text AS row FROM p2pfk.migration m UNION ALL SELECT e::text FROM p2pfk.event e',
    );
    expect(JSON.stringify(ledger.rows)).not.toContain('hunter2');
  });
});

describe('who started it and why', () => {
  it('is in the migration, and with the execution in every note of what it did', async () => {
    const { observer } = await databaseWith();
    const one = new Execution();
    await one.migrate('AddForeignKeys', { by: ' Ana <ana@host> ', reason: 'CHG-7' });
    await one.pause({ Error: 'WindowClosed' });
    const other = new Execution();
    await other.migrate('VerifyMigration', { by: 'Ben' });

    expect(await oneRow(observer, 'SELECT started_by, reason FROM p2pfk.migration')).toEqual({
      started_by: 'Ana <ana@host>',
      reason: 'CHG-7',
    });
    const { rows } = await observer.query(
      `SELECT execution, login, person, reason, array_agg(DISTINCT step ORDER BY step) AS steps
       FROM p2pfk.event WHERE migration_id IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY min(id)`,
    );
    expect(rows).toEqual([
      {
        execution: one.arn,
        login: 'postgres',
        person: 'Ana <ana@host>',
        reason: 'CHG-7',
        steps: ['AddForeignKeys', 'BuildIndexes', 'Plan'],
      },
      {
        execution: other.arn,
        login: 'postgres',
        person: 'Ben',
        reason: null,
        steps: ['DropParentForeignKey', 'Plan', 'ValidateForeignKeys'],
      },
    ]);
  });

  it.each([
    ['two lines', { by: 'ana\nben' }, 'by'],
    ['an escape', { reason: '\u001b[31mCHG-7' }, 'reason'],
    ['text that runs backwards', { reason: 'CHG\u202e7' }, 'reason'],
    ['a name that looks like another', { by: 'Ana\u200b' }, 'by'],
    ['nothing but a space', { by: ' ' }, 'by'],
    ['too long a name', { by: 'a'.repeat(201) }, 'by'],
    ['too long a reason', { reason: 'a'.repeat(501) }, 'reason'],
  ])('is refused in one line where it is %s', async (_, input, key) => {
    await databaseWith();
    await expect(new Execution().plan(input)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(
        new RegExp(
          `^the execution input is not valid: ${key}: must be one line of 1 to \\d+ characters, without control or invisible characters$`,
        ),
      ),
    });
  });
});

describe('an approver who must differ', () => {
  it('is not the login that started it, whatever name is stated, nor one who approves in SQL', async () => {
    const { db, observer, execution } = await waiting({ approverMustDiffer: true, by: 'Ana' });
    const core = await coreSession(db.url);

    await expect(approve(core, { table: 'path', by: 'Ben' })).rejects.toMatchObject({
      name: 'ApprovalRefused',
      message: expect.stringMatching(/^refused, nothing was changed: the login postgres has started an execution/),
    });
    await observer.query("UPDATE p2pfk.migration SET approved_at = now(), approved_by = 'Ben', approved_login = 'ben'");

    expect(await oneRow(observer, 'SELECT approved_login FROM p2pfk.migration')).toEqual({
      approved_login: 'postgres',
    });
    expect(await execution.verifyGate()).toMatchObject({
      status: 'AWAITING_APPROVAL',
      reason: expect.stringContaining('the login postgres has started an execution'),
    });
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'ApprovalNeeded' });
    expect(await parentStands(observer)).toBe(true);
  });

  it('is another login under another name, also where a later execution does not ask for it', async () => {
    const testCase = await waiting({ approverMustDiffer: true, by: 'Ana' });
    const { observer, execution } = testCase;
    await execution.pause({ Error: 'WindowClosed' });
    const later = new Execution();
    await later.migrate('ValidateForeignKeys', { approval: 'auto' });
    expect(await later.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });
    const other = await approver(testCase);

    await expect(approve(other, { table: 'path', by: ' ana' })).rejects.toThrow(/ana has started an execution/);
    const approved = await approve(other, { table: 'path', by: 'Ben', reason: 'CHG-7' });

    expect(approved).toMatchObject({
      approvedBy: 'Ben',
      approvedLogin: expect.stringMatching(/^plain_/),
      reason: 'CHG-7',
    });
    expect(await later.verifyGate()).toMatchObject({ status: 'PASSED' });
    await later.dropParentForeignKey();
    expect(await parentStands(observer)).toBe(false);
  });

  it('needs an approval that is asked for', async () => {
    await databaseWith();
    await expect(new Execution().plan({ approverMustDiffer: true })).rejects.toThrow(
      /approverMustDiffer needs approval "manual"/,
    );
  });
});

describe('an approval that is withdrawn', () => {
  it('does not count any more, is noted, and may be given again', async () => {
    const { db, observer, execution } = await waiting();
    const core = await coreSession(db.url);
    await approve(core, { table: 'path', by: 'Ben', reason: 'CHG-7' });

    const withdrawn = await withdrawApproval(core, { table: 'path', by: 'Cleo', reason: 'not tonight' });

    expect(withdrawn).toMatchObject({
      withdrawnBy: 'Cleo',
      reason: 'not tonight',
      approvedBy: 'Ben',
      state: 'running',
    });
    expect(await execution.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'ApprovalNeeded' });
    await expect(withdrawApproval(core, { table: 'path' })).rejects.toThrow(
      /is not approved: there is nothing to withdraw$/,
    );
    await approve(core, { table: 'path' });
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
    await execution.dropParentForeignKey();
    await expect(withdrawApproval(core, { table: 'path' })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(/^no approval was withdrawn: .* has dropped the parent foreign key already$/),
    });
    const { rows } = await observer.query(
      "SELECT step, person, reason FROM p2pfk.event WHERE step ~ 'Appro' ORDER BY id",
    );
    expect(rows).toEqual([
      { step: 'Approve', person: 'Ben', reason: 'CHG-7' },
      { step: 'WithdrawApproval', person: 'Cleo', reason: 'not tonight' },
      { step: 'Approve', person: 'postgres', reason: null },
    ]);
  });

  it('stays as it was noted in name, reason, time and login, also where an approver writes others', async () => {
    const testCase = await waiting();
    const { db, observer } = testCase;
    const core = await coreSession(db.url);
    await approve(core, { table: 'path', by: 'Ben' });
    await withdrawApproval(core, { table: 'path', by: 'Cleo', reason: 'not tonight' });
    const noted = () =>
      oneRow<{ at: string; login: string }>(
        observer,
        `SELECT approval_withdrawn_at::text AS at, approval_withdrawn_by AS by, approval_withdrawn_reason AS reason, approval_withdrawn_login AS login,
                approved_by FROM p2pfk.migration`,
      );
    const before = await noted();
    expect(before).toMatchObject({ by: 'Cleo', reason: 'not tonight', login: 'postgres', approved_by: null });
    const other = await approver(testCase);

    for (const change of [
      'approval_withdrawn_at = NULL, approval_withdrawn_by = NULL, approval_withdrawn_reason = NULL',
      "approval_withdrawn_at = 'infinity', approval_withdrawn_by = 'Dora'",
      "approval_withdrawn_by = 'Dora', approval_withdrawn_reason = 'y'",
      "approved_at = NULL, approval_withdrawn_by = 'Dora', approved_by = 'the director'",
    ])
      await other.query(`UPDATE p2pfk.migration SET ${change}`);
    expect(await noted()).toEqual(before);

    await other.query(
      "UPDATE p2pfk.migration SET approved_at = now(), approved_by = 'Dora', approval_withdrawn_at = NULL",
    );
    expect(await noted()).toEqual({ ...before, approved_by: 'Dora' });
    // Nor does one that another one replaces.
    await other.query("UPDATE p2pfk.migration SET approved_at = '2020-01-01', approved_by = 'Emil'");
    expect(await noted()).toMatchObject({
      by: 'Emil',
      reason: 'another approval took its place',
      login: expect.stringMatching(/^plain_/),
      approved_by: 'Emil',
    });
    // An approval does not go without a trace.
    await other.query('UPDATE p2pfk.migration SET approved_at = NULL');
    const after = await noted();
    expect(after).toMatchObject({ by: null, reason: null, login: expect.stringMatching(/^plain_/), approved_by: null });
    expect(after.at > before.at).toBe(true);
    await expect(other.query("UPDATE p2pfk.migration SET approval_withdrawn_login = 'x'")).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('at the same moment as the drop: one of the two waits, and knows then', async () => {
    const { db, observer, execution } = await waiting({ lockTimeoutMs: 10_000 });
    const core = await coreSession(db.url);
    await approve(core, { table: 'path' });

    // The withdrawal comes after the step has looked, and before its transaction asks under the locks.
    const { definition } = await oneRow<{ definition: string }>(
      observer,
      "SELECT pg_get_functiondef('p2pfk.enter'::regproc) AS definition",
    );
    await observer.query(`CREATE OR REPLACE FUNCTION p2pfk.enter(wanted bigint, owner text) RETURNS void
      LANGUAGE sql AS 'UPDATE p2pfk.migration SET approved_at = NULL'`);
    await expect(execution.dropParentForeignKey()).rejects.toMatchObject({ name: 'ApprovalNeeded' });
    expect(await parentStands(observer)).toBe(true);
    await observer.query(definition);

    // The drop was first: it has read the approval, and waits in front of its ALTER TABLE.
    await observer.query(`CREATE FUNCTION hold() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_advisory_xact_lock(4711); END';
      CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION hold()`);
    const second = await db.client();
    await second.query('BEGIN; SELECT pg_advisory_xact_lock(4711)');
    const dropped = execution.dropParentForeignKey();
    await waitForLockWait(observer, /DROP CONSTRAINT/);
    const late = withdrawApproval(core, { table: 'path' });
    late.catch(() => undefined);
    await waitForLockWait(observer, /FOR NO KEY UPDATE/);
    await second.query('COMMIT');
    expect(await dropped).toMatchObject({ status: 'DROPPED' });
    await expect(late).rejects.toThrow(/has dropped the parent foreign key already$/);
  });

  it('an approver with the rights of an older edition may approve, and is told what is missing', async () => {
    const testCase = await waiting();
    const { execution } = testCase;
    const core = await approver(testCase, 'approved_at, approved_by, updated_at');

    await expect(approve(core, { table: 'path', by: 'Ben', reason: 'CHG-7' })).rejects.toMatchObject({
      name: 'PrivilegeMissing',
      message: expect.stringMatching(
        /^this role may approve, but not note a reason: leave --reason out; or .*ledger-approver\.sql/,
      ),
    });
    expect(await approve(core, { table: 'path', by: 'Ben' })).toMatchObject({ approvedBy: 'Ben', reason: null });
    await expect(withdrawApproval(core, { table: 'path' })).rejects.toThrow(/^this role may approve, but not withdraw/);
    expect(await execution.verifyGate()).toMatchObject({ status: 'PASSED' });
  });
});

describe('an approval holds for what was approved', () => {
  /** A later execution of the same migration, as far as its gate. */
  async function later({ execution }: TestCase & { execution: Execution }, input: Record<string, unknown>) {
    await execution.pause({ Error: 'ApprovalNeeded', Cause: 'nobody approved it in time' });
    const next = new Execution();
    await next.migrate('ValidateForeignKeys', { approval: 'manual', ...input });
    return { next, gate: await next.verifyGate() };
  }

  /** How an approval may come into the ledger. */
  const WAYS: readonly (readonly [string, (approver: Client, owner: Client) => Promise<unknown>])[] = [
    ['p2pfk approve', (other) => approve(other, { table: 'path', by: 'boss' })],
    [
      'an UPDATE of an approver',
      (other) => other.query("UPDATE p2pfk.migration SET approved_at = '2020-01-01', approved_by = 'boss'"),
    ],
    [
      'an UPDATE of the owner, who writes other options along',
      (_, owner) =>
        owner.query(
          `UPDATE p2pfk.migration SET approved_at = now(), approved_by = 'boss', approved_options = '{"rowMovementGuard": false}'`,
        ),
    ],
  ];

  it.each(WAYS)('that came by %s: other options make it void, and it is asked for again', async (_, give) => {
    const testCase = await waiting();
    const { observer } = testCase;
    const other = await approver(testCase);
    await give(other, observer);

    const { next, gate } = await later(testCase, {
      rowMovementGuard: false,
      noIndexes: true,
      pairConstraintNames: 'parent',
      accept: ['all'],
      by: 'mallory',
    });

    const line =
      /the approval by boss at 20\S+Z does not count: the options have changed since: rowMovementGuard, noIndexes, pairConstraintNames, accept row-movement/;
    expect(gate).toMatchObject({ status: 'AWAITING_APPROVAL', reason: expect.stringMatching(line) });
    await expect(next.dropParentForeignKey()).rejects.toMatchObject({
      name: 'ApprovalNeeded',
      message: expect.stringMatching(line),
    });
    expect(await parentStands(observer)).toBe(true);
    expect(await readToApprove(other, { table: 'path' })).toMatchObject({
      void: expect.stringMatching(line),
      alreadyApproved: false,
      options: { rowMovementGuard: false, noIndexes: true, pairConstraintNames: 'parent' },
      accepted: [expect.objectContaining({ id: 'row-movement' })],
    });
    await approve(other, { table: 'path', by: 'boss' });
    expect(await next.verifyGate()).toMatchObject({ status: 'PASSED' });
    await next.dropParentForeignKey();
    expect(await parentStands(observer)).toBe(false);
  });

  it('counts again with the options that it was given for, and whatever decides only when and how fast', async () => {
    const testCase = await waiting();
    await approve(await approver(testCase), { table: 'path', by: 'boss' });
    const { next } = await later(testCase, { keepIndexes: true });
    expect(await next.verifyGate()).toMatchObject({ status: 'AWAITING_APPROVAL' });

    const { gate } = await later(
      { ...testCase, execution: next },
      {
        maxConcurrency: 1,
        lockTimeoutMs: 20_000,
        deadline: '2099-01-01T00:00:00Z',
        approvalTimeoutSeconds: 5,
        by: 'ana',
        reason: 'CHG-8',
      },
    );

    expect(gate).toMatchObject({ status: 'PASSED' });
  });

  it('does not count where a finding was accepted since, which the person who approved did not see', async () => {
    const testCase = await waiting();
    const { observer } = testCase;
    await approve(await approver(testCase), { table: 'path', by: 'boss' });
    await observer.query(`CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER audit AFTER DELETE ON path FOR EACH STATEMENT EXECUTE FUNCTION nothing()`);

    const { gate } = await later(testCase, { accept: ['statement-trigger'] });

    expect(gate).toMatchObject({
      status: 'AWAITING_APPROVAL',
      reason: expect.stringContaining('does not count: the options have changed since: accept statement-trigger'),
    });
  });

  it('does not count where the code of another owner is trusted since', async () => {
    const testCase = await waiting();
    await approve(await approver(testCase), { table: 'path', by: 'boss' });
    vi.stubEnv('P2PFK_TRUST_OWNERS', 'tom');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });

    const { gate } = await later(testCase, {});

    expect(gate).toMatchObject({
      status: 'AWAITING_APPROVAL',
      reason: expect.stringContaining('does not count: the options have changed since: trust-owner tom'),
    });
  });

  it('of a ledger that did not note what it was given for does not count, and is told so before it is upgraded', async () => {
    const testCase = await waiting();
    const { db, observer, execution } = testCase;
    await approve(await coreSession(db.url), { table: 'path', by: 'boss' });
    await observer.query(TO_VERSION_3);
    const session = await connectReadOnly({ databaseUrl: db.url, applicationName: 'test' });
    const line =
      /^the approval by boss at \S+ does not count: it was given before the ledger noted which options it is for$/;
    const { ledger } = await planMigration(session, ExecutionInput.parse({ table: 'path' }));
    await session.end();
    expect(ledger?.approval).toMatch(line);

    await execution.pause({ Error: 'ApprovalNeeded' });
    const next = new Execution();
    await next.migrate('ValidateForeignKeys', { approval: 'manual' });

    expect(await next.verifyGate()).toMatchObject({
      status: 'AWAITING_APPROVAL',
      reason: expect.stringContaining('does not count'),
    });
    await approve(await coreSession(db.url), { table: 'path', by: 'boss' });
    expect(await next.verifyGate()).toMatchObject({ status: 'PASSED' });
  });

  it('is told by the plan, for its own options', async () => {
    const testCase = await waiting();
    await approve(await approver(testCase), { table: 'path', by: 'boss' });
    const session = await connectReadOnly({ databaseUrl: testCase.db.url, applicationName: 'test' });
    onTestFinished(() => session.end());
    const told = async (input: object) =>
      (await planMigration(session, ExecutionInput.parse({ table: 'path', ...input }))).ledger?.approval;

    expect(await told({})).toMatch(/^the drop was approved by boss at 20\S+Z$/);
    expect(await told({ searchPath: 'app, public', noIndexes: true })).toMatch(
      /^the approval by boss at 20\S+Z does not count: the options have changed since: searchPath, noIndexes$/,
    );
  });
});
