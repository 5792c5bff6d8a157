/** Which partitions belong together. PostgreSQL's own routing of rows is the judge, never a name. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { makeTables, readNames, routedPairs, type TwoTables } from './pairing.helpers.ts';

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
const newSchema = () => `case_${++schemas}`;

interface Case extends TwoTables {
  readonly what: string;
  /** A key for each pair. */
  readonly keys: readonly string[];
  readonly pairs: readonly string[];
}

const named = <Kind extends { readonly what: string }>(cases: readonly Kind[]) =>
  cases.map((one): [string, Kind] => [one.what, one]);

const LIST: Case[] = [
  {
    what: 'LIST, partitions made in another order than their partners',
    referencing: [`FOR VALUES IN ('a')`, `FOR VALUES IN ('b')`, `FOR VALUES IN ('c')`],
    referenced: [`FOR VALUES IN ('c')`, `FOR VALUES IN ('a')`, `FOR VALUES IN ('b')`],
    keys: [`'a'`, `'b'`, `'c'`],
    pairs: ['p_1 -> r_2', 'p_2 -> r_3', 'p_3 -> r_1'],
  },
  {
    what: 'LIST, values in another order',
    referencing: [`FOR VALUES IN ('a', 'b', 'c')`, `FOR VALUES IN ('d')`],
    referenced: [`FOR VALUES IN ('d')`, `FOR VALUES IN ('c', 'a', 'b')`],
    keys: [`'a'`, `'b'`, `'c'`, `'d'`],
    pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
  },
  {
    what: 'LIST, values with commas, quotes, brackets, backslashes and blanks',
    referencing: [`FOR VALUES IN ('a, b', 'it''s (one)')`, `FOR VALUES IN (E'back\\\\slash', '')`],
    referenced: [`FOR VALUES IN ('', E'back\\\\slash')`, `FOR VALUES IN ('it''s (one)', 'a, b')`],
    keys: [`'a, b'`, `'it''s (one)'`, `E'back\\\\slash'`, `''`],
    pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
  },
  {
    what: 'LIST, text that looks like numbers or key words',
    referencing: [`FOR VALUES IN ('1')`, `FOR VALUES IN ('01')`, `FOR VALUES IN ('NULL')`, `FOR VALUES IN ('DEFAULT')`],
    referenced: [`FOR VALUES IN ('DEFAULT')`, `FOR VALUES IN ('NULL')`, `FOR VALUES IN ('1')`, `FOR VALUES IN ('01')`],
    keys: [`'1'`, `'01'`, `'NULL'`, `'DEFAULT'`],
    pairs: ['p_1 -> r_3', 'p_2 -> r_4', 'p_3 -> r_2', 'p_4 -> r_1'],
  },
  {
    what: 'LIST, integer references bigint',
    type: 'int',
    referencedType: 'bigint',
    referencing: ['FOR VALUES IN (1, -2)', 'FOR VALUES IN (10)'],
    referenced: ['FOR VALUES IN (10)', 'FOR VALUES IN (-2, 1)'],
    keys: ['1', '-2', '10'],
    pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
  },
  {
    what: 'LIST of booleans',
    type: 'boolean',
    referencing: ['FOR VALUES IN (true)', 'FOR VALUES IN (false)'],
    referenced: ['FOR VALUES IN (false)', 'FOR VALUES IN (true)'],
    keys: ['true', 'false'],
    pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
  },
];

const RANGE: Case[] = [
  {
    what: 'RANGE with MINVALUE and MAXVALUE',
    type: 'bigint',
    by: 'RANGE (k)',
    referencing: [
      'FOR VALUES FROM (MINVALUE) TO (0)',
      'FOR VALUES FROM (0) TO (10)',
      'FOR VALUES FROM (10) TO (MAXVALUE)',
    ],
    referenced: [
      'FOR VALUES FROM (10) TO (MAXVALUE)',
      'FOR VALUES FROM (0) TO (10)',
      'FOR VALUES FROM (MINVALUE) TO (0)',
    ],
    keys: ['-1', '0', '9', '10'],
    pairs: ['p_1 -> r_3', 'p_2 -> r_2', 'p_3 -> r_1'],
  },
  {
    what: 'RANGE, integer references bigint',
    type: 'int',
    referencedType: 'bigint',
    by: 'RANGE (k)',
    referencing: ['FOR VALUES FROM (-5) TO (0)', 'FOR VALUES FROM (0) TO (5)'],
    referenced: ['FOR VALUES FROM (0) TO (5)', 'FOR VALUES FROM (-5) TO (0)'],
    keys: ['-1', '1'],
    pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
  },
  {
    what: 'RANGE over two columns',
    type: 'date',
    by: 'RANGE (k, id)',
    referencing: [
      `FOR VALUES FROM ('2026-01-01', MINVALUE) TO ('2026-02-01', 10)`,
      `FOR VALUES FROM ('2026-02-01', 10) TO ('2026-03-01', MINVALUE)`,
    ],
    referenced: [
      `FOR VALUES FROM ('2026-02-01', 10) TO ('2026-03-01', MINVALUE)`,
      `FOR VALUES FROM ('2026-01-01', MINVALUE) TO ('2026-02-01', 10)`,
    ],
    keys: [`'2026-01-15'`, `'2026-02-15'`],
    pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
  },
  {
    what: 'RANGE of times, written in different time zones',
    type: 'timestamptz',
    by: 'RANGE (k)',
    referencing: [`FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00')`],
    referenced: [`FOR VALUES FROM ('2026-01-01 05:30+05:30') TO ('2026-01-31 19:00-05')`],
    keys: [`'2026-01-15 12:00+00'`],
    pairs: ['p_1 -> r_1'],
  },
];

const HASH: Case[] = [
  {
    what: 'HASH, integer references bigint',
    type: 'int',
    referencedType: 'bigint',
    by: 'HASH (k)',
    referencing: [0, 1, 2].map((remainder) => `FOR VALUES WITH (MODULUS 3, REMAINDER ${remainder})`),
    referenced: [2, 0, 1].map((remainder) => `FOR VALUES WITH (MODULUS 3, REMAINDER ${remainder})`),
    keys: Array.from({ length: 20 }, (_, key) => String(key)),
    pairs: ['p_1 -> r_2', 'p_2 -> r_3', 'p_3 -> r_1'],
  },
];

const DEFAULTS: Case[] = [
  {
    what: 'DEFAULT with DEFAULT, where all others have their partners',
    referencing: [`FOR VALUES IN ('a')`, 'DEFAULT'],
    referenced: ['DEFAULT', `FOR VALUES IN ('a')`],
    keys: [`'a'`, `'z'`],
    pairs: ['p_1 -> r_2', 'p_2 -> r_1'],
  },
];

describe('partitions are paired by what rows they hold', () => {
  it.each(named([...LIST, ...RANGE, ...HASH, ...DEFAULTS]))('%s', async (_, { keys, pairs, ...tables }) => {
    const schema = newSchema();
    await makeTables(client, schema, tables);

    const read = await readNames(core, schema);

    expect(read).toEqual({ pairs, unpaired: [] });
    expect(await routedPairs(client, keys)).toEqual(pairs);
  });
});

describe('partitions without a partner', () => {
  const one = `FOR VALUES IN ('a')`;
  const cases: (TwoTables & { what: string; pairs: string[]; unpaired: string[] })[] = [
    {
      what: 'on both sides',
      referencing: [one, `FOR VALUES IN ('b')`],
      referenced: [`FOR VALUES IN ('c')`, one],
      pairs: ['p_1 -> r_2'],
      unpaired: ['p_2', 'r_1'],
    },
    {
      what: 'where one list is only part of the other',
      referencing: [`FOR VALUES IN ('a', 'b')`],
      referenced: [one, `FOR VALUES IN ('b')`],
      pairs: [],
      unpaired: ['p_1', 'r_1', 'r_2'],
    },
    {
      what: 'where two DEFAULTs do not hold the same keys',
      referencing: [one, 'DEFAULT'],
      referenced: [one, `FOR VALUES IN ('b')`, 'DEFAULT'],
      pairs: ['p_1 -> r_1'],
      unpaired: ['p_2', 'r_2', 'r_3'],
    },
    {
      what: 'but a LIST value that is the word DEFAULT is a value like others',
      referencing: [`FOR VALUES IN ('DEFAULT')`],
      referenced: [`FOR VALUES IN ('DEFAULT')`, one],
      pairs: ['p_1 -> r_1'],
      unpaired: ['r_2'],
    },
    {
      what: 'where ranges overlap without being the same',
      type: 'int',
      by: 'RANGE (k)',
      referencing: ['FOR VALUES FROM (0) TO (10)'],
      referenced: ['FOR VALUES FROM (1) TO (9)', 'FOR VALUES FROM (9) TO (11)'],
      pairs: [],
      unpaired: ['p_1', 'r_1', 'r_2'],
    },
    {
      what: 'but real and double precision by the numbers, not by how bounds are written',
      type: 'float4',
      referencedType: 'float8',
      referencing: ['FOR VALUES IN (0.1)', 'FOR VALUES IN (0.5)', 'FOR VALUES IN (0.7)'],
      referenced: ['FOR VALUES IN (0.1)', `FOR VALUES IN ('0.10000000149011612')`, 'FOR VALUES IN (0.5)'],
      pairs: ['p_1 -> r_2', 'p_2 -> r_3'],
      unpaired: ['p_3', 'r_1'],
    },
    {
      what: 'where the moduli differ',
      type: 'int',
      by: 'HASH (k)',
      referencing: ['FOR VALUES WITH (MODULUS 2, REMAINDER 0)', 'FOR VALUES WITH (MODULUS 2, REMAINDER 1)'],
      referenced: [0, 1, 2, 3].map((n) => `FOR VALUES WITH (MODULUS 4, REMAINDER ${n})`),
      pairs: [],
      unpaired: ['p_1', 'p_2', 'r_1', 'r_2', 'r_3', 'r_4'],
    },
  ];

  it.each(named(cases))('%s', async (_, { pairs, unpaired, ...tables }) => {
    const schema = newSchema();
    await makeTables(client, schema, tables);

    expect(await readNames(core, schema)).toEqual({ pairs, unpaired });
  });
});
