import { describe, expect, it } from 'vitest';
import { distance, nearest } from '../../../core/contracts/nearest.ts';

describe('the distance of two names', () => {
  it.each([
    ['path', 'path', 0],
    ['pth', 'path', 1],
    ['paths', 'path', 1],
    ['pith', 'path', 1],
    ['ptah', 'path', 1],
    ['', 'path', 4],
    ['ca', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['🙂a', 'a🙂', 1],
  ])('of %j and %j is %i, by optimal string alignment', (one, other, expected) => {
    expect([distance(one, other), distance(other, one)]).toEqual([expected, expected]);
  });
});

describe('the nearest names', () => {
  it('are at most three, the nearest first, and none that is far', () => {
    expect(nearest('orders', ['order', 'orders_2', 'Orders', 'ordres', 'invoice'])).toEqual([
      'Orders',
      'order',
      'ordres',
    ]);
    expect(nearest('p', ['q', 'inode'])).toEqual(['q']);
    expect(nearest('nope', ['one', 'two'])).toEqual([]);
  });

  it('of a word that is longer than any name are none, and take no time', () => {
    expect(nearest('x'.repeat(1_000_000), ['x'.repeat(1_000_000)])).toEqual([]);
  });
});
