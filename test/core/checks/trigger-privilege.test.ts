/** Roles that may create triggers on a referenced partition, and so could put one behind the row-movement guard. */
import { describe, expect, it } from 'vitest';
import { verifyTable } from '../../../core/checks/verification.ts';
import { coreSession, databaseWith } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { findingsCase, makeTables, planOf } from './findings.helpers.ts';

const db = findingsCase();
const named = (name: string) => `${name}_${db.db.name}`;

/** What the plan says after `sql`, in which `owner` owns all tables, and `one` and `two` are other roles. */
async function plan(sql: string, { actions = 'ON DELETE CASCADE', values = {} } = {}) {
  const schema = await makeTables(db, { actions });
  const roles = ['owner', 'one', 'two'].map(named);
  await db.client.query(`
    DO $$ BEGIN ${roles.map((role) => `CREATE ROLE ${role}`).join(';')}; EXCEPTION WHEN duplicate_object THEN END $$;
    GRANT ALL ON SCHEMA ${schema} TO ${roles.join(', ')};
    ${['p', 'p_1', 'p_2', 'r', 'r_1', 'r_2'].map((table) => `ALTER TABLE ${table} OWNER TO ${named('owner')}`).join(';')};
    ${sql.replaceAll(/:(\w+)/g, (_, name: string) => (name === 'schema' ? schema : named(name)))}`);
  const found = (await planOf(db, schema, values)).findings.filter(({ id }) => id === 'trigger-privilege');
  for (const finding of found) expect(finding).toMatchObject({ severity: 'warning', needsAcceptance: true });
  if (found[0]) {
    await db.client.query(found.map(({ remedy }) => remedy).join('; '));
    expect((await planOf(db, schema, values)).findings.map(({ id }) => id)).not.toContain('trigger-privilege');
  }
  return found.map(({ message }) => message);
}

describe('the privilege to create triggers on a referenced partition', () => {
  it.each([
    ['on it', 'GRANT TRIGGER ON r_1 TO :one', [/^role one_\w+ may create triggers on \S+\.r_1: .*ON DELETE CASCADE/]],
    ['on the table, whose triggers come to it', 'GRANT SELECT, UPDATE, TRIGGER ON r TO :one', [/triggers on \S+\.r: /]],
    ['of PUBLIC', 'GRANT TRIGGER ON r_1, r_2 TO PUBLIC', [/^PUBLIC may create triggers on \S+\.r_1 and 1 more: /]],
    [
      'that a holder has passed on',
      'GRANT TRIGGER ON r TO :one WITH GRANT OPTION; SET ROLE :one; GRANT TRIGGER ON r TO :two; RESET ROLE',
      [/^role one_/, /^role two_/],
    ],
    [
      'where it can delete the rows of another partition alone',
      'GRANT TRIGGER ON r TO :one; GRANT DELETE ON r_1, p_1 TO :one',
      [/^role one_/],
    ],
    [
      'where row-level security decides what it can delete',
      'GRANT TRIGGER ON r TO :one; GRANT DELETE ON r TO :one; ALTER TABLE r ENABLE ROW LEVEL SECURITY',
      [/^role one_/],
    ],
  ])('needs acceptance %s', async (_, sql, expected) => {
    expect(await plan(sql)).toEqual(expected.map((message) => expect.stringMatching(message)));
  });

  it.each<[string, string, Parameters<typeof plan>[1]?]>([
    [
      'of the owner, and of roles with its rights',
      'GRANT ALL ON r, r_1 TO :owner, :one, CURRENT_USER; GRANT :owner TO :one',
    ],
    ['of a role that has all on all tables', 'GRANT ALL ON ALL TABLES IN SCHEMA :schema TO :two'],
    ['of one that can delete the referencing rows', 'GRANT TRIGGER ON r, r_1 TO :two; GRANT DELETE ON p TO :two'],
    ['of one that can delete the referenced rows', 'GRANT TRIGGER ON r_1 TO :two; GRANT DELETE ON r_1 TO :two'],
    [
      'of one that can set the referencing columns',
      'GRANT TRIGGER ON r TO :two; GRANT UPDATE ON p TO :two',
      { actions: 'ON DELETE SET NULL' },
    ],
    ['where the foreign key merely refuses', 'GRANT TRIGGER ON r TO :two', { actions: '' }],
    ['where no guard is wanted', 'GRANT TRIGGER ON r TO :two', { values: { rowMovementGuard: false } }],
    ['on the referencing side', 'GRANT TRIGGER ON p, p_1 TO :two'],
  ])('is nothing new %s', async (_, sql, options) => {
    expect(await plan(sql, options)).toEqual([]);
  });

  it('lets a role delete referencing rows after the migration, which therefore needs acceptance, and verify then fails', async () => {
    const testCase = await databaseWith();
    const { observer, db: database } = testCase;
    const { role } = await plainRole(testCase);
    await observer.query(`GRANT USAGE ON SCHEMA public TO ${role}; CREATE SCHEMA planted AUTHORIZATION ${role};
      GRANT SELECT, UPDATE ON inode TO ${role}; GRANT TRIGGER ON inode_1 TO ${role}`);
    await expect(new Execution().migrate()).rejects.toThrow('trigger-privilege');
    await new Execution().migrate('VerifyMigration', { accept: ['trigger-privilege'] });
    await observer.query(`SET ROLE ${role};
      CREATE FUNCTION planted.move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.medium := 'two'; new.ino := new.ino + 1000; RETURN new; END $$;
      CREATE TRIGGER "~q" BEFORE UPDATE ON public.inode_1 FOR EACH ROW EXECUTE FUNCTION planted.move();
      UPDATE public.inode SET size = 2 WHERE medium = 'one' AND ino = 1; RESET ROLE`);
    const { rows } = await observer.query("SELECT FROM path WHERE medium = 'one' AND ino = 1");
    expect(rows).toEqual([]);

    const core = await coreSession(database.url);
    const [check] = (await verifyTable(core, { table: 'path' })).checks;
    expect(check).toMatchObject({
      passed: false,
      detail: expect.stringMatching(/run after the row-movement guard, .*: "~q" \(on public\.inode_1\)/),
    });
  });
});

it('a trigger behind the row-movement guard that came after the plan closes the gate, and stops the drop', async () => {
  const { observer } = await databaseWith();
  const execution = new Execution();
  await execution.migrate('VerifyGate');
  await observer.query(`
    CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER "~z" BEFORE UPDATE ON inode FOR EACH ROW EXECUTE FUNCTION late()`);
  const late = expect.stringMatching(/run after the row-movement guard, .*: "~z" \(on 3 partitions\)/);
  await expect(execution.run('DropParentForeignKey')).rejects.toMatchObject({ name: 'GateFailed', message: late });
  expect(await execution.verifyGate()).toMatchObject({ status: 'FAILED', reason: late });
});
