/** How a scan grows with the number of foreign keys: not in queries, and no faster than they do in what it reads. */
import { Client } from 'pg';
import { expect, it } from 'vitest';
import { connectReadOnly } from '../../../core/ledger/connect.ts';
import { readLink } from '../../../core/ledger/schema/state.ts';
import { scan } from '../../../core/scan/scan.ts';
import { countRowsRead } from '../../support/rows-read.ts';
import { databaseWith } from '../case.helpers.ts';
import { migratedTo } from '../execution.helpers.ts';
import { pairForeignKey, parentForeignKey, twoTables } from './scan.helpers.ts';

const MOST_QUERIES = 20;

/** What every command sends first is not counted: the settings of its session, and whether the ledger is this database's. */
async function counted(url: string) {
  const client = await connectReadOnly({ databaseUrl: url, applicationName: 'p2pfk scan' });
  await readLink(client);
  const { query } = Client.prototype;
  const texts: string[] = [];
  Object.assign(client, {
    query(this: Client, ...parameters: unknown[]) {
      texts.push(String(parameters[0]));
      return (query as (...all: unknown[]) => unknown).apply(this, parameters);
    },
  });
  try {
    return { reading: await scan(client, { schemas: null, statementTimeoutMs: 600_000 }), queries: texts.length };
  } finally {
    await client.end();
  }
}

const EVERYTHING = (count: number): string =>
  Array.from({ length: count }, (_, index) => {
    const name = `t${index}`;
    const tables = twoTables(name);
    switch (index % 3) {
      case 0:
        return `${tables} ${parentForeignKey(name)}`;
      case 1:
        return `${tables} ${pairForeignKey(name, 1)} ${pairForeignKey(name, 2)}`;
      default:
        return `${tables} ${parentForeignKey(name)} ${pairForeignKey(name, 1)}`;
    }
  }).join('\n');

const UNLIKE = `
  CREATE TABLE years (d date, id bigint, PRIMARY KEY (d, id)) PARTITION BY RANGE (d);
  CREATE TABLE months (d date, id bigint, FOREIGN KEY (d, id) REFERENCES years) PARTITION BY RANGE (d);
  CREATE TABLE years_2026 PARTITION OF years FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE months_01 PARTITION OF months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');`;

it('asks as many queries about 60 foreign keys as about three', async () => {
  const few = await databaseWith(`${EVERYTHING(3)} ${UNLIKE}`);
  const many = await databaseWith(`${EVERYTHING(60)} ${UNLIKE}`);

  const [one, other] = [await counted(few.db.url), await counted(many.db.url)];

  expect(one.queries).toBeLessThanOrEqual(MOST_QUERIES);
  expect(other.queries).toBe(one.queries);
  expect(one.reading.summary).toMatchObject({ convertible: 2, converted: 1, 'half-done': 1 });
  expect(other.reading.summary).toMatchObject({ convertible: 21, converted: 20, 'half-done': 20 });
});

it('asks no more than that where there is a ledger, too', async () => {
  const { db, observer } = await migratedTo('DropParentForeignKey');
  await observer.query(`${EVERYTHING(3)} ${UNLIKE}`);

  const { queries, reading } = await counted(db.url);

  expect(reading.foreignKeys).toHaveLength(5);
  expect(queries).toBeLessThanOrEqual(MOST_QUERIES);
});

/** Five pairs each; every other table has an index for the lookups of its foreign key. */
const MANY = (count: number): string =>
  Array.from({ length: count }, (_, index) => {
    const name = `t${index}`;
    const partitions = ['', '_ref'].flatMap((side) =>
      [3, 4, 5].map(
        (value) => `CREATE TABLE ${name}${side}_${value} PARTITION OF ${name}${side} FOR VALUES IN (${value});`,
      ),
    );
    return `${twoTables(name)} ${index % 2 === 0 ? `CREATE INDEX ON ${name} (p, id);` : ''} ${partitions.join('\n')} ${parentForeignKey(name)}`;
  }).join('\n');

/** Rows that a scan of `count` foreign keys reads, those of PostgreSQL's own catalog entries included. */
async function rowsReadOf(count: number): Promise<{ rows: number; largest: string }> {
  // Without statistics, as after a restore: the planner takes every table to be small.
  const { db } = await databaseWith(MANY(count));
  const client = await connectReadOnly({ databaseUrl: db.url, applicationName: 'p2pfk scan' });
  try {
    const read = await countRowsRead(client);
    const { summary } = await scan(client, { schemas: null, statementTimeoutMs: 600_000 });
    expect(summary).toMatchObject({ convertible: count });
    const largest = read.reduce((one, other) => (other.rows > one.rows ? other : one));
    return { rows: read.reduce((sum, { rows }) => sum + rows, 0), largest: `${largest.node} of ${largest.query}` };
  } finally {
    await client.end();
  }
}

it('reads at most about four times as much for four times as many foreign keys', async () => {
  const [few, many] = [await rowsReadOf(20), await rowsReadOf(80)];

  // With the square it would be sixteen times as much.
  expect(many.rows / few.rows, many.largest).toBeLessThan(5);
});
