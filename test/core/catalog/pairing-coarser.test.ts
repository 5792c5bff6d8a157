/** A referencing partition whose keys one coarser referenced partition holds is a pair too; PostgreSQL's routing judges. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { databaseWith, everything, foreignKeys } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { makeTables, readNames, readPairs, routedPairs, type TwoTables } from './pairing.helpers.ts';

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

let schemas = 0;
const range = (from: string, to: string) => `FOR VALUES FROM (${from}) TO (${to})`;
const hash = (modulus: number, remainder: number) => `FOR VALUES WITH (MODULUS ${modulus}, REMAINDER ${remainder})`;
const numbers = Array.from({ length: 24 }, (_, n) => String(n));

interface Case extends TwoTables {
  readonly keys: readonly string[];
  readonly pairs: readonly string[];
  readonly unpaired?: readonly string[];
}

const CASES: [what: string, one: Case][] = [
  [
    'months in their years',
    {
      type: 'date',
      by: 'RANGE (k)',
      referencing: [
        range(`'2026-01-01'`, `'2026-02-01'`),
        range(`'2026-02-01'`, `'2026-03-01'`),
        range(`'2027-12-01'`, `'2028-01-01'`),
      ],
      referenced: [range(`'2027-01-01'`, `'2028-01-01'`), range(`'2026-01-01'`, `'2027-01-01'`)],
      keys: [`'2026-01-01'`, `'2026-02-28'`, `'2027-12-31'`],
      pairs: ['p_1 -> r_2', 'p_2 -> r_2', 'p_3 -> r_1'],
    },
  ],
  [
    'beside those with the same bounds',
    {
      type: 'int',
      referencedType: 'bigint',
      by: 'RANGE (k)',
      referencing: [range('MINVALUE', '0'), range('0', '5'), range('5', '10')],
      referenced: [range('0', '10'), range('MINVALUE', '0')],
      keys: ['-7', '0', '4', '5', '9'],
      pairs: ['p_1 -> r_2', 'p_2 -> r_1', 'p_3 -> r_1'],
    },
  ],
  [
    'ranges that have no end, of two columns',
    {
      type: 'int',
      by: 'RANGE (k, id)',
      referencing: [
        range('MINVALUE, MINVALUE', '3, MINVALUE'),
        range('3, MINVALUE', '3, 7'),
        range('3, 7', '9, MAXVALUE'),
      ],
      referenced: [range('3, 7', 'MAXVALUE, MAXVALUE'), range('MINVALUE, MINVALUE', '3, 7')],
      keys: ['-1', '3', '5'],
      pairs: ['p_1 -> r_2', 'p_2 -> r_2', 'p_3 -> r_1'],
    },
  ],
  [
    'lists that are part of one list, numbers compared as numbers',
    {
      type: 'numeric',
      referencing: ['FOR VALUES IN (10)', 'FOR VALUES IN (9, 1.50)', 'FOR VALUES IN (-3)'],
      referenced: ['FOR VALUES IN (1.5, 9, 10.0)', 'FOR VALUES IN (-3.00, 7)'],
      keys: ['10', '9', '1.5', '-3'],
      pairs: ['p_1 -> r_1', 'p_2 -> r_1', 'p_3 -> r_2'],
    },
  ],
  [
    'lists of text with every sign',
    {
      referencing: [
        `FOR VALUES IN ('TO')`,
        `FOR VALUES IN ('a, b', 'it''s (one)')`,
        `FOR VALUES IN (E'back\\\\slash')`,
        `FOR VALUES IN ('DEFAULT')`,
      ],
      referenced: [
        `FOR VALUES IN ('it''s (one)', 'a, b', 'TO')`,
        `FOR VALUES IN (E'back\\\\slash', 'DEFAULT', 'NULL')`,
      ],
      keys: [`'TO'`, `'a, b'`, `'it''s (one)'`, `E'back\\\\slash'`, `'DEFAULT'`],
      pairs: ['p_1 -> r_1', 'p_2 -> r_1', 'p_3 -> r_2', 'p_4 -> r_2'],
    },
  ],
  [
    'what only the DEFAULT partition can hold',
    {
      referencing: [`FOR VALUES IN ('x')`, `FOR VALUES IN ('a')`],
      referenced: [`FOR VALUES IN ('a')`, 'DEFAULT'],
      keys: [`'x'`, `'a'`],
      pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
    },
  ],
  [
    'hash partitions of a multiple of the modulus',
    {
      type: 'int',
      referencedType: 'bigint',
      by: 'HASH (k)',
      referencing: [hash(4, 3), hash(4, 1), hash(4, 0), hash(4, 2)],
      referenced: [hash(2, 0), hash(2, 1)],
      keys: numbers,
      pairs: ['p_1 -> r_2', 'p_2 -> r_2', 'p_3 -> r_1', 'p_4 -> r_1'],
    },
  ],
];

const NO_PAIRS: [what: string, one: Case][] = [
  [
    'whose keys several hold',
    {
      referencing: [`FOR VALUES IN ('a', 'b')`],
      referenced: [`FOR VALUES IN ('a', 'c')`, `FOR VALUES IN ('b')`],
      keys: [`'a'`, `'b'`],
      pairs: ['p_1 -> r_1', 'p_1 -> r_2'],
      unpaired: ['p_1', 'r_1', 'r_2'],
    },
  ],
  [
    'that reach beyond the coarser one into DEFAULT',
    {
      type: 'int',
      by: 'RANGE (k)',
      referencing: [range('0', '10')],
      referenced: [range('0', '5'), 'DEFAULT'],
      keys: ['1', '7'],
      pairs: ['p_1 -> r_1', 'p_1 -> r_2'],
      unpaired: ['p_1', 'r_1', 'r_2'],
    },
  ],
  [
    'that are coarser themselves',
    {
      type: 'int',
      by: 'HASH (k)',
      referencing: [hash(2, 0), hash(2, 1)],
      referenced: [hash(4, 0), hash(4, 1), hash(4, 2), hash(4, 3)],
      keys: numbers,
      pairs: ['p_1 -> r_1', 'p_1 -> r_3', 'p_2 -> r_2', 'p_2 -> r_4'],
      unpaired: ['p_1', 'p_2', 'r_1', 'r_2', 'r_3', 'r_4'],
    },
  ],
];

describe('pairs with a coarser partition', () => {
  it.each(CASES)('%s', async (_, { keys, pairs, unpaired = [], ...tables }) => {
    const schema = `coarser_${++schemas}`;
    await makeTables(client, schema, tables);

    expect(await readNames(core, schema)).toEqual({ pairs, unpaired });
    expect(await routedPairs(client, keys)).toEqual(pairs);
  });

  it.each(NO_PAIRS)('but no partitions %s', async (_, { keys, pairs, unpaired, ...tables }) => {
    const schema = `coarser_${++schemas}`;
    await makeTables(client, schema, tables);

    expect(await readNames(core, schema)).toEqual({ pairs: [], unpaired });
    expect(await routedPairs(client, keys)).toEqual(pairs);
    const lone = (await readPairs(core, `${schema}.p`)).unpaired.find(({ partition }) => partition.endsWith('.p_1'));
    expect(lone?.heldBy).toEqual(
      pairs.filter((pair) => pair.startsWith('p_1 ')).map((pair) => `${schema}.${pair.slice(7)}`),
    );
  });

  it('with hostile names and types of another schema', async () => {
    await client.query(`
      CREATE SCHEMA "Odd; --"; SET search_path = "Odd; --";
      CREATE TYPE "Colour " AS ENUM ('red', 'deep "red"', 'it''s green');
      CREATE TABLE r (k "Colour ", id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
      CREATE TABLE p (k "Colour ", id int) PARTITION BY LIST (k);
      CREATE TABLE "r'1" PARTITION OF r FOR VALUES IN ('red', 'it''s green');
      CREATE TABLE "p'1" PARTITION OF p FOR VALUES IN ('it''s green');
      ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r;`);

    const { pairs } = await readPairs(core, '"Odd; --".p');

    expect(pairs.map((pair) => [pair.referencing, pair.referenced])).toEqual([[`"Odd; --"."p'1"`, `"Odd; --"."r'1"`]]);
  });
});

it('are migrated and rolled back as any other', async () => {
  const { observer } = await databaseWith(`
    CREATE TABLE r (k int, id int, PRIMARY KEY (k, id)) PARTITION BY RANGE (k);
    CREATE TABLE path (k int, id int) PARTITION BY RANGE (k);
    CREATE TABLE r_year PARTITION OF r ${range('0', '12')};
    CREATE TABLE path_may PARTITION OF path ${range('4', '5')};
    CREATE TABLE path_june PARTITION OF path ${range('5', '6')};
    INSERT INTO r SELECT k, 1 FROM generate_series(0, 11) AS k;
    INSERT INTO path VALUES (4, 1), (5, 1), (5, 1);
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, id) REFERENCES r ON DELETE CASCADE;`);
  const before = await everything(observer);
  const execution = new Execution();

  await execution.migrate();

  expect(await foreignKeys(observer)).toEqual(
    ['june', 'may'].map(
      (month) =>
        `path_${month} fk_path_to_r_year FOREIGN KEY (k, id) REFERENCES r_year(k, id) ON DELETE CASCADE valid t`,
    ),
  );
  await observer.query('DELETE FROM r WHERE k = 5');
  await observer.query('INSERT INTO r VALUES (5, 1); INSERT INTO path VALUES (5, 1), (5, 1)');
  await execution.rollBack();
  expect(await everything(observer)).toBe(before);
});
