import { describe, expect, it } from 'vitest';
import { liveFrame } from '../../cli/progress/live.ts';
import { width } from '../../cli/text.ts';
import { cause, overPairs, pairInput, plan, play, scheduled, succeeded } from './progress.helpers.ts';

const busy = (running: number) =>
  play([
    succeeded('Plan', plan(17)),
    ...overPairs('ValidateForeignKey', 9),
    ...Array.from({ length: running }, (_, index) => scheduled('ValidateForeignKey', pairInput(index + 10), 1_000)),
  ]).progress;

describe('the live area', () => {
  it('has a bar for the stage, and a line with its time for each pair that runs', () => {
    const frame = liveFrame(busy(2), 43_000, 80);

    expect(frame).toHaveLength(3);
    expect(frame[0]).toMatch(/^Validating FKs +█+░+ 9\/17 {2}/);
    expect(frame[1]).toMatch(/^ {2}path_p_10 [█░]+ 00:00:42$/);
  });

  it.each([20, 40, 80, 200])('stays below %i columns, so that no line wraps', (columns) => {
    const stuck = play(
      [
        {
          type: 'TaskFailed',
          state: 'ValidateForeignKey',
          input: pairInput(10),
          error: 'LockTimeout',
          cause: cause('LockTimeout', 'x'.repeat(500)),
          timestamp: 0,
        },
      ],
      busy(4),
    ).progress;

    for (const line of liveFrame(stuck, 99_000, columns)) expect(width(line)).toBeLessThan(columns);
  });

  it('does not fill the screen however many pairs run', () => {
    const frame = liveFrame(busy(8), 1_000, 80);
    const more = play(Array.from({ length: 40 }, (_, index) => scheduled('BuildIndex', pairInput(index + 1)))).progress;

    expect(frame.length).toBeLessThanOrEqual(9);
    expect(liveFrame(more, 0, 80).at(-1)).toBe('  … and 32 more');
  });

  it('shows a step on the whole migration in one line', () => {
    const { progress } = play([scheduled('VerifyGate', { migrationId: 'm' }, 0)]);

    expect(liveFrame(progress, 5_000, 80)).toEqual([expect.stringMatching(/^Preflight check +[█░]+ 00:00:05$/)]);
  });

  it('is empty before the first step and after the last', () => {
    const { progress } = play([scheduled('VerifyGate'), { type: 'ExecutionSucceeded', timestamp: 1 }]);

    expect(liveFrame(progress, 0, 80)).toEqual([]);
  });
});
