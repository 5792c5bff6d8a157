/** The smallest lock table that PostgreSQL can have, and a large one: the blocking rollback, and what preflight says of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorsOf, everything, execute, plan, succeeds } from './migration.helpers.ts';
import { type MatrixServer, startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

const PAIRS = 6;
/** From here on, with few rows, the plain re-add is the shorter one. */
const MANY_PAIRS = 70;

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(majorUnderTest, { max_locks_per_transaction: '10', max_connections: '20' });
});
afterAll(() => server?.stop());

const tables = (pairs: number) => `
  CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
  CREATE TABLE path (k int, ino int) PARTITION BY LIST (k);
  ${Array.from({ length: pairs }, (_, k) => `CREATE TABLE inode_${k} PARTITION OF inode FOR VALUES IN (${k}); CREATE TABLE path_${k} PARTITION OF path FOR VALUES IN (${k});`).join('\n')}
  INSERT INTO inode SELECT k, i FROM generate_series(0, ${pairs - 1}) k, generate_series(1, 9) i;
  INSERT INTO path SELECT * FROM inode WHERE ino < 9;
  ALTER TABLE path_1 ADD CONSTRAINT own_name FOREIGN KEY (k, ino) REFERENCES inode;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode;`;

describe('rollback strategies', () => {
  if (majorUnderTest < 18) {
    it('blocking: refused unless allowed; then the parent FK is added anew, as it was', async () => {
      const db = await server.database(tables(PAIRS));
      const before = await everything(db.observer);
      expect(errorsOf(await plan(db, { table: 'path' }))).toEqual(['blocking-rollback']);
      expect(await execute(db, { table: 'path' })).toMatchObject({ status: 'FAILED', error: 'PreflightFailed' });
      expect(await everything(db.observer)).toBe(before);
      const allowed = { table: 'path', allowBlockingRollback: true };
      expect((await plan(db, allowed)).estimate.rollback.strategy).toBe('blocking');

      await succeeds(db, allowed, 'MIGRATED');
      const { states } = await succeeds(db, { ...allowed, operation: 'rollback' }, 'ROLLED_BACK');

      expect(states).not.toContain('RestoreParentForPair');
      expect(await everything(db.observer)).toBe(before);
      await db.drop();
    });

    it('blocking where it is allowed and shorter than to attach: the parent FK is added anew, as it was', async () => {
      const large = await startServer(majorUnderTest, { max_locks_per_transaction: '1024' });
      try {
        const db = await large.database(tables(MANY_PAIRS));
        const before = await everything(db.observer);
        const allowed = { table: 'path', allowBlockingRollback: true };
        expect((await plan(db, { table: 'path' })).estimate.rollback.strategy).toBe('attach');
        expect((await plan(db, allowed)).estimate.rollback.strategy).toBe('blocking');

        await succeeds(db, allowed, 'MIGRATED');
        const { states } = await succeeds(db, { ...allowed, operation: 'rollback' }, 'ROLLED_BACK');

        expect(states).not.toContain('RestoreParentForPair');
        expect(await everything(db.observer)).toBe(before);
        await db.drop();
      } finally {
        await large.stop();
      }
    });
  } else {
    it('not-valid needs no room in the lock table', async () => {
      const db = await server.database(tables(PAIRS));
      const before = await everything(db.observer);

      await succeeds(db, { table: 'path' }, 'MIGRATED');
      await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');

      expect(await everything(db.observer)).toBe(before);
      await db.drop();
    });
  }

  it('a drop that the lock table has no room for is refused', async () => {
    const db = await server.database(tables(18));

    const ending = await execute(db, { table: 'path', allowBlockingRollback: true });

    expect(ending).toMatchObject({ status: 'FAILED', error: 'PreflightFailed' });
    expect(ending.message).toContain('[lock-table-capacity]');
    await db.drop();
  });
});
