/** What is drawn: two partitioned tables and a foreign key between them, of every shape that p2pfk knows. */
import fc from 'fast-check';

export type Strategy = 'LIST' | 'RANGE' | 'HASH';
export type Side = 'referenced' | 'referencing';
export type Action = 'NO ACTION' | 'RESTRICT' | 'CASCADE' | 'SET NULL' | 'SET DEFAULT';

export interface DrawnSchema {
  readonly strategy: Strategy;
  readonly keyType: KeyType;
  /** Pairs of the first level; number `b` holds the keys 2b and 2b + 1. */
  readonly buckets: number;
  /** How the referenced partitions lie to the referencing ones. */
  readonly fit: 'same' | 'coarser' | 'finer';
  /** Both sides have a DEFAULT partition. */
  readonly defaults: boolean;
  /** RANGE and HASH: the second column is part of the partition key, though no RANGE bound needs it. */
  readonly twoColumns: boolean;
  /** LIST: the first bucket takes NULL too, on both sides or one; or a referencing partition has nothing but NULL. */
  readonly takesNull: 'no' | 'both' | 'referencing' | 'alone';
  /** Sub-partitions of the first bucket (of all, below HASH) by the second column. */
  readonly below: Strategy | null;
  /** Which side has them. */
  readonly belowOn: 'both' | Side;
  /** The referencing sub-partitions are smaller, several to one. */
  readonly belowFiner: boolean;
  /** LIST and RANGE: the last sub-partition is a DEFAULT. */
  readonly belowDefault: boolean;
  /** The referencing side's sub-partitions are cut by another strategy: refused. */
  readonly belowDiffers: boolean;
  /** A partition that only one side has. */
  readonly lone: 'none' | 'referenced' | 'referencing';
  readonly uniqueInsteadOfPrimary: boolean;
  readonly swapColumns: boolean;
  readonly swapKey: boolean;
  readonly match: 'SIMPLE' | 'FULL';
  readonly onDelete: Action;
  readonly onUpdate: Action;
  /** ON DELETE SET NULL or SET DEFAULT of one column only, from 15 on. */
  readonly setColumns: 'all' | 'first' | 'second';
  readonly deferrable: 'no' | 'immediate' | 'deferred';
  readonly comment: string | null;
  readonly names: NameStyle;
  readonly index: 'none' | 'parent' | 'reversed' | 'one leaf';
  /** Leaves, by number, that are attached tables with other columns in another order. */
  readonly attached: readonly boolean[];
  /** Every second leaf attached has the foreign key before, under a name of its own. */
  readonly ownForeignKey: boolean;
  readonly foreignKeyFirst: boolean;
  /** Partitions, by number, that lie in another schema than their table. */
  readonly elsewhere: readonly boolean[];
  /** In which order the partitions are made. */
  readonly order: readonly number[];
  readonly guard: boolean;
  /** Keys of the referenced rows, and of the referencing ones (by number of the referenced row, or partly NULL). */
  readonly referencedRows: readonly Key[];
  readonly referencingRows: readonly (number | Key)[];
}

/** Number of the partition key (see {@link DrawnSchema.buckets}) and the second column. */
export type Key = readonly [k: number | null, ino: number | null];

export const NAME_STYLES = ['plain', 'upper', 'hostile', 'long', 'unicode'] as const;
export type NameStyle = (typeof NAME_STYLES)[number];

/** Type of the key column on the referenced and on the referencing side, and how number `n` is written on each. */
interface KeyTypeSpec {
  readonly referenced: string;
  readonly referencing: string;
  readonly strategies: readonly Strategy[];
  referencedLiteral(n: number): string;
  referencingLiteral(n: number): string;
}

const ALL: readonly Strategy[] = ['LIST', 'RANGE', 'HASH'];

function sameOnBoth(type: string, literal: (n: number) => string): KeyTypeSpec {
  return {
    referenced: type,
    referencing: type,
    strategies: ALL,
    referencedLiteral: literal,
    referencingLiteral: literal,
  };
}

const plain = (n: number) => `'${n}'`;
/** Two digits, so that text is ordered as numbers are. */
const two = (n: number) => String(n).padStart(2, '0');

export const KEY_TYPES = {
  int: sameOnBoth('int', plain),
  'negative bigint': sameOnBoth('bigint', (n) => `'${n - 5}'`),
  'int to bigint': { ...sameOnBoth('bigint', plain), referencing: 'int' },
  'bigint to smallint': { ...sameOnBoth('smallint', plain), referencing: 'bigint' },
  'text C': sameOnBoth('text COLLATE "C"', (n) => `'it''s, (${two(n)})'`),
  'text ICU': sameOnBoth('text COLLATE "en-x-icu"', (n) => `'K${two(n)}'`),
  'varchar to text': { ...sameOnBoth('text', (n) => `'\\${two(n)}'`), referencing: 'varchar(20)' },
  'numeric of other scale': {
    ...sameOnBoth('numeric', (n) => `'${n}.50'`),
    referencingLiteral: (n: number) => `'${n}.5000'`,
  },
  'int to numeric': {
    ...sameOnBoth('numeric', (n) => `'${n}.0'`),
    referencing: 'int',
    referencingLiteral: plain,
    strategies: ['LIST', 'RANGE'],
  },
  date: sameOnBoth('date', (n) => `'2026-01-${String(n + 10)}'`),
  timestamptz: {
    ...sameOnBoth('timestamptz', (n) => `'2026-01-${String(n + 10)} 00:00:00+00'`),
    referencingLiteral: (n: number) => `'2026-01-${String(n + 10)} 05:30:00+05:30'`,
  },
  uuid: sameOnBoth('uuid', (n) => `'00000000-0000-0000-0000-0000000000${String(n + 10)}'`),
  domain: sameOnBoth('drawn_domain', (n) => `'d${two(n)}'`),
  'domain to text': { ...sameOnBoth('text', (n) => `'d${two(n)}'`), referencing: 'drawn_domain' },
} as const satisfies Record<string, KeyTypeSpec>;

export type KeyType = keyof typeof KEY_TYPES;

export function keyTypeOf({ keyType }: DrawnSchema): KeyTypeSpec {
  return KEY_TYPES[keyType];
}

/** Second column: 0 to 5. */
export const SECOND_VALUES = 6;

/** First numbers of keys that no bucket holds: the first one a lone partition may hold. */
export function outside({ buckets }: DrawnSchema): number {
  return 2 * buckets;
}

const actions: readonly Action[] = ['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'];
/** Most draws take the usual: what shrinks there says that the rest does not matter. */
const seldom = fc.integer({ min: 0, max: 9 }).map((n) => n === 9);

/** @param nulls each of the two may be NULL, now and then */
export function keyArbitrary(buckets: number, nulls: boolean): fc.Arbitrary<Key> {
  const value = (max: number): fc.Arbitrary<number | null> =>
    nulls ? fc.option(fc.nat(max), { freq: 6 }) : fc.nat(max);
  return fc.tuple(value(2 * buckets + 1), value(SECOND_VALUES - 1));
}

/** Schemas that `major` can have. */
export function schemaArbitrary(major: number): fc.Arbitrary<DrawnSchema> {
  return fc
    .tuple(fc.constantFrom(...ALL), fc.integer({ min: 1, max: 4 }))
    .chain(([strategy, buckets]) => {
      const types = Object.keys(KEY_TYPES) as KeyType[];
      const fitting = types.filter((type) => (KEY_TYPES[type].strategies as readonly Strategy[]).includes(strategy));
      return fc.record({
        strategy: fc.constant(strategy),
        keyType: fc.constantFrom(...fitting),
        buckets: fc.constant(buckets),
        fit: fc.oneof(
          { weight: 12, arbitrary: fc.constant('same' as const) },
          { weight: 2, arbitrary: fc.constant('coarser' as const) },
          { weight: 1, arbitrary: fc.constant('finer' as const) },
        ),
        defaults: strategy === 'HASH' ? fc.constant(false) : fc.boolean(),
        twoColumns: strategy === 'LIST' ? fc.constant(false) : fc.boolean(),
        takesNull: fc.constantFrom(
          ...(strategy === 'LIST' ? (['no', 'no', 'both', 'referencing', 'alone'] as const) : (['no'] as const)),
        ),
        below: fc.constantFrom<Strategy | null>(null, null, null, ...ALL),
        belowOn: fc.constantFrom('both', 'both', 'both', 'referencing', 'referencing', 'referenced') as fc.Arbitrary<
          DrawnSchema['belowOn']
        >,
        belowFiner: fc.boolean(),
        belowDefault: fc.boolean(),
        belowDiffers: seldom,
        lone: fc.constantFrom('none', 'none', 'referenced', 'referencing') as fc.Arbitrary<DrawnSchema['lone']>,
        uniqueInsteadOfPrimary: fc.boolean(),
        swapColumns: fc.boolean(),
        swapKey: fc.boolean(),
        match: fc.constantFrom('SIMPLE', 'SIMPLE', 'FULL') as fc.Arbitrary<DrawnSchema['match']>,
        onDelete: fc.constantFrom(...actions),
        onUpdate: fc.constantFrom('NO ACTION', 'NO ACTION', ...actions) as fc.Arbitrary<Action>,
        setColumns:
          major >= 15
            ? (fc.constantFrom('all', 'first', 'second', 'second') as fc.Arbitrary<DrawnSchema['setColumns']>)
            : fc.constant<DrawnSchema['setColumns']>('all'),
        deferrable: fc.constantFrom('no', 'no', 'immediate', 'deferred') as fc.Arbitrary<DrawnSchema['deferrable']>,
        comment: fc.option(fc.constantFrom(`it's "$$" %I`, 'a comment'), { freq: 1 }),
        names: fc.constantFrom(...NAME_STYLES),
        index: fc.constantFrom('none', 'none', 'parent', 'reversed', 'one leaf') as fc.Arbitrary<DrawnSchema['index']>,
        attached: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        elsewhere: fc.array(seldom, { minLength: 5, maxLength: 5 }),
        ownForeignKey: fc.boolean(),
        foreignKeyFirst: fc.boolean(),
        order: fc.shuffledSubarray([...Array(16).keys()], { minLength: 16, maxLength: 16 }),
        guard: fc.integer({ min: 0, max: 4 }).map((n) => n !== 4),
        referencedRows: fc.uniqueArray(keyArbitrary(buckets, false), {
          minLength: 1,
          maxLength: 16,
          selector: ([k, ino]) => `${k} ${ino}`,
        }),
        referencingRows: fc.array(fc.oneof({ weight: 4, arbitrary: fc.nat(15) }, keyArbitrary(buckets, true)), {
          maxLength: 20,
        }),
      });
    })
    .map(consistent);
}

/** Takes out of a draw what PostgreSQL cannot have, or what would only be refused for a second reason. */
function consistent(drawn: DrawnSchema): DrawnSchema {
  const { fit, belowOn } = drawn;
  const below = fit === 'same' || (fit === 'coarser' && belowOn === 'referencing') ? drawn.below : null;
  return {
    ...drawn,
    below,
    belowDiffers: drawn.belowDiffers && below !== null && belowOn === 'both',
    // With a lone partition two DEFAULTs hold different keys.
    lone: drawn.defaults || drawn.strategy === 'HASH' ? 'none' : drawn.lone,
  };
}

/** Whether the plan may refuse it, provided that there are rows where it matters. */
export function mayBeRefused({ fit, below, belowOn, belowDiffers, takesNull, match }: DrawnSchema): boolean {
  // The keys of a referencing partition lie in several referenced ones.
  if (fit === 'finer' || belowDiffers || (below !== null && belowOn === 'referenced')) return true;
  return takesNull === 'alone' && match === 'FULL';
}
