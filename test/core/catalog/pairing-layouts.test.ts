/** Trees of partitions that are cut in different ways: what one leaf holds decides, and PostgreSQL's routing judges. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { readNames, readPairs } from './pairing.helpers.ts';

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

interface Layout {
  /** `PARTITION BY` of `p` and of `r`, both with the columns (a text, b int, c int). */
  readonly by: readonly [referencing: string, referenced: string];
  /** `name parent bound [PARTITION BY ...]`, such as `p_1 p FOR VALUES IN (1)`. */
  readonly partitions: readonly string[];
  readonly pairs: readonly string[];
  readonly unpaired?: readonly string[];
  readonly match?: 'MATCH FULL';
  /** Columns and their types instead of (a text, b int, c int), of both or of each. */
  readonly columns?: string | readonly [referencing: string, referenced: string];
}

let schemas = 0;

async function make({ by, partitions, match, columns = 'a text, b int, c int' }: Layout): Promise<string> {
  const schema = `layout_${++schemas}`;
  const [ofP, ofR] = typeof columns === 'string' ? [columns, columns] : columns;
  await client.query(`
    CREATE SCHEMA ${schema}; SET search_path = ${schema}, public;
    CREATE TABLE r (${ofR}, PRIMARY KEY (a, b, c)) PARTITION BY ${by[1]};
    CREATE TABLE p (${ofP}, own int) PARTITION BY ${by[0]};
    ${partitions.map((line) => line.replace(/^(\S+) (\S+)/, 'CREATE TABLE $1 PARTITION OF $2')).join(';\n')};
    ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (a, b, c) REFERENCES r ${match ?? ''};`);
  return schema;
}

const list = (values: string) => `FOR VALUES IN (${values})`;
const range = (from: string, to: string) => `FOR VALUES FROM (${from}) TO (${to})`;
const hash = (modulus: number, remainder: number) => `FOR VALUES WITH (MODULUS ${modulus}, REMAINDER ${remainder})`;
const LIST = ['LIST (a)', 'LIST (a)'] as const;

const LAYOUTS: readonly [what: string, layout: Layout][] = [
  [
    'referencing partitions that are partitioned once more',
    {
      by: LIST,
      partitions: [
        `p_x p ${list(`'x'`)} PARTITION BY HASH (b)`,
        `p_x_0 p_x ${hash(2, 0)}`,
        `p_x_1 p_x ${hash(2, 1)} PARTITION BY RANGE (own)`,
        `p_x_1_a p_x_1 DEFAULT`,
        `r_y r ${list(`'y'`)}`,
        `r_x r ${list(`'x'`)}`,
      ],
      pairs: ['p_x_0 -> r_x', 'p_x_1_a -> r_x'],
      unpaired: ['r_y'],
    },
  ],
  [
    'a level of its own above the common one, even at the root',
    {
      by: ['RANGE (own)', 'LIST (a)'],
      partitions: [
        `p_1 p ${range('0', '10')} PARTITION BY LIST (a)`,
        `p_1_x p_1 ${list(`'x'`)}`,
        `p_2 p DEFAULT PARTITION BY LIST (a)`,
        `p_2_x p_2 ${list(`'x'`)}`,
        `p_2_y p_2 ${list(`'y'`)}`,
        `r_y r ${list(`'y'`)}`,
        `r_x r ${list(`'x'`)}`,
      ],
      pairs: ['p_1_x -> r_x', 'p_2_x -> r_x', 'p_2_y -> r_y'],
    },
  ],
  [
    'finer leaves below the first level, and levels in another order',
    {
      by: ['LIST (a)', 'HASH (c)'],
      partitions: [
        `p_x p ${list(`'x'`)} PARTITION BY HASH (c)`,
        `p_x_0 p_x ${hash(4, 0)} PARTITION BY RANGE (b)`,
        `p_x_0_a p_x_0 ${range('MINVALUE', '5')}`,
        `p_x_0_b p_x_0 ${range('5', '7')}`,
        `p_x_3 p_x ${hash(4, 3)}`,
        `r_0 r ${hash(2, 0)} PARTITION BY RANGE (b)`,
        `r_0_a r_0 ${range('MINVALUE', '5')}`,
        `r_0_b r_0 ${range('5', 'MAXVALUE')}`,
        `r_1 r ${hash(2, 1)}`,
      ],
      pairs: ['p_x_0_a -> r_0_a', 'p_x_0_b -> r_0_b', 'p_x_3 -> r_1'],
    },
  ],
  [
    'a referenced side that is deeper, where one leaf holds all',
    {
      by: LIST,
      partitions: [
        `p_x p ${list(`'x'`)}`,
        `p_y p ${list(`'y'`)}`,
        `r_x r ${list(`'x'`)} PARTITION BY RANGE (b)`,
        `r_x_all r_x ${range('MINVALUE', 'MAXVALUE')}`,
        `r_y r ${list(`'y'`)} PARTITION BY RANGE (b)`,
        `r_y_1 r_y ${range('0', '5')}`,
        `r_y_2 r_y ${range('5', '9')}`,
      ],
      pairs: ['p_x -> r_x_all'],
      unpaired: ['p_y', 'r_y_1', 'r_y_2'],
    },
  ],
  [
    'the same bounds in different branches',
    {
      by: LIST,
      partitions: [
        `p_x p ${list(`'x'`)} PARTITION BY LIST (b)`,
        `p_x_1 p_x ${list('1')}`,
        `p_y p ${list(`'y'`)} PARTITION BY LIST (b)`,
        `p_y_1 p_y ${list('1')}`,
        `r_y r ${list(`'y'`)} PARTITION BY LIST (b)`,
        `r_y_1 r_y ${list('1, 2')}`,
        `r_x r ${list(`'x'`)} PARTITION BY LIST (b)`,
        `r_x_1 r_x ${list('1, 2')}`,
      ],
      pairs: ['p_x_1 -> r_x_1', 'p_y_1 -> r_y_1'],
    },
  ],
  [
    'DEFAULTs in branches, where the partitions beside them hold the same',
    {
      by: LIST,
      partitions: [
        `p_x p ${list(`'x'`)} PARTITION BY RANGE (b)`,
        `p_x_1 p_x ${range('0', '5')}`,
        `p_x_2 p_x ${range('5', '9')}`,
        `p_x_d p_x DEFAULT`,
        `p_y p ${list(`'y'`)} PARTITION BY RANGE (b)`,
        `p_y_1 p_y ${range('0', '5')}`,
        `p_y_d p_y DEFAULT`,
        `r_x r ${list(`'x'`)} PARTITION BY RANGE (b)`,
        `r_x_1 r_x ${range('0', '9')}`,
        `r_x_d r_x DEFAULT`,
        `r_y r ${list(`'y'`)} PARTITION BY RANGE (b)`,
        `r_y_1 r_y ${range('0', '9')}`,
        `r_y_d r_y DEFAULT`,
        `r_z r ${list(`'z'`)} PARTITION BY RANGE (b)`,
      ],
      pairs: ['p_x_1 -> r_x_1', 'p_x_2 -> r_x_1', 'p_x_d -> r_x_d', 'p_y_1 -> r_y_1'],
      unpaired: ['p_y_d', 'r_y_d'],
    },
  ],
  [
    'a DEFAULT whose keys one other partition holds',
    {
      by: ['RANGE (b)', 'RANGE (b)'],
      partitions: [
        `p_1 p ${range('MINVALUE', '5')}`,
        `p_d p DEFAULT`,
        `r_1 r ${range('MINVALUE', '5')}`,
        `r_2 r ${range('5', 'MAXVALUE')}`,
      ],
      pairs: ['p_1 -> r_1', 'p_d -> r_2'],
    },
  ],
  [
    'NULL among the values of a LIST, and values that are written in another order',
    {
      by: LIST,
      partitions: [
        `p_1 p ${list(`NULL, 'x', 'NULL'`)}`,
        `p_2 p ${list(`'y'`)}`,
        `r_2 r ${list(`'y', 'z'`)}`,
        `r_1 r ${list(`'NULL', 'x'`)}`,
      ],
      pairs: ['p_1 -> r_1', 'p_2 -> r_2'],
    },
  ],
  [
    'ranges of two columns below a LIST',
    {
      by: LIST,
      partitions: [
        `p_x p ${list(`'x'`)} PARTITION BY RANGE (b, c)`,
        `p_x_1 p_x ${range('MINVALUE, MINVALUE', '3, MINVALUE')}`,
        `p_x_2 p_x ${range('3, MINVALUE', '3, 7')}`,
        `p_x_3 p_x ${range('3, 7', '3, MAXVALUE')}`,
        `p_x_4 p_x ${range('3, MAXVALUE', 'MAXVALUE, MAXVALUE')}`,
        `r_x r ${list(`'x'`)} PARTITION BY RANGE (b, c)`,
        `r_x_1 r_x ${range('MINVALUE, MINVALUE', '3, 7')}`,
        `r_x_2 r_x ${range('3, 7', 'MAXVALUE, MAXVALUE')}`,
      ],
      pairs: ['p_x_1 -> r_x_1', 'p_x_2 -> r_x_1', 'p_x_3 -> r_x_2', 'p_x_4 -> r_x_2'],
    },
  ],
  [
    'text that a referenced char(n) finds equal: only where the referencing side does too',
    {
      by: LIST,
      columns: ['a text, b int, c int', 'a char(3), b int, c int'],
      partitions: [`p_1 p ${list(`'x '`)}`, `r_1 r ${list(`'x'`)}`, `r_d r DEFAULT`],
      pairs: [],
      unpaired: ['p_1', 'r_1', 'r_d'],
    },
  ],
  [
    'a char(n) that references text',
    {
      by: LIST,
      columns: ['a char(3), b int, c int', 'a text, b int, c int'],
      partitions: [`p_1 p ${list(`'x'`)}`, `p_2 p ${list(`'yy'`)}`, `r_1 r ${list(`'x'`)}`, `r_d r DEFAULT`],
      pairs: ['p_1 -> r_1', 'p_2 -> r_d'],
    },
  ],
  [
    'a DEFAULT, and a range, that can hold keys of one referenced leaf and keys of none',
    {
      by: ['LIST (a)', 'LIST (a)'],
      partitions: [
        `p_x p ${list(`'x'`)} PARTITION BY RANGE (b)`,
        `p_x_1 p_x ${range('0', '5')}`,
        `p_x_d p_x DEFAULT`,
        `p_d p DEFAULT`,
        `r_x r ${list(`'x'`)} PARTITION BY RANGE (b)`,
        `r_x_1 r_x ${range('1', '4')}`,
        `r_x_2 r_x ${range('5', '7')}`,
        `r_y r ${list(`'y'`)}`,
      ],
      pairs: ['p_d -> r_y', 'p_x_1 -> r_x_1', 'p_x_d -> r_x_2'],
    },
  ],
  [
    'a DEFAULT that can hold keys of no referenced leaf, or of two',
    {
      by: LIST,
      partitions: [
        `p_x p ${list(`'x'`)}`,
        `p_y p ${list(`'y'`)} PARTITION BY RANGE (b)`,
        `p_y_1 p_y ${range('0', '5')}`,
        `p_y_d p_y DEFAULT`,
        `p_d p DEFAULT`,
        `r_x r ${list(`'x'`)}`,
        `r_y r ${list(`'y'`)} PARTITION BY RANGE (b)`,
        `r_y_1 r_y ${range('2', '6')}`,
        `r_y_2 r_y ${range('6', '9')}`,
      ],
      pairs: ['p_x -> r_x', 'p_y_1 -> r_y_1'],
      unpaired: ['p_d', 'p_y_d', 'r_y_2'],
    },
  ],
];

describe('a referencing leaf is paired with the one referenced leaf that can hold keys of it', () => {
  it.each(LAYOUTS)('%s', async (_, layout) => {
    const schema = await make(layout);

    expect(await readNames(core, schema)).toEqual({ pairs: layout.pairs, unpaired: layout.unpaired ?? [] });

    // Every key that has a place on both sides lies where the pairs say, or in a leaf that has none.
    await client.query(`
      DO $$ DECLARE k record; statement text; BEGIN
        FOR k IN SELECT * FROM unnest('{x,y,z,NULL,"x ",yy}'::text[]) a, generate_series(-1, 9, 2) b, generate_series(0, 9, 3) c LOOP
          FOREACH statement IN ARRAY ARRAY['r VALUES ($1, $2, $3)', 'p VALUES ($1, $2, $3, 1)', 'p VALUES ($1, $2, $3, 50)'] LOOP
            BEGIN EXECUTE 'INSERT INTO ' || statement USING k.a, k.b, k.c;
            EXCEPTION WHEN integrity_constraint_violation OR string_data_right_truncation THEN NULL; END;
          END LOOP;
        END LOOP;
      END $$`);
    const { rows } = await client.query<{ pair: string }>(
      `SELECT DISTINCT format('%s -> %s', p.tableoid::regclass, r.tableoid::regclass) AS pair
         FROM p JOIN r ON r.a = p.a AND r.b = p.b AND r.c = p.c ORDER BY 1`,
    );
    const lone = new Set(layout.unpaired ?? []);
    const routed = rows.map(({ pair }) => pair).filter((pair) => !lone.has(pair.split(' ')[0] ?? ''));
    expect(routed).toEqual(layout.pairs);
  });
});

describe('a leaf that can hold no complete key', () => {
  const layout: Layout = {
    by: LIST,
    partitions: [
      `p_x p ${list(`'x'`)}`,
      `p_n p ${list('NULL')} PARTITION BY HASH (b)`,
      `p_n_0 p_n ${hash(1, 0)}`,
      `r_x r ${list(`'x'`)}`,
    ],
    pairs: [],
  };

  it('needs no pair, also with rows in it', async () => {
    const schema = await make(layout);
    await client.query('INSERT INTO p VALUES (NULL, 1, 1)');

    const plan = await planMigration(core, ExecutionInput.parse({ table: `${schema}.p` }));

    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(plan.findings).toContainEqual(expect.objectContaining({ id: 'null-only-partition', severity: 'info' }));
    expect(plan.unpaired).toEqual([
      { partition: `${schema}.p_n_0`, side: 'referencing', rows: 0, decision: expect.stringMatching(/^needs no/) },
    ]);
  });

  it('is refused under MATCH FULL, which nothing would check there', async () => {
    const schema = await make({ ...layout, match: 'MATCH FULL' });

    const plan = await planMigration(core, ExecutionInput.parse({ table: `${schema}.p` }));

    expect(plan.findings).toContainEqual(
      expect.objectContaining({
        id: 'null-only-partition',
        severity: 'error',
        message: expect.stringMatching(/p_n_0.*MATCH FULL/),
      }),
    );
  });
});

describe('a DEFAULT partition for keys with a NULL, without a referenced one', () => {
  const layout: Layout = {
    by: ['RANGE (b)', 'RANGE (b)'],
    partitions: [`p_1 p ${range('0', '5')}`, `p_d p DEFAULT`, `r_1 r ${range('0', '5')}`],
    pairs: [],
  };

  it.each([
    ['is left without a foreign key, with a warning', `('x', NULL, 1)`, 'unpaired-empty-partition', 'warning'],
    ['is refused where a key is complete', `('x', 7, 1)`, 'unpaired-referencing-partition', 'error'],
  ])('%s', async (_, row, id, severity) => {
    const schema = await make(layout);
    await client.query(
      `SET session_replication_role = replica; INSERT INTO p VALUES ${row}; RESET session_replication_role`,
    );

    const plan = await planMigration(core, ExecutionInput.parse({ table: `${schema}.p` }));

    expect(plan.findings).toContainEqual(
      expect.objectContaining({
        id,
        severity,
        message: expect.stringMatching(/no referenced partition can hold its keys/),
      }),
    );
  });
});

it('names who holds the keys of a leaf whose bounds cannot be compared', async () => {
  const schema = await make({
    by: ['RANGE (own)', 'LIST (a)'],
    partitions: [`p_1 p ${range('0', '10')}`, `r_x r ${list(`'x'`)}`, `r_y r ${list(`'y'`)}`],
    pairs: [],
  });

  const { pairs, unpaired } = await readPairs(core, `${schema}.p`);

  expect(pairs).toEqual([]);
  expect(unpaired[0]).toMatchObject({
    partition: `${schema}.p_1`,
    heldBy: [`${schema}.r_x`, `${schema}.r_y`],
    why: `its bounds are not compared with those of 2 referenced partitions, as they differ in strategy, columns, types or moduli: its keys may lie in any of them, ${schema}.r_x, ${schema}.r_y`,
  });
});
