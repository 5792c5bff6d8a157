/** What changes after the drop has made its checks and before it has its locks: the checks are made again, and count. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { ROWS_READ, type RowsRead } from '../../../core/postgres/sql.ts';
import { everything, foreignKeys, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { holdStatement, proxiedCase } from './proxied.helpers.ts';

/** A guard of the same name on inode_1 with another condition. */
const OTHER_GUARD = `DO $$ DECLARE guard name; BEGIN
  SELECT tgname INTO STRICT guard FROM pg_trigger WHERE tgrelid = 'inode_1'::regclass AND tgname LIKE '~p2pfk%';
  EXECUTE format('DROP TRIGGER %I ON inode_1', guard);
  EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE ON inode_1 FOR EACH ROW WHEN (false) EXECUTE FUNCTION p2pfk.refuse_row_movement()', guard);
END $$`;

/** The same guard on inode_1, made anew. */
const SAME_GUARD = `DO $$ DECLARE guard name; definition text; BEGIN
  SELECT tgname, pg_get_triggerdef(oid) INTO STRICT guard, definition FROM pg_trigger WHERE tgrelid = 'inode_1'::regclass AND tgname LIKE '~p2pfk%';
  EXECUTE format('DROP TRIGGER %I ON inode_1', guard);
  EXECUTE definition;
END $$`;

const PAIR_FOREIGN_KEY =
  'fk_path_to_inode_1 FOREIGN KEY (medium, ino) REFERENCES inode_1 (medium, ino) ON DELETE CASCADE';

/** Each is seen by another question of the drop check. */
const CHANGES: [what: string, sql: string, name: string, reason: RegExp][] = [
  [
    'a pair foreign key is dropped',
    'ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1',
    'GateFailed',
    /path_1 has no pair foreign key/,
  ],
  ['its triggers are disabled', 'ALTER TABLE path_2 DISABLE TRIGGER ALL', 'GateFailed', /path_2 is not enforced/],
  [
    'a pair is attached',
    `CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine'); CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine')`,
    'PartitionSetChanged',
    /path_9 was attached after the plan/,
  ],
  [
    'a partition with rows and without a partner is attached',
    `CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine');
     CREATE TABLE inode_10 PARTITION OF inode FOR VALUES IN ('ten');
     INSERT INTO inode VALUES ('nine', 1, 1), ('ten', 1, 1);
     CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine', 'ten');
     INSERT INTO path VALUES ('nine', 1, 'a name')`,
    'GateFailed',
    /path_9 has no partner, and rows by now/,
  ],
  [
    'a foreign key to another partition is added',
    'ALTER TABLE path_1 ADD CONSTRAINT astray FOREIGN KEY (medium, ino) REFERENCES inode_2 (medium, ino) ON DELETE CASCADE NOT VALID',
    'VerificationFailed',
    /astray/,
  ],
  ['an index is dropped', 'DROP INDEX idx_path_1_fk', 'VerificationFailed', /no index serves/],
  [
    'the owner of a partition loses a right',
    'ALTER TABLE path_1 OWNER TO pg_monitor; REVOKE DELETE ON path_1 FROM pg_monitor',
    'GateFailed',
    /role pg_monitor lacks DELETE/,
  ],
  [
    'a pair foreign key is replaced by one of the same name that is not valid',
    `ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1; ALTER TABLE path_1 ADD CONSTRAINT ${PAIR_FOREIGN_KEY} NOT VALID`,
    'GateFailed',
    /fk_path_to_inode_1 of public\.path_1 is not validated/,
  ],
  [
    'a pair foreign key is replaced by a valid one of the same name',
    `ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1; ALTER TABLE path_1 ADD CONSTRAINT ${PAIR_FOREIGN_KEY}`,
    'PartitionSetChanged',
    /path_1 may have got rows since the preflight check .* triggers of its foreign key were switched or made anew/,
  ],
  [
    'the triggers of a foreign key are disabled and enabled again',
    'ALTER TABLE path_2 DISABLE TRIGGER ALL; ALTER TABLE path_2 ENABLE TRIGGER ALL',
    'PartitionSetChanged',
    /path_2 may have got rows since the preflight check/,
  ],
  [
    'a row-movement guard is replaced by another trigger of its name',
    OTHER_GUARD,
    'NameTaken',
    /a trigger of public\.inode_1 has the name of the row-movement guard .* and is none/,
  ],
];

/** What looks the same afterwards: each is noticed, and the checks pass again. */
const SAME_AGAIN: [what: string, sql: string][] = [
  // One of the foreign key itself would have to be counted first.
  [
    'a trigger of the application is disabled and enabled again',
    'ALTER TABLE path_2 DISABLE TRIGGER own; ALTER TABLE path_2 ENABLE TRIGGER own',
  ],
  [
    'a pair foreign key is renamed there and back',
    `ALTER TABLE path_1 RENAME CONSTRAINT fk_path_to_inode_1 TO other; ALTER TABLE path_1 RENAME CONSTRAINT other TO fk_path_to_inode_1`,
  ],
  ['a row-movement guard is made anew', SAME_GUARD],
];

/**
 * Runs the drop until it is about to take its locks, or to send what matches `moment`; `asked` then has the names of the questions from there
 * on.
 */
async function aboutToLock({
  schema,
  input,
  moment = /^LOCK TABLE/,
}: {
  readonly schema?: string;
  readonly input?: Record<string, unknown>;
  readonly moment?: RegExp;
} = {}) {
  const { observer, proxy } = await proxiedCase(schema);
  const execution = new Execution();
  await execution.migrate('ValidateForeignKeys', input);
  const asked: string[] = [];
  const note = (message: unknown) => asked.push((message as RowsRead).name);
  subscribe(ROWS_READ, note);
  onTestFinished(() => {
    unsubscribe(ROWS_READ, note);
  });
  const held = holdStatement(proxy, 'drop-parent-foreign-key', moment);
  const dropping = execution.dropParentForeignKey().catch((error: unknown) => error);
  await held.reached;
  asked.length = 0;
  return { observer, execution, held, dropping, asked };
}

/** Questions of the gate, and of the checks after the drop. */
const FULL_CHECKS = ['catalog/pairs', 'checks/foreign-key-targets'] as const;

const parentStands = async (observer: Client) =>
  (await foreignKeys(observer)).some((line) => line.startsWith('path path_fk '));

it.each(CHANGES)('%s', async (_, sql, name, message) => {
  const { observer, held, dropping } = await aboutToLock();

  await observer.query(sql);
  const before = await everything(observer);
  held.release();

  expect(await dropping).toMatchObject({ name, message: expect.stringMatching(message) });
  expect(await everything(observer)).toBe(before);
});

it.each(SAME_AGAIN)('%s: everything is asked again, and the parent foreign key is dropped', async (_, sql) => {
  const { observer, held, dropping, asked } = await aboutToLock({
    schema: `${THREE_PAIRS} CREATE TRIGGER own BEFORE INSERT ON path_2 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();`,
  });

  await observer.query(sql);
  held.release();

  expect(await dropping).toMatchObject({ status: 'DROPPED' });
  expect(asked).toEqual(expect.arrayContaining([...FULL_CHECKS]));
  expect(await parentStands(observer)).toBe(false);
});

it('a change while the questions are asked: everything is asked again', async () => {
  const { observer, held, dropping } = await aboutToLock({ moment: /p2pfk\.lookups/ });

  await observer.query('ALTER TABLE path_2 DISABLE TRIGGER ALL');
  held.release();

  expect(await dropping).toMatchObject({
    name: 'GateFailed',
    message: expect.stringMatching(/path_2 is not enforced/),
  });
  expect(await parentStands(observer)).toBe(true);
});

it('rows come into a partition without a partner, which changes nothing in the catalog: the drop is refused', async () => {
  const { observer, held, dropping } = await aboutToLock({
    schema: `${THREE_PAIRS}
      CREATE TABLE inode_5 PARTITION OF inode FOR VALUES IN ('five');
      CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('four', 'five')`,
    input: { accept: ['unpaired-empty-partition'] },
  });

  await observer.query(`INSERT INTO path VALUES ('four', 1, 'a name')`);
  held.release();

  expect(await dropping).toMatchObject({
    name: 'GateFailed',
    message: expect.stringMatching(/path_9 has no partner, and rows by now/),
  });
  expect(await parentStands(observer)).toBe(true);
});

it('the owner of a partition loses its right on a column: the drop is refused', async () => {
  const { observer, held, dropping } = await aboutToLock({
    schema: `${THREE_PAIRS}
      ALTER TABLE path_1 OWNER TO pg_monitor;
      REVOKE SELECT ON path_1 FROM pg_monitor;
      GRANT SELECT (medium, ino) ON path_1 TO pg_monitor`,
    input: { accept: ['all'] },
  });

  await observer.query('REVOKE SELECT (ino) ON path_1 FROM pg_monitor');
  held.release();

  expect(await dropping).toMatchObject({
    name: 'GateFailed',
    message: expect.stringMatching(/role pg_monitor lacks SELECT/),
  });
  expect(await parentStands(observer)).toBe(true);
});

it('rows, statistics and other tables alone: nothing is asked again', async () => {
  const { observer, execution, held, dropping, asked } = await aboutToLock();

  await observer.query(`INSERT INTO inode VALUES ('one', 99, 1); INSERT INTO path VALUES ('one', 99, 'a name')`);
  await observer.query('CREATE TABLE other (id int PRIMARY KEY)');
  await observer.query('VACUUM (FREEZE, ANALYZE) path, inode, pg_catalog.pg_class');
  await observer.query('VACUUM FULL pg_catalog.pg_trigger');
  held.release();

  expect(await dropping).toMatchObject({ status: 'DROPPED' });
  expect(asked.filter((question) => question === 'checks/drop-fingerprint')).toHaveLength(2);
  for (const question of FULL_CHECKS) expect(asked).not.toContain(question);
  expect(await parentStands(observer)).toBe(false);
  expect(await execution.verifyMigration()).toMatchObject({ status: 'MIGRATED' });
});

it('an event trigger that changes something while the parent foreign key is dropped: the drop is rolled back', async () => {
  const { observer, held, dropping } = await aboutToLock();
  await observer.query(`
    CREATE FUNCTION disable() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE object_name LIKE '%path_fk%' OR object_identity LIKE '%path_fk%') THEN
        ALTER TABLE public.path_2 DISABLE TRIGGER ALL;
      END IF;
    END $$;
    CREATE EVENT TRIGGER disable ON sql_drop EXECUTE FUNCTION disable()`);
  held.release();

  expect(await dropping).toMatchObject({
    name: 'VerificationFailed',
    message: expect.stringMatching(/validated 3, not validated 0, disabled 1/),
  });
  expect(await parentStands(observer)).toBe(true);
});
