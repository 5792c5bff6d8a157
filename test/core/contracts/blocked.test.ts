import { expect, it } from 'vitest';
import { blockedBy, blockedInWords, boundInWords } from '../../../core/contracts/blocked.ts';

it('rounds a bound up, never down, in milliseconds, seconds and minutes', () => {
  const written = [0, 0.2, 8.4, 410.2, 999.1, 2_101, 9_990.1, 12_340, 59_901, 119_001].map(boundInWords);

  expect(written).toEqual([
    '0 ms',
    '1 ms',
    '9 ms',
    '411 ms',
    '1.00 s',
    '2.11 s',
    '10.0 s',
    '12.4 s',
    '1 min 0 s',
    '2 min 0 s',
  ]);
});

it('says "at most" before the longest try and all of them', () => {
  expect(blockedInWords(blockedBy([410.2, 1_690]))).toBe('at most 1.69 s at a time and 2.11 s in all, in 2 tries');
  expect(blockedInWords(blockedBy([3]))).toBe('at most 3 ms, in one try');
});
