/** Rows of the ledger that another role has written: a member of pg_write_all_data needs no grant for that, and no ACL shows it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PATTERNS, requireForeignKeyTexts } from '../../../core/ledger-text.ts';
import { describeWithPsql, psql } from '../../psql/psql.helpers.ts';
import { everything, oneRow } from '../case.helpers.ts';
import { Execution, migratedTo } from '../execution.helpers.ts';

/** A migrated case, and a role that may write to all tables, and owns nothing. */
async function writable() {
  const testCase = await migratedTo('VerifyMigration');
  const { observer, db } = testCase;
  const writer = `writer_${randomBytes(4).toString('hex')}`;
  await observer.query(
    `CREATE ROLE ${writer} LOGIN PASSWORD 'plain'; GRANT pg_write_all_data, pg_read_all_data TO ${writer}`,
  );
  onTestFinished(async () => {
    await observer.query(`DROP OWNED BY ${writer} CASCADE; DROP ROLE ${writer}`);
  });
  const as = async (sql: string) => {
    await observer.query(`SET ROLE ${writer}`);
    try {
      await observer.query(sql);
    } finally {
      await observer.query('RESET ROLE');
    }
  };
  const rights = () => oneRow(observer, `SELECT rolsuper FROM pg_roles WHERE rolname = '${writer}'`);
  return { ...testCase, db, writer, as, rights };
}

const PLANTED: readonly (readonly [string, (writer: string) => string])[] = [
  [
    'definition',
    (writer) =>
      `definition = definition || '; ALTER ROLE ${writer} SUPERUSER; ALTER TABLE public.path_1 ADD CHECK (true)'`,
  ],
  ['definition', () => `definition = definition || ', ADD COLUMN x int DEFAULT pg_backend_pid()'`],
  ['columns', (writer) => `columns = columns || '); ALTER ROLE ${writer} SUPERUSER; --'`],
  [
    'referenced_columns',
    (writer) => `referenced_columns = referenced_columns || '); ALTER ROLE ${writer} SUPERUSER; --'`,
  ],
  ['actions', (writer) => `actions = actions || '; ALTER ROLE ${writer} SUPERUSER'`],
];

describe('a text that is no foreign key is not run:', () => {
  it.each(PLANTED)('in %s', async (column, change) => {
    const { observer, writer, as, rights } = await writable();
    await as(`UPDATE p2pfk.migration SET ${change(writer)}`);
    const before = await everything(observer);

    await expect(new Execution().plan({ operation: 'rollback' })).rejects.toMatchObject({
      name: 'LedgerNotTrusted',
      exitCode: 4,
      message: expect.stringMatching(
        new RegExp(`^refused, nothing was changed: ${column} of migration 1 in the ledger`),
      ),
    });

    expect(await everything(observer)).toBe(before);
    expect(await rights()).toEqual({ rolsuper: false });
  });
});

describeWithPsql('the psql scripts', () => {
  it.each(PLANTED.slice(0, 2))('do not run it either: in %s', async (_, change) => {
    const { observer, db, writer, as, rights } = await writable();
    await as(`UPDATE p2pfk.migration SET ${change(writer)}`);
    const before = await everything(observer);

    expect(await psql(db.url, 'rollback')).toMatchObject({
      code: 3,
      errors: [expect.stringMatching(/refused, nothing was changed: the definition of this foreign key in the ledger/)],
    });

    expect(await everything(observer)).toBe(before);
    expect(await rights()).toEqual({ rolsuper: false });
  });

  it('have the same patterns', () => {
    const file = readFileSync(new URL('../../../sql/psql/migration/find-foreign-key.sql', import.meta.url), 'utf8');
    for (const pattern of Object.values(PATTERNS)) expect(file).toContain(`$re$${pattern}$re$`);
  });
});

it('such a role does not count as an owner that lives', async () => {
  const { observer, writer } = await writable();
  expect(
    await oneRow(observer, `SELECT p2pfk.is_trusted_login(oid) AS trusted FROM pg_roles WHERE rolname = '${writer}'`),
  ).toEqual({ trusted: false });
});

it.each([
  'FOREIGN KEY (a) REFERENCES public.t(b)',
  'FOREIGN KEY (a, "b c", "d""e") REFERENCES "S x"."T""y"(a, "Ünï", c) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL (a, "b c") DEFERRABLE INITIALLY DEFERRED NOT ENFORCED',
  'FOREIGN KEY ("a\n); DROP TABLE x; --") REFERENCES t("b")',
])('what PostgreSQL prints is taken: %s', (definition) => {
  const migration = {
    id: '1',
    definition,
    columns: 'a, "b c"',
    referenced_columns: '"Ünï"',
    actions: ' ON DELETE CASCADE',
  };
  expect(requireForeignKeyTexts(migration)).toBe(migration);
});

it('the time of an approval is the database’s, not the one that was written', async () => {
  const { observer, execution } = await migratedTo('Plan');
  await observer.query(`UPDATE p2pfk.migration SET approved_at = 'infinity' WHERE id = $1`, [execution.migrationId]);
  expect(
    await oneRow(
      observer,
      `SELECT approved_at BETWEEN now() - interval '1 hour' AND now() AS now, approved_login FROM p2pfk.migration`,
    ),
  ).toEqual({ now: true, approved_login: 'postgres' });
});
