/** Pairs below the first level and across schemas, and keys that only look alike. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { makeTables, readNames, readPairs } from './pairing.helpers.ts';

let db: TestDatabase;
let client: Client;
let core: Client;
beforeAll(async () => {
  db = await createDatabase('empty');
  client = await db.client();
  core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
});
afterAll(async () => {
  await core.end();
  await db.drop();
});

/** `p` references `r`; both by LIST (k), and each of their partitions again as given. */
async function twoLevels(schema: string, referencing: string, referenced: string): Promise<void> {
  await client.query(`
    CREATE SCHEMA ${schema};
    SET search_path = ${schema};
    CREATE TABLE r (k text, id int, extra int, PRIMARY KEY (k, id, extra), UNIQUE (k, id, extra)) PARTITION BY LIST (k);
    CREATE TABLE p (k text, id int, extra int, own int) PARTITION BY LIST (k);
    CREATE TABLE r_a PARTITION OF r FOR VALUES IN ('a') PARTITION BY LIST (${referenced});
    CREATE TABLE r_b PARTITION OF r FOR VALUES IN ('b') PARTITION BY LIST (${referenced});
    CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a') PARTITION BY LIST (${referencing});
    CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b') PARTITION BY LIST (${referencing});
    CREATE TABLE r_a_1 PARTITION OF r_a FOR VALUES IN (1);
    CREATE TABLE r_a_2 PARTITION OF r_a FOR VALUES IN (2);
    CREATE TABLE r_b_1 PARTITION OF r_b FOR VALUES IN (1);
    CREATE TABLE p_a_2 PARTITION OF p_a FOR VALUES IN (2);
    CREATE TABLE p_a_1 PARTITION OF p_a FOR VALUES IN (1);
    CREATE TABLE p_b_1 PARTITION OF p_b FOR VALUES IN (1);
    ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id, extra) REFERENCES r (k, id, extra);`);
}

describe('sub-partitions', () => {
  it('are paired leaf with leaf by the bounds of every level', async () => {
    await twoLevels('levels', 'id', 'id');

    expect(await readNames(core, 'levels')).toEqual({
      pairs: ['p_a_1 -> r_a_1', 'p_a_2 -> r_a_2', 'p_b_1 -> r_b_1'],
      unpaired: [],
    });
  });

  it.each([
    ['another column of the foreign key', 'other_column', 'id', 'extra'],
    ['a column outside the foreign key', 'outside', 'own', 'extra'],
  ])('are no pairs where the same bounds bound %s', async (_, schema, referencing, referenced) => {
    await twoLevels(schema, referencing, referenced);

    const { pairs, unpaired } = await readNames(core, schema);

    expect(pairs).toEqual([]);
    expect(unpaired).toHaveLength(6);
  });

  it('pair a leaf of two levels with the leaf of one that holds its keys', async () => {
    await client.query(`
      CREATE SCHEMA uneven; SET search_path = uneven;
      CREATE TABLE r (k text, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
      CREATE TABLE p (k text, id int) PARTITION BY LIST (k);
      CREATE TABLE r_a PARTITION OF r FOR VALUES IN ('a');
      CREATE TABLE r_b PARTITION OF r FOR VALUES IN ('b');
      CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');
      CREATE TABLE p_b PARTITION OF p FOR VALUES IN ('b') PARTITION BY RANGE (id);
      CREATE TABLE p_b_1 PARTITION OF p_b FOR VALUES FROM (1) TO (9);
      ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r (k, id);`);

    expect(await readNames(core, 'uneven')).toEqual({ pairs: ['p_a -> r_a', 'p_b_1 -> r_b'], unpaired: [] });
  });
});

it('partitions may lie in other schemas than their parents, and have the same names', async () => {
  await makeTables(client, 'home', { referencing: [], referenced: [] });
  await client.query(`
    CREATE SCHEMA "Else Where";
    CREATE TABLE "Else Where".part PARTITION OF home.p FOR VALUES IN ('a');
    CREATE TABLE home.part PARTITION OF home.p FOR VALUES IN ('b');
    CREATE SCHEMA targets;
    CREATE TABLE targets.part PARTITION OF home.r FOR VALUES IN ('b');
    CREATE TABLE targets.part_2 PARTITION OF home.r FOR VALUES IN ('a');`);

  const { pairs } = await readPairs(core, 'home.p');

  expect(pairs.map((pair) => `${pair.referencing} -> ${pair.referenced}`).sort()).toEqual([
    '"Else Where".part -> targets.part_2',
    'home.part -> targets.part',
  ]);
});

it('the largest pair comes first', async () => {
  const bounds = [`FOR VALUES IN ('a')`, `FOR VALUES IN ('b')`, `FOR VALUES IN ('c')`];
  await makeTables(client, 'sizes', { referencing: bounds, referenced: bounds });
  await client.query(`
    INSERT INTO r SELECT k, n FROM unnest(ARRAY['a', 'b', 'c']) AS k, generate_series(1, 900) AS n;
    INSERT INTO p SELECT 'b', n FROM generate_series(1, 900) AS n;
    INSERT INTO p SELECT 'c', n FROM generate_series(1, 300) AS n;
    ANALYZE p;`);

  const { pairs } = await readPairs(core, 'sizes.p');

  expect(pairs.map(({ pair, referencing, rows }) => [pair, referencing, rows])).toEqual([
    [1, 'sizes.p_2', 900],
    [2, 'sizes.p_3', 300],
    [3, 'sizes.p_1', 0],
  ]);
});

describe('partition keys that do not hold partners together are refused', () => {
  const root = (schema: string, columns: string, referencing: string, referenced: string) => `
    CREATE SCHEMA ${schema}; SET search_path = ${schema};
    CREATE TABLE r (k int, id int, n numeric, t text COLLATE "C", PRIMARY KEY (k, id, n, t)) PARTITION BY ${referenced};
    CREATE TABLE p (k int, id int, n int, t text COLLATE "POSIX", own int) PARTITION BY ${referencing};
    ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (${columns}) REFERENCES r (k, id, n, t);`;

  it.each([
    ['different strategies', 'partition-strategies-differ', 'LIST (k)', 'RANGE (k)'],
    ['a column outside the foreign key', 'partition-keys-differ', 'LIST (own)', 'LIST (k)'],
    ['different columns of the foreign key', 'partition-keys-differ', 'LIST (id)', 'LIST (k)'],
    ['the same columns in another order', 'partition-keys-differ', 'RANGE (k, id)', 'RANGE (id, k)'],
    ['fewer columns', 'partition-keys-differ', 'RANGE (k)', 'RANGE (k, id)'],
    ['an expression', 'partition-key-expression', 'LIST ((own % 2))', 'LIST (k)'],
    ['types that are hashed in different ways', 'partition-keys-differ', 'HASH (n)', 'HASH (n)'],
    ['another order of the same text', 'partition-keys-differ', 'RANGE (t)', 'RANGE (t)'],
  ])('%s', async (what, id, referencing, referenced) => {
    const schema = `keys_${what.replaceAll(' ', '_')}`;
    await client.query(root(schema, 'k, id, n, t', referencing, referenced));

    const { findings } = await planMigration(core, ExecutionInput.parse({ table: `${schema}.p` }));

    expect(findings.filter(({ severity }) => severity === 'error').map((finding) => finding.id)).toContain(id);
  });

  it.each([
    ['the same columns', 'RANGE (k, id)', 'RANGE (k, id)'],
    ['a LIST of numbers of two types', 'LIST (n)', 'LIST (n)'],
  ])('but not %s', async (what, referencing, referenced) => {
    const schema = `keys_${what.replaceAll(' ', '_')}`;
    await client.query(root(schema, 'k, id, n, t', referencing, referenced));

    const { findings } = await planMigration(core, ExecutionInput.parse({ table: `${schema}.p` }));

    expect(findings.filter(({ id }) => id.startsWith('partition-'))).toEqual([]);
  });
});
