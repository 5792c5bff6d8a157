import { describe, expect, it } from 'vitest';
import { comparison } from '../../cli/demo/comparison.ts';
import { width } from '../../cli/width.ts';
import type { Measurements } from '../../local/demo/demo.ts';

const measured = (ms: number, rest: Partial<Measurements> = {}): Measurements => ({
  delete: { partition: 'inode_p_bb226d2a', rows: 300, ms, timedOut: false },
  truncate: {
    partition: 'inode_p_bb226d2a',
    emptied: [],
    of: 17,
    rowsLost: 400_000,
    summary: 'all 17 path partitions',
  },
  detach: {
    pair: 'path_p_bb226d2a → inode_p_bb226d2a',
    possible: false,
    error:
      'removing partition "inode_p_bb226d2a" violates foreign key constraint "path_p_bb226d2a_medium_hash_ino_fkey1"',
  },
  ...rest,
});
const after = measured(21, { detach: { pair: '', possible: true, error: null } });

describe('the table at the end of the demo', () => {
  it('tells what each thing was before and is after', () => {
    const text = comparison(measured(3400), after, 110).join('\n').replace(/\s+/g, ' ');

    expect(text).toContain('before: parent-level FK');
    expect(text).toMatch(/DELETE of 300 rows from .* 3\.4 s .* 21 ms \(162 times faster\)/);
    expect(text).toContain('all 17 path partitions');
    expect(text).toContain('refused: removing partition');
    expect(text).toContain('works');
  });

  it('says what the gain in DELETE comes from', () => {
    expect(comparison(measured(3400), after, 110).join(' ')).toContain('comes from the index');
  });

  it('does not turn a DELETE that was given up into a figure, nor noise into a gain', () => {
    const given = measured(10_000, { delete: { partition: 'p', rows: 300, ms: 10_000, timedOut: true } });

    expect(comparison(given, after, 110).join('\n')).toMatch(/given up after 10 s/);
    expect(comparison(given, after, 110).join('\n')).toMatch(/more than 476 times/);
    expect(comparison(measured(22), after, 110).join('\n')).not.toContain('times');
  });

  it.each([72, 80, 110, 200])('fits %i columns', (columns) => {
    for (const line of comparison(measured(3400), after, columns))
      expect(width(line)).toBeLessThanOrEqual(Math.min(columns, 110));
  });
});
