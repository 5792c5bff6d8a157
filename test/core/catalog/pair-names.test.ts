/** Names and timing of pair FKs of a DEFERRABLE parent FK, from the first one added to the last one dropped. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { coreSession, databaseWith, everything } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

const DEFERRABLE = `
  CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
  CREATE TABLE path (id int, k int, ino int) PARTITION BY LIST (k);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
  CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2);
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
  CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
  INSERT INTO inode SELECT k, i FROM generate_series(1, 2) k, generate_series(1, 50) i;
  INSERT INTO path SELECT i, k, i FROM generate_series(1, 2) k, generate_series(1, 40) i;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode DEFERRABLE;`;

/** Moves to another partition, which are legal today, will be refused. */
const ACCEPTED = { accept: ['row-movement'] };

/** What an application may do today: the referencing row first, and the constraint named. */
async function orphanFirst(observer: Client): Promise<void> {
  await observer.query(`
    BEGIN; SET CONSTRAINTS path_fk DEFERRED; INSERT INTO path VALUES (900, 1, 900); INSERT INTO inode VALUES (1, 900); COMMIT;
    DELETE FROM path WHERE id = 900; DELETE FROM inode WHERE ino = 900;`);
}

/** Of the leaves, as far as they are none of a parent FK's. */
async function pairForeignKeys(observer: Client): Promise<string[]> {
  const { rows } = await observer.query<{ line: string }>(
    `SELECT format('%s %s%s', conrelid::regclass, conname, CASE WHEN condeferred THEN ' deferred' END) AS line
       FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND conrelid::regclass::text ~ '^path_' ORDER BY 1`,
  );
  return rows.map(({ line }) => line);
}

describe('pair foreign keys of a DEFERRABLE one', () => {
  it('let SET CONSTRAINTS by name work at every step, forward and back', async () => {
    const { observer } = await databaseWith(DEFERRABLE);
    const before = await everything(observer);
    const execution = new Execution();
    await execution.migrate('VerifyGate', ACCEPTED);
    expect(await pairForeignKeys(observer)).toEqual([
      'path_1 fk_path_to_inode_1 deferred',
      'path_2 fk_path_to_inode_2 deferred',
    ]);
    await orphanFirst(observer);
    await execution.dropParentForeignKey();
    expect(await pairForeignKeys(observer)).toEqual(['path_1 path_fk', 'path_2 path_fk']);
    await orphanFirst(observer);

    await execution.fence();
    for (const { pair } of execution.pairs) {
      await execution.restoreParent(pair);
      await orphanFirst(observer);
    }
    await execution.attachParent();
    await orphanFirst(observer);
    await execution.dropPairForeignKeys();
    await execution.verifyRolledBack();
    expect(await everything(observer)).toBe(before);
  });

  it('give the name back that a person had given to one', async () => {
    const { observer } = await databaseWith(DEFERRABLE);
    await observer.query('ALTER TABLE path_1 ADD CONSTRAINT mine FOREIGN KEY (k, ino) REFERENCES inode_1 DEFERRABLE');
    const before = await everything(observer);
    const execution = new Execution();
    await execution.migrate('VerifyMigration', ACCEPTED);
    expect(await pairForeignKeys(observer)).toEqual(['path_1 path_fk', 'path_2 path_fk']);
    await execution.rollBack(null);
    expect(await everything(observer)).toBe(before);
  });

  it('that come later get the same name, by provision and by audit', async () => {
    const { db, observer } = await databaseWith(DEFERRABLE);
    await new Execution().migrate('VerifyMigration', ACCEPTED);
    const core = await coreSession(db.url);
    await provision(core, { table: 'path', bound: 'FOR VALUES IN (3)', dryRun: false, lockTimeoutMs: 10_000 });
    await observer.query('ALTER TABLE path_1 DROP CONSTRAINT path_fk');
    const { audited } = await auditAndRepair(core, { table: 'path', lockTimeoutMs: 10_000 });
    expect(audited.flatMap(({ drift }) => drift)).toEqual([]);
    expect(await pairForeignKeys(observer)).toEqual(['path_1 path_fk', 'path_2 path_fk', 'path_3 path_fk']);
  });

  it('keep their documented names where one partition has another constraint of that name, which needs acceptance', async () => {
    const { db, observer } = await databaseWith(DEFERRABLE);
    await observer.query(`
      CREATE TABLE path_3 (id int, k int, ino int, CONSTRAINT path_fk CHECK (id > 0)); CREATE TABLE inode_3 PARTITION OF inode FOR VALUES IN (3);
      ALTER TABLE path ATTACH PARTITION path_3 FOR VALUES IN (3);`);
    const plan = async (values: object = {}) =>
      planMigration(await coreSession(db.url), ExecutionInput.parse({ table: 'path', ...values }));
    const { pairs, findings } = await plan();
    expect(pairs.map(({ pairConstraint }) => pairConstraint).sort()).toEqual([
      'fk_path_to_inode_1',
      'fk_path_to_inode_2',
      'fk_path_to_inode_3',
    ]);
    expect(findings).toContainEqual(
      expect.objectContaining({
        id: 'set-constraints',
        needsAcceptance: true,
        message: expect.stringContaining('another constraint of that name'),
      }),
    );
    const documented = await plan({ pairConstraintNames: 'documented' });
    expect(documented.findings.map(({ id }) => id)).toContain('set-constraints');
  });
});

describe('the option', () => {
  it('gives the parent foreign key’s name also where it is not DEFERRABLE', async () => {
    const { db, observer } = await databaseWith();
    const core = await coreSession(db.url);
    const input = ExecutionInput.parse({ table: 'path', pairConstraintNames: 'parent' });
    expect((await planMigration(core, input)).findings.map(({ id }) => id)).not.toContain('constraint-name');
    const execution = new Execution();
    await execution.migrate('VerifyMigration', { pairConstraintNames: 'parent' });
    await expect(observer.query("INSERT INTO path VALUES ('one', 9999, 'x')")).rejects.toMatchObject({
      constraint: 'path_fk',
    });
    await execution.rollBack(null);
    const { rows } = await observer.query(
      "SELECT FROM pg_constraint WHERE conname = 'path_2_own' OR conname LIKE 'fk_%'",
    );
    expect(rows).toHaveLength(1);
  });
});
