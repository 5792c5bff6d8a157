import { describe, expect, it } from 'vitest';
import { liveFrame } from '../../cli/progress/live.ts';
import { width } from '../../cli/width.ts';
import { fence, overPairs, pair, pairInput, plan, play, scheduled, succeeded } from './progress.helpers.ts';

const busy = (running: number) =>
  play([
    succeeded('Plan', plan(17)),
    ...overPairs('ValidateForeignKey', 9),
    ...Array.from({ length: running }, (_, index) => scheduled('ValidateForeignKey', pairInput(index + 10), 1_000)),
  ]).progress;

const size = (columns: number, rows = 40) => ({ columns, rows });

describe('the live area', () => {
  it('lists the steps: done with their time, running with bar and pairs, to come', () => {
    const { progress } = play([
      scheduled('Plan', {}, 0),
      succeeded('Plan', plan(17), {}, 2_000),
      ...overPairs('BuildIndex', 17),
      ...overPairs('AddForeignKey', 17),
      scheduled('ValidateForeignKey', pairInput(1), 1_000),
      scheduled('ValidateForeignKey', pairInput(2), 13_000),
    ]);

    expect(liveFrame(progress, 43_000, size(80))).toEqual([
      '  ✓ Plan                           00:00:02',
      '  ✓ Indexes              17/17     00:00:00',
      '  ✓ Foreign keys         17/17     00:00:00',
      '  ▸ Validation           ░░░░░░░░░░░░░░░░ 0/17 00:00:42  0 of 153 k rows',
      '      path_p_1   1.0 k rows 00:00:42',
      '      path_p_2   2.0 k rows 00:00:30',
      '    Preflight check',
      '    Drop of parent FK',
      '    Verification',
    ]);
  });

  it('says how far, how fast and how long, from the bytes of the ledger where it has them', () => {
    // Two of four equal pairs took 10 s each; the third has run for 5 s. One pair at a time: 5 s and 10 s are left.
    const work = { status: 'DONE', durationMs: 10_000 } as const;
    const { progress } = play([
      succeeded('Plan', { ...plan(4), maxConcurrency: 1 }),
      scheduled('ValidateForeignKey', pairInput(1), 0),
      succeeded('ValidateForeignKey', pair(1, 4, work), pairInput(1), 10_000),
      succeeded('ValidateForeignKey', pair(2, 4, work), pairInput(2), 20_000),
      scheduled('ValidateForeignKey', pairInput(3), 20_000),
    ]);
    const sizes = new Map([1, 2, 3, 4].map((number) => [number, { rows: 2_500_000, bytes: 1_000_000_000 }]));

    const line = liveFrame({ ...progress, sizes }, 25_000, size(200)).find((each) => each.includes('▸'));

    expect(line).toBe(
      '  ▸ Validation           ████████░░░░░░░░ 2/4 00:00:25  about 15 s left  5.0 M of 10.0 M rows  200 k rows/s',
    );
  });

  it('does not promise an end before one pair is through, nor sooner than the largest can be', () => {
    const before = play([succeeded('Plan', plan(2)), scheduled('ValidateForeignKey', pairInput(1), 0)]).progress;
    const { progress } = play(
      [
        succeeded('ValidateForeignKey', pair(2, 2, { rows: 100, durationMs: 1_000 }), pairInput(2), 1_000),
        scheduled('ValidateForeignKey', pairInput(1), 1_000),
      ],
      { ...before, pairs: new Map() },
    );
    const sizes = new Map([
      [1, { rows: 10_000, bytes: 1_000_000 }],
      [2, { rows: 100, bytes: 10_000 }],
    ]);

    expect(liveFrame(before, 500, size(120)).join('\n')).not.toContain('left');
    expect(liveFrame({ ...progress, sizes }, 1_000, size(120)).join('\n')).toMatch(/about 1 min 39 s left/);
  });

  it('names who holds the lock, on a line of its own where there is no room', () => {
    const failure = 'pid 4711 (psql, user app) holds AccessShareLock on public.path_p_10';
    const event = { type: 'TaskFailed', state: 'ValidateForeignKey', input: pairInput(10), at: 1_000 } as const;
    const stuck = play(
      [
        { ...event, failure: { name: 'LockTimeout', message: failure } },
        { ...event, type: 'TaskRetrying', attempt: 2 },
      ],
      busy(1),
    ).progress;

    expect(liveFrame(stuck, 5_000, size(80))).toContainEqual(
      expect.stringMatching(/^ {8}↻ try 2 of 40: pid 4711 \(psql, user app\) holds AccessShareLock/),
    );
    expect(liveFrame(stuck, 5_000, size(200))).toContain(`      path_p_10 00:00:04  ↻ try 2 of 40: ${failure}`);
  });

  it('between two tries for a lock says which one failed, of how many, and when the next begins at the latest', () => {
    const failing = (attempt: number) =>
      ({
        type: 'TaskFailed',
        state: 'DropParentForeignKey',
        attempt,
        input: {},
        at: 0,
        failure: { name: 'LockTimeout', message: 'pid 4711 holds it' },
      }) as const;
    const frame = (attempt: number) => liveFrame(play([failing(attempt)]).progress, 5_000, size(200)).join('\n');

    expect(frame(3)).toContain('↻ try 3 of 40, next within 3 s: pid 4711 holds it');
    expect(frame(20)).toContain('↻ try 20 of 40, next within 30 s: ');
    // Nothing follows the last one.
    expect(frame(40)).not.toContain('next within');
  });

  it('makes no estimate while the server does not answer, and says for how long', () => {
    const silent = { ...play([], busy(4)).progress, silentSince: 10_000 };
    const frame = liveFrame(silent, 50_000, size(200));

    expect(frame.at(-1)).toBe('  ! no answer from the server for 40 s');
    expect(frame.join('\n')).not.toMatch(/about .* left/);
    expect(liveFrame({ ...silent, silentSince: null }, 50_000, size(200)).join('\n')).toMatch(/about .* left/);
  });

  it.each([20, 40, 80, 200])('stays below %i columns, so that no line wraps', (columns) => {
    const event = { type: 'TaskFailed', state: 'ValidateForeignKey', input: pairInput(10), at: 0 } as const;
    const stuck = play([{ ...event, failure: { name: 'LockTimeout', message: 'x'.repeat(500) } }], busy(4)).progress;

    for (const line of liveFrame(stuck, 99_000, size(columns))) expect(width(line)).toBeLessThan(columns);
  });

  it('does not fill the screen, however many pairs run and however low it is', () => {
    const many = play(Array.from({ length: 40 }, (_, index) => scheduled('BuildIndex', pairInput(index + 1)))).progress;

    expect(liveFrame(many, 0, size(80))).toContain('      … and 32 more');
    expect(liveFrame(many, 0, size(80, 16)).length).toBeLessThan(16);
  });

  it('shows a step on the whole migration with a bar that only says that work goes on', () => {
    const { progress } = play([scheduled('VerifyGate', { migrationId: 'm' }, 0)]);

    expect(liveFrame(progress, 5_000, size(80))).toContainEqual(
      expect.stringMatching(/^ {2}▸ Preflight check {6}[█░]+ 00:00:05$/),
    );
  });

  it('goes over to the way back when that has begun', () => {
    const { progress } = play([
      succeeded('Plan', plan(2)),
      ...overPairs('AddForeignKey', 2),
      scheduled('Fence', { error: { Error: 'OrphanedRows', Cause: '' } }, 0),
      succeeded('Fence', fence('DROPPED', 2), {}, 1_000),
      scheduled('RestoreParentForPair', pairInput(1), 1_000),
    ]);

    expect(liveFrame(progress, 2_000, size(80)).map((line) => line.slice(0, 24).trimEnd())).toEqual([
      '  ✓ Fence',
      '  ▸ Parent coverage',
      '      path_p_1   1.0 k r',
      '    Parent FK',
      '    Removal of pair FKs',
      '    Check of rollback',
    ]);
  });

  it('is empty before the first step and after the last', () => {
    const { progress } = play([scheduled('VerifyGate'), { type: 'ExecutionSucceeded', at: 1 }]);

    expect(liveFrame(progress, 0, size(80))).toEqual([]);
  });
});
