/** Statements that SQL writes: what they make is what the parent FK said, word for word. */
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ForeignKey } from '../../../core/catalog/foreign-key.ts';
import { readPairing } from '../../../core/catalog/pairs.ts';
import { statementTexts } from '../../../core/catalog/statements.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { runOne } from '../../../core/postgres/sql.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { oneRow } from '../case.helpers.ts';

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

/** Every part of a foreign key that a pair FK has to copy; the columns have other names and another order in `r`. */
const SHAPES = [
  '(k, a) REFERENCES r (rk, ra)',
  '(a, k) REFERENCES r (ra, rk)',
  '(k, a) REFERENCES r (rk, ra) MATCH FULL',
  ...['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'].flatMap((action) => [
    `(k, a) REFERENCES r (rk, ra) ON DELETE ${action}`,
    `(k, a) REFERENCES r (rk, ra) ON UPDATE ${action}`,
  ]),
  '(k, a) REFERENCES r (rk, ra) ON UPDATE CASCADE ON DELETE SET NULL',
  '(k, a) REFERENCES r (rk, ra) ON DELETE SET NULL (a)',
  '(a, k) REFERENCES r (ra, rk) ON DELETE SET DEFAULT (a)',
  '(k, a) REFERENCES r (rk, ra) DEFERRABLE',
  '(k, a) REFERENCES r (rk, ra) DEFERRABLE INITIALLY DEFERRED',
  '(k, a) REFERENCES r (rk, ra) MATCH FULL ON UPDATE SET NULL ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
  '("Key", "b c") REFERENCES r ("Key", "x,y") ON DELETE SET NULL ("b c")',
];

/** Tables whose parent FK is `p_fk` with that definition. */
async function makeShape(schema: string, shape: string): Promise<ForeignKey> {
  const key = shape.includes('"Key"') ? '"Key"' : undefined;
  await client.query(`
    CREATE SCHEMA ${schema}; SET search_path = ${schema};
    CREATE TABLE r (x int, "x,y" int, ra int, rk int, "Key" int, PRIMARY KEY (${key ? `"Key", "x,y"` : 'rk, ra'})) PARTITION BY LIST (${key ?? 'rk'});
    CREATE TABLE p (a int DEFAULT 0, k int DEFAULT 0, "b c" int, "Key" int) PARTITION BY LIST (${key ?? 'k'});
    CREATE TABLE r_1 PARTITION OF r FOR VALUES IN (1);
    CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
    ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY ${shape};`);
  return resolveForeignKey(core, { table: `${schema}.p` }, 'migrate');
}

/** Fields of pg_constraint that make a foreign key what it is. */
const FIELDS = `pg_get_constraintdef(oid) AS definition, condeferrable, condeferred, confupdtype, confdeltype, confmatchtype,
  conkey, confkey, conpfeqop, confdelsetcols`;

const constraint = (name: string, table: string) =>
  oneRow<{ definition: string; convalidated: boolean }>(
    client,
    `SELECT ${FIELDS}, convalidated FROM pg_constraint WHERE conrelid = $1::regclass AND conname = $2`,
    [table, name],
  );

describe('add-pair-foreign-key', () => {
  it.each(SHAPES.map((shape, index) => [shape, `pair_${index}`] as const))('copies %s', async (shape, schema) => {
    const foreignKey = await makeShape(schema, shape);
    const { pairs } = await readPairing(core, foreignKey);
    const parent = await constraint('p_fk', 'p');

    const [sql = ''] = await statementTexts(core, 'statements/add-pair-foreign-key', {
      ...foreignKey,
      constraint_oid: String(foreignKey.constraint_oid),
      pairs,
    });
    await core.query(sql);

    const pair = await constraint('fk_p_to_r_1', 'p_1');
    // Checked at COMMIT as long as the parent FK stands, which checks as early as it always did.
    const deferred = parent.definition.endsWith(' DEFERRABLE');
    expect(pair).toEqual({
      ...parent,
      ...(deferred ? { condeferred: true } : {}),
      definition: `${parent.definition.replace('REFERENCES r(', 'REFERENCES r_1(')}${deferred ? ' INITIALLY DEFERRED' : ''} NOT VALID`,
      convalidated: false,
    });
    // And it is recognised by what it does.
    const again = await readPairing(core, foreignKey);
    expect(again.pairs[0]).toMatchObject({ constraint_name: 'fk_p_to_r_1', validated: false, enforced: true });
  });
});

describe('add-parent-foreign-key', () => {
  it.each(SHAPES.map((shape, index) => [shape, `parent_${index}`] as const))(
    'brings back %s',
    async (shape, schema) => {
      const foreignKey = await makeShape(schema, shape);
      const before = await constraint('p_fk', 'p');
      await client.query('ALTER TABLE p DROP CONSTRAINT p_fk');

      const { sql } = await runOne(core, 'statements/add-parent-foreign-key', { ...foreignKey });
      await core.query(sql);

      expect(await constraint('p_fk', 'p')).toEqual(before);
    },
  );
});

describe('add-leaf-foreign-key', () => {
  it.each(SHAPES.map((shape, index) => [shape, `leaf_${index}`] as const))(
    'makes what the parent FK attaches: %s',
    async (shape, schema) => {
      const foreignKey = await makeShape(schema, shape);
      const { pairs } = await readPairing(core, foreignKey);
      const child = await constraint('p_fk', 'p_1');
      await client.query('ALTER TABLE p DROP CONSTRAINT p_fk');

      const [sql = ''] = await statementTexts(core, 'statements/add-leaf-foreign-key', { ...foreignKey, pairs });
      await core.query(sql);
      const leaf = (await readPairing(core, foreignKey)).pairs[0]?.leaf_constraint_oid ?? 0;
      const validate = await runOne(core, 'statements/validate-foreign-key', { constraint_oid: leaf });
      await core.query(validate.sql);
      const add = await runOne(core, 'statements/add-parent-foreign-key', { ...foreignKey });
      await core.query(add.sql);

      const attached = await oneRow(
        client,
        `SELECT conname, conparentid::regclass IS NOT NULL AS attached FROM pg_constraint
         WHERE conrelid = 'p_1'::regclass AND oid = $1 AND conparentid =
               (SELECT oid FROM pg_constraint WHERE conrelid = 'p'::regclass AND conname = 'p_fk')`,
        [leaf],
      );
      expect(attached).toEqual({ conname: 'p_fk', attached: true });
      expect(await constraint('p_fk', 'p_1')).toEqual(child);
    },
  );
});

it('comment-foreign-key puts any comment back, or none', async () => {
  const foreignKey = await makeShape('comments', SHAPES[0] as string);
  const comment = `it's "quoted" $$ E'\\n' and ä`;
  const commentNow = async () =>
    (
      await oneRow<{ comment: string | null }>(
        client,
        `SELECT obj_description(oid) AS comment FROM pg_constraint WHERE conrelid = 'p'::regclass AND conname = 'p_fk'`,
      )
    ).comment;

  for (const wanted of [comment, null]) {
    const { sql } = await runOne(core, 'statements/comment-foreign-key', {
      ...foreignKey,
      comment: wanted,
    });
    await core.query(sql);

    expect(await commentNow()).toBe(wanted);
  }
});
