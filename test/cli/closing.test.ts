import { describe, expect, it } from 'vitest';
import { closingLines } from '../../cli/progress/closing.ts';
import { NOTHING_YET, type Progress } from '../../cli/progress/state.ts';
import type { MigrationReport, MigrationStatus } from '../../core/contracts/documents.ts';
import { fence } from './progress.helpers.ts';

const report = (status: MigrationStatus, rest: Partial<MigrationReport> = {}): MigrationReport => ({
  status,
  migrationId: '1',
  executionArn: 'arn',
  pairs: [],
  durationMs: 61_000,
  blocked: null,
  verification: null,
  error: null,
  ...rest,
});
const error = { name: 'OrphanedRows', message: '3 rows' };
const rollingBack: Progress = { ...NOTHING_YET, fence: fence('PRESENT') as Progress['fence'] };

const close = (
  closed: MigrationReport,
  operation: 'migrate' | 'rollback' = 'migrate',
  progress: Progress = NOTHING_YET,
) => closingLines(closed, { operation, table: 'My Path', progress });

describe('the last words', () => {
  it.each([
    ['MIGRATED', 'migrate', '✓✓✓ MIGRATION SUCCESSFUL ✓✓✓'],
    ['ROLLED_BACK', 'migrate', '✗✗✗ MIGRATION ROLLED BACK ✗✗✗'],
    ['ROLLED_BACK', 'rollback', '✓✓✓ ROLLBACK SUCCESSFUL ✓✓✓'],
    ['ROLLBACK_FAILED', 'migrate', '✗✗✗ ROLLBACK FAILED - A PERSON IS NEEDED ✗✗✗'],
    ['PAUSED', 'migrate', '‖‖‖ MIGRATION PAUSED ‖‖‖'],
    ['REFUSED', 'migrate', '✗✗✗ REFUSED - NOTHING WAS CHANGED ✗✗✗'],
  ] as const)('of %s after %s have a banner of their own', (status, operation, banner) => {
    expect(close(report(status), operation, rollingBack)).toContain(banner);
  });

  it.each([
    ['ALREADY_MIGRATED', /^✓ Already migrated/],
    ['DRY_RUN', /^✓ Dry run: .*nothing was changed/],
  ] as const)('of %s are one line', (status, line) => {
    expect(close(report(status))).toEqual([expect.stringMatching(line)]);
  });

  it('of a duplicate are no failure, and name the execution that has the opening', () => {
    expect(close(report('DUPLICATE', { note: 'the window is another execution’s' }))).toEqual([
      '✓ Nothing done: another execution has worked on this opening of the maintenance window',
      '! the window is another execution’s',
    ]);
  });

  it('say that there was nothing to roll back', () => {
    expect(close(report('ROLLED_BACK'), 'rollback')).toEqual([
      '✓ Nothing to roll back: the parent-level FK is in place',
    ]);
  });

  it('of a rollback claim what was compared, and tell what a dropped parent FK does not get back', () => {
    const said = (parentForeignKey: 'PRESENT' | 'DROPPED') => {
      const fence = rollingBack.fence && { ...rollingBack.fence, parentForeignKey };
      return close(report('ROLLED_BACK'), 'rollback', { ...rollingBack, fence }).join('\n');
    };
    expect(said('PRESENT')).toContain(
      'The parent-level FK has its name, definition, comment and triggers as before.\n',
    );
    expect(said('DROPPED')).toContain(
      'PostgreSQL chose the names of the others, and comments on children are not restored.',
    );
  });

  it.each(['ROLLED_BACK', 'ROLLBACK_FAILED', 'PAUSED', 'REFUSED'] as const)('of %s give the reason', (status) => {
    expect(close(report(status, { error }))).toContain('OrphanedRows: 3 rows');
  });

  it.each(['ROLLBACK_FAILED', 'PAUSED'] as const)('of %s name the command that undoes it, ready to paste', (status) => {
    expect(close(report(status, { error }))).toContain("  p2pfk rollback --table 'My Path'");
  });

  it('of a rehearsal give its figures, and say how to go on', () => {
    const message = 'the drop was rehearsed and rolled back: 9 ms under lock';
    const progress: Progress = { ...NOTHING_YET, gate: { status: 'REHEARSED', reason: message } };

    expect(close(report('PAUSED', { error: { name: 'Rehearsed', message } }), 'migrate', progress)).toEqual([
      '',
      '‖‖‖ MIGRATION PAUSED ‖‖‖',
      'The drop was rehearsed and rolled back: 9 ms under lock',
      'What is done stays done. The same command without --rehearse goes on from here; this undoes it:',
      "  p2pfk rollback --table 'My Path'",
    ]);
  });

  it('of a superseded execution tell who goes on, and offer nothing to undo', () => {
    const error = { name: 'Superseded', message: 'migration 7 is now owned by arn:aws:states:local:...:other' };

    expect(close(report('PAUSED', { migrationId: '7', error }))).toEqual([
      '',
      '‖‖‖ ANOTHER EXECUTION HAS TAKEN OVER ‖‖‖',
      'Migration 7 is now owned by arn:aws:states:local:...:other',
      'This one has stopped and undone nothing; what it did stays done. How far the other one is:',
      "  p2pfk status --table 'My Path'",
    ]);
  });

  it('of a migration that nobody approved name the command that does, and the one that undoes', () => {
    const message = 'it was not approved within 60 s; approve with: p2pfk approve --table public."My Path"';
    const progress: Progress = { ...NOTHING_YET, gate: { status: 'APPROVAL_TIMED_OUT', reason: message } };

    expect(close(report('PAUSED', { error: { name: 'ApprovalNeeded', message } }), 'migrate', progress)).toEqual([
      '',
      '‖‖‖ MIGRATION PAUSED ‖‖‖',
      'ApprovalNeeded: it was not approved within 60 s',
      'What is done stays done. Once this has approved it, the same command as before goes on from here:',
      "  p2pfk approve --table 'My Path'",
      'This undoes it:',
      "  p2pfk rollback --table 'My Path'",
    ]);
  });

  it('have one line for all pairs that are alike, and first what is not as it should be', () => {
    const pairs = Array.from({ length: 256 }, (_, index) => {
      const counted = index < 6 ? ', counted after the drop' : '';
      return `p_${index} -> r_${index}: fk_${index}, validated at 2027-01-31T04:00:${String(index % 60).padStart(2, '0')}.123Z${counted}`;
    });
    const detail = ['p_300: no partner with the bound FOR VALUES IN (1)', ...pairs].join('\n');
    const verification = { passed: true, checks: [{ id: 'inventory' as const, title: '', passed: true, detail }] };
    const migrated = report('MIGRATED', { verification });

    expect(close(migrated).slice(1, 5)).toEqual([
      '  p_300: no partner with the bound FOR VALUES IN (1)',
      '  6 of 256 pairs: foreign key of its own, validated, counted after the drop',
      '  250 of 256 pairs: foreign key of its own, validated',
      '  p2pfk verify, a report, or --verbose lists each of them',
    ]);
    const inFull = closingLines(migrated, {
      operation: 'migrate',
      table: 'path',
      progress: NOTHING_YET,
      verbose: true,
    });
    expect(inFull.filter((line) => line.startsWith('  p_'))).toHaveLength(257);
  });
});

it('says so where a try may have blocked others for longer than the lock budget and its margin', () => {
  const context = { operation: 'migrate', table: 'path', progress: NOTHING_YET, lockBudgetMs: 500 } as const;
  const late = (longestMs: number) =>
    closingLines(report('MIGRATED', { blocked: { longestMs, totalMs: 900, tries: 2 } }), context).slice(-1);

  expect(late(600)).toEqual([expect.stringMatching(/^Took /)]);
  expect(late(807)).toEqual([
    expect.stringMatching(
      /^! The longest try may have blocked others for longer than the lock budget of 500 ms and its margin of 100 ms: for at most 807 ms\. The time is measured by p2pfk, /,
    ),
  ]);
});

it('says for how long the locks of all tries blocked others', () => {
  const blocked = { longestMs: 410.2, totalMs: 2_100, tries: 7 };

  expect(close(report('MIGRATED', { blocked })).at(-1)).toBe(
    'Took 00:01:01; blocked others for at most 411 ms at a time and 2.10 s in all, in 7 tries',
  );
  expect(close(report('PAUSED', { blocked, error }))).toContain(
    'Blocked others for at most 411 ms at a time and 2.10 s in all, in 7 tries',
  );
  expect(close(report('MIGRATED', { blocked: { longestMs: 3, totalMs: 3, tries: 1 } })).at(-1)).toBe(
    'Took 00:01:01; blocked others for at most 3 ms, in one try',
  );
});
