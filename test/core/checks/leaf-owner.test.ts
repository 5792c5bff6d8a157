/** Owners of partitions who gain a right by the migration: over the foreign key, the row-movement guard, and the set of partitions. */
import { describe, expect, it } from 'vitest';
import { databaseWith, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { findingsCase, makeTables, planOf } from './findings.helpers.ts';

const db = findingsCase();
const named = (name: string) => `${name}_${db.db.name}`;

/** What the plan says where the partitions that `sql` names belong to `other`, and all else to `owner`. */
async function plan(sql: string, { actions = '', values = {} } = {}): Promise<{ message: string; remedy: string }[]> {
  const schema = await makeTables(db, { actions });
  await db.client.query(`
    DO $$ BEGIN CREATE ROLE ${named('owner')}; CREATE ROLE ${named('other')}; EXCEPTION WHEN duplicate_object THEN END $$;
    GRANT ALL ON SCHEMA ${schema} TO ${named('owner')}, ${named('other')};
    ${['p', 'p_1', 'p_2', 'r', 'r_1', 'r_2'].map((table) => `ALTER TABLE ${table} OWNER TO ${named('owner')}`).join(';')};
    ${sql.replaceAll(':other', named('other')).replaceAll(':owner', named('owner'))}`);
  const { findings } = await planOf(db, schema, values);
  const found = findings.filter(({ id }) => id === 'leaf-owner');
  for (const finding of found) expect(finding).toMatchObject({ severity: 'warning', needsAcceptance: true });
  if (found[0]) {
    await db.client.query(found.map(({ remedy }) => remedy).join('; '));
    expect((await planOf(db, schema, values)).findings.map(({ id }) => id)).not.toContain('leaf-owner');
  }
  return found;
}

describe('a partition of another owner', () => {
  it('needs acceptance on the referencing side, for the foreign key that its owner could drop', async () => {
    const [found, ...more] = await plan('ALTER TABLE p_1 OWNER TO :other; ALTER TABLE p_2 OWNER TO :other');
    expect(found?.message).toMatch(
      /role other_\w+ owns \S+\.p_1 and 1 more, and \S+\.p belongs to owner_\w+: .* it can drop or change the foreign key/,
    );
    expect(found?.remedy).toMatch(/^ALTER TABLE \S+\.p_1 OWNER TO owner_\w+; ALTER TABLE \S+\.p_2 OWNER TO owner_\w+$/);
    expect(more).toEqual([]);
  });

  it('needs acceptance on the referenced side only where a guard is there, which its owner could drop', async () => {
    // The table's owner can become this one, and so lends nothing.
    const sql = 'ALTER TABLE r_2 OWNER TO :other; GRANT :other TO :owner';
    const found = await plan(sql, { actions: 'ON DELETE CASCADE' });
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringMatching(/r_2, .* it can drop or disable the trigger/),
    ]);
    expect(await plan(sql, { actions: 'ON DELETE CASCADE', values: { rowMovementGuard: false } })).toEqual([]);
    expect(await plan(sql)).toEqual([]);
  });

  it('is nothing new where the two owners are the same by membership', async () => {
    // A member of the table's owner, and a superuser owns the table: the one has its rights, the other has all.
    const sql =
      'ALTER TABLE p OWNER TO CURRENT_USER; GRANT postgres TO :other; ALTER TABLE p_1 OWNER TO :other; ALTER TABLE p_2 OWNER TO CURRENT_USER';
    expect(await plan(sql, { actions: 'ON DELETE CASCADE' })).toEqual([]);
    await db.client.query(`REVOKE postgres FROM ${named('other')}`);
  });

  it.each([
    ['referencing', 'p', 'ON DELETE SET NULL'],
    ['referencing', 'p', ''],
    ['referenced', 'r', ''],
  ])(
    'that is mightier needs acceptance on the %s side: the foreign key’s queries run with its rights (%s%s)',
    async (_, table, actions) => {
      const found = await plan(`ALTER TABLE ${table}_1 OWNER TO CURRENT_USER`, { actions });
      expect(found.map(({ message }) => message)).toEqual([
        expect.stringMatching(
          /_1, and .* belongs to owner_\w+: after the migration the queries of the foreign key run there with the rights of postgres/,
        ),
      ]);
    },
  );
});

it('the owner of a partition can drop its foreign key after the migration alone, which therefore needs acceptance', async () => {
  const testCase = await databaseWith(THREE_PAIRS);
  const { role } = await plainRole(testCase);
  await testCase.observer.query(
    `GRANT ALL ON SCHEMA public TO ${role}; ALTER TABLE path_1 OWNER TO ${role}; GRANT ALL ON inode_1 TO ${role}`,
  );
  const dropped = async (name: string) => {
    await testCase.observer.query(`SET ROLE ${role}`);
    await testCase.observer
      .query(`ALTER TABLE path_1 DROP CONSTRAINT ${name}`)
      .finally(() => testCase.observer.query('RESET ROLE'));
  };
  await expect(dropped('path_fk')).rejects.toThrow('cannot drop inherited constraint');
  await expect(new Execution().migrate()).rejects.toThrow('leaf-owner');
  await new Execution().migrate('VerifyMigration', { accept: ['leaf-owner'] });
  await expect(dropped('fk_path_to_inode_1')).resolves.toBeUndefined();
});

describe('a table between the root and the leaves, of another owner', () => {
  const between = (table: string, bound: number) => `
    CREATE TABLE ${table}_between PARTITION OF ${table} FOR VALUES IN (${bound}) PARTITION BY LIST (k);
    CREATE TABLE ${table}_leaf PARTITION OF ${table}_between FOR VALUES IN (${bound});
    ALTER TABLE ${table}_between OWNER TO :other; ALTER TABLE ${table}_leaf OWNER TO :owner;`;

  it.each(['', 'ON DELETE CASCADE'])(
    'needs acceptance on either side, whatever the foreign key does (%s)',
    async (actions) => {
      const found = await plan(`${between('p', 3)} ${between('r', 3)}`, {
        actions,
        values: { rowMovementGuard: false },
      });
      expect(found).toEqual(
        [
          {
            message: expect.stringMatching(/r_between, with partitions of its own, .* it can detach partitions there/),
            remedy: expect.stringMatching(/^ALTER TABLE \S+\.r_between OWNER TO owner_\w+$/),
          },
          {
            message: expect.stringMatching(
              /p_between, with partitions of its own, .* it can attach or create partitions/,
            ),
            remedy: expect.stringMatching(/^ALTER TABLE \S+\.p_between OWNER TO owner_\w+$/),
          },
        ].map((finding) => expect.objectContaining(finding)),
      );
    },
  );

  it('needs acceptance without any leaf where it references, to which a partition can be attached, and not where it is referenced', async () => {
    const empty = (table: string) =>
      `CREATE TABLE ${table}_empty PARTITION OF ${table} FOR VALUES IN (4) PARTITION BY LIST (k); ALTER TABLE ${table}_empty OWNER TO :other;`;
    const found = await plan(`${empty('p')} ${empty('r')}`);
    expect(found.map(({ message }) => message)).toEqual([expect.stringMatching(/p_empty, .* it can attach or create/)]);
  });

  it('is nothing new where its owner has the rights of the table’s owner, or is mightier', async () => {
    const member = `${between('p', 3)} ALTER TABLE p OWNER TO CURRENT_USER; GRANT postgres TO :other; ALTER TABLE p_1 OWNER TO CURRENT_USER;
      ALTER TABLE p_2 OWNER TO CURRENT_USER; ALTER TABLE p_leaf OWNER TO CURRENT_USER`;
    expect(await plan(member)).toEqual([]);
    await db.client.query(`REVOKE postgres FROM ${named('other')}`);
    expect(await plan(`${between('r', 3)} ALTER TABLE r_between OWNER TO CURRENT_USER`)).toEqual([]);
  });
});

it('the owner of a table in between can attach orphans and detach what is referenced after the migration alone, which therefore needs acceptance', async () => {
  const testCase = await databaseWith(`
    CREATE TABLE inode (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
    CREATE TABLE path (medium text, ino bigint) PARTITION BY LIST (medium);
    CREATE TABLE inode_all PARTITION OF inode FOR VALUES IN ('one', 'two') PARTITION BY LIST (medium);
    CREATE TABLE path_all PARTITION OF path FOR VALUES IN ('one', 'two') PARTITION BY LIST (medium);
    CREATE TABLE inode_1 PARTITION OF inode_all FOR VALUES IN ('one');
    CREATE TABLE path_1 PARTITION OF path_all FOR VALUES IN ('one');
    INSERT INTO inode VALUES ('one', 1);
    INSERT INTO path VALUES ('one', 1);
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode`);
  const { role } = await plainRole(testCase);
  await testCase.observer.query(`GRANT ALL ON SCHEMA public TO ${role};
    ALTER TABLE inode_all OWNER TO ${role}; ALTER TABLE path_all OWNER TO ${role};
    CREATE TABLE path_orphans (medium text, ino bigint); INSERT INTO path_orphans VALUES ('two', 1);
    ALTER TABLE path_orphans OWNER TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  const as = async (sql: string) => {
    await testCase.observer.query(`SET ROLE ${role}`);
    await testCase.observer.query(sql).finally(() => testCase.observer.query('RESET ROLE'));
  };
  const attach = () => as("ALTER TABLE path_all ATTACH PARTITION path_orphans FOR VALUES IN ('two')");
  const detach = () => as('ALTER TABLE inode_all DETACH PARTITION inode_1');
  await expect(attach()).rejects.toThrow('violates foreign key constraint');
  await expect(detach()).rejects.toThrow('violates foreign key constraint');

  await expect(new Execution().migrate()).rejects.toThrow(/inode_all, with .* detach .*path_all, with .* attach/s);

  await new Execution().migrate('VerifyMigration', { accept: ['leaf-owner'] });
  await expect(attach()).resolves.toBeUndefined();
  await expect(detach()).resolves.toBeUndefined();
});
