/** What the foreign key does: match type, actions, deferrability, comments; and the ones that are not migrated. */
import type { Attempt, MigratedLayout, RefusedLayout } from '../layout.helpers.ts';

interface Shape {
  /** All that follows REFERENCES inode (k, ino). */
  readonly definition: string;
  /** Default of path.k. */
  readonly defaultKey?: string;
  readonly more?: string;
}

/**
 * `path` (k, ino) references `inode`, LIST (k): 'a', 'b' and NULL; `inode` also has rows that nobody references (8, 9).
 * Partition 2 of `path` takes NULL and 'd' too, so there is a place for every key that an action can set.
 */
function tables({ definition, defaultKey = 'a', more = '' }: Shape): string {
  return `
    CREATE TABLE inode (k text, ino int, size int DEFAULT 0, UNIQUE (k, ino)) PARTITION BY LIST (k);
    CREATE TABLE path (id int, k text DEFAULT '${defaultKey}', ino int DEFAULT 1) PARTITION BY LIST (k);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a');
    CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('b', 'd', NULL);
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('a');
    CREATE TABLE path_2 PARTITION OF path FOR VALUES IN ('b', 'd', NULL);
    INSERT INTO inode SELECT k, i FROM unnest(ARRAY['a', 'b']) k, generate_series(1, 9) i;
    INSERT INTO path SELECT i, k, ino FROM inode, generate_series(1, 2) i WHERE ino < 8;
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ${definition};
    ${more}`;
}

const pairs = ['path_1 -> inode_1', 'path_2 -> inode_2'];

const DELETE_REFERENCED = `DELETE FROM inode WHERE k = 'a' AND ino = 2`;
const CHANGE_KEY = `UPDATE inode SET ino = 20 WHERE k = 'b' AND ino = 2`;
const MOVE = `UPDATE inode SET k = 'b', ino = 20 WHERE k = 'a' AND ino = 2`;
const MOVE_UNREFERENCED = `UPDATE inode SET k = 'b', ino = 20 WHERE k = 'a' AND ino = 9`;

const always: readonly Attempt[] = [
  ['23503', 'INSERT INTO path VALUES (1, $$a$$, 10)'],
  ['accepted', 'INSERT INTO path VALUES (1, $$a$$, 9)'],
  ['accepted', `DELETE FROM inode WHERE ino = 8`],
  ['accepted', `UPDATE inode SET size = 1`],
  ['accepted', `UPDATE inode SET ino = 30 WHERE k = 'a' AND ino = 9`],
  ['accepted', `UPDATE inode SET k = 'd' WHERE k = 'b' AND ino = 9`],
];

/** Asserts what a statement leaves, inside the same attempt: a failed assertion is a division by zero, 22012. */
const leaving = (sql: string, condition: string) => `${sql}; SELECT 1 / (${condition})::int`;

export const migratedForeignKeys: readonly MigratedLayout[] = [
  {
    title: 'ON DELETE NO ACTION',
    sql: tables({ definition: '' }),
    pairs,
    same: [
      ...always,
      ['23503', DELETE_REFERENCED],
      ['23503', CHANGE_KEY],
      ['23503', MOVE],
      ['accepted', MOVE_UNREFERENCED],
    ],
  },
  {
    title: 'ON DELETE RESTRICT ON UPDATE RESTRICT',
    sql: tables({ definition: 'ON DELETE RESTRICT ON UPDATE RESTRICT' }),
    pairs,
    same: [...always, ['restrict', DELETE_REFERENCED], ['restrict', CHANGE_KEY], ['accepted', MOVE_UNREFERENCED]],
  },
  {
    title: 'ON DELETE CASCADE',
    sql: tables({ definition: 'ON DELETE CASCADE' }),
    pairs,
    findings: ['row-movement'],
    same: [
      ...always,
      ['accepted', leaving(DELETE_REFERENCED, `(SELECT count(*) FROM path WHERE k = 'a' AND ino = 2) = 0`)],
      ['23503', CHANGE_KEY],
    ],
    changed: [['accepted', '23503', MOVE_UNREFERENCED]],
  },
  {
    title: 'ON DELETE CASCADE ON UPDATE CASCADE',
    sql: tables({ definition: 'ON DELETE CASCADE ON UPDATE CASCADE' }),
    pairs,
    findings: ['row-movement', 'update-across-partitions'],
    same: [
      ...always,
      ['accepted', leaving(CHANGE_KEY, `(SELECT count(*) FROM path WHERE k = 'b' AND ino = 20) = 2`)],
      [
        'accepted',
        leaving(`UPDATE inode SET k = 'd' WHERE k = 'b' AND ino = 2`, `(SELECT count(*) FROM path WHERE k = 'd') = 2`),
      ],
    ],
    changed: [['accepted', '23503', MOVE]],
  },
  {
    title: 'ON DELETE SET NULL',
    sql: tables({ definition: 'ON DELETE SET NULL' }),
    pairs,
    findings: ['row-movement', 'action-on-partition-key'],
    same: [
      ...always,
      // path_2 holds NULL itself.
      [
        'accepted',
        leaving(
          `DELETE FROM inode WHERE k = 'b' AND ino = 2`,
          `(SELECT count(*) FROM path WHERE k IS NULL AND ino IS NULL) = 2`,
        ),
      ],
    ],
    changed: [['accepted', '23514', DELETE_REFERENCED]],
  },
  {
    title: 'ON DELETE SET NULL, where no partition takes NULL',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      INSERT INTO inode SELECT 1, i FROM generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE SET NULL;`,
    pairs: ['path_1 -> inode_1'],
    same: [['23514', 'DELETE FROM inode WHERE ino = 1']],
  },
  {
    title: 'ON DELETE SET NULL, where the partition key is NOT NULL',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k int NOT NULL, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      INSERT INTO inode SELECT 1, i FROM generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE SET NULL;`,
    pairs: ['path_1 -> inode_1'],
    same: [['23514', 'DELETE FROM inode WHERE ino = 1']],
  },
  {
    title: 'ON DELETE SET NULL (column list)',
    since: 15,
    sql: tables({ definition: 'ON DELETE SET NULL (ino)' }),
    psql: true,
    pairs,
    findings: ['row-movement'],
    same: [
      ...always,
      ['accepted', leaving(DELETE_REFERENCED, `(SELECT count(*) FROM path WHERE k = 'a' AND ino IS NULL) = 2`)],
    ],
  },
  {
    title: 'ON DELETE SET DEFAULT',
    sql: tables({ definition: 'ON DELETE SET DEFAULT' }),
    pairs,
    findings: ['row-movement', 'action-on-partition-key'],
    same: [
      ...always,
      ['accepted', leaving(DELETE_REFERENCED, `(SELECT count(*) FROM path WHERE k = 'a' AND ino = 1) = 4`)],
    ],
    changed: [['accepted', '23514', `DELETE FROM inode WHERE k = 'b' AND ino = 2`]],
  },
  {
    title: 'ON UPDATE SET NULL',
    sql: tables({ definition: 'ON UPDATE SET NULL' }),
    pairs,
    findings: ['update-across-partitions', 'action-on-partition-key'],
    same: [
      ...always,
      ['accepted', leaving(CHANGE_KEY, `(SELECT count(*) FROM path WHERE k IS NULL) = 2`)],
      ['23503', DELETE_REFERENCED],
    ],
    changed: [['accepted', '23514', `UPDATE inode SET ino = 20 WHERE k = 'a' AND ino = 2`]],
  },
  {
    title: 'ON UPDATE SET DEFAULT',
    sql: tables({ definition: 'ON UPDATE SET DEFAULT' }),
    pairs,
    findings: ['update-across-partitions', 'action-on-partition-key'],
    same: [...always, ['accepted', `UPDATE inode SET ino = 20 WHERE k = 'a' AND ino = 2`]],
    changed: [['accepted', '23514', CHANGE_KEY]],
  },
  {
    title: 'MATCH FULL',
    sql: tables({ definition: 'MATCH FULL' }),
    pairs,
    same: [
      ...always,
      ['23503', `INSERT INTO path VALUES (1, NULL, 1)`],
      ['23503', `INSERT INTO path VALUES (1, 'a', NULL)`],
      ['accepted', `INSERT INTO path VALUES (1, NULL, NULL)`],
    ],
  },
  {
    title: 'MATCH SIMPLE lets keys in that are partly NULL',
    sql: tables({ definition: 'MATCH SIMPLE', more: `INSERT INTO path VALUES (1, NULL, 99), (1, 'a', NULL)` }),
    pairs,
    same: [...always, ['accepted', `INSERT INTO path VALUES (1, NULL, 98), (1, 'a', NULL)`]],
  },
  {
    title: 'DEFERRABLE INITIALLY IMMEDIATE',
    sql: tables({ definition: 'DEFERRABLE' }),
    pairs,
    same: [
      ...always,
      ['23503', `INSERT INTO path VALUES (1, 'a', 50); INSERT INTO inode VALUES ('a', 50)`],
      [
        'accepted',
        `SET CONSTRAINTS ALL DEFERRED; INSERT INTO path VALUES (1, 'a', 50); INSERT INTO inode VALUES ('a', 50)`,
      ],
      ['23503', `SET CONSTRAINTS ALL DEFERRED; INSERT INTO path VALUES (1, 'a', 50)`],
    ],
  },
  {
    title: 'DEFERRABLE INITIALLY DEFERRED',
    sql: tables({ definition: 'DEFERRABLE INITIALLY DEFERRED' }),
    pairs,
    same: [
      ...always,
      ['accepted', `INSERT INTO path VALUES (1, 'a', 50); INSERT INTO inode VALUES ('a', 50)`],
      ['accepted', `DELETE FROM inode WHERE k = 'a' AND ino = 2; INSERT INTO inode VALUES ('a', 2)`],
      ['23503', `INSERT INTO path VALUES (1, 'a', 50)`],
    ],
  },
  {
    title: 'everything at once, with a comment',
    sql: tables({
      definition: 'MATCH FULL ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
      more: `COMMENT ON CONSTRAINT path_fk ON path IS 'the path''s "inode"';`,
    }),
    psql: true,
    pairs,
    same: [...always, ['accepted', leaving(CHANGE_KEY, `(SELECT count(*) FROM path WHERE ino = 20) = 2`)]],
  },
  {
    title: 'without the row-movement guard',
    sql: tables({ definition: 'ON DELETE CASCADE' }),
    input: { rowMovementGuard: false },
    pairs,
    findings: ['row-movement'],
    same: [...always, ['accepted', MOVE_UNREFERENCED]],
    look: async ({ observer }) => {
      const { rowCount } = await observer.query(`SELECT FROM pg_trigger WHERE tgname ~ 'row_movement_guard'`);
      if (rowCount !== 0) throw new Error('a trigger was made');
      const moved = await observer.query(
        `BEGIN; ${MOVE}; SELECT count(*)::int AS n FROM path WHERE ino IN (2, 20) AND k = 'a'; ROLLBACK`,
      );
      const [, , counted] = moved as unknown as { rows: { n: number }[] }[];
      if (counted?.rows[0]?.n !== 0) throw new Error('the finding says that these rows are deleted without a word');
    },
  },
];

export const refusedForeignKeys: readonly RefusedLayout[] = [
  {
    title: 'a temporal foreign key (PERIOD)',
    since: 18,
    sql: `
      CREATE TABLE inode (k int4range, at daterange, PRIMARY KEY (k, at WITHOUT OVERLAPS)) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('[1,2)');
      CREATE TABLE path (k int4range, at daterange,
        CONSTRAINT path_fk FOREIGN KEY (k, PERIOD at) REFERENCES inode (k, PERIOD at)) PARTITION BY LIST (k);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('[1,2)');`,
    because: 'InvalidInput',
    saying: /is a temporal foreign key \(PERIOD\)/,
  },
  {
    title: 'several foreign keys and none chosen',
    sql: tables({
      definition: '',
      more: 'ALTER TABLE path ADD CONSTRAINT path_other_fk FOREIGN KEY (k, id) REFERENCES inode (k, ino);',
    }),
    because: 'InvalidInput',
    saying: /has 2 foreign keys to partitioned tables \(path_fk, path_other_fk\): choose one with --constraint/,
  },
  {
    title: 'a referenced table that is not partitioned',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino));
      CREATE TABLE path (k int, ino int, CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode) PARTITION BY LIST (k);`,
    because: 'InvalidInput',
    saying: /references public\.inode, which is not partitioned/,
  },
];
