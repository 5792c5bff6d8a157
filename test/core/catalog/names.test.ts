/** The names of what the migration makes, and that no name of the application can confuse it. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { databaseWith, everything, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { makeTables, readPairs } from './pairing.helpers.ts';

let db: TestDatabase;
let client: Client;
let core: Client;
beforeAll(async () => {
  db = await createDatabase('empty');
  client = await db.client();
  core = await connect({ databaseUrl: db.url, applicationName: 'p2pfk/-/test' });
});
afterAll(async () => {
  await core.end();
  await db.drop();
});

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const bytes = (name: string) => Buffer.byteLength(name);

/** A table `referencing` with one partition, which references a table with the partitions given. */
async function namedTables(schema: string, names: { table: string; leaves: string[]; targets: string[] }) {
  const parts = (names_: string[], parent: string) =>
    names_.map((name, n) => `CREATE TABLE ${quoted(name)} PARTITION OF ${parent} FOR VALUES IN (${n});`).join('\n');
  await client.query(`
    CREATE SCHEMA ${schema}; SET search_path = ${schema};
    CREATE TABLE target (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
    CREATE TABLE ${quoted(names.table)} (k int, id int, CONSTRAINT the_fk FOREIGN KEY (k, id) REFERENCES target) PARTITION BY LIST (k);
    ${parts(names.targets, 'target')}
    ${parts(names.leaves, quoted(names.table))}`);
  const { pairs } = await readPairs(core, `${schema}.${quoted(names.table)}`);
  return [...pairs].sort((a, b) => a.bound.localeCompare(b.bound));
}

describe('names of pair foreign keys and indexes', () => {
  it('say which table references which partition, and what the index serves', async () => {
    const [pair] = await namedTables('plain', { table: 'path', leaves: ['path_p_1'], targets: ['inode_p_1'] });

    expect(pair).toMatchObject({ constraint_name: 'fk_path_to_inode_p_1', index_name: 'idx_path_p_1_fk' });
  });

  it('are used up to 63 bytes', async () => {
    const target = 'i'.repeat(63 - 'fk_path_to_'.length);
    const leaf = 'p'.repeat(63 - 'idx__fk'.length);

    const [pair] = await namedTables('longest', { table: 'path', leaves: [leaf], targets: [target] });

    expect(pair).toMatchObject({ constraint_name: `fk_path_to_${target}`, index_name: `idx_${leaf}_fk` });
  });

  it.each([
    ['ASCII', 'x'],
    ['two bytes a character', 'ä'],
    ['four bytes a character', '🗄'],
  ])('are cut to 63 bytes and still unique: %s', async (what, letter) => {
    const stem = letter.repeat(Math.floor(60 / bytes(letter)));
    const names = { table: `${stem}T`, leaves: [`${stem}a`, `${stem}b`], targets: [`${stem}A`, `${stem}B`] };

    const pairs = await namedTables(`cut_${what.split(' ')[0]}`, names);

    const made = pairs.flatMap((pair) => [pair.constraint_name, pair.index_name]);
    expect(new Set(made).size).toBe(4);
    for (const name of made) {
      expect(bytes(name)).toBeLessThanOrEqual(63);
      expect(bytes(name)).toBeGreaterThan(63 - bytes(letter));
      expect(name).toMatch(/_[0-9a-f]{8}$/);
      expect(name).not.toContain('�');
    }
    // The same in every session and at every time: a resumed migration finds what it has named.
    const again = await readPairs(core, `cut_${what.split(' ')[0]}.${quoted(names.table)}`);
    expect(again.pairs.map((pair) => pair.constraint_name).sort()).toEqual(
      pairs.map((pair) => pair.constraint_name).sort(),
    );
  });

  it('give way to a constraint or relation that has the name already', async () => {
    await makeTables(client, 'taken', {
      type: 'int',
      referencing: ['FOR VALUES IN (1)'],
      referenced: ['FOR VALUES IN (1)'],
    });
    await client.query(`
      ALTER TABLE p_1 ADD CONSTRAINT fk_p_to_r_1 CHECK (id > 0);
      CREATE SEQUENCE idx_p_1_fk;`);

    const { pairs } = await readPairs(core, 'taken.p');

    expect(pairs[0]?.constraint_name).toMatch(/^fk_p_to_r_1_[0-9a-f]{8}$/);
    expect(pairs[0]?.index_name).toMatch(/^idx_p_1_fk_[0-9a-f]{8}$/);
    await client.query(`ALTER TABLE p_1 ADD CONSTRAINT ${pairs[0]?.constraint_name} CHECK (k > 0)`);
  });

  it('of two foreign keys between the same tables do not meet', async () => {
    const bounds = ['FOR VALUES IN (1)'];
    await makeTables(client, 'two_keys', { type: 'int', referencing: bounds, referenced: bounds });
    await client.query(`
      ALTER TABLE p ADD COLUMN id_2 int;
      ALTER TABLE p ADD CONSTRAINT p_fk_2 FOREIGN KEY (k, id_2) REFERENCES r (k, id);`);
    const [first] = (await readPairs(core, 'two_keys.p', 'p_fk')).pairs;
    await client.query(
      `ALTER TABLE p_1 ADD CONSTRAINT ${first?.constraint_name} FOREIGN KEY (k, id) REFERENCES r_1 (k, id)`,
    );

    const [second] = (await readPairs(core, 'two_keys.p', 'p_fk_2')).pairs;

    expect(first?.constraint_name).toBe('fk_p_to_r_1');
    expect(second?.constraint_name).toMatch(/^fk_p_to_r_1_[0-9a-f]{8}$/);
  });
});

describe('a pair foreign key made by hand', () => {
  const bounds = ['FOR VALUES IN (1)'];

  it.each([
    ['counts, whatever its name is', '(k, id) REFERENCES r_1 (k, id)', { validated: true, constraint_name: 'by_hand' }],
    [
      'counts while it is not valid',
      '(k, id) REFERENCES r_1 (k, id) NOT VALID',
      { validated: false, constraint_name: 'by_hand' },
    ],
    [
      'with another action does not count',
      '(k, id) REFERENCES r_1 (k, id) ON DELETE CASCADE',
      { constraint_oid: null },
    ],
    ['with other columns does not count', '(k, other) REFERENCES r_1 (k, id)', { constraint_oid: null }],
    ['that is deferrable does not count', '(k, id) REFERENCES r_1 (k, id) DEFERRABLE', { constraint_oid: null }],
    ['to another partition does not count', '(k, id) REFERENCES elsewhere (k, id)', { constraint_oid: null }],
  ])('%s', async (what, definition, expected) => {
    const schema = `hand_${what.replaceAll(/\W/g, '_')}`;
    await makeTables(client, schema, { type: 'int', referencing: bounds, referenced: bounds });
    await client.query(`
      ALTER TABLE p ADD COLUMN other int;
      CREATE TABLE elsewhere (k int, id int, PRIMARY KEY (k, id));
      ALTER TABLE p_1 ADD CONSTRAINT by_hand FOREIGN KEY ${definition};`);

    const { pairs } = await readPairs(core, `${schema}.p`);

    expect(pairs[0]).toMatchObject(expected);
  });
});

describe('an index made by hand', () => {
  const bounds = ['FOR VALUES IN (1)'];

  it.each([
    ['serves in any order of the columns', '(id, k)', true],
    ['serves with more columns behind', '(k, id, other)', true],
    ['serves when unique with included columns', '(k, id) INCLUDE (other)', true],
    ['does not serve with another column between', '(k, other, id)', false],
    ['does not serve when partial', '(k, id) WHERE id > 0', false],
    ['does not serve on an expression', '(k, (id + 1))', false],
    ['does not serve with only some of the columns', '(k)', false],
  ])('%s', async (what, definition, serves) => {
    const schema = `index_${what.replaceAll(/\W/g, '_')}`;
    await makeTables(client, schema, { type: 'int', referencing: bounds, referenced: bounds });
    await client.query(`ALTER TABLE p ADD COLUMN other int; CREATE INDEX by_hand ON p_1 ${definition};`);

    const { pairs } = await readPairs(core, `${schema}.p`);

    expect(pairs[0]).toMatchObject({ has_index: serves, index_name: serves ? 'by_hand' : 'idx_p_1_fk' });
  });
});

describe('names that look like SQL', () => {
  it('are migrated and rolled back as any other', async () => {
    const hostile = 'we"ird; DROP TABLE x';
    const partition = `p'1%s%I$1 ${'ü'.repeat(20)}`;
    const { observer } = await databaseWith(`
      CREATE SCHEMA ${quoted(`"S."`)};
      SET search_path = ${quoted(`"S."`)};
      CREATE TABLE x (id int);
      CREATE TABLE "Table" ("Key" int, "i,d" int, PRIMARY KEY ("Key", "i,d")) PARTITION BY LIST ("Key");
      CREATE TABLE ${quoted(hostile)} ("Key" int, "sel""ect" int) PARTITION BY LIST ("Key");
      CREATE TABLE "Table 1" PARTITION OF "Table" FOR VALUES IN (1);
      CREATE TABLE ${quoted(partition)} PARTITION OF ${quoted(hostile)} FOR VALUES IN (1);
      INSERT INTO "Table" SELECT 1, n FROM generate_series(1, 30) AS n;
      INSERT INTO ${quoted(hostile)} SELECT * FROM "Table";
      ALTER TABLE ${quoted(hostile)} ADD CONSTRAINT ${quoted(`a'b"c;--`)}
        FOREIGN KEY ("Key", "sel""ect") REFERENCES "Table" ("Key", "i,d") ON DELETE CASCADE;
      COMMENT ON CONSTRAINT ${quoted(`a'b"c;--`)} ON ${quoted(hostile)} IS 'it''s $$ "here"';`);
    await observer.query(`SET search_path = ${quoted(`"S."`)}`);
    const before = await everything(observer);
    const table = `${quoted(`"S."`)}.${quoted(hostile)}`;
    const execution = new Execution();

    await execution.plan({ table, constraint: quoted(`a'b"c;--`) });
    await execution.runUntil('VerifyMigration');

    const { definition } = await oneRow<{ definition: string }>(
      observer,
      `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = $1::regclass AND contype = 'f' AND conparentid = 0`,
      [`${quoted(`"S."`)}.${quoted(partition)}`],
    );
    expect(definition).toBe('FOREIGN KEY ("Key", "sel""ect") REFERENCES "Table 1"("Key", "i,d") ON DELETE CASCADE');
    const back = new Execution();
    await back.plan({ table, operation: 'rollback' });
    await back.rollBack(null);
    expect(await everything(observer)).toBe(before);
  });
});
