/** The fingerprint of the drop: it changes with everything that the drop check reads and that another session can change. */
import type { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ForeignKey, parentForeignKeys } from '../../../core/catalog/foreign-key.ts';
import { type Fingerprint, readFingerprint } from '../../../core/checks/drop-fingerprint.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { oneRow, THREE_PAIRS } from '../case.helpers.ts';

const ROLES = ['fp_owner', 'fp_member'];

let db: TestDatabase;
let core: Client;
let observer: Client;
let foreignKey: ForeignKey;
beforeAll(async () => {
  db = await createDatabase('empty');
  observer = await db.client();
  await observer.query(`${THREE_PAIRS}
    ALTER TABLE path_1 ADD CONSTRAINT pair_1 FOREIGN KEY (medium, ino) REFERENCES inode_1 (medium, ino) ON DELETE CASCADE;
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER noted BEFORE UPDATE ON inode_2 FOR EACH ROW EXECUTE FUNCTION noted();
    CREATE SCHEMA apart;`);
  for (const role of ROLES) await observer.query(`DROP ROLE IF EXISTS ${role}; CREATE ROLE ${role}`);
  await observer.query('ALTER TABLE path_3 OWNER TO fp_owner');
  core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
  const { oid } = await oneRow<{ oid: number }>(observer, `SELECT 'path'::regclass::oid::int AS oid`);
  foreignKey = (await parentForeignKeys(core, oid))[0] as ForeignKey;
  return async () => {
    await core.end();
    await observer.query(`DROP OWNED BY ${ROLES.join(', ')}; DROP ROLE ${ROLES.join(', ')}`);
    await db.drop();
  };
});

const read = (): Promise<Fingerprint> => readFingerprint(core, foreignKey);

/** Each changes one kind of row that the drop check reads. */
const NOTICED: [what: string, sql: string][] = [
  [
    'a trigger of a pair foreign key is disabled and enabled again',
    'ALTER TABLE inode_1 DISABLE TRIGGER ALL; ALTER TABLE inode_1 ENABLE TRIGGER ALL',
  ],
  [
    'a trigger of a referencing partition is',
    'ALTER TABLE path_1 DISABLE TRIGGER ALL; ALTER TABLE path_1 ENABLE TRIGGER ALL',
  ],
  [
    'a trigger is made anew by the same name',
    'DROP TRIGGER noted ON inode_2; CREATE TRIGGER noted BEFORE UPDATE ON inode_2 FOR EACH ROW EXECUTE FUNCTION noted()',
  ],
  [
    'the function of a trigger is replaced',
    `CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
  ],
  [
    'a pair foreign key is made anew by the same name',
    'ALTER TABLE path_1 DROP CONSTRAINT pair_1; ALTER TABLE path_1 ADD CONSTRAINT pair_1 FOREIGN KEY (medium, ino) REFERENCES inode_1 (medium, ino) ON DELETE CASCADE',
  ],
  [
    'a pair foreign key is renamed there and back',
    'ALTER TABLE path_1 RENAME CONSTRAINT pair_1 TO pair; ALTER TABLE path_1 RENAME CONSTRAINT pair TO pair_1',
  ],
  [
    'a foreign key is added to a partition',
    'ALTER TABLE path_2 ADD FOREIGN KEY (medium, ino) REFERENCES inode_3 (medium, ino) NOT VALID',
  ],
  ['a partition is added', `CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine')`],
  [
    'a referenced partition is detached and attached again',
    `ALTER TABLE inode DETACH PARTITION inode_4; ALTER TABLE inode ATTACH PARTITION inode_4 FOR VALUES IN ('four')`,
  ],
  [
    'a partition is renamed there and back',
    'ALTER TABLE inode_4 RENAME TO inode_four; ALTER TABLE inode_four RENAME TO inode_4',
  ],
  ['a partition gets another owner', 'ALTER TABLE path_2 OWNER TO fp_owner'],
  ['a right on a partition is revoked', 'REVOKE DELETE ON path_3 FROM fp_owner'],
  ['row security is switched on', 'ALTER TABLE inode_3 ENABLE ROW LEVEL SECURITY'],
  [
    'a key column is renamed there and back',
    'ALTER TABLE path RENAME COLUMN ino TO number; ALTER TABLE path RENAME COLUMN number TO ino',
  ],
  [
    'a partition moves to another schema and back',
    'ALTER TABLE inode_4 SET SCHEMA apart; ALTER TABLE apart.inode_4 SET SCHEMA public',
  ],
  ['a right on the schema of a partition is granted', 'GRANT USAGE ON SCHEMA public TO fp_member'],
  ['an owner of a partition becomes a superuser', 'ALTER ROLE fp_owner SUPERUSER'],
  ['an owner of a partition is granted another role', 'GRANT fp_member TO fp_owner'],
];

/** What goes on all the time, and does not concern the drop. */
const UNNOTICED: [what: string, sql: string[]][] = [
  ['rows', [`INSERT INTO inode VALUES ('one', 99, 1)`, `INSERT INTO path VALUES ('one', 99, 'a name')`]],
  ['ANALYZE and VACUUM, which change pg_class in place', ['ANALYZE', 'VACUUM (FREEZE)']],
  [
    'a catalog that is frozen, or written anew',
    [
      'VACUUM (FREEZE) pg_catalog.pg_class',
      'VACUUM FULL pg_catalog.pg_trigger',
      'VACUUM FULL pg_catalog.pg_constraint',
    ],
  ],
  ['an index', ['CREATE INDEX extra ON path_1 (name)', 'DROP INDEX extra']],
  ['other tables', ['CREATE TABLE other (id int PRIMARY KEY REFERENCES other)', 'DROP TABLE other']],
];

describe('another session changes it:', () => {
  it.each(NOTICED)('%s', async (_, sql) => {
    const before = await read();
    await observer.query(sql);

    const now = await read();

    expect(now.before).not.toBe(before.before);
    expect(now.after).not.toBe(before.after);
    expect(now.parent_exists).toBe(true);
  });

  it('not by a trigger of the parent foreign key in what the drop leaves', async () => {
    const before = await read();
    await observer.query(`DO $$ DECLARE t name; BEGIN
      SELECT tgname INTO STRICT t FROM pg_trigger JOIN pg_constraint c ON c.oid = tgconstraint
       WHERE c.confrelid = 'inode'::regclass AND tgrelid = 'path_3'::regclass ORDER BY tgname LIMIT 1;
      EXECUTE format('ALTER TABLE path_3 DISABLE TRIGGER %I', t);
      EXECUTE format('ALTER TABLE path_3 ENABLE TRIGGER %I', t);
    END $$`);

    const now = await read();

    expect(now.before).not.toBe(before.before);
    expect(now.after).toBe(before.after);
  });
});

it.each(UNNOTICED)('it stays the same by %s', async (_, statements) => {
  const before = await read();
  for (const sql of statements) await observer.query(sql);

  expect(await read()).toEqual(before);
});

it('of what the drop leaves is what is there after the drop', async () => {
  const before = await read();
  await core.query('BEGIN');
  await core.query('ALTER TABLE public.path DROP CONSTRAINT path_fk');
  const dropped = await read();
  await core.query('ALTER TABLE public.path_1 DROP CONSTRAINT pair_1');
  const tooMuch = await read();
  await core.query('ROLLBACK');

  expect(dropped).toMatchObject({ after: before.after, parent_exists: false });
  expect(tooMuch.after).not.toBe(before.after);
  expect(await read()).toEqual(before);
});
