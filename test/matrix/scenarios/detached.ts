/** A partition that is detached: what is left of its foreign key, before the migration and after it. */
import { expect } from 'vitest';
import { expectAttempts, withDatabase } from '../layout.helpers.ts';
import { plan, succeeds } from '../migration.helpers.ts';
import { type Scenario, threePairs } from './scenario.helpers.ts';

const ORPHAN = `INSERT INTO path_3 VALUES ('three', 99, 'an orphan')`;
const LEAVES_ORPHANS = `DELETE FROM inode WHERE medium = 'three' AND ino = 1; SELECT 1 / (NOT EXISTS (SELECT FROM path_3 WHERE ino = 1))::int`;

export const detached: readonly Scenario[] = [
  {
    title: 'detached before: 13 and 14 drop its foreign key, and the plan says so',
    until: 14,
    run: (server) =>
      withDatabase(server, { sql: `${threePairs()} ALTER TABLE path DETACH PARTITION path_3;` }, async (db) => {
        await expectAttempts(db, [['accepted', ORPHAN]]);

        const { findings } = await plan(db, { table: 'path' });

        expect(findings).toContainEqual(
          expect.objectContaining({
            id: 'minor-version-bugs',
            message: expect.stringMatching(/: a referencing partition that is detached has no foreign key any more$/),
          }),
        );
        await succeeds(db, { table: 'path' }, 'MIGRATED');
      }),
  },
  {
    title: 'detached before: its foreign key is enforced, and no finding says otherwise',
    since: 15,
    run: (server) =>
      withDatabase(server, { sql: `${threePairs()} ALTER TABLE path DETACH PARTITION path_3;` }, async (db) => {
        await expectAttempts(db, [
          ['23503', ORPHAN],
          ['accepted', LEAVES_ORPHANS],
        ]);

        const { findings } = await plan(db, { table: 'path' });

        expect(findings.map(({ id }) => id)).not.toContain('unenforced-foreign-key');
        await succeeds(db, { table: 'path' }, 'MIGRATED');
      }),
  },
  {
    title: 'detached after the migration, and attached again: its pair FK is enforced all the time',
    run: (server) =>
      withDatabase(server, { sql: threePairs() }, async (db) => {
        const enforced = () =>
          expectAttempts(db, [
            ['23503', ORPHAN],
            ['accepted', LEAVES_ORPHANS],
          ]);
        await succeeds(db, { table: 'path' }, 'MIGRATED');

        await db.observer.query('ALTER TABLE path DETACH PARTITION path_3');
        await enforced();
        await db.observer.query(`ALTER TABLE path ATTACH PARTITION path_3 FOR VALUES IN ('three')`);
        await enforced();

        await succeeds(db, { table: 'path', operation: 'rollback' }, 'ROLLED_BACK');
      }),
  },
];
