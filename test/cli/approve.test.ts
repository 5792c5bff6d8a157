/** Rehearsal and approval, as people and scripts see them: several processes, one database. */
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { approvedLine, toApproveLines } from '../../cli/render/approved.ts';
import type { Approved, ToApprove } from '../../core/ledger/approve.ts';
import { catalogSnapshot, rowsSnapshot } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { p2pfk, start } from './cli.helpers.ts';
import { HAS_TERMINALS, onTerminal } from './terminal.helpers.ts';

async function sourceCase() {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  return { env: { DATABASE_URL: db.url }, observer: await db.client() };
}

async function parentStands(observer: Client): Promise<boolean> {
  const { rows } = await observer.query(
    `SELECT FROM pg_constraint WHERE conrelid = 'public.path'::regclass AND contype = 'f' AND conparentid = 0`,
  );
  return rows.length > 0;
}

/** Without its first letter, which is a capital where a line begins with it. */
const FIGURES =
  'he drop was rehearsed and rolled back: \\d+ ms under lock, 4 checks passed, Deleted 10 rows in 00:00:0\\d';

describe('p2pfk migrate --approval manual', () => {
  it('waits with the rehearsal, and goes on in its own process when another approves, exit 0', async () => {
    const { env, observer } = await sourceCase();
    const migration = start(['migrate', '-t', 'public.path', '--approval', 'manual'], env);
    await migration.says('  p2pfk approve --table public.path');
    expect(await parentStands(observer)).toBe(true);

    const approved = await p2pfk(['approve', '-t', 'path', '--by', 'Ana', '--reason', 'CHG-7'], env);
    const { code, stdout } = await migration.finished;

    expect(approved).toMatchObject({ code: 0, stderr: '' });
    expect(approved.stdout).toMatch(/^Migration {4}1: the drop of path_medium_hash_ino_fkey on path\n/);
    expect(approved.stdout).toMatch(/\nWaits {8}since 20\d\d-.*Z, for \d/);
    expect(approved.stdout).toMatch(/\nExecution {4}migrate-public-path-/);
    expect(approved.stdout).toMatch(
      /\nRehearsal {4}20\d\d-.*Z: the drop, done and rolled back; exclusive locks for at most [\d.]+ m?s\n/,
    );
    expect(approved.stdout).toMatch(/\nChecks {7}4 checks, all passed\n {2}✓ /);
    expect(approved.stdout).toMatch(/\n {2}✓ Testing DELETE performance: Deleted 10 rows in /);
    expect(approved.stdout).toMatch(
      /\n✓ Approved by Ana \(as stated, not verified\): its execution goes on at its next look, (?:by \d\d:\d\d:\d\d UTC|at any moment)\n$/,
    );
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    const from = lines.findIndex((line) => line.startsWith('‖'));
    expect(lines.slice(from, from + 4)).toEqual([
      expect.stringMatching(new RegExp(`^‖ Waiting for approval: t${FIGURES}[\\d:.]*$`)),
      '  p2pfk approve --table public.path',
      '✓ Approved',
      '✓ Preflight check passed: All 17 partition-level FKs are VALID',
    ]);
    expect(stdout).toContain('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
    expect(await parentStands(observer)).toBe(false);
  });

  it('pauses when nobody approves it in time, exit 6; approved then, the same command goes on', async () => {
    const { env, observer } = await sourceCase();
    const command = ['migrate', '-t', 'path', '--approval', 'manual', '--approval-timeout', '1s'];

    const paused = await p2pfk(command, env);
    expect(paused.code).toBe(6);
    expect(paused.stdout).toMatch(/\n‖ Pausing: .*; it was not approved within 1 s\n/);
    const end = paused.stdout.slice(paused.stdout.indexOf('‖‖‖'));
    expect(end).toContain('‖‖‖ MIGRATION PAUSED ‖‖‖\nApprovalNeeded: the drop was rehearsed');
    expect(end).toContain('\n  p2pfk approve --table path\nThis undoes it:\n  p2pfk rollback --table path\n');
    expect(await parentStands(observer)).toBe(true);

    const first = await p2pfk(['approve', '-t', 'path', '--by', 'Ana', '--reason', 'CHG-7', '--json'], env);
    const second = await p2pfk(['approve', '-t', 'path', '--quiet'], env);
    expect({ code: first.code, approved: JSON.parse(first.stdout) }).toMatchObject({
      code: 0,
      approved: {
        table: 'public.path',
        constraint: 'path_medium_hash_ino_fkey',
        state: 'paused',
        approvedBy: 'Ana',
        approvedLogin: 'postgres',
        reason: 'CHG-7',
        alreadyApproved: false,
        rehearsal: { lockedMs: expect.any(Number) },
      },
    });
    expect(second).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^✓ Approved before, by Ana \(as stated, not verified\) at 20\d\d-.*Z: it has paused; this goes on, as approved: p2pfk migrate --table path --approval manual\n$/,
      ),
    });

    const resumed = await p2pfk(command, env);
    expect({ code: resumed.code, waited: resumed.stdout.includes('Waiting') }).toEqual({ code: 0, waited: false });
    expect(await parentStands(observer)).toBe(false);
  });
});

describe('p2pfk approve', () => {
  it('tells in one line that nothing waits, exit 2', async () => {
    const { env } = await sourceCase();

    expect(await p2pfk(['approve', '-t', 'path'], env)).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: 'p2pfk: nothing waits for approval: the ledger has no open migration of public.path\n',
    });
    expect(await p2pfk(['approve', '-t', 'nowhere'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^p2pfk: table nowhere does not exist; .*\n$/),
    });
  });

  const waiting: ToApprove = {
    table: 'public."my path"',
    constraint: 'path_fk',
    migrationId: '7',
    state: 'running',
    execution: 'arn:x',
    waitingSince: '2027-01-31T03:00:00.000Z',
    options: {},
    accepted: [],
    rehearsal: null,
    void: null,
    alreadyApproved: false,
    shown: '7:running:0',
  };
  const now = new Date('2027-01-31T04:05:00.000Z');

  it('shows who waits since when, with which options and accepted findings', () => {
    expect(toApproveLines(waiting, now)).toEqual([
      'Migration    7: the drop of path_fk on "my path"',
      'Waits        since 2027-01-31T03:00:00.000Z, for 1 h 5 min',
      'Execution    arn:x',
      'Options      the defaults',
      'Accepted     no finding',
      'Rehearsal    none was recorded',
    ]);
    const finding = {
      id: 'row-movement',
      message: 'an UPDATE\nmoves',
      role: 'owner',
      sessionUser: 'ana',
      at: now.toJSON(),
    };
    const changed: ToApprove = {
      ...waiting,
      state: 'paused',
      options: { rowMovementGuard: false, searchPath: 'app, public' },
      accepted: [finding],
      void: 'the approval by boss does not count: the options have changed since: rowMovementGuard',
    };
    expect(toApproveLines(changed, now).slice(1)).toEqual([
      'Waits        since 2027-01-31T03:00:00.000Z, for 1 h 5 min; it has paused meanwhile',
      'Execution    arn:x',
      'Options      rowMovementGuard=false, searchPath=app, public',
      'Accepted     1 finding',
      expect.stringMatching(
        /^ {2}! row-movement: an UPDATE moves \(accepted by role owner \(login ana\) on 31 Jan 2027/,
      ),
      'Rehearsal    none was recorded',
      '! the approval by boss does not count: the options have changed since: rowMovementGuard',
    ]);
  });

  it('says what comes of it: one that has paused goes on by a command that does what was approved', () => {
    const approved: Approved = {
      ...waiting,
      approvedAt: now.toJSON(),
      approvedBy: 'dba',
      approvedLogin: 'dba',
      reason: null,
      looksAgainBy: new Date(now.getTime() + 90_000).toISOString(),
    };
    const at = approved.looksAgainBy?.slice(11, 19);
    expect(approvedLine(approved, '--table path', now)).toBe(
      `✓ Approved by dba (as stated, not verified): its execution goes on at its next look, by ${at} UTC`,
    );
    expect(approvedLine({ ...approved, looksAgainBy: now.toISOString() }, '--table path', now)).toMatch(
      /next look, at any moment$/,
    );
    const options = { rowMovementGuard: false, terminateIdleBlockersAfterSeconds: 30, maxConcurrency: 2 };
    expect(approvedLine({ ...approved, state: 'paused', options }, "--table 'my path'", now)).toBe(
      "✓ Approved by dba (as stated, not verified): it has paused; this goes on, as approved: p2pfk migrate --table 'my path' --approval manual --no-row-movement-guard --terminate-idle-blockers 30s",
    );
  });

  it('shows a check that did not pass in the rehearsal', () => {
    const check = { id: 'pair-foreign-keys', title: 'Checking', passed: false, detail: 'one\n is missing' } as const;
    const rehearsal = { at: '2027-01-31T02:59:59.000Z', lockedMs: 9, checks: [check] };

    expect(toApproveLines({ ...waiting, rehearsal }, now).slice(5)).toEqual([
      'Rehearsal    2027-01-31T02:59:59.000Z: the drop, done and rolled back; exclusive locks for at most 9 ms',
      'Checks       1 check, 1 failed',
      '  ✗ Checking: one is missing',
    ]);
  });

  it.runIf(HAS_TERMINALS)(
    'asks on a terminal, after it has shown what it is about, and no is the default',
    async () => {
      const { env, observer } = await sourceCase();
      await p2pfk(['migrate', '-t', 'path', '--approval', 'manual', '--approval-timeout', '0s', '--keep-indexes'], env);
      const approvedBy = async () =>
        (await observer.query('SELECT approved_by FROM p2pfk.migration')).rows[0].approved_by;
      const asked = async (terminal: ReturnType<typeof onTerminal>, question: RegExp) => {
        await expect.poll(async () => (await terminal.screen('all')).join('\n'), { timeout: 60_000 }).toMatch(question);
        return (await terminal.screen('all')).join('\n');
      };
      const size = { columns: 160, rows: 40 };

      const declined = onTerminal(['approve', '-t', 'path', '--no-color', '--quiet'], env, size);
      expect(await asked(declined, /Approve the drop of migration 1\? \[y\/N\]/)).toMatch(
        /Migration {4}1: .+\nWaits .+\nExecution .+\nOptions {6}keepIndexes=true\nAccepted .+\nRehearsal /s,
      );
      declined.type('');
      expect(await declined.finished).toBe(4);
      expect((await declined.screen('all')).join('\n')).toContain('refused, nothing was changed: it was not confirmed');
      expect(await approvedBy()).toBeNull();

      const changed = onTerminal(['approve', '-t', 'path', '--no-color'], env, size);
      await asked(changed, /Approve the drop of migration 1\?/);
      await observer.query(`UPDATE p2pfk.migration SET options = options || '{"rowMovementGuard": false}'`);
      changed.type('y');
      expect(await changed.finished).toBe(2);
      expect((await changed.screen('all')).join('\n')).toContain('migration 1 has changed since it was shown');
      expect(await approvedBy()).toBeNull();

      const other = await p2pfk(['approve', '-t', 'path', '--migration', '2'], env);
      expect(other).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(
          'migration 2 is not the open migration of path_medium_hash_ino_fkey on public.path, which is 1',
        ),
      });
      const yes = onTerminal(['approve', '-t', 'path', '--migration', '1', '--yes', '--by', 'ana'], env, size);
      expect(await yes.finished).toBe(0);
      expect(await approvedBy()).toBe('ana');
      const withdrawn = onTerminal(['approve', '-t', 'path', '--no-color', '--withdraw'], env, size);
      expect(await asked(withdrawn, /Withdraw the approval of migration 1\?/)).toMatch(/Approved {5}by ana/);
      withdrawn.type('y');
      expect(await withdrawn.finished).toBe(0);
      expect(await approvedBy()).toBeNull();
    },
  );
});

describe('p2pfk migrate --rehearse', () => {
  it('does all but the drop, gives the figures of the rehearsal, exit 6; without it the same command goes on', async () => {
    const { env, observer } = await sourceCase();
    const rows = await rowsSnapshot(observer);

    const rehearsed = await p2pfk(['migrate', '-t', 'path', '--rehearse'], env);

    expect(rehearsed).toMatchObject({ code: 6, stderr: '' });
    expect(rehearsed.stdout).toMatch(new RegExp(`\n✓ T${FIGURES}`));
    expect(rehearsed.stdout).toMatch(new RegExp(`\n‖‖‖ MIGRATION PAUSED ‖‖‖\nT${FIGURES}`));
    expect(rehearsed.stdout).toContain('The same command without --rehearse goes on from here');
    expect(await parentStands(observer)).toBe(true);
    const standing = await catalogSnapshot(observer);

    const again = await p2pfk(['migrate', '-t', 'path', '--rehearse', '--json', '--quiet'], env);
    expect(JSON.parse(again.stdout)).toMatchObject({
      status: 'PAUSED',
      error: { message: expect.stringMatching(new RegExp(`^t${FIGURES}`)) },
      verification: null,
    });
    expect(again).toMatchObject({ code: 6, stderr: '' });
    expect(await catalogSnapshot(observer)).toBe(standing);

    expect((await p2pfk(['migrate', '-t', 'path', '--quiet'], env)).code).toBe(0);
    expect(await parentStands(observer)).toBe(false);
    expect(await rowsSnapshot(observer)).toBe(rows);
  });
});

describe('p2pfk migrate --hold-back-query', () => {
  it('holds back as long as it is true, says so once, and goes on', async () => {
    const { env, observer } = await sourceCase();
    await observer.query('CREATE TABLE gate AS SELECT true AS busy');
    const migration = start(['migrate', '-t', 'path', '--hold-back-query', 'SELECT busy FROM gate'], env);

    await migration.says('‖ Held back: the hold-back query says so');
    await observer.query('UPDATE gate SET busy = false');

    const { code, stdout } = await migration.finished;
    expect(code).toBe(0);
    expect(stdout.match(/Held back/g)).toHaveLength(1);
  });

  it('that cannot be understood is told before anything begins, exit 2', async () => {
    const { env, observer } = await sourceCase();
    const before = await catalogSnapshot(observer);

    const { code, stderr } = await p2pfk(['migrate', '-t', 'path', '--hold-back-query', 'SELECT 1'], env);

    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'p2pfk: the hold-back query must return one row with one boolean\n',
    });
    expect(await catalogSnapshot(observer)).toBe(before);
  });
});
