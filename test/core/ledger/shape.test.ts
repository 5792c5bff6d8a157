/** The ledger's versions: each older one becomes the newest, and the newest is what the code expects. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { ensureLedger, newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { runOne } from '../../../core/postgres/sql.ts';
import { createDatabase } from '../../support/database.ts';

const edition = (name: string) => readFileSync(new URL(`edition-${name}.sql`, import.meta.url), 'utf8');

/** Every shape that was ever released or used, oldest first. */
const EDITIONS: readonly (readonly [string, () => string])[] = [
  ['of 23 November 2026, the first one', () => edition('2026-11-23')],
  ['of 25 November 2026', () => edition('2026-11-25')],
  [
    'of 26 November 2026, the last one without numbered versions',
    () => edition('2026-11-26') + edition('2026-11-26-views'),
  ],
  ['of version 2', () => edition('version-2')],
  ['of version 3', () => edition('version-3')],
  ['of version 4', () => edition('version-4')],
  ['of version 5', () => edition('version-5')],
  ['with nothing but an empty schema', () => 'CREATE SCHEMA p2pfk'],
];

async function database(sql: string): Promise<{ observer: Client; core: Client }> {
  const db = await createDatabase('empty');
  const observer = await db.client();
  await observer.query(sql);
  const core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
  onTestFinished(async () => {
    await core.end();
    await db.drop();
  });
  return { observer, core };
}

async function shapeOf(core: Client): Promise<Record<string, string>> {
  return (await runOne(core, 'ledger/shape')).shape;
}

const byName = ([one]: [string, string], [other]: [string, string]) => (one < other ? -1 : 1);

/** All that is in the schema, comments included. */
async function catalogOf(observer: Client): Promise<unknown[]> {
  const { rows } = await observer.query(`
    SELECT i.type, i.identity, d.description
      FROM pg_depend x
     CROSS JOIN LATERAL pg_identify_object(x.classid, x.objid, 0) i
      LEFT JOIN pg_description d ON d.classoid = x.classid AND d.objoid = x.objid
     WHERE x.refclassid = 'pg_namespace'::regclass AND x.refobjid = 'p2pfk'::regnamespace
     ORDER BY 1, 2, 3`);
  return rows;
}

it('a new ledger has the shape that the code expects', async () => {
  const { core } = await database(newLedger());

  // After a change of the ledger: a new file in sql/ledger/versions/, then run this file with --update.
  await expect(`-- The shape of the newest version (shape.sql), written by vitest --update: test/core/ledger/shape.test.ts.
-- not null: expected_shape
-- types: expected_shape LedgerShape
:begin
SELECT $shape$${JSON.stringify(Object.fromEntries(Object.entries(await shapeOf(core)).sort(byName)), null, 1)}$shape$::pg_catalog.jsonb AS expected_shape
:end
`).toMatchFileSnapshot('../../../sql/ledger/expected-shape.sql');
  expect((await core.query('SELECT version FROM p2pfk.ledger_version ORDER BY 1')).rows).toEqual([
    { version: 1 },
    { version: 2 },
    { version: 3 },
    { version: 4 },
    { version: 5 },
    { version: 6 },
  ]);
});

describe('a ledger', () => {
  it.each(EDITIONS)('%s becomes the newest, and is as a new one then', async (_, sql) => {
    const fresh = await database(newLedger());
    const { observer, core } = await database(sql());

    await ensureLedger(core);

    expect(await shapeOf(core)).toEqual(await shapeOf(fresh.core));
    expect(await catalogOf(observer)).toEqual(await catalogOf(fresh.observer));
  });

  it('that is upgraded stays readable for those who could read its migrations', async () => {
    const { observer, core } = await database(edition('version-2'));
    const role = `reader_${randomBytes(4).toString('hex')}`;
    await observer.query(`CREATE ROLE "${role}"; GRANT SELECT ON p2pfk.migration TO "${role}"`);
    onTestFinished(async () => {
      await observer.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
    });

    await ensureLedger(core);

    const { rows } = await observer.query(
      `SELECT has_table_privilege($1, 'p2pfk.identity', 'SELECT') AS identity, has_table_privilege($1, 'p2pfk.event', 'SELECT') AS event`,
      [role],
    );
    expect(rows).toEqual([{ identity: true, event: false }]);
  });
});
