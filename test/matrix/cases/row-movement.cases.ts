/** UPDATEs that move a referenced row to another partition. */
import { expect } from 'vitest';
import { Execution } from '../../core/execution.helpers.ts';
import type { Case, CaseRun } from './case.helpers.ts';

const moved = { code: '23503' };

/** The statement is refused, and no referencing row is lost. */
async function refused({ db, value }: CaseRun, sql: string): Promise<void> {
  await expect(db.observer.query(sql)).rejects.toMatchObject(moved);
  expect(Number(await value('SELECT count(*) FROM path'))).toBe(80);
}

export const cases: readonly Case[] = [
  {
    schema: '01-move-before-the-drop',
    title: 'no referenced row moves before, during and after the migration, nor in a rollback',
    since: 15,
    run: async (run) => {
      const move = `UPDATE inode SET region='vip', ino=4000 WHERE region='std' AND ino=9`;
      await refused(run, move);
      const execution = new Execution();
      await execution.migrate('BuildIndexes', { table: run.table });
      for (const { pair } of execution.pairs) {
        await execution.addForeignKey(pair);
        await refused(run, move);
      }
      await execution.run('ValidateForeignKeys');
      await run.migrate({ rehearse: true });
      await refused(run, move);
      await new Execution().migrate('DropParentForeignKey', { table: run.table });
      await refused(run, move);
      const back = new Execution();
      const { pairs } = await back.plan({ table: run.table, operation: 'rollback' });
      await back.fence(null);
      await refused(run, move);
      await Promise.all(pairs.map(({ pair }) => back.restoreParent(pair)));
      await back.attachParent();
      await refused(run, move);
      await back.dropPairForeignKeys();
      await refused(run, move);
      await back.verifyRolledBack();
    },
  },
  {
    schema: '04-trigger-changes-the-key',
    title: 'a key that another trigger changes does not pass the guard',
    since: 15,
    run: async (run) => {
      const move = `UPDATE inode SET vip = true WHERE region='std' AND ino=8`;
      await refused(run, move);
      expect(await run.migrate()).toMatchObject({ status: 'MIGRATED' });
      await refused(run, move);
    },
  },
  {
    schema: '18-application-role-and-guard',
    title: 'a role without rights on the types of the key updates inside a partition as before',
    run: async ({ db, migrate, value }) => {
      expect(await migrate()).toMatchObject({ status: 'MIGRATED' });
      await db.observer.query('SET ROLE case_dml');
      await db.observer.query(`UPDATE inode SET k = 'b' WHERE ino = 49`);
      await db.observer.query(`UPDATE inode SET k = k, ino = 60 WHERE ino = 49`);
      await expect(db.observer.query(`UPDATE inode SET k = 'c' WHERE ino = 9`)).rejects.toMatchObject(moved);
      await db.observer.query('RESET ROLE');
      expect(Number(await value('SELECT count(*) FROM path'))).toBe(40);
    },
  },
];
