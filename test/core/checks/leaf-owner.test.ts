/** Owners of partitions who gain a right by the migration: over the foreign key, and over the row-movement guard. */
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
