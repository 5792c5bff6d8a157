import { describe, expect, it } from 'vitest';
import { duration, megabytes } from '../../cli/units.ts';

describe('a duration', () => {
  it.each([
    ['30', 30],
    ['0', 0],
    ['30s', 30],
    ['5m', 300],
    ['1h', 3_600],
    ['2d', 172_800],
    ['250ms', 0.25],
    ['1.5s', 1.5],
    ['0.1h', 360],
    ['1.005s', 1.005],
  ])('%s is %d seconds', (text, seconds) => {
    expect(duration(text)).toBe(seconds);
  });

  it.each([
    '',
    's',
    '5 m',
    ' 5m',
    '5M',
    '-5m',
    '+5m',
    '1e3',
    '5min',
    '1h30m',
    '.5s',
    '5.s',
    '1,5s',
    'PT5M',
    '٥m',
    '9999999999',
  ])('%j is refused, with examples', (text) => {
    expect(() => duration(text)).toThrow('It must be a duration such as 30s, 5m or 1h; digits alone are seconds.');
  });
});

describe('a size', () => {
  it.each([
    ['512MB', 512],
    ['512mb', 512],
    ['2GB', 2_048],
    ['2 GB', 2_048],
  ])('%s is %d megabytes', (text, size) => {
    expect(megabytes(text)).toBe(size);
  });

  it.each(['', '512', '65536kB', '1.5GB', '-1GB', 'GB', '1TB', '512M', '1GiB'])(
    '%j is refused, with examples',
    (text) => {
      expect(() => megabytes(text)).toThrow('It must be a size such as 512MB or 2GB.');
    },
  );
});
