/** What was accepted stays accepted for the migration; what is new is asked. */
import { describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { createDatabase } from '../../support/database.ts';
import { coreSession, databaseWith, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

const WITH_TRIGGER = `${THREE_PAIRS}
  CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER audit AFTER DELETE ON path FOR EACH STATEMENT EXECUTE FUNCTION nothing();`;

describe('acceptance', () => {
  it('holds for an execution that resumes, also without the option, as long as the finding says the same', async () => {
    const { observer } = await databaseWith(WITH_TRIGGER);
    const accepted = async () =>
      (await observer.query(`SELECT options -> 'accepted' AS list FROM p2pfk.migration`)).rows[0]?.list;
    await expect(new Execution().plan()).rejects.toThrow(/accept with --accept statement-trigger$/);
    const first = new Execution();
    await first.migrate('AddForeignKeys', { accept: ['statement-trigger'] });
    await first.pause({ Error: 'MaintenanceWindowClosed' });
    const before = await accepted();
    expect(before).toMatchObject([
      { id: 'statement-trigger', role: expect.any(String), sessionUser: expect.any(String) },
    ]);

    await observer.query('CREATE TRIGGER more BEFORE DELETE ON path FOR EACH STATEMENT EXECUTE FUNCTION nothing()');
    await expect(new Execution().plan()).rejects.toThrow(/audit on public\.path, more on public\.path/);
    await observer.query('DROP TRIGGER more ON path');

    const second = new Execution();
    await second.migrate('VerifyMigration');
    expect(await accepted()).toEqual(before);
  });

  it('is asked again for what is found between the plan and the drop: it pauses, and undoes nothing', async () => {
    const { observer } = await databaseWith();
    const execution = new Execution();
    await execution.migrate('ValidateForeignKeys');
    await observer.query('CREATE PUBLICATION everything FOR ALL TABLES');

    await expect(execution.verifyGate()).rejects.toMatchObject({
      name: 'PartitionSetChanged',
      message: expect.stringContaining('--accept publication-all-tables'),
    });
  });

  it('is not needed by the source case', async () => {
    const db = await createDatabase('source-case');
    const client = await connect({ databaseUrl: db.url, applicationName: 'test' });
    try {
      const { findings } = await planMigration(client, ExecutionInput.parse({ table: 'path' }));
      expect(findings.filter(({ needsAcceptance }) => needsAcceptance)).toEqual([]);
      expect(findings.map(({ id }) => id)).toContain('constraint-name');
    } finally {
      await client.end();
      await db.drop();
    }
  });
});

it('is not needed, but the plan says so, where another foreign key between the two tables will act before this one', async () => {
  const { db, observer } = await databaseWith(`${THREE_PAIRS}
    ALTER TABLE path ADD COLUMN also bigint;
    ALTER TABLE path ADD CONSTRAINT also_fk FOREIGN KEY (medium, also) REFERENCES inode (medium, ino);`);
  const told = async () => {
    const core = await coreSession(db.url);
    const { findings } = await planMigration(core, ExecutionInput.parse({ table: 'path', constraint: 'path_fk' }));
    return findings.find(({ id }) => id === 'foreign-key-order');
  };
  const add = (name: string, column: string, action: string) =>
    observer.query(`ALTER TABLE path DROP CONSTRAINT ${name};
      ALTER TABLE path ADD CONSTRAINT ${name} FOREIGN KEY (medium, ${column}) REFERENCES inode (medium, ino) ${action}`);

  expect(await told()).toMatchObject({
    severity: 'warning',
    message: expect.stringMatching(/also_fk on public\.path; .* a DELETE that works today/),
  });
  // Deferred, the check comes last in any case; with the same action the order says nothing; and what is older acts first as before.
  await add('also_fk', 'also', 'DEFERRABLE INITIALLY DEFERRED');
  expect(await told()).toBeUndefined();
  await add('also_fk', 'also', 'ON DELETE CASCADE');
  expect(await told()).toBeUndefined();
  await add('also_fk', 'also', '');
  await add('path_fk', 'ino', 'ON DELETE CASCADE');
  expect(await told()).toBeUndefined();
});
