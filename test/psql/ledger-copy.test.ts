/** The tables of the ledger on a subscriber: rows of the publisher go in as they are, and p2pfk does not take them for its own. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { databaseWith, everything, oneRow } from '../core/case.helpers.ts';
import { Execution } from '../core/execution.helpers.ts';
import { plainRole } from '../core/roles.helpers.ts';
import { describeWithPsql, psqlFile } from './psql.helpers.ts';

describeWithPsql('sql/ledger-copy.sql', () => {
  it('makes tables that take an approval and its login as the publisher has them, and are no ledger', async () => {
    const { db, observer } = await databaseWith();
    const file = fileURLToPath(new URL('../../sql/ledger-copy.sql', import.meta.url));
    expect(await psqlFile(db.url, file)).toMatchObject({ code: 0, errors: [] });

    // As the worker of a subscription does: only triggers that fire ALWAYS or for a REPLICA do so.
    await observer.query(`SET session_replication_role = replica;
      INSERT INTO p2pfk.ledger_version (version) VALUES (1), (2), (3), (4);
      INSERT INTO p2pfk.migration (table_oid, referenced_oid, table_name, referenced_name, constraint_name, definition, columns,
                                   referenced_columns, actions, column_names, referenced_column_names, execution, state, options)
      VALUES (1, 2, 'a', 'b', 'c', 'd', 'e', 'f', 'g', '[]', '[]', 'h', 'running', '{}');
      UPDATE p2pfk.migration SET approved_at = '2020-02-02 00:00Z', approved_by = 'Ann', approved_login = 'ann_login';
      RESET session_replication_role`);

    expect(
      await oneRow(observer, 'SELECT extract(year FROM approved_at)::int AS year, approved_login FROM p2pfk.migration'),
    ).toEqual({ year: 2020, approved_login: 'ann_login' });
    await expect(new Execution().plan()).rejects.toThrow(/is a copy of the ledger/);
  });

  it('refuses a schema that another role has made, also where it says that it is a copy', async () => {
    const testCase = await databaseWith();
    const { db, observer } = testCase;
    const file = fileURLToPath(new URL('../../sql/ledger-copy.sql', import.meta.url));
    await psqlFile(db.url, file);
    const { role } = await plainRole(testCase);
    await observer.query(`ALTER SCHEMA p2pfk OWNER TO ${role}`);
    const { rows } = await observer.query<{ name: string }>(
      `SELECT format('%s', oid::regclass) AS name FROM pg_class WHERE relnamespace = 'p2pfk'::regnamespace AND relkind = 'r'`,
    );
    for (const { name } of rows) await observer.query(`ALTER TABLE ${name} OWNER TO ${role}`);
    const before = await everything(observer);

    const refused = await psqlFile(db.url, file);

    expect(refused).toMatchObject({ code: 3, lines: [], errors: [expect.stringContaining(role)] });
    expect(await everything(observer)).toBe(before);
  });

  it('refuses a ledger with an exit code that ends a line of commands', async () => {
    const { db } = await databaseWith();
    await new Execution().plan();
    const file = fileURLToPath(new URL('../../sql/ledger-copy.sql', import.meta.url));
    expect(await psqlFile(db.url, file)).toMatchObject({
      code: 3,
      errors: [expect.stringContaining('has a ledger of its own')],
    });
  });

  it('run again adds the columns that the copy of an older ledger lacks', async () => {
    const { db, observer } = await databaseWith();
    const file = fileURLToPath(new URL('../../sql/ledger-copy.sql', import.meta.url));
    await psqlFile(db.url, file);
    const columns = () =>
      oneRow(
        observer,
        `SELECT jsonb_agg(jsonb_build_array(attname, atttypid::regtype::text) ORDER BY attname) AS all
           FROM pg_attribute WHERE attrelid = 'p2pfk.migration'::regclass AND attnum > 0 AND NOT attisdropped`,
      );
    const whole = await columns();
    await observer.query('ALTER TABLE p2pfk.migration DROP COLUMN approved_options');

    expect(await psqlFile(db.url, file)).toMatchObject({ code: 0, errors: [] });

    expect(await columns()).toEqual(whole);
  });
});
