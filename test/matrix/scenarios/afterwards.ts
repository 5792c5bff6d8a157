/** After the migration: new pairs, drift, and the view that tells a DBA the same. */
import { expect } from 'vitest';
import { audit, isClean } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { expectAttempts, withDatabase } from '../layout.helpers.ts';
import { everything, execute, succeeds, verify, withCore } from '../migration.helpers.ts';
import type { MatrixDatabase } from '../server.helpers.ts';
import { type Scenario, threePairs } from './scenario.helpers.ts';

const LOCK_TIMEOUT_MS = 5_000;

const provisioned = (db: MatrixDatabase, nameSuffix: string, bound: string) =>
  withCore(db, (core) =>
    provision(core, { table: 'path', bound, nameSuffix, dryRun: false, lockTimeoutMs: LOCK_TIMEOUT_MS }),
  );

/** The partitions in which p2pfk.foreign_key_architecture sees drift, with what it says. */
async function driftInView({ observer }: MatrixDatabase): Promise<string[]> {
  const { rows } = await observer.query<{ line: string }>(
    `SELECT partition || ': ' || drift AS line FROM p2pfk.foreign_key_architecture WHERE drift IS NOT NULL ORDER BY 1`,
  );
  return rows.map(({ line }) => line);
}

export const afterwards: readonly Scenario[] = [
  {
    title:
      'provision makes a pair with index, pair FK and guard; an overlapping bound is refused; rolled back, the parent FK covers it',
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        await succeeds(db, { table: 'path' }, 'MIGRATED');

        expect(await provisioned(db, '4', `FOR VALUES IN ('four')`)).toMatchObject({ status: 'PROVISIONED' });

        await expectAttempts(db, [
          ['23503', `INSERT INTO path VALUES ('four', 1, 'an orphan')`],
          ['accepted', `INSERT INTO inode VALUES ('four', 1); INSERT INTO path VALUES ('four', 1, 'a name')`],
          [
            '23503',
            `INSERT INTO inode VALUES ('four', 1); UPDATE inode SET medium = 'one', ino = 99 WHERE medium = 'four'`,
          ],
        ]);
        expect(await verify(db, { table: 'path' })).toMatchObject({ passed: true });
        expect(isClean(await withCore(db, (core) => audit(core, {})))).toBe(true);
        const before = await everything(db.observer);
        await expect(provisioned(db, '5', `FOR VALUES IN ('five', 'one')`)).rejects.toThrow(/overlap/);
        expect(await everything(db.observer)).toBe(before);
        await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');
        await expectAttempts(db, [['23503', `INSERT INTO path VALUES ('four', 1, 'an orphan')`]]);
      }),
  },
  {
    title:
      'audit finds an attached partition, a dropped pair FK and a disabled trigger, and repairs them; so says the view',
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        await succeeds(db, { table: 'path' }, 'MIGRATED');
        expect(await driftInView(db)).toEqual([]);
        await db.observer.query(`
          CREATE TABLE inode_4 PARTITION OF inode FOR VALUES IN ('four'); CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four');
          ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1; ALTER TABLE path_2 DISABLE TRIGGER ALL;`);
        expect(await driftInView(db)).toEqual([
          'public.path_1: no foreign key',
          'public.path_2: not enforced',
          expect.stringMatching(/^public\.path_4: /),
        ]);

        const { outcomes, audited } = await withCore(db, (core) =>
          auditAndRepair(core, { lockTimeoutMs: LOCK_TIMEOUT_MS }),
        );

        expect(outcomes.map(({ id, partition, status }) => [id, partition, status])).toEqual([
          ['missing-pair-foreign-key', 'public.path_1', 'REPAIRED'],
          ['pair-foreign-key-not-enforced', 'public.path_2', 'REPAIRED'],
          ['attached-partition', 'public.path_4', 'REPAIRED'],
        ]);
        expect(isClean(audited)).toBe(true);
        expect(await driftInView(db)).toEqual([]);
        expect(await verify(db, { table: 'path' })).toMatchObject({ passed: true });
      }),
  },
  {
    title:
      'a lost ledger fails verify and audit, is made again from the catalog, and the parent FK comes back with its name and timing',
    run: (server) =>
      withDatabase(server, { sql: threePairs('ON DELETE CASCADE DEFERRABLE') }, async (db) => {
        await db.observer.query('COMMENT ON CONSTRAINT path_fk ON path IS NULL');
        const before = await everything(db.observer);
        await succeeds(db, { table: 'path', accept: ['all'], keepIndexes: true }, 'MIGRATED');
        await db.observer.query('DROP SCHEMA p2pfk CASCADE');

        const { checks } = await verify(db, { table: 'path' });
        expect(checks.filter(({ passed }) => !passed).map(({ id }) => id)).toEqual(['pair-foreign-keys']);
        expect(isClean(await withCore(db, (core) => audit(core, {})))).toBe(false);
        expect(await execute(db, { table: 'path' })).toMatchObject({ status: 'FAILED', error: 'PreflightFailed' });
        expect(await execute(db, { table: 'path', operation: 'rollback' })).toMatchObject({
          status: 'FAILED',
          error: 'LedgerMissing',
        });

        const { audited } = await withCore(db, (core) =>
          auditAndRepair(core, { lockTimeoutMs: LOCK_TIMEOUT_MS, accept: ['ledger-missing'] }),
        );
        expect(isClean(audited)).toBe(true);
        expect(await verify(db, { table: 'path' })).toMatchObject({ passed: true });
        await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');

        await db.observer.query('DROP INDEX idx_path_1_fk, idx_path_2_fk, idx_path_3_fk');
        expect(await everything(db.observer)).toBe(before);
      }),
  },
];
