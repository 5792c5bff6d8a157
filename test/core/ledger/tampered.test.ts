/**
 * Rows of the ledger that another role has written, or tries to write: a member of pg_write_all_data needs no grant for that, and no
 * ACL shows it. Its triggers refuse such a write; what was written before they were there is taken only where it can be right.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PATTERNS, requireForeignKeyTexts } from '../../../core/ledger/foreign-key-texts.ts';
import { describeWithPsql, hasPsql, psql } from '../../psql/psql.helpers.ts';
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
  /** As it could be before the ledger had triggers. */
  const plant = async (sql: string) => {
    await observer.query('ALTER TABLE p2pfk.migration DISABLE TRIGGER admit');
    await as(sql);
    await observer.query('ALTER TABLE p2pfk.migration ENABLE ALWAYS TRIGGER admit');
  };
  const rights = () => oneRow(observer, `SELECT rolsuper FROM pg_roles WHERE rolname = '${writer}'`);
  return { ...testCase, db, writer, as, plant, rights };
}

const TABLES = ['ledger_version', 'identity', 'migration', 'pair', 'event', 'running'];

it.each([
  ['ledger_version', 'applied_at = now()'],
  ['identity', 'endpoint = endpoint'],
  ['migration', `options = options || '{"searchPath": "evil, public", "lockTimeoutMs": 3600000}'`],
  ['migration', 'referenced_oid = 1'],
  ['migration', 'approved_at = now()'],
  ['pair', 'referenced_oid = 1'],
  ['event', `sql = 'SELECT 1'`],
  ['running', 'key = 1'],
])('nothing is written by pg_write_all_data alone: %s, %s', async (table, change) => {
  const { observer, as } = await writable();
  await observer.query(`INSERT INTO p2pfk.running (object, migration_id, key) VALUES (1, 1, 1)`);
  const before = await everything(observer);
  const denied = { code: '42501', message: `permission denied for table p2pfk.${table}` };

  await expect(as(`UPDATE p2pfk.${table} SET ${change}`)).rejects.toMatchObject(denied);
  await expect(as(`DELETE FROM p2pfk.${table}`)).rejects.toMatchObject(denied);
  // Where triggers are switched off for the session, too: from 15 on a role may be granted that setting.
  await observer.query('SET session_replication_role = replica');
  await expect(as(`UPDATE p2pfk.${table} SET ${change}`)).rejects.toMatchObject(denied);
  await observer.query('RESET session_replication_role');

  expect(await everything(observer)).toBe(before);
});

it('nor by a grant that was revoked since a REPEATABLE READ transaction began', async () => {
  const { db, observer, writer } = await writable();
  await observer.query(
    `GRANT USAGE ON SCHEMA p2pfk TO ${writer}; GRANT INSERT, SELECT ON p2pfk.event TO ${writer}; GRANT USAGE ON SEQUENCE p2pfk.event_id_seq TO ${writer}`,
  );
  const session = await db.client();
  await session.query(`SET ROLE ${writer}; INSERT INTO p2pfk.event (step) VALUES ('granted')`);
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await session.query('SELECT count(*) FROM p2pfk.event');
  await observer.query(`REVOKE INSERT ON p2pfk.event FROM ${writer}`);

  await expect(session.query(`INSERT INTO p2pfk.event (step) VALUES ('revoked')`)).rejects.toMatchObject({
    code: '42501',
    message: 'permission denied for table p2pfk.event',
  });

  await session.query('ROLLBACK');
});

it('an approver’s columns are its own where a grant on the table was revoked since its transaction began', async () => {
  const { db, observer } = await migratedTo('VerifyGate');
  const approver = `approver_${randomBytes(4).toString('hex')}`;
  await observer.query(`CREATE ROLE ${approver};
    GRANT USAGE ON SCHEMA p2pfk TO ${approver}; GRANT SELECT, UPDATE ON p2pfk.migration TO ${approver};
    GRANT UPDATE (approved_at, approved_by, approval_reason, updated_at) ON p2pfk.migration TO ${approver}`);
  onTestFinished(async () => {
    await observer.query(`DROP OWNED BY ${approver} CASCADE; DROP ROLE ${approver}`);
  });
  const session = await db.client();
  await session.query(`SET ROLE ${approver}; BEGIN ISOLATION LEVEL REPEATABLE READ`);
  await session.query('SELECT count(*) FROM p2pfk.migration');
  await observer.query(`REVOKE UPDATE ON p2pfk.migration FROM ${approver};
    GRANT UPDATE (approved_at, approved_by, approval_reason, updated_at) ON p2pfk.migration TO ${approver}`);

  await expect(
    session.query(`UPDATE p2pfk.migration SET approved_at = now(), approved_by = repeat('x', 201)`),
  ).rejects.toMatchObject({ message: expect.stringContaining('a name of more than 200') });

  await session.query('ROLLBACK');
});

it('nor is a row added', async () => {
  const { observer, as } = await writable();
  for (const [table, values] of [
    ['ledger_version', '(version) VALUES (9)'],
    ['identity', `(database_oid, database_name, endpoint) VALUES (1, 'x', 'x')`],
    ['event', `(step) VALUES ('x')`],
    ['running', '(object, migration_id, key) VALUES (1, 1, 1)'],
    ['pair', '(migration_id) VALUES (1)'],
    ['migration', `(state) VALUES ('running')`],
  ])
    await expect(as(`INSERT INTO p2pfk.${table} ${values}`)).rejects.toMatchObject({
      code: '42501',
      message: `permission denied for table p2pfk.${table}`,
    });
  expect(await oneRow(observer, `SELECT count(*)::int AS versions FROM p2pfk.ledger_version`)).toEqual({ versions: 6 });
});

// A subscription's worker fires row triggers that fire ALWAYS, and no others.
it('each table has a trigger for each row that fires always', async () => {
  const { observer } = await writable();
  const { rows } = await observer.query(
    `SELECT tgrelid::regclass::text AS table, tgtype & 1 = 1 AS for_each_row, tgtype & 28 AS events, tgenabled::text AS mode
       FROM pg_trigger WHERE tgname = 'admit' AND tgfoid = 'p2pfk.admit_writer'::regproc ORDER BY 1`,
  );
  expect(rows).toEqual(
    TABLES.toSorted().map((table) => ({ table: `p2pfk.${table}`, for_each_row: true, events: 28, mode: 'A' })),
  );
});

it('an approver changes the columns of the approval alone, also through a view of such a member, or as one', async () => {
  const { observer, writer, as } = await writable();
  const approver = `${writer}_approver`;
  await observer.query(`CREATE ROLE ${approver}; GRANT USAGE ON SCHEMA p2pfk TO ${approver};
    GRANT SELECT, UPDATE (approved_at, approved_by, updated_at) ON p2pfk.migration TO ${approver}, ${writer};
    UPDATE p2pfk.migration SET state = 'running', dropped_at = NULL;
    CREATE VIEW public.window AS SELECT * FROM p2pfk.migration; ALTER VIEW public.window OWNER TO ${writer}; GRANT ALL ON public.window TO ${approver}`);
  onTestFinished(async () => {
    await observer.query(`RESET ROLE; DROP OWNED BY ${approver} CASCADE; DROP ROLE ${approver}`);
  });
  const denied = { code: '42501', message: 'permission denied for table p2pfk.migration' };
  await observer.query(`SET ROLE ${approver}`);
  await expect(observer.query(`UPDATE public.window SET options = '{}'`)).rejects.toMatchObject(denied);
  await observer.query(`UPDATE public.window SET approved_at = now(), approved_by = 'an approver'`);
  await observer.query('RESET ROLE');
  await expect(as(`UPDATE p2pfk.migration SET approved_at = now(), state = 'paused'`)).rejects.toMatchObject(denied);
  expect(await oneRow(observer, 'SELECT approved_by, state FROM p2pfk.migration')).toEqual({
    approved_by: 'an approver',
    state: 'running',
  });
});

it.each(['9223372036854775807', '1'])(
  'a sequence that such a role has set to %s undoes nothing, and the next execution repairs it',
  async (value) => {
    const { observer, execution } = await migratedTo('Plan');
    const spoil = () =>
      observer.query(`SELECT setval('p2pfk.event_id_seq', ${value}), setval('p2pfk.migration_id_seq', ${value})`);
    await spoil();
    await expect(execution.addForeignKey(1)).rejects.toMatchObject({
      name: 'ServerTrouble',
      message: expect.stringContaining('p2pfk migrate and p2pfk rollback repair it'),
    });

    const next = new Execution();
    await observer.query(`UPDATE p2pfk.migration SET state = 'paused', lease_until = now()`);
    await next.migrate('VerifyMigration');
    await spoil();
    const back = new Execution();
    await back.plan({ operation: 'rollback' });
    expect(await back.rollBack(null)).toMatchObject({ status: 'ROLLED_BACK' });
  },
);

it('a role that only reads can still dump the database', async () => {
  const { observer, writer } = await writable();
  await observer.query(`REVOKE pg_write_all_data FROM ${writer}`);
  await observer.query(`SET ROLE ${writer}; SET row_security = off`);
  expect(await oneRow(observer, 'SELECT count(*)::int AS found FROM p2pfk.migration')).toEqual({ found: 1 });
  await observer.query('RESET ROLE; RESET row_security');
});

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
    const { observer, writer, plant, rights } = await writable();
    await plant(`UPDATE p2pfk.migration SET ${change(writer)}`);
    const before = await everything(observer);

    await expect(new Execution().plan({ operation: 'rollback' })).rejects.toMatchObject({
      name: 'LedgerNotTrusted',
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
    const { observer, db, writer, plant, rights } = await writable();
    await plant(`UPDATE p2pfk.migration SET ${change(writer)}`);
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
  ['a', 'public.t', 'b', ''],
  [
    'a, "b c", "d""e"',
    '"S x"."T""y"',
    'a, "Ünï", c',
    ' MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL (a, "b c") DEFERRABLE INITIALLY DEFERRED',
  ],
  ['"a\n); DROP TABLE x; --"', 't', '"b"', ' ON DELETE CASCADE'],
])('what PostgreSQL prints is taken: (%s) REFERENCES %s(%s)%s', (columns, name, referenced, actions) => {
  const definition = `FOREIGN KEY (${columns}) REFERENCES ${name}(${referenced})${actions}`;
  const parts = { id: '1', columns, referenced_name: name, referenced_columns: referenced, actions };
  for (const text of [definition, `${definition} NOT ENFORCED`]) {
    const migration = { ...parts, definition: text };
    expect(requireForeignKeyTexts(migration)).toBe(migration);
  }
  for (const other of [{ referenced_name: 'public.other' }, { columns: 'x' }, { referenced_columns: 'x' }])
    expect(() => requireForeignKeyTexts({ ...parts, definition, ...other })).toThrow(
      /^refused, nothing was changed: definition/,
    );
});

it('a rollback goes to the table that was referenced, also where another one has its name by now', async () => {
  const { observer } = await migratedTo('VerifyMigration');
  const inode = await oneRow<{ oid: number }>(observer, `SELECT 'inode'::regclass::oid AS oid`);
  await observer.query(
    `ALTER TABLE inode RENAME TO inode_of_old; CREATE TABLE inode (LIKE inode_of_old INCLUDING INDEXES) PARTITION BY LIST (medium)`,
  );
  const execution = new Execution();
  await execution.plan({ operation: 'rollback' });
  await execution.rollBack(null);
  expect(
    await oneRow(
      observer,
      `SELECT confrelid AS oid FROM pg_constraint WHERE conrelid = 'path'::regclass AND contype = 'f' AND conparentid = 0`,
    ),
  ).toEqual(inode);
});

/** As it could be done in agreement: each text, oid and name says the other table. */
const OTHER_TABLE = `
  CREATE TABLE public.other (LIKE inode INCLUDING INDEXES) PARTITION BY LIST (medium);
  UPDATE p2pfk.migration SET referenced_oid = 'public.other'::regclass, referenced_name = 'public.other',
         definition = replace(definition, 'public.inode', 'public.other')`;

it('a rollback goes to no other table than that of the pair foreign keys, also where the ledger names another one', async () => {
  const { observer, db } = await migratedTo('VerifyMigration');
  const begun = new Execution();
  await begun.plan({ operation: 'rollback' });
  await begun.fence(null);
  await observer.query(OTHER_TABLE);
  const before = await everything(observer);
  const words =
    'refused: the ledger, schema p2pfk, says that public.path referenced public.other, and the foreign keys of its partitions reference public.inode';
  const refused = { name: 'LedgerNotTrusted', message: expect.stringContaining(words) };

  await expect(begun.restoreParent(1)).rejects.toMatchObject(refused);
  await expect(begun.attachParent()).rejects.toMatchObject(refused);
  await expect(new Execution().plan({ operation: 'rollback' })).rejects.toMatchObject(refused);
  if (hasPsql)
    expect(await psql(db.url, 'rollback')).toMatchObject({ code: 3, errors: [expect.stringContaining(words)] });

  expect(await everything(observer)).toBe(before);
});

it('a rollback asks again for code of other roles, before it looks at rows', async () => {
  const { observer, writer } = await writable();
  const execution = new Execution();
  await execution.plan({ operation: 'rollback' });
  await execution.fence(null);
  await observer.query(`CREATE FUNCTION public.late(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
    CREATE INDEX late ON path_1 (name) WHERE public.late(name); ALTER FUNCTION public.late OWNER TO ${writer}`);
  const refused = { name: 'UntrustedCode', message: expect.stringContaining('function public.late(text)') };

  await expect(execution.restoreParent(1)).rejects.toMatchObject(refused);
  await expect(execution.attachParent()).rejects.toMatchObject(refused);

  expect(
    await oneRow(
      observer,
      `SELECT count(*)::int AS added FROM pg_constraint WHERE conrelid::regclass::text LIKE 'path%' AND confrelid = 'inode'::regclass`,
    ),
  ).toEqual({ added: 0 });
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
