/** Which index serves the lookup of a foreign key: the rule of docs/findings.md, one table for each line of it. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { readPairing } from '../../../core/catalog/pairs.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { readSql } from '../../../core/postgres/sql-files.ts';
import { findingsCase } from '../checks/findings.helpers.ts';

const db = findingsCase();

interface Shape {
  readonly bound?: string;
  readonly strategy?: string;
  /** Type of the referenced id, and of the column that references it. */
  readonly id?: string;
  readonly ref?: string;
}

let tables = 0;

/** One pair of partitions of r (t, ref, x) and k (t, id), with `index` on the referencing one. */
async function indexOf(client: Client, index: string, shape: Shape = {}) {
  const schema = `i_${++tables}`;
  const { bound = 'IN (100)', strategy = 'LIST', id = 'int', ref = id } = shape;
  await client.query(`
    CREATE SCHEMA ${schema}; SET search_path = ${schema}, public;
    CREATE TABLE k (t int, id ${id}, PRIMARY KEY (id, t)) PARTITION BY ${strategy} (t);
    CREATE TABLE k_1 PARTITION OF k FOR VALUES ${bound};
    CREATE TABLE r (x int, t int, ref ${ref}, CONSTRAINT r_fk FOREIGN KEY (t, ref) REFERENCES k (t, id)) PARTITION BY ${strategy} (t);
    CREATE TABLE r_1 PARTITION OF r FOR VALUES ${bound};
    CREATE ${index};
    RESET search_path`);
  const core = await connect({ databaseUrl: db.db.url, applicationName: 'p2pfk/-/test' });
  try {
    const foreignKey = await resolveForeignKey(core, { table: `${schema}.r` }, 'migrate');
    const [pair] = (await readPairing(core, foreignKey)).pairs;
    return { serves: pair?.has_index, columns: pair?.index_columns };
  } finally {
    await core.end();
  }
}

const anyName = { id: 'text' };

describe('an index serves', () => {
  it.each<[string, string, Shape?]>([
    ['on all columns, in any order', 'INDEX ON r_1 (ref, t, x)'],
    ['without the column that a LIST bound makes constant', 'INDEX ON r_1 (ref)'],
    [
      'without the column that a RANGE of one integer makes constant',
      'INDEX ON r_1 (ref)',
      { strategy: 'RANGE', bound: 'FROM (100) TO (101)' },
    ],
    ['where only NULLs are left out', 'INDEX ON r_1 (ref) WHERE ref IS NOT NULL AND t IS NOT NULL'],
    ['of another operator class of the same family', 'INDEX ON r_1 (ref text_pattern_ops)', anyName],
    ['as a hash index', 'INDEX ON r_1 USING hash (ref)'],
    ['where it is unique on some of the columns', 'UNIQUE INDEX ON r_1 (ref)', { bound: 'IN (100, 101)' }],
    ['on the expression that the lookup casts to', 'INDEX ON r_1 ((ref::numeric))', { id: 'numeric', ref: 'int' }],
  ])('%s', async (_, index, shape) => {
    expect(await indexOf(db.client, index, shape)).toMatchObject({ serves: true });
  });
});

describe('an index does not serve', () => {
  it.each<[string, string, Shape?]>([
    ['of another collation', 'INDEX ON r_1 (ref COLLATE "C")', anyName],
    ['where another column leads, skip scan or not', 'INDEX ON r_1 (x, ref, t)'],
    ['on a constant column alone', 'INDEX ON r_1 (t)'],
    ['on the other column where the bound has two values', 'INDEX ON r_1 (ref)', { bound: 'IN (100, 101)' }],
    ['where a column is only included', 'INDEX ON r_1 (t) INCLUDE (ref)'],
    ['with another predicate', 'INDEX ON r_1 (ref) WHERE x IS NOT NULL'],
    [
      'with a predicate by which a NULL may be missing',
      'INDEX ON r_1 (ref) WHERE ref IS NOT NULL AND NOT (t IS NOT NULL)',
    ],
    ['on an expression', 'INDEX ON r_1 ((ref + 0))'],
    ['as a BRIN index', 'INDEX ON r_1 USING brin (ref)'],
  ])('%s', async (_, index, shape) => {
    expect(await indexOf(db.client, index, shape)).toMatchObject({ serves: false, columns: 't, ref' });
  });

  it('on a column that the lookup casts: the one to be built is on the cast', async () => {
    expect(await indexOf(db.client, 'INDEX ON r_1 (ref)', { id: 'numeric', ref: 'int' })).toEqual({
      serves: false,
      columns: 't, ((ref)::pg_catalog."numeric")',
    });
  });
});

it('is the same rule in the view of the ledger', () => {
  const ruleOf = (name: string) =>
    /-- An index serves if[\s\S]*?-- End of the index rule\./
      .exec(readSql(name))?.[0]
      .replaceAll(/^ +/gm, '')
      // The view is created under the caller's search_path, and so qualifies what the query need not.
      .replaceAll(/OPERATOR\(pg_catalog\.(.+?)\)/g, '$1')
      .replaceAll('pg_catalog.', '');
  expect(ruleOf('ledger/views')).toBe(ruleOf('catalog/pair-indexes'));
  expect(ruleOf('ledger/views')).toMatch(/pg_amop/);
});
