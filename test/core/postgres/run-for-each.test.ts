/** One query for many subjects answers as many queries for one would. */
import { expect, it } from 'vitest';
import { parentForeignKeys } from '../../../core/catalog/foreign-key.ts';
import { readPairings } from '../../../core/catalog/many-pairings.ts';
import { readPairing } from '../../../core/catalog/pairs.ts';
import { runAllForEach, runForEach } from '../../../core/postgres/run-for-each.ts';
import { run } from '../../../core/postgres/sql.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';
import { pairForeignKey, parentForeignKey, twoTables } from '../scan/scan.helpers.ts';

const TABLES = `
  ${twoTables('a')} ${parentForeignKey('a')} ${pairForeignKey('a', 1)} CREATE INDEX ON a_1 (p, id);
  ${twoTables('b')} ${parentForeignKey('b')} CREATE RULE quiet AS ON DELETE TO b_1 DO INSTEAD NOTHING;
  CREATE TABLE years (d date, id bigint, PRIMARY KEY (d, id)) PARTITION BY RANGE (d);
  CREATE TABLE months (d date, id bigint, FOREIGN KEY (d, id) REFERENCES years) PARTITION BY RANGE (d);
  CREATE TABLE years_2026 PARTITION OF years FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE months_01 PARTITION OF months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
  CREATE TABLE months_x PARTITION OF months DEFAULT;`;

async function foreignKeysOf(url: string) {
  const client = await coreSession(url);
  const found = [];
  for (const table of ['a', 'b', 'months']) {
    const { oid } = await oneRow<{ oid: number }>(client, 'SELECT to_regclass($1)::oid AS oid', [`public.${table}`]);
    found.push(...(await parentForeignKeys(client, oid)));
  }
  return { client, foreignKeys: found };
}

it('has the same rows for each subject, in their order', async () => {
  const { db } = await databaseWith(TABLES);
  const { client, foreignKeys } = await foreignKeysOf(db.url);
  const hazards = foreignKeys.map((foreignKey) => ({
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid),
    pairs: [],
    actions: foreignKey.actions,
  }));
  const [pairs, rules] = [await runForEach(client, 'catalog/pairs', foreignKeys), []];
  expect(pairs).toHaveLength(3);
  for (const [index, foreignKey] of foreignKeys.entries())
    expect(pairs[index]).toEqual(await run(client, 'catalog/pairs', { ...foreignKey }));
  const both = await runAllForEach(client, ['checks/hazards', 'findings/disabled-trigger'], hazards);
  for (const [index, subject] of hazards.entries())
    expect(both['checks/hazards'][index]).toEqual(await run(client, 'checks/hazards', subject));
  expect(both['findings/disabled-trigger']).toEqual([[], [], rules]);
  expect(await runForEach(client, 'catalog/pairs', [])).toEqual([]);
});

it('reads the pairs of many foreign keys as those of one', async () => {
  const { db } = await databaseWith(TABLES);
  const { client, foreignKeys } = await foreignKeysOf(db.url);
  const asked = foreignKeys.map((foreignKey) => ({ foreignKey, mayHavePairForeignKeys: true }));

  const many = await readPairings(client, asked, (open) => Promise.resolve(new Set(open)));
  const guarded = await readPairings(client, asked, () => Promise.resolve(new Set()));

  for (const [index, foreignKey] of foreignKeys.entries()) {
    const { pairs, unpaired } = await readPairing(client, foreignKey);
    expect(many[index]?.unpaired).toEqual(unpaired);
    expect(many[index]?.complete).toBe(true);
    const facts = (list: typeof pairs) =>
      list.map(({ index_name: _name, index_columns: _columns, index_leftover: _left, ...pair }) => pair);
    expect(facts(many[index]?.pairs ?? [])).toEqual(facts(pairs));
  }
  expect(guarded.map(({ complete, pairs }) => [complete, pairs.length])).toEqual([
    [true, 2],
    [true, 2],
    [false, 0],
  ]);
});
