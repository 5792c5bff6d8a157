/** A trigger of the guard's name and function that is not the guard: a role with TRIGGER on a partition can make one. */
import { describe, expect, it } from 'vitest';
import { type Guard, isEffective, readGuards } from '../../../core/catalog/row-movement-guard.ts';
import { verifyTable } from '../../../core/checks/verification.ts';
import { audit } from '../../../core/drift/find-drift.ts';
import { newLedger } from '../../../core/ledger/schema/make-ledger.ts';
import { coreSession, databaseWith, oneRow, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

const NAME = '~p2pfk_row_movement_guard_1';
const OLD_NAME = 'p2pfk_row_movement_guard_1';
const CALLS = 'EXECUTE FUNCTION p2pfk.refuse_row_movement()';
/** What the guard of inode_1 says, and what has the same words and lets every row leave. */
const SAME = `WHEN (NOT (new.medium IS NOT NULL AND new.medium = 'one'))`;
const REGROUPED = `WHEN (NOT new.medium IS NOT NULL AND new.medium = 'one')`;
const leaf = (when: string, rest = CALLS) =>
  `CREATE OR REPLACE TRIGGER "${NAME}" BEFORE UPDATE ON public.inode_1 FOR EACH ROW ${when} ${rest}`;
const root = (when: string) =>
  `CREATE TRIGGER ${OLD_NAME} BEFORE UPDATE OF medium ON public.inode FOR EACH ROW ${when} ${CALLS}`;

/** A database with a ledger, and a role that may UPDATE, make triggers on inode_1 and use the schema p2pfk, as an approver does. */
async function attacked(sql = THREE_PAIRS) {
  const testCase = await databaseWith(sql);
  const { db, observer } = testCase;
  const { role } = await plainRole(testCase);
  await observer.query(`${newLedger()}; GRANT USAGE ON SCHEMA public, p2pfk TO ${role};
    GRANT SELECT, UPDATE ON inode TO ${role}; GRANT TRIGGER ON inode_1 TO ${role}`);
  const as = async (sql: string) => {
    await observer.query(`SET ROLE ${role}`);
    try {
      await observer.query(sql);
    } finally {
      await observer.query('RESET ROLE');
    }
  };
  return { db, observer, as };
}

/** The guard of inode_1, in a session with the application's rights to everything; `root` is the name of the table that is referenced, as SQL writes it. */
async function guardAfter(tables?: string, root = 'inode') {
  const { db, observer } = await attacked(tables);
  const core = await coreSession(db.url);
  const oids = await oneRow<{ leaf: number; referenced_oid: number; referencing_oid: number }>(
    observer,
    `SELECT 'inode_1'::regclass::oid::int8 AS leaf, '${root.replaceAll("'", "''")}'::regclass::oid::int8 AS referenced_oid, 'path'::regclass::oid::int8 AS referencing_oid`,
  );
  await core.query(`CREATE SCHEMA other;
    CREATE FUNCTION other.refuse_row_movement() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE FUNCTION public.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR public.= (FUNCTION = public.eq, LEFTARG = text, RIGHTARG = text)`);
  return async (sql: string): Promise<Guard | undefined> => {
    await core.query('BEGIN');
    await core.query(sql);
    await core.query('SET LOCAL search_path = pg_catalog, pg_temp');
    const pairs = [{ pair: 1, referenced_oid: oids.leaf }];
    const [guard] = await readGuards(core, oids, '1', pairs);
    await core.query('ROLLBACK');
    return guard;
  };
}

it('counts as the guard only where all is the same', async () => {
  const after = await guardAfter();
  expect(await after('SELECT')).toMatchObject({ stands: false, taken: false });
  expect(await after(leaf(SAME))).toMatchObject({ stands: true, taken: true });
  const on = 'ON public.inode_1';
  for (const planted of [
    leaf('WHEN (false)'),
    leaf(''),
    leaf(REGROUPED),
    leaf(SAME.replace('= ', 'OPERATOR(public.=) ')),
    leaf(SAME.replace('new.medium =', 'new.medium::varchar(1) =')),
    leaf(SAME.replace('new.medium =', 'new.medium::"char" =')),
    leaf(SAME.replace('new.medium =', 'new.medium COLLATE "C" =')),
    leaf(SAME.replace('new.medium =', 'old.medium =')),
    leaf(SAME, `EXECUTE FUNCTION p2pfk.refuse_row_movement('x')`),
    leaf(SAME, 'EXECUTE FUNCTION other.refuse_row_movement()'),
    leaf(SAME).replace('UPDATE', 'UPDATE OF medium'),
    leaf(SAME).replace('UPDATE', 'INSERT OR UPDATE'),
    leaf(SAME).replace('BEFORE', 'AFTER'),
    leaf('').replace('ROW', 'STATEMENT'),
    leaf(SAME).replace(on, 'ON public.inode'),
    `${leaf(SAME)}; ALTER TABLE public.inode_1 DISABLE TRIGGER "${NAME}"`,
    `${leaf(SAME)}; ALTER TABLE public.inode_1 ENABLE ALWAYS TRIGGER "${NAME}"`,
  ])
    expect(await after(planted), planted).toMatchObject({ stands: false, taken: true });
});

describe('takes the values of the WHEN clause for what they are, quotes included', () => {
  /** `inode`, with one leaf that has `bounds` of `key`, and what references it. */
  const tables = (key: string, bounds: string) => {
    const by = `PARTITION BY ${bounds.startsWith('IN') ? 'LIST' : 'RANGE'} (medium)`;
    return `
    CREATE TABLE inode (medium ${key} PRIMARY KEY, name text) ${by};
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES ${bounds};
    CREATE TABLE path (medium ${key} REFERENCES inode ON DELETE CASCADE) ${by};
    CREATE TABLE path_1 PARTITION OF path FOR VALUES ${bounds};`;
  };
  const when = (condition: string) => leaf(`WHEN (NOT (new.medium IS NOT NULL AND ${condition}))`);

  it.each([
    ['text', "IN ('eu')", `new.medium = 'eu'`, [`new.medium = '''eu'`, `new.medium = 'eu'''`, `new.medium = 'e''u'`]],
    ['text', "IN ('''eu''')", `new.medium = '''eu'''`, [`new.medium = 'eu'`, `new.medium = '''''eu'''''`]],
    [
      'text',
      "FROM ('b') TO ('c')",
      `new.medium >= 'b' AND new.medium < 'c'`,
      [`new.medium >= '''b' AND new.medium < 'c'`, `new.medium >= 'b' AND new.medium < 'c'''`],
    ],
    ['text', "IN ('new.name')", `new.medium = 'new.name'`, ['new.medium = new.name']],
    ['text', "IN ('5')", `new.medium = '5'`, [`new.medium = '''5'''`]],
    ['int', 'IN (5)', 'new.medium = 5', ['new.medium = 50']],
    ['boolean', 'IN (true)', 'new.medium = true', ['new.medium = false']],
    [
      'numeric',
      'FROM (-1.50) TO (7)',
      `new.medium >= '-1.50' AND new.medium < '7'`,
      [`new.medium >= '-1.50' AND new.medium < '70'`, `new.medium >= '-15.0' AND new.medium < '7'`],
    ],
  ])('of %s %s', async (key, bounds, same, others) => {
    const guardWith = await guardAfter(tables(key, bounds));
    const made = (await guardWith('SELECT'))?.sql ?? '';
    expect(await guardWith(made)).toMatchObject({ stands: true });
    for (const other of others)
      expect(await guardWith(when(other)), other).toMatchObject({ stands: false, taken: true });
    expect(await guardWith(when(same))).toMatchObject({ stands: true });
  });

  it('of the name of a table that is cut by HASH, with a backslash and a quote in it', async () => {
    const root = `"i\\n'ode"`;
    const guardWith = await guardAfter(
      `CREATE TABLE ${root} (medium text PRIMARY KEY) PARTITION BY HASH (medium); CREATE TABLE inode (medium text);
       CREATE TABLE inode_1 PARTITION OF ${root} FOR VALUES WITH (MODULUS 2, REMAINDER 0);
       CREATE TABLE path (medium text REFERENCES ${root} ON DELETE CASCADE) PARTITION BY HASH (medium)`,
      root,
    );
    expect(await guardWith((await guardWith('SELECT'))?.sql ?? '')).toMatchObject({ stands: true });
    const other = leaf(`WHEN (NOT satisfies_hash_partition('public."i\\n''ode"'::regclass, 2, 1, new.medium))`);
    expect(await guardWith(other)).toMatchObject({ stands: false, taken: true });
  });
});

it('counts as the guard of an older edition only where it is one', async () => {
  const after = await guardAfter();
  const same = 'WHEN (old.medium IS DISTINCT FROM new.medium)';
  const effective = async (sql: string) => {
    const guard = await after(sql);
    return guard !== undefined && isEffective(guard);
  };
  expect(await effective(root(same))).toBe(true);
  for (const planted of [
    root('WHEN (false)'),
    root(''),
    root('WHEN (new.medium IS DISTINCT FROM new.medium)'),
    root('WHEN (old.medium IS NOT DISTINCT FROM new.medium)'),
    root('WHEN (old.ino IS DISTINCT FROM new.ino)'),
    root('WHEN (old.medium IS DISTINCT FROM new.medium AND old.ino IS DISTINCT FROM new.ino)'),
    root(same).replace('OF medium', 'OF ino'),
    root(same).replace('public.inode ', 'public.inode_1 '),
    `SET LOCAL search_path = public, pg_catalog; ${root(same)}`,
    `${root(same)}; ALTER TABLE public.inode_1 DISABLE TRIGGER ${OLD_NAME}`,
  ])
    expect(await effective(planted), planted).toBe(false);
});

it('of an older edition counts for nothing where the guard is there in any form, or another trigger could change the key', async () => {
  const after = await guardAfter();
  const effective = async (sql: string) => {
    const guard = await after(`${root('WHEN (old.medium IS DISTINCT FROM new.medium)')}; ${sql}`);
    return guard !== undefined && isEffective(guard);
  };
  const trigger = (name: string, on = 'public.inode_1', call = 'moves.it') =>
    `CREATE SCHEMA moves; CREATE FUNCTION moves.it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.medium := 'two'; RETURN new; END $$;
     CREATE TRIGGER ${name} BEFORE UPDATE ON ${on} FOR EACH ROW EXECUTE FUNCTION ${call}();`;
  expect(await effective('SELECT')).toBe(true);
  for (const harmless of [
    trigger('a', 'public.inode_1', 'suppress_redundant_updates_trigger'),
    trigger('a', 'public.inode_2'),
    trigger('a').replace('BEFORE UPDATE', 'AFTER UPDATE'),
    `${trigger('a')} ALTER TABLE public.inode_1 DISABLE TRIGGER a`,
  ])
    expect(await effective(harmless), harmless).toBe(true);
  for (const planted of [
    leaf('WHEN (false)'),
    `${leaf(SAME)}; ALTER TABLE public.inode_1 DISABLE TRIGGER "${NAME}"`,
    trigger('a'),
    trigger('z'),
    trigger('a', 'public.inode'),
    trigger('a').replace('BEFORE UPDATE', 'BEFORE INSERT OR UPDATE OF ino'),
    // A foreign key that fires on replicas, too, needs a guard that does.
    `DO $$ DECLARE t record; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'public.inode_1'::regclass AND tgconstraint <> 0
     LOOP EXECUTE format('ALTER TABLE public.inode_1 ENABLE ALWAYS TRIGGER %I', t.tgname); END LOOP; END $$`,
  ])
    expect(await effective(planted), planted).toBe(false);
});

it('is refused by the plan where it is there before, and by the first statement where it comes later', async () => {
  const { observer, as } = await attacked();
  const late = [
    leaf('WHEN (false)'),
    leaf('WHEN (false)').replace(NAME, OLD_NAME),
    leaf(REGROUPED),
    leaf(SAME), // What is not there before its migration cannot be its guard.
  ];
  for (const planted of late) {
    await as(planted);
    await expect(new Execution().plan({ accept: ['all'] })).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(/\[guard-name-taken\] .*row_movement_guard_1"? \(on public\.inode_1\)/),
    });
    await observer.query(`DROP TRIGGER "${planted.includes(NAME) ? NAME : OLD_NAME}" ON inode_1`);
  }
  const execution = new Execution();
  await execution.plan({ accept: ['all'] });
  await as(leaf(REGROUPED));

  await expect(execution.run('AddForeignKeys')).rejects.toMatchObject({
    name: 'NameTaken',
    message: expect.stringMatching(
      /^a trigger of public\.inode_1 has the name of the row-movement guard of migration 1 and/,
    ),
  });

  expect(
    await oneRow(observer, `SELECT count(*)::int AS added FROM pg_constraint WHERE conname = 'fk_path_to_inode_1'`),
  ).toEqual({ added: 0 });
});

it('in the place of the guard stops the drop, and fails verify and the audit after it', async () => {
  const { db, observer, as } = await attacked();
  const execution = new Execution();
  await execution.migrate('ValidateForeignKeys', { accept: ['all'] });
  await as(leaf(REGROUPED));
  const drop = async () => {
    await execution.verifyGate();
    await execution.dropParentForeignKey();
  };
  await expect(drop()).rejects.toMatchObject({ name: 'NameTaken' });
  expect(
    (await observer.query("SELECT FROM pg_constraint WHERE conname = 'path_fk' AND conparentid = 0")).rowCount,
  ).toBe(1);

  await observer.query(`DROP TRIGGER "${NAME}" ON inode_1`);
  await execution.run('AddForeignKeys');
  await drop();
  await as(
    `${leaf('WHEN (false)')}; CREATE TRIGGER ${OLD_NAME} BEFORE UPDATE ON inode_1 FOR EACH ROW WHEN (false) ${CALLS}`,
  );

  const core = await coreSession(db.url);
  const failing = async () =>
    (await verifyTable(core, { table: 'path' })).checks.filter(({ passed }) => !passed).map(({ id }) => id);
  expect(await failing()).toEqual(['pair-foreign-keys']);
  const drift = (await audit(core, {}))[0]?.drift.map(({ finding }) => finding.id);
  expect(drift).toContain('guard-outdated');

  // Nor does one that works, of an older edition, take its place.
  await observer.query(`DROP TRIGGER ${OLD_NAME} ON inode_1; ${root('WHEN (old.medium IS DISTINCT FROM new.medium)')}`);
  expect(await failing()).toEqual(['pair-foreign-keys']);
  const audited = (await audit(core, {}))[0]?.drift.map(({ finding: { id, severity } }) => `${severity} ${id}`);
  expect(audited).toEqual(expect.arrayContaining(['error guard-outdated', 'warning guard-outdated']));
});

it('is no matter of a WHEN clause where a key is an expression: verify passes', async () => {
  const { db, observer } = await databaseWith(`
    CREATE TABLE top (medium text, ino bigint, size int) PARTITION BY LIST ((size % 2));
    CREATE TABLE inode PARTITION OF top (PRIMARY KEY (medium, ino)) FOR VALUES IN (0, 1) PARTITION BY LIST (medium);
    CREATE TABLE path (medium text, ino bigint) PARTITION BY LIST (medium);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one'); CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
    INSERT INTO inode VALUES ('one', 1, 1); INSERT INTO path VALUES ('one', 1);
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE`);
  await new Execution().migrate('VerifyMigration', { accept: ['all'] });

  expect((await verifyTable(await coreSession(db.url), { table: 'path' })).passed).toBe(true);

  await observer.query(leaf('WHEN (false)'));
  expect((await verifyTable(await coreSession(db.url), { table: 'path' })).passed).toBe(false);
});
