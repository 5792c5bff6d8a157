import { describe, expect, it } from 'vitest';
import { exitCodeOfReport } from '../../cli/exit-codes.ts';
import { type Ended, type ExecutionOutcome, reportOf } from '../../cli/outcome.ts';
import { cause } from './progress.helpers.ts';

const seen = { planned: true, migrationId: 'm-1', failure: null, pairs: [], verified: true };
const nothingSeen = { planned: false, migrationId: null, failure: null, pairs: [], verified: true };
const ended = (outcome: ExecutionOutcome, rest: Partial<Ended> = {}): Ended => ({
  executionArn: 'arn:aws:states:local:0:execution:p2pfk:x',
  outcome,
  durationMs: 1234.6,
  seen,
  ledger: null,
  ...rest,
});

const resultOf = (execution: Ended) => {
  const report = reportOf(execution);
  return { report, exitCode: exitCodeOfReport(report) };
};

describe('an execution that succeeded', () => {
  it.each([
    ['MIGRATED', 'MIGRATED', 0],
    ['ALREADY_MIGRATED', 'ALREADY_MIGRATED', 0],
    ['DRY_RUN', 'DRY_RUN', 0],
    ['DUPLICATE', 'DUPLICATE', 0],
    ['ROLLED_BACK', 'ROLLED_BACK', 0],
    ['NOTHING_TO_ROLL_BACK', 'ROLLED_BACK', 0],
  ])('with output %s is reported as %s, exit %i', (status, reported, code) => {
    const { report, exitCode } = resultOf(ended({ status: 'SUCCEEDED', output: { status } }));

    expect({ status: report.status, error: report.error, exitCode }).toEqual({
      status: reported,
      error: null,
      exitCode: code,
    });
  });

  it('because another one has worked on its opening of the window says which one', () => {
    const reason = "the window that opened at 22:00 is another execution's";
    const { report, exitCode } = resultOf(
      ended(
        { status: 'SUCCEEDED', output: { status: 'DUPLICATE', migrationId: '7', reason } },
        { operation: 'migrate' },
      ),
    );

    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ status: 'DUPLICATE', error: null, note: reason });
  });

  it('with output PAUSED exits 6 and gives the reason', () => {
    const { report, exitCode } = resultOf(
      ended(
        { status: 'SUCCEEDED', output: { status: 'PAUSED', reason: 'the window ended' } },
        { seen: { ...seen, failure: { name: 'WindowClosed', message: 'x' } } },
      ),
    );

    expect(exitCode).toBe(6);
    expect(report).toMatchObject({ status: 'PAUSED', error: { name: 'WindowClosed', message: 'the window ended' } });
  });

  it.each([null, { status: 'toString' }])('with an output of no known status asks for a person: %j', (output) => {
    expect(resultOf(ended({ status: 'SUCCEEDED', output }))).toMatchObject({
      exitCode: 5,
      report: { status: 'ROLLBACK_FAILED', error: { name: 'UnknownOutcome' } },
    });
  });
});

describe('an execution that failed', () => {
  it('and was rolled back exits 1 with the error that led there', () => {
    const { report, exitCode } = resultOf(
      ended({ status: 'FAILED', error: 'MigrationRolledBack', cause: cause('OrphanedRows', '3 rows') }),
    );

    expect(exitCode).toBe(1);
    expect(report).toMatchObject({ status: 'ROLLED_BACK', error: { name: 'OrphanedRows', message: '3 rows' } });
  });

  it('takes the name from the events where the cause is plain text', () => {
    const { report } = resultOf(
      ended(
        { status: 'FAILED', error: 'MigrationRolledBack', cause: 'a pair FK is disabled' },
        { seen: { ...seen, failure: { name: 'GateFailed', message: 'a pair FK is disabled' } } },
      ),
    );

    expect(report.error).toEqual({ name: 'GateFailed', message: 'a pair FK is disabled' });
  });

  it('in the rollback branch exits 5', () => {
    expect(
      resultOf(ended({ status: 'FAILED', error: 'RollbackFailed', cause: cause('ConnectionLost', 'gone') })),
    ).toMatchObject({
      exitCode: 5,
      report: { status: 'ROLLBACK_FAILED', error: { name: 'RollbackFailed', message: 'gone' } },
    });
  });

  it.each([
    ['InvalidInput', 2],
    ['ConnectionRefused', 2],
    ['ConnectionLost', 2],
    ['PreflightFailed', 4],
    ['MigrationInProgress', 4],
    ['PrivilegeMissing', 4],
    ['LockTimeout', 4],
  ])('in its plan with %s is refused, exit %i', (error, code) => {
    const { report, exitCode } = resultOf(
      ended({ status: 'FAILED', error, cause: cause(error, 'why') }, { seen: nothingSeen }),
    );

    expect(exitCode).toBe(code);
    expect(report).toMatchObject({ status: 'REFUSED', migrationId: null, error: { name: error, message: 'why' } });
  });

  it.each(['States.Runtime', 'States.DataLimitExceeded'])(
    'after its plan with %s, past every Catch, exits 6: the migration is where it was',
    (error) => {
      expect(resultOf(ended({ status: 'FAILED', error, cause: '' }))).toMatchObject({
        exitCode: 6,
        report: { status: 'PAUSED', error: { name: error } },
      });
    },
  );

  it.each(['Superseded', 'PauseFailed', 'RollbackInterrupted'])(
    'as %s needs no repair: exit 6, and nothing was undone',
    (error) => {
      const outcome = { status: 'FAILED', error, cause: cause('MigrationFenced', 'now owned by another') } as const;
      expect(resultOf(ended(outcome))).toMatchObject({
        exitCode: 6,
        report: { status: 'PAUSED', error: { name: error, message: 'now owned by another' } },
      });
    },
  );

  it('by its timeout exits 6', () => {
    expect(resultOf(ended({ status: 'TIMED_OUT' }))).toMatchObject({
      exitCode: 6,
      report: { error: { name: 'States.Timeout' } },
    });
  });
});

it('reports an execution that was stopped as paused, exit 6, or that of the signal by which it was stopped here', () => {
  const report = reportOf(ended({ status: 'ABORTED' }));

  expect(report).toMatchObject({ status: 'PAUSED', error: { name: 'Interrupted' } });
  expect(exitCodeOfReport(report)).toBe(6);
  expect(exitCodeOfReport(report, 143)).toBe(143);
  expect(exitCodeOfReport(reportOf(ended({ status: 'TIMED_OUT' })), 143)).toBe(6);
});

it('prefers what the ledger says of the pairs over what the events told', () => {
  const pair = {
    referencing: 'a',
    referenced: 'b',
    state: 'validated',
    rows: 1,
    validateMs: 2,
    lockWaitMs: 3,
  } as const;
  const verification = { passed: true, checks: [] };
  const blocked = { longestMs: 4, totalMs: 9, tries: 3 };

  const { report } = resultOf(
    ended(
      { status: 'SUCCEEDED', output: { status: 'MIGRATED' } },
      { ledger: { pairs: [pair], verification, blocked } },
    ),
  );

  expect(report).toEqual({
    status: 'MIGRATED',
    migrationId: 'm-1',
    executionArn: 'arn:aws:states:local:0:execution:p2pfk:x',
    pairs: [pair],
    durationMs: 1235,
    blocked,
    verification,
    error: null,
  });
});

it('does not pass the checks of an earlier execution off as its own', () => {
  const blocked = { longestMs: 0, totalMs: 0, tries: 0 };
  const ledger = { pairs: [], verification: { passed: true, checks: [] }, blocked };

  const { report } = resultOf(
    ended(
      { status: 'SUCCEEDED', output: { status: 'ALREADY_MIGRATED' } },
      { ledger, seen: { ...seen, verified: false } },
    ),
  );

  expect(report.verification).toBeNull();
});
