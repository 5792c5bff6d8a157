/** Drawn trees of partitions of one table, of every kind of key and bound, for the test of the row-movement guard. */
import fc from 'fast-check';

/** Types in a schema of the application, one with an operator class of its own: |a| is what counts. */
export const PREPARATION = `
  CREATE SCHEMA tt;
  CREATE TYPE tt.tier AS ENUM ('a', 'b', 'c', 'NULL');
  CREATE DOMAIN tt.small AS int CHECK (value < 100);
  CREATE DOMAIN tt.smaller AS tt.small;
  CREATE DOMAIN tt.tiers AS tt.tier;
  CREATE TYPE tt.point AS (x int, y text);
  CREATE COLLATION tt.codes FROM "C";
  CREATE COLLATION tt.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE FUNCTION tt.compare(int, int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT sign(abs($1) - abs($2))::int';
  CREATE FUNCTION tt.lt(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT abs($1) < abs($2)';
  CREATE FUNCTION tt.le(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT abs($1) <= abs($2)';
  CREATE FUNCTION tt.eq(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT abs($1) = abs($2)';
  CREATE FUNCTION tt.ge(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT abs($1) >= abs($2)';
  CREATE FUNCTION tt.gt(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT abs($1) > abs($2)';
  CREATE FUNCTION tt.hash(int, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT hashint4extended(abs($1), $2)';
  CREATE OPERATOR tt.@< (FUNCTION = tt.lt, LEFTARG = int, RIGHTARG = int);
  CREATE OPERATOR tt.@<= (FUNCTION = tt.le, LEFTARG = int, RIGHTARG = int);
  CREATE OPERATOR tt.@= (FUNCTION = tt.eq, LEFTARG = int, RIGHTARG = int, HASHES);
  CREATE OPERATOR tt.@>= (FUNCTION = tt.ge, LEFTARG = int, RIGHTARG = int);
  CREATE OPERATOR tt.@> (FUNCTION = tt.gt, LEFTARG = int, RIGHTARG = int);
  CREATE OPERATOR CLASS tt.absolute FOR TYPE int USING btree AS OPERATOR 1 tt.@<, OPERATOR 2 tt.@<=, OPERATOR 3 tt.@=,
    OPERATOR 4 tt.@>=, OPERATOR 5 tt.@>, FUNCTION 1 tt.compare(int, int);
  CREATE OPERATOR CLASS tt.absolute FOR TYPE int USING hash AS OPERATOR 1 tt.@=, FUNCTION 2 tt.hash(int, bigint);`;

/** What hides PostgreSQL's own names where an application's search_path begins with it. */
export const HOSTILE = `
  CREATE SCHEMA hostile;
  CREATE DOMAIN hostile.text AS pg_catalog.int4; CREATE DOMAIN hostile.int4 AS pg_catalog.text;
  CREATE FUNCTION hostile.wrong(anyelement, anyelement) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 IS NOT NULL AND $2 IS NULL';
  CREATE OPERATOR hostile.= (FUNCTION = hostile.wrong, LEFTARG = anyelement, RIGHTARG = anyelement);
  CREATE FUNCTION hostile.wrong_text(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
  CREATE FUNCTION hostile.wrong_int(pg_catalog.int4, pg_catalog.int4) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
  CREATE OPERATOR hostile.= (FUNCTION = hostile.wrong_text, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text);
  CREATE OPERATOR hostile.= (FUNCTION = hostile.wrong_int, LEFTARG = pg_catalog.int4, RIGHTARG = pg_catalog.int4);
  CREATE OPERATOR hostile.< (FUNCTION = hostile.wrong_int, LEFTARG = pg_catalog.int4, RIGHTARG = pg_catalog.int4);
  CREATE OPERATOR hostile.>= (FUNCTION = hostile.wrong_int, LEFTARG = pg_catalog.int4, RIGHTARG = pg_catalog.int4);
  CREATE FUNCTION hostile.satisfies_hash_partition(oid, integer, integer, VARIADIC "any") RETURNS boolean
    LANGUAGE internal IMMUTABLE AS 'satisfies_hash_partition';`;

interface KeyType {
  readonly type: string;
  /** Of the partition key, where it is not the type's default. */
  readonly opclass?: string;
  /** Literals; a bound that PostgreSQL does not take is none. */
  readonly values: readonly string[];
}

const quoted = (...values: string[]) => values.map((value) => `'${value}'`);

const KEY_TYPES: readonly KeyType[] = [
  { type: 'int', values: ['-5', '0', '1', '7', '12'] },
  { type: 'int', opclass: 'tt.absolute', values: ['-7', '-1', '0', '1', '7', '12'] },
  { type: 'bigint', values: ['-5000000000', '0', '1', '5000000000'] },
  { type: 'numeric', values: ['-1.50', '0', '1.0', '1.00', "'NaN'", '100000000000000000000'] },
  { type: 'numeric(6,2)', values: ['-1.5', '0', '2.25', '10'] },
  { type: 'float8', values: ["'-0'", '0', '1e20', '0.1', "'Infinity'"] },
  { type: 'text', values: quoted('', 'a', 'B', "it''s, (", 'NULL', 'MINVALUE', '\\1', 'é', 'z"') },
  { type: 'text COLLATE "C"', values: quoted('', 'a', 'B', 'b', 'é', 'Z') },
  { type: 'text COLLATE tt.codes', values: quoted('a', 'B', 'b') },
  { type: 'text COLLATE tt.loose', values: quoted('a', 'A', 'b', 'B', 'c') },
  { type: 'varchar(10)', values: quoted('a', 'b', 'c ', 'c') },
  { type: 'char(3)', values: quoted('a', 'b', 'c', 'c  ') },
  { type: 'name', values: quoted('a', 'B', 'c') },
  { type: 'date', values: ["'2026-01-01'", "'2026-02-01'", "'infinity'", "'2025-12-31'"] },
  { type: 'timestamptz', values: ["'2026-01-01 00:00+00'", "'2026-01-01 05:30+05:30'", "'2026-06-01 00:00+02'"] },
  { type: 'interval', values: ["'1 day'", "'24 hours'", "'1 month'"] },
  { type: 'boolean', values: ['true', 'false'] },
  { type: 'uuid', values: quoted('00000000-0000-0000-0000-000000000001', 'ffffffff-0000-0000-0000-000000000001') },
  { type: 'inet', values: quoted('10.0.0.1', '10.0.0.0/8', '::1') },
  { type: 'cidr', values: quoted('10.0.0.0/8', '10.1.0.0/16') },
  { type: 'bytea', values: quoted('\\x00', '\\xff00', '') },
  { type: 'bit(3)', values: ["B'101'", "B'000'"] },
  { type: '"char"', values: quoted('a', 'b') },
  { type: 'int[]', values: quoted('{1,2}', '{1}', '{NULL}') },
  { type: 'text[]', values: quoted('{a}', '{"b,(",NULL}') },
  { type: 'int4range', values: quoted('[1,5)', 'empty', '[2,)') },
  { type: 'tt.tier', values: quoted('a', 'b', 'c', 'NULL') },
  { type: 'tt.tiers', values: quoted('a', 'b', 'c') },
  { type: 'tt.small', values: ['0', '1', '7'] },
  { type: 'tt.smaller', values: ['0', '1', '7'] },
  { type: 'tt.point', values: quoted('(1,a)', '(1,)', '(,)', '(2,b)') },
];

export type Strategy = 'LIST' | 'RANGE' | 'HASH';

export interface DrawnTree {
  readonly columns: readonly KeyType[];
  /** `CREATE TABLE ...`: the root first; what PostgreSQL refuses is left out. */
  readonly statements: readonly string[];
  /** Values of the columns as SQL, which are drawn to be rows. */
  readonly keys: readonly string[];
}

/** @param root of the statements' table */
export function treeArbitrary(): fc.Arbitrary<DrawnTree> {
  const column = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...KEY_TYPES) },
    { weight: 1, arbitrary: fc.constantFrom(...KEY_TYPES.slice(0, 4), ...KEY_TYPES.slice(6, 8)) },
  );
  return fc
    .array(column, { minLength: 1, maxLength: 3 })
    .chain((columns) =>
      fc.record({
        columns: fc.constant(columns),
        by: fc.array(byArbitrary(columns), { minLength: 4, maxLength: 4 }),
        partitions: fc.array(partitionArbitrary(columns), { minLength: 4, maxLength: 14 }),
        keys: fc.array(fc.tuple(...columns.map((one) => fc.constantFrom(...one.values, 'NULL'))), {
          minLength: 12,
          maxLength: 24,
        }),
      }),
    )
    .map(({ columns, by, partitions, keys }) => ({
      columns,
      keys: keys.map((key) => key.join(', ')),
      statements: render(columns, by, partitions),
    }));
}

interface By {
  readonly strategy: Strategy;
  readonly keys: readonly number[];
}

function byArbitrary(columns: readonly KeyType[]): fc.Arbitrary<By> {
  const numbers = columns.map((_, n) => n);
  const some = fc.shuffledSubarray(numbers, { minLength: 1 });
  return fc
    .constantFrom<Strategy>('LIST', 'LIST', 'RANGE', 'RANGE', 'HASH')
    .chain((strategy) => some.map((keys) => ({ strategy, keys: strategy === 'LIST' ? keys.slice(0, 1) : keys })));
}

interface Partition {
  /** Among the partitioned tables so far: the root is 0. */
  readonly below: number;
  readonly isDefault: boolean;
  readonly list: readonly string[];
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly remainder: number;
  readonly split: boolean;
}

/** Indexes into the values; which column is meant, the parent says. */
function partitionArbitrary(columns: readonly KeyType[]): fc.Arbitrary<Partition> {
  const end = (infinite: string) =>
    fc.tuple(...columns.map(({ values }) => fc.constantFrom(...values, ...values, infinite)));
  return fc.record({
    below: fc.nat(3),
    isDefault: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    list: fc.array(fc.nat(20).map(String), { minLength: 1, maxLength: 3 }),
    from: end('MINVALUE'),
    to: end('MAXVALUE'),
    remainder: fc.nat(2),
    split: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  });
}

function render(columns: readonly KeyType[], by: readonly By[], partitions: readonly Partition[]): string[] {
  const partitionBy = ({ strategy, keys }: By) =>
    `PARTITION BY ${strategy} (${keys.map((n) => `k${n} ${columns[n]?.opclass ?? ''}`).join(', ')})`;
  const first = by[0] as By;
  const statements = [
    `CREATE TABLE r (id int, ${columns.map(({ type }, n) => `k${n} ${type}`).join(', ')}, other int) ${partitionBy(first)}`,
  ];
  const parents = [{ name: 'r', by: first }];
  partitions.forEach((partition, number) => {
    const parent = parents[partition.below % parents.length] as (typeof parents)[0];
    const name = `r_${number}`;
    const next = partition.split && parents.length < by.length ? (by[parents.length] as By) : undefined;
    statements.push(
      `CREATE TABLE ${name} PARTITION OF ${parent.name} ${bound(columns, parent.by, partition)} ${next ? partitionBy(next) : ''}`,
    );
    if (next) parents.push({ name, by: next });
  });
  return statements;
}

function bound(columns: readonly KeyType[], { strategy, keys }: By, partition: Partition): string {
  if (strategy === 'HASH') return `FOR VALUES WITH (MODULUS 3, REMAINDER ${partition.remainder})`;
  if (partition.isDefault) return 'DEFAULT';
  if (strategy === 'LIST') {
    const values = [...(columns[keys[0] as number]?.values ?? []), 'NULL'];
    return `FOR VALUES IN (${partition.list.map((n) => values[Number(n) % values.length]).join(', ')})`;
  }
  // Behind MINVALUE or MAXVALUE PostgreSQL takes only the same.
  const end = (values: readonly string[]) => {
    let infinite: string | undefined;
    return keys.map((n) => {
      const value = infinite ?? (values[n] as string);
      if (/^M..VALUE$/.test(value)) infinite = value;
      return value;
    });
  };
  return `FOR VALUES FROM (${end(partition.from).join(', ')}) TO (${end(partition.to).join(', ')})`;
}
