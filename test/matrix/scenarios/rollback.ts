/** The ways back: by each strategy, and by itself when something is wrong. */
import { expect } from 'vitest';
import { Execution } from '../../core/execution.helpers.ts';
import { withDatabase } from '../layout.helpers.ts';
import { everything, execute, plan, succeeds } from '../migration.helpers.ts';
import { type Scenario, smuggle, threePairs } from './scenario.helpers.ts';

export const rollbacks: readonly Scenario[] = [
  {
    title: 'attach: a valid FK from each leaf, then the parent FK takes them over',
    until: 17,
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        const before = await everything(db.observer);
        const planned = await plan(db, { table: 'path' });
        expect(planned.estimate.rollback.strategy).toBe('attach');
        await succeeds(db, { table: 'path' }, 'MIGRATED');

        const { states } = await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');

        expect(states).toEqual(expect.arrayContaining(['RestoreParent', 'RestoreParentForPair', 'AttachParent']));
        expect(await everything(db.observer)).toBe(before);
      }),
  },
  {
    title: 'not-valid: the parent FK NOT VALID, then validated',
    since: 18,
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        const before = await everything(db.observer);
        const planned = await plan(db, { table: 'path' });
        expect(planned.estimate.rollback.strategy).toBe('not-valid');
        await succeeds(db, { table: 'path' }, 'MIGRATED');

        const { states } = await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');

        expect(states).toContain('AttachParent');
        expect(states).not.toContain('RestoreParentForPair');
        expect(await everything(db.observer)).toBe(before);
      }),
  },
  {
    // A rollback that began on 17 and goes on after an upgrade finds the leaves' own foreign keys.
    title: 'not-valid, where leaves have a valid FK to the referenced table already',
    since: 18,
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        const before = await everything(db.observer);
        const forward = new Execution();
        await forward.migrate();
        const back = new Execution();
        await back.plan({ operation: 'rollback' });
        expect(await back.fence()).toMatchObject({ parentForeignKey: 'DROPPED', strategy: 'not-valid' });
        for (const pair of [1, 2]) expect(await back.restoreParent(pair)).toMatchObject({ status: 'DONE' });

        expect(await back.attachParent()).toMatchObject({ status: 'DONE' });
        await back.dropPairForeignKeys();
        await back.verifyRolledBack();

        expect(await everything(db.observer)).toBe(before);
      }),
  },
  {
    title: 'by itself, when the validation finds orphans',
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        await db.observer.query(smuggle(`INSERT INTO path VALUES ('two', 99, 'orphan')`));
        const before = await everything(db.observer);

        const ending = await execute(db, { table: 'path' });

        expect(ending).toMatchObject({
          status: 'FAILED',
          error: 'MigrationRolledBack',
          message: expect.stringMatching(/1 row\(s\) of path_2 have no row in inode_2/),
        });
        // The indexes are not what is wrong, and the next try needs them.
        await db.observer.query('DROP INDEX idx_path_1_fk, idx_path_2_fk, idx_path_3_fk');
        expect(await everything(db.observer)).toBe(before);
      }),
  },
  {
    title: 'by itself, when the gate finds orphans below a valid FK',
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        const before = await everything(db.observer);
        const execution = new Execution();
        await execution.migrate('ValidateForeignKeys');
        await db.observer.query(
          `ALTER TABLE path_2 DISABLE TRIGGER ALL; INSERT INTO path VALUES ('two', 99, 'orphan'); ALTER TABLE path_2 ENABLE TRIGGER ALL`,
        );

        expect(await execution.verifyGate()).toMatchObject({
          status: 'FAILED',
          reason: expect.stringMatching(/1 in path_2/),
        });
        await execution.rollBack();

        await db.observer.query(`DELETE FROM path WHERE ino = 99`);
        expect(await everything(db.observer)).toBe(before);
      }),
  },
  {
    title: 'of what was only begun, and then migrated after all',
    run: (server) =>
      withDatabase(server, { sql: threePairs('ON DELETE RESTRICT DEFERRABLE') }, async (db) => {
        const before = await everything(db.observer);
        const execution = new Execution();
        await execution.migrate('AddForeignKeys', { accept: ['all'] });
        await execution.rollBack(null);
        expect(await everything(db.observer)).toBe(before);

        await succeeds(db, { table: 'path', accept: ['all'] }, 'MIGRATED');
        expect(await execute(db, { table: 'path' })).toMatchObject({ status: 'ALREADY_MIGRATED' });

        await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');
        expect(await execute(db, { table: 'path', operation: 'rollback' })).toMatchObject({
          status: 'NOTHING_TO_ROLL_BACK',
        });
        expect(await everything(db.observer)).toBe(before);
      }),
  },
];
