/** Each of the six checks passes on a migrated database, and finds what it is there for. */
import { expect } from 'vitest';
import { CheckId } from '../../../core/contracts/documents.ts';
import { expectAttempts, withDatabase } from '../layout.helpers.ts';
import { everything, execute, succeeds, verify } from '../migration.helpers.ts';
import type { MatrixServer } from '../server.helpers.ts';
import { type Scenario, smuggle, threePairs } from './scenario.helpers.ts';

interface Damage {
  readonly what: string;
  readonly sql: string;
  /** The checks that have to fail, and no other. */
  readonly fails: readonly CheckId[];
  readonly saying: RegExp;
}

const damages: readonly Damage[] = [
  {
    what: 'a pair FK is gone',
    sql: 'ALTER TABLE path_2 DROP CONSTRAINT fk_path_to_inode_2',
    fails: [CheckId.PairForeignKeys, CheckId.Inventory],
    saying: /missing 1/,
  },
  {
    what: 'a pair FK is not validated',
    sql: `ALTER TABLE path_2 DROP CONSTRAINT fk_path_to_inode_2;
      ALTER TABLE path_2 ADD CONSTRAINT again FOREIGN KEY (medium, ino) REFERENCES inode_2 (medium, ino) ON DELETE CASCADE NOT VALID`,
    fails: [CheckId.PairForeignKeys],
    saying: /not validated 1/,
  },
  {
    what: 'the triggers of a pair FK are disabled',
    sql: 'ALTER TABLE inode_2 DISABLE TRIGGER ALL',
    fails: [CheckId.PairForeignKeys],
    saying: /disabled 1/,
  },
  {
    what: 'a parent FK stands beside them',
    sql: 'ALTER TABLE path ADD CONSTRAINT again FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino) ON DELETE CASCADE',
    fails: [CheckId.ParentForeignKey],
    saying: /again on public\.path/,
  },
  {
    what: 'a pair FK points at another partition',
    sql: `BEGIN; SET LOCAL session_replication_role = replica;
      ALTER TABLE path_2 ADD CONSTRAINT astray FOREIGN KEY (medium, ino) REFERENCES inode_1 (medium, ino) ON DELETE CASCADE NOT VALID; COMMIT`,
    fails: [CheckId.ForeignKeyTargets],
    saying: /astray \(public\.path_2 to public\.inode_1\)/,
  },
  {
    what: 'a DELETE scans',
    sql: 'DROP INDEX idx_path_2_fk',
    fails: [CheckId.DeletePerformance],
    saying: /a DELETE scans: no index serves the foreign key of 1 of 3 pairs/,
  },
  {
    what: 'a row is orphaned below a valid FK',
    sql: smuggle(`INSERT INTO path VALUES ('three', 99, 'orphan')`),
    fails: [CheckId.Orphans],
    saying: /1 orphaned rows found: 1 in path_3/,
  },
  {
    what: 'a partition was attached since, and has no pair FK',
    sql: `CREATE TABLE inode_4 PARTITION OF inode FOR VALUES IN ('four'); CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four')`,
    fails: [CheckId.PairForeignKeys, CheckId.Inventory],
    saying: /path_4 -> inode_4: no pair FK/,
  },
];

async function findsDamage(server: MatrixServer, { sql, fails, saying }: Damage): Promise<void> {
  // Names that two rows of `path` share would stand in the way of its unique constraint.
  const tables = threePairs().replace(', generate_series(1, 3)', '');
  const input = { table: 'path', constraint: 'path_fk' };
  await withDatabase(server, { sql: tables }, async (db) => {
    await succeeds(db, input, 'MIGRATED');
    const sound = await verify(db, input);
    expect(sound.checks.map(({ id, passed }) => [id, passed])).toEqual(Object.values(CheckId).map((id) => [id, true]));

    await db.observer.query(sql);

    const { passed, checks } = await verify(db, input);
    const failed = checks.filter((check) => !check.passed);
    expect(failed.map(({ id, detail }) => [id, detail])).toEqual(fails.map((id) => [id, expect.anything()]));
    expect(failed.map(({ detail }) => detail).join('\n')).toMatch(saying);
    expect(passed).toBe(false);
  });
}

export const checks: readonly Scenario[] = [
  ...damages.map((damage) => ({
    title: `verify finds that ${damage.what}`,
    run: (server: MatrixServer) => findsDamage(server, damage),
  })),
  {
    title:
      'a foreign table as a partition: PostgreSQL refuses it below a foreign key; verify finds one that came later',
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        await db.observer.query(`CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
          CREATE TABLE inode_4 PARTITION OF inode FOR VALUES IN ('four');`);
        const foreign = `CREATE FOREIGN TABLE path_4 PARTITION OF path FOR VALUES IN ('four') SERVER files OPTIONS (filename '/dev/null')`;
        await expectAttempts(db, [['42809', foreign]]);
        const before = await everything(db.observer);
        await succeeds(db, { table: 'path' }, 'MIGRATED');

        await db.observer.query(foreign);

        const { checks: found } = await verify(db, { table: 'path' });
        expect(found.filter(({ passed }) => !passed).map(({ id }) => id)).toContain(CheckId.PairForeignKeys);
        const back = await execute(db, { table: 'path', operation: 'rollback' });
        expect(back).toMatchObject({
          status: 'FAILED',
          error: 'RollbackFailed',
          message: expect.stringMatching(/foreign table/),
        });
        await expectAttempts(db, [['23503', `INSERT INTO path VALUES ('two', 99, 'an orphan')`]]);
        // Taken away again, nothing stands in the way.
        await db.observer.query('DROP FOREIGN TABLE path_4');
        await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');
        expect(await everything(db.observer)).toBe(before);
      }),
  },
];
