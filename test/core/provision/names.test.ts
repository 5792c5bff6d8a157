/** Names of new pairs after the existing ones: only where all of these follow one rule. */
import { describe, expect, it } from 'vitest';
import { parseBound } from '../../../core/provision/bound.ts';
import { namesByBound, namesBySuffix, partnerName, type Sibling } from '../../../core/provision/pair-names-by-rule.ts';

/** `[suffix, bound]` of pairs called path_<suffix> and inode_<suffix>. */
function pairs(...known: [suffix: string, bound: string][]): Sibling[] {
  return known.map(([suffix, bound]) => ({
    referencing: { schema: 'public', name: `path_${suffix}` },
    referenced: { schema: 'public', name: `inode_${suffix}` },
    bound: parseBound(bound),
  }));
}

const month = (year: number, number: number) => {
  const text = (n: number) => `'${year + Math.floor((n - 1) / 12)}-${String(((n - 1) % 12) + 1).padStart(2, '0')}-01'`;
  return `FOR VALUES FROM (${text(number)}) TO (${text(number + 1)})`;
};

describe('names by the bound', () => {
  it.each<[string, Sibling[], string, string | undefined]>([
    [
      'the value',
      pairs(['eu', "FOR VALUES IN ('eu')"], ['us', "FOR VALUES IN ('us')"]),
      "FOR VALUES IN ('asia')",
      'asia',
    ],
    [
      'the value, in small letters',
      pairs(['eu_west', "FOR VALUES IN ('EU West')"]),
      "FOR VALUES IN ('US East')",
      'us_east',
    ],
    [
      'the first characters',
      pairs(['p_bb226d2a', "FOR VALUES IN ('bb226d2ae226b3e0')"], ['p_1d7c9dc8', "FOR VALUES IN ('1d7c9dc81b05972b')"]),
      "FOR VALUES IN ('cafe0123456789ab')",
      'p_cafe0123',
    ],
    ['several values', pairs(['a_b', "FOR VALUES IN ('a', 'b')"]), "FOR VALUES IN ('c', 'd')", 'c_d'],
    ['a number', pairs(['1', 'FOR VALUES IN (1)'], ['2', "FOR VALUES IN ('2')"]), 'FOR VALUES IN (3)', '3'],
    ['months', pairs(['2026_11', month(2026, 11)], ['2026_12', month(2026, 12)]), month(2027, 1), '2027_01'],
    ['months in other letters', pairs(['y2026m11', month(2026, 11)]), month(2027, 1), 'y2027m01'],
    ['months without a sign', pairs(['202611', month(2026, 11)]), month(2027, 1), '202701'],
    [
      'quarters',
      pairs(['2026q3', "FOR VALUES FROM ('2026-07-01') TO ('2026-10-01')"]),
      "FOR VALUES FROM ('2026-10-01') TO ('2027-01-01')",
      '2026q4',
    ],
    [
      'years',
      pairs(['2025', "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"]),
      "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
      '2026',
    ],
    ['both ends', pairs(['0_10', 'FOR VALUES FROM (0) TO (10)']), 'FOR VALUES FROM (10) TO (20)', '10_20'],
    [
      'the remainder',
      pairs(['h0', 'FOR VALUES WITH (MODULUS 4, REMAINDER 0)'], ['h1', 'FOR VALUES WITH (MODULUS 4, REMAINDER 1)']),
      'FOR VALUES WITH (MODULUS 4, REMAINDER 3)',
      'h3',
    ],
    [
      'the remainder, counted from 1',
      pairs(['1', 'FOR VALUES WITH (MODULUS 4, REMAINDER 0)'], ['2', 'FOR VALUES WITH (MODULUS 4, REMAINDER 1)']),
      'FOR VALUES WITH (MODULUS 4, REMAINDER 3)',
      '4',
    ],
    ['DEFAULT', pairs(['p_a', "FOR VALUES IN ('a')"], ['p_b', "FOR VALUES IN ('b')"]), 'DEFAULT', 'p_default'],
    [
      'no rule',
      pairs(['1', "FOR VALUES IN ('one')"], ['2', "FOR VALUES IN ('two')"]),
      "FOR VALUES IN ('three')",
      undefined,
    ],
    [
      'a rule that does not hold for all',
      pairs(['eu', "FOR VALUES IN ('eu')"], ['america', "FOR VALUES IN ('us')"]),
      "FOR VALUES IN ('asia')",
      undefined,
    ],
    [
      'another strategy than all others',
      pairs(['eu', "FOR VALUES IN ('eu')"]),
      'FOR VALUES FROM (1) TO (2)',
      undefined,
    ],
    ['nothing to go by', [], "FOR VALUES IN ('eu')", undefined],
  ])('%s', (_, siblings, bound, suffix) => {
    const names = namesByBound(siblings, parseBound(bound));
    expect(names && [names.referencing.name, names.referenced?.name]).toEqual(
      suffix === undefined ? undefined : [`path_${suffix}`, `inode_${suffix}`],
    );
  });

  it('name no referenced partition where one holds the keys of several', () => {
    const siblings = [1, 2].map((number) => ({
      referencing: { schema: 'public', name: `path_2026_0${number}` },
      referenced: { schema: 'public', name: 'inode_2026' },
      bound: parseBound(month(2026, number)),
    }));
    expect(namesByBound(siblings, parseBound(month(2026, 3)))).toEqual({
      referencing: { schema: 'public', name: 'path_2026_03' },
      referenced: undefined,
    });
  });

  it('stay in the schema of each side, and are unclear where a side has several', () => {
    const [a, b] = pairs(['a', "FOR VALUES IN ('a')"], ['b', "FOR VALUES IN ('b')"]) as [Sibling, Sibling];
    const there = { ...b, referenced: { ...b.referenced, schema: 'other' } };
    expect(namesByBound([a, there], parseBound("FOR VALUES IN ('c')"))).toBeUndefined();
    const both = [{ ...a, referenced: { ...a.referenced, schema: 'other' } }, there];
    expect(namesByBound(both, parseBound("FOR VALUES IN ('c')"))).toEqual({
      referencing: { schema: 'public', name: 'path_c' },
      referenced: { schema: 'other', name: 'inode_c' },
    });
  });
});

describe('names by a suffix', () => {
  it.each<[string, Sibling[], string, string | undefined]>([
    [
      'behind the words that all have',
      pairs(['p_one', "FOR VALUES IN ('1')"], ['p_two', "FOR VALUES IN ('2')"]),
      'three',
      'p_three',
    ],
    [
      'a word with a digit is none of them',
      pairs(['2026_01', month(2026, 1)], ['2026_02', month(2026, 2)]),
      '2027_01',
      '2027_01',
    ],
  ])('%s', (_, siblings, suffix, expected) => {
    const names = namesBySuffix(siblings, suffix);
    expect([names?.referencing.name, names?.referenced?.name]).toEqual([`path_${expected}`, `inode_${expected}`]);
  });

  it('are unclear where the names have no word in common', () => {
    const bare = pairs(['a', "FOR VALUES IN ('a')"]).map((pair) => ({
      ...pair,
      referencing: { schema: 'public', name: 'paths' },
    }));
    expect(namesBySuffix(bare, 'b')).toBeUndefined();
  });

  it("tell a partner's name from the other's", () => {
    const siblings = pairs(['p_one', "FOR VALUES IN ('1')"], ['p_two', "FOR VALUES IN ('2')"]);
    expect(partnerName(siblings, { schema: 'public', name: 'path_p_three' })?.name).toBe('inode_p_three');
    expect(partnerName(siblings, { schema: 'public', name: 'something' })).toBeUndefined();
    expect(partnerName(siblings, { schema: 'other', name: 'path_p_three' })).toBeUndefined();
  });
});
