/** Several foreign keys: between the same two tables, to several tables, of a table to itself. */
import { expect } from 'vitest';
import { withDatabase } from '../layout.helpers.ts';
import { everything, execute, succeeds, verify } from '../migration.helpers.ts';
import type { MatrixServer } from '../server.helpers.ts';
import type { Scenario } from './scenario.helpers.ts';

/** Migrates each on its own, in order, while the others stand or are migrated; then back, in the same order. */
async function oneByOne(server: MatrixServer, sql: string, constraints: readonly string[]): Promise<void> {
  await withDatabase(server, { sql }, async (db) => {
    const before = await everything(db.observer);
    for (const constraint of constraints) {
      await succeeds(db, { table: 'path', constraint, accept: ['all'] }, 'MIGRATED');
      expect(await verify(db, { table: 'path', constraint })).toMatchObject({ passed: true });
    }
    expect(await execute(db, { table: 'path', constraint: constraints[0] })).toMatchObject({
      status: 'ALREADY_MIGRATED',
    });
    for (const constraint of constraints)
      await succeeds(db, { table: 'path', constraint, operation: 'rollback' }, 'ROLLED_BACK');
    expect(await everything(db.observer)).toBe(before);
  });
}

export const several: readonly Scenario[] = [
  {
    title: 'two foreign keys between the same tables, with other actions',
    run: (server) =>
      oneByOne(
        server,
        `
        CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
        CREATE TABLE path (k int, ino int, target int) PARTITION BY LIST (k);
        CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
        CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2);
        CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
        CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
        INSERT INTO inode SELECT k, i FROM generate_series(1, 2) k, generate_series(1, 9) i;
        INSERT INTO path SELECT k, ino, 10 - ino FROM inode WHERE ino < 9;
        ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;
        ALTER TABLE path ADD CONSTRAINT "Target" FOREIGN KEY (k, target) REFERENCES inode (k, ino) DEFERRABLE;`,
        ['path_fk', '"Target"'],
      ),
  },
  {
    title: 'foreign keys to two tables, with CASCADE and a guard each',
    run: (server) =>
      oneByOne(
        server,
        `
        CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
        CREATE TABLE owner (k int, id int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
        CREATE TABLE path (k int, ino int, id int) PARTITION BY LIST (k);
        ${['inode', 'owner', 'path']
          .flatMap((table) =>
            [1, 2].map((k) => `CREATE TABLE ${table}_${k} PARTITION OF ${table} FOR VALUES IN (${k});`),
          )
          .join('\n')}
        INSERT INTO inode SELECT k, i FROM generate_series(1, 2) k, generate_series(1, 9) i;
        INSERT INTO owner SELECT * FROM inode;
        INSERT INTO path SELECT k, ino, 10 - ino FROM inode;
        ALTER TABLE path ADD CONSTRAINT path_inode_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE CASCADE;
        ALTER TABLE path ADD CONSTRAINT path_owner_fk FOREIGN KEY (k, id) REFERENCES owner ON DELETE CASCADE;`,
        ['path_owner_fk', 'path_inode_fk'],
      ),
  },
  {
    title: 'two foreign keys that say the same: refused',
    run: (server) =>
      withDatabase(
        server,
        {
          sql: `
        CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
        CREATE TABLE path (k int, ino int) PARTITION BY LIST (k);
        CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
        CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
        INSERT INTO inode SELECT 1, i FROM generate_series(1, 9) i;
        INSERT INTO path SELECT * FROM inode;
        ALTER TABLE path ADD CONSTRAINT path_a FOREIGN KEY (k, ino) REFERENCES inode;
        ALTER TABLE path ADD CONSTRAINT path_b FOREIGN KEY (k, ino) REFERENCES inode;`,
        },
        async (db) => {
          const before = await everything(db.observer);
          expect(await execute(db, { table: 'path', constraint: 'path_a' })).toMatchObject({
            status: 'FAILED',
            error: 'PreflightFailed',
            message: expect.stringMatching(/\[identical-foreign-key\] .*public\.path \(path_b\)/),
          });
          expect(await everything(db.observer)).toBe(before);
        },
      ),
  },
];
