/**
 * Objects of another role that depend on the ledger. USAGE on the schema is enough to make them: CREATE VIEW asks for no right on what the
 * view reads, and a column may have the row type of any table. They stop no upgrade, so no step and no rollback that needs one.
 */
import { readFileSync } from 'node:fs';
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { ensureLedger, newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { refuseDrift } from '../../../core/ledger/schema/state.ts';
import { describeWithPsql, psql } from '../../psql/psql.helpers.ts';
import { coreSession, databaseWith, oneRow, type TestCase } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { TO_VERSION_5 } from './restore.helpers.ts';

const edition = (name: string) => readFileSync(new URL(`edition-${name}.sql`, import.meta.url), 'utf8');

const EDITIONS = [
  ['of 23 November 2026', edition('2026-11-23')],
  ['of 25 November 2026', edition('2026-11-25')],
  ['of 26 November 2026', edition('2026-11-26') + edition('2026-11-26-views')],
  ['of version 2', edition('version-2')],
  ['of version 3', edition('version-3')],
  ['of version 4', edition('version-4')],
  ['of version 5', edition('version-5')],
] as const;

/** A role with USAGE on the ledger's schema and no other right, its session, and what it has made there. */
async function withDependents(
  testCase: TestCase,
  more: readonly string[] = [],
): Promise<{ role: string; other: Client }> {
  const { db, observer } = testCase;
  const { role } = await plainRole(testCase);
  await observer.query(`GRANT USAGE ON SCHEMA p2pfk TO ${role}`);
  const other = await db.client();
  await other.query(`SET ROLE ${role}`);
  const { rows } = await observer.query<{ statements: string[] }>(`
    SELECT array_agg(s.text) AS statements
      FROM (SELECT format('CREATE TEMP VIEW of_%1$I AS SELECT * FROM p2pfk.%1$I', c.relname) AS text
              FROM pg_class c WHERE c.relnamespace = 'p2pfk'::regnamespace AND c.relkind IN ('r', 'v')
            UNION ALL
            SELECT format('CREATE TEMP TABLE typed_%1$I (one p2pfk.%1$I, many p2pfk.%1$I[])', c.relname)
              FROM pg_class c WHERE c.relnamespace = 'p2pfk'::regnamespace AND c.relkind = 'r'
            UNION ALL
            SELECT format('CREATE TEMP VIEW call_%s AS SELECT p2pfk.%I(%s) IS NULL AS result', f.oid, f.proname,
                          (SELECT string_agg('NULL::' || format_type(a.type, NULL), ', ') FROM unnest(f.proargtypes::oid[]) a(type)))
              FROM pg_proc f WHERE f.pronamespace = 'p2pfk'::regnamespace AND f.prorettype <> 'trigger'::regtype) s`);
  for (const sql of [...(rows[0]?.statements ?? []), ...more]) await other.query(sql);
  return { role, other };
}

describe('a ledger with dependent objects', () => {
  it.each(EDITIONS)('%s becomes the newest', async (_, sql) => {
    const testCase = await databaseWith('SELECT');
    const { db, observer } = testCase;
    await observer.query(sql);
    await withDependents(testCase);
    const core = await coreSession(db.url);

    await ensureLedger(core);

    await refuseDrift(core);
    expect(await oneRow(observer, 'SELECT max(version) AS version FROM p2pfk.ledger_version')).toEqual({ version: 6 });
  });
});

/** As a release would leave them whose views had other columns. */
const OLDER_VIEWS = `
  DROP VIEW p2pfk.foreign_key_architecture, p2pfk.delete_activity;
  CREATE VIEW p2pfk.foreign_key_architecture AS SELECT 1 AS first, 'an older one' AS second;
  CREATE VIEW p2pfk.delete_activity AS SELECT 1 AS first;
  COMMENT ON VIEW p2pfk.delete_activity IS 'View of p2pfk, edition 1. '`;

const columns = (observer: Client) =>
  oneRow(
    observer,
    `SELECT count(*)::int AS columns FROM pg_attribute WHERE attrelid = 'p2pfk.foreign_key_architecture'::regclass AND attnum > 0`,
  );

describe('views of the ledger on which an object of another role depends', () => {
  it('stay as they are where their columns change, with a line that names it, until it is gone', async () => {
    const testCase = await databaseWith('SELECT');
    const { db, observer } = testCase;
    await observer.query(`${newLedger()}; ${OLDER_VIEWS}`);
    const { role, other } = await withDependents(testCase);
    const core = await coreSession(db.url);

    const kept = await ensureLedger(core);

    expect(kept).toMatch(
      new RegExp(
        `^the views of the ledger, schema p2pfk, stay as an older p2pfk has made them: view pg_temp_\\d+\\.of_delete_activity, which belongs to ${role}, depends on them: DROP VIEW pg_temp_\\d+\\.of_delete_activity, `,
      ),
    );
    expect(await columns(observer)).toEqual({ columns: 2 });
    expect(await oneRow(observer, `SELECT error FROM p2pfk.event WHERE step = 'Ledger' AND error IS NOT NULL`)).toEqual(
      {
        error: kept,
      },
    );
    await refuseDrift(core);

    await other.query('DROP VIEW of_delete_activity, of_foreign_key_architecture');
    expect(await ensureLedger(core)).toBe('');
    expect(await columns(observer)).toEqual({ columns: 12 });
    expect(await ensureLedger(core)).toBe('');
  });

  it('are made anew where their columns stay', async () => {
    const testCase = await databaseWith('SELECT');
    const { db, observer } = testCase;
    await observer.query(`${newLedger()}; COMMENT ON VIEW p2pfk.delete_activity IS 'View of p2pfk, edition 1. '`);
    await withDependents(testCase);

    expect(await ensureLedger(await coreSession(db.url))).toBe('');

    expect(
      await oneRow(observer, `SELECT obj_description('p2pfk.delete_activity'::regclass) ~ 'edition 4' AS newest`),
    ).toEqual({ newest: true });
  });
});

it('a rollback that has to upgrade the ledger, and finds such objects, ends as one without them', async () => {
  const testCase = await migratedTo('AddForeignKeys');
  const { observer, execution } = testCase;
  await observer.query(`${TO_VERSION_5} ${OLDER_VIEWS}`);
  await withDependents(testCase);

  expect(await execution.rollBack()).toMatchObject({ status: 'ROLLED_BACK' });
  expect(await oneRow(observer, 'SELECT max(version) AS version FROM p2pfk.ledger_version')).toEqual({ version: 6 });
  expect(await new Execution().plan({ dryRun: true })).toMatchObject({ status: 'DRY_RUN' });
});

describeWithPsql('the psql scripts', () => {
  it('say that the views stay, and go on', async () => {
    const testCase = await databaseWith();
    const { db, observer } = testCase;
    await observer.query(`${newLedger()}; ${OLDER_VIEWS}`);
    const { role } = await withDependents(testCase);

    const { code, lines } = await psql(db.url, 'step1');

    expect(code).toBe(0);
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^the views of the ledger, .* which belongs to ${role}, depends on them`)),
    );
    expect(await columns(observer)).toEqual({ columns: 2 });
  });
});
