/** Which of an execution's events people are told, and with which severity. */
import { describe, expect, it } from 'vitest';
import { type Milestone, Milestones } from '../../../cli/hooks/milestones.ts';
import { type ExecutionOutcome, reportOf } from '../../../cli/outcome.ts';
import type { ProgressEvent } from '../../../cli/progress/events.ts';
import { advance } from '../../../cli/progress/progress.ts';
import { NOTHING_YET, seenIn } from '../../../cli/progress/state.ts';

const AT = Date.parse('2026-11-28T12:00:00Z');
const SUBJECT = { executionArn: 'arn:execution', operation: 'migrate', table: 'path' } as const;

const plan = (status = 'PLANNED') => ({
  status,
  migrationId: '7',
  database: { systemIdentifier: null, databaseOid: 5, database: 'orders', endpoint: 'db:5432' },
  table: 'public.path',
  referencedTable: 'public.inode',
  constraint: 'path_fkey',
  pairs: [{ pair: 1, last: 1, referencing: 'public.path_a' }],
  pairCount: 17,
  maxConcurrency: 4,
});
const pair = (number: number, note?: string) => ({
  status: note === undefined ? 'DONE' : 'RUNNING',
  pair: number,
  of: 17,
  referencing: `path_${number}`,
  referenced: `inode_${number}`,
  object: 'fk',
  rows: 1,
  durationMs: 1,
  lockWaitMs: 0,
  waitSeconds: 0,
  ...(note === undefined ? {} : { note }),
});
const gate = (status: string, reason = '') => ({ status, pairs: 17, reason, waitSeconds: 1 });
const result = (state: string, output: unknown): ProgressEvent => ({ type: 'TaskSucceeded', state, output, at: AT });

/** All that people are told of an execution with these results and this end. */
function told(
  events: readonly ProgressEvent[],
  outcome: ExecutionOutcome,
  operation: 'migrate' | 'rollback' = 'migrate',
) {
  const milestones = new Milestones({ ...SUBJECT, operation });
  let progress = NOTHING_YET;
  const all: (Milestone | null)[] = [];
  for (const event of events) {
    ({ progress } = advance(progress, event));
    all.push(milestones.read(event));
  }
  const report = reportOf({
    executionArn: 'arn:execution',
    operation,
    outcome,
    durationMs: 1,
    seen: seenIn(progress),
    ledger: null,
  });
  all.push(milestones.end({ report, outcome, at: AT }));
  return all.filter((one) => one !== null);
}
const inShort = (all: readonly Milestone[]) => all.map(({ type, data }) => `${type} ${data.severity}`);
const failed = (error: string, cause = 'why'): ExecutionOutcome => ({ status: 'FAILED', error, cause });
const output = (status: string, reason = ''): ExecutionOutcome => ({
  status: 'SUCCEEDED',
  output: { status, migrationId: '7', reason },
});

describe('people are told', () => {
  it('the beginning and the end, and nothing of a pair', () => {
    const pairs = Array.from({ length: 17 }, (_, index) => result('ValidateForeignKey', pair(index + 1)));
    const all = told([result('Plan', plan()), ...pairs, result('VerifyGate', gate('PASSED'))], output('MIGRATED'));

    expect(inShort(all)).toEqual(['migration.started info', 'migration.finished info']);
    expect(all[0]).toEqual({
      type: 'migration.started',
      timestamp: '2026-11-28T12:00:00.000Z',
      data: {
        severity: 'info',
        text: expect.stringMatching(/^A migration has started/),
        operation: 'migrate',
        table: 'public.path',
        constraint: 'path_fkey',
        database: 'orders',
        server: 'db:5432',
        migrationId: '7',
        executionArn: 'arn:execution',
        pairs: 17,
        resumed: false,
        reason: null,
        error: null,
      },
    });
  });

  it('that a migration goes on which an earlier execution began', () => {
    const [started] = told([result('Plan', { ...plan(), resumed: true })], output('MIGRATED'));

    expect(started).toMatchObject({
      type: 'migration.started',
      data: { resumed: true, text: expect.stringMatching(/^A migration that an earlier execution began goes on/) },
    });
  });

  it('once that an approval is wanted, however often the gate is asked', () => {
    const waiting = result('VerifyGate', gate('AWAITING_APPROVAL', 'rehearsed: 12 ms under lock'));
    const all = told(
      [result('Plan', plan()), waiting, waiting, waiting, result('VerifyGate', gate('PASSED'))],
      output('MIGRATED'),
    );

    expect(inShort(all)).toEqual([
      'migration.started info',
      'migration.approval_wanted warning',
      'migration.finished info',
    ]);
    expect(all[1]?.data.reason).toBe('rehearsed: 12 ms under lock');
  });

  it('of each hold once, by whichever pair or gate it is noticed, and not of a limit', () => {
    const first = 'held by ana since 12:00: month-end';
    const second = 'held by ben since 13:00: CHG-2';
    const all = told(
      [
        result('Plan', plan()),
        result('AddForeignKey', pair(1, '4 of 4 pairs side by side are at work, the limit')),
        result('AddForeignKey', pair(1, first)),
        result('AddForeignKey', pair(2, first)),
        result('AddForeignKey', pair(1, first)),
        result('VerifyGate', gate('HELD', second)),
        result('VerifyGate', gate('HELD', second)),
      ],
      output('PAUSED', 'it was held for 24 hours'),
    );

    expect(inShort(all)).toEqual([
      'migration.started info',
      'migration.held warning',
      'migration.held warning',
      'migration.paused info',
    ]);
    expect(all.map(({ data }) => data.reason)).toEqual([null, first, second, 'it was held for 24 hours']);
  });

  it.each([
    ['a rollback that put all back after a failure', failed('MigrationRolledBack'), 'migration.rolled_back warning'],
    ['a rollback that was finished first', output('ROLLED_BACK'), 'migration.rolled_back info'],
    ['a rollback that failed', failed('RollbackFailed'), 'migration.rollback_failed page'],
    ['a rollback that was interrupted', failed('RollbackInterrupted'), 'migration.rollback_failed page'],
    ['checks that are left', output('CHECKS_PENDING', 'the server is gone'), 'migration.checks_pending warning'],
    ['an execution that was stopped', { status: 'ABORTED' } as const, 'migration.stopped warning'],
    ['an error past every Catch', failed('States.Runtime'), 'migration.failed warning'],
    ['a status that is unknown', output('NEW'), 'migration.rollback_failed page'],
  ])('of %s', (_, outcome, expected) => {
    expect(inShort(told([result('Plan', plan())], outcome))).toEqual(['migration.started info', expected]);
  });

  it('of a refusal, by how much it matters', () => {
    const refused = told([], failed('PreflightFailed', 'statement-trigger needs acceptance'));
    expect(inShort(refused)).toEqual(['migration.refused info']);
    expect(refused[0]?.data).toMatchObject({
      table: 'path',
      migrationId: null,
      error: { name: 'PreflightFailed', message: 'statement-trigger needs acceptance' },
    });
    expect(inShort(told([], failed('ConnectionLost')))).toEqual(['migration.failed warning']);
  });

  it('of a rollback that was asked for', () => {
    expect(inShort(told([result('Plan', plan('ROLLBACK_REQUESTED'))], output('ROLLED_BACK'), 'rollback'))).toEqual([
      'migration.started info',
      'migration.rolled_back info',
    ]);
  });

  it.each([
    ['DRY_RUN', 'migrate'],
    ['ALREADY_MIGRATED', 'migrate'],
    ['DUPLICATE', 'migrate'],
    ['NOTHING_TO_ROLL_BACK', 'rollback'],
  ] as const)('nothing where nothing was done: %s', (status, operation) => {
    expect(told([result('Plan', plan(status))], output(status), operation)).toEqual([]);
  });

  it('nothing of an execution from which another one has taken over', () => {
    expect(inShort(told([result('Plan', plan())], failed('Superseded')))).toEqual(['migration.started info']);
  });
});
