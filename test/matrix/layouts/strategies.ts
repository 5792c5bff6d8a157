/** How the two tables are partitioned: strategy, number of key columns, DEFAULT, levels. */
import type { MigratedLayout, RefusedLayout } from '../layout.helpers.ts';

const hashed = (table: string, remainders: readonly number[]) =>
  remainders
    .map((n) => `CREATE TABLE ${table}_${n} PARTITION OF ${table} FOR VALUES WITH (MODULUS 3, REMAINDER ${n});`)
    .join('\n');

export const migratedStrategies: readonly MigratedLayout[] = [
  {
    title: 'LIST',
    sql: `
      CREATE TABLE inode (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
      CREATE TABLE path (medium text, ino bigint, name text NOT NULL) PARTITION BY LIST (medium);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a', 'b');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('c');
      CREATE TABLE inode_3 PARTITION OF inode FOR VALUES IN ('d');
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN ('c');
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('b', 'a');
      INSERT INTO inode SELECT m, i FROM unnest(ARRAY['a', 'b', 'c', 'd']) m, generate_series(1, 20) i;
      INSERT INTO path SELECT medium, ino, 'n' FROM inode, generate_series(1, 3) WHERE medium <> 'd' AND ino <= 15;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino);`,
    pairs: ['path_1 -> inode_1', 'path_2 -> inode_2'],
    findings: ['unpaired-referenced-partition', 'missing-index', 'new-partition'],
    same: [
      ['accepted', `INSERT INTO path VALUES ('a', 20, 'n')`],
      ['accepted', `INSERT INTO path VALUES ('a', NULL, 'n')`],
      ['23503', `INSERT INTO path VALUES ('a', 21, 'n')`],
      ['23514', `INSERT INTO path VALUES ('d', 1, 'n')`],
      ['23503', 'UPDATE path SET ino = 99 WHERE ino = 1'],
      ['accepted', `UPDATE path SET medium = 'c' WHERE medium = 'a'`],
      ['23503', 'DELETE FROM inode WHERE ino = 1'],
      ['accepted', 'DELETE FROM inode WHERE ino = 20'],
      ['23503', `UPDATE inode SET ino = -1 WHERE ino = 1 AND medium = 'a'`],
      ['23503', `UPDATE inode SET medium = 'c', ino = 99 WHERE ino = 1 AND medium = 'a'`],
      ['accepted', `UPDATE inode SET medium = 'c', ino = 99 WHERE ino = 20 AND medium = 'a'`],
    ],
  },
  {
    title: 'RANGE',
    sql: `
      CREATE TABLE inode (day date, ino int, PRIMARY KEY (day, ino)) PARTITION BY RANGE (day);
      CREATE TABLE path (id int, day date, ino int) PARTITION BY RANGE (day);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE inode_3 PARTITION OF inode FOR VALUES FROM ('2026-02-01') TO (MAXVALUE);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
      CREATE TABLE path_2 PARTITION OF path FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE path_3 PARTITION OF path FOR VALUES FROM ('2026-02-01') TO (MAXVALUE);
      INSERT INTO inode SELECT d, i FROM unnest(ARRAY['2025-07-01', '2026-01-01', '2026-01-31', '2027-01-01']::date[]) d, generate_series(1, 9) i;
      INSERT INTO path SELECT i, day, ino FROM inode, generate_series(1, 3) i WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (day, ino) REFERENCES inode (day, ino);`,
    pairs: ['path_1 -> inode_1', 'path_2 -> inode_2', 'path_3 -> inode_3'],
    same: [
      ['accepted', `INSERT INTO path VALUES (1, '2026-01-31', 9)`],
      ['23503', `INSERT INTO path VALUES (1, '2026-01-30', 9)`],
      ['23503', `DELETE FROM inode WHERE day = '2027-01-01' AND ino = 1`],
    ],
  },
  {
    title: 'HASH, int references bigint',
    sql: `
      CREATE TABLE inode (k bigint, ino int, PRIMARY KEY (k, ino)) PARTITION BY HASH (k);
      CREATE TABLE path (k int, ino int) PARTITION BY HASH (k);
      ${hashed('inode', [2, 0, 1])}
      ${hashed('path', [0, 1, 2])}
      INSERT INTO inode SELECT k, i FROM generate_series(1, 30) k, generate_series(1, 3) i;
      INSERT INTO path SELECT k, ino FROM inode WHERE ino < 3;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    pairs: ['path_0 -> inode_0', 'path_1 -> inode_1', 'path_2 -> inode_2'],
    same: [
      ['accepted', 'INSERT INTO path SELECT k, 3 FROM generate_series(1, 30) k'],
      ['23503', 'INSERT INTO path VALUES (31, 1)'],
      ['23503', 'DELETE FROM inode WHERE k = 17'],
    ],
  },
  {
    title: 'RANGE of two columns',
    sql: `
      CREATE TABLE inode (a int, b text COLLATE "C", ino int, PRIMARY KEY (a, b, ino)) PARTITION BY RANGE (a, b);
      CREATE TABLE path (a int, b text COLLATE "C", ino int) PARTITION BY RANGE (a, b);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM (0, MINVALUE) TO (5, 'm');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES FROM (5, 'm') TO (10, MAXVALUE);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM (5, 'm') TO (10, MAXVALUE);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES FROM (0, MINVALUE) TO (5, 'm');
      INSERT INTO inode SELECT a, b, i FROM generate_series(0, 9) a, unnest(ARRAY['a', 'm', 'z']) b, generate_series(1, 3) i;
      INSERT INTO path SELECT * FROM inode;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (a, b, ino) REFERENCES inode (a, b, ino);`,
    pairs: ['path_1 -> inode_2', 'path_2 -> inode_1'],
    same: [
      ['accepted', `INSERT INTO path VALUES (5, 'a', 1), (5, 'z', 1)`],
      ['23503', `INSERT INTO path VALUES (5, 'b', 1)`],
    ],
  },
  {
    title: 'HASH of two columns',
    sql: `
      CREATE TABLE inode (a uuid, b int, PRIMARY KEY (a, b)) PARTITION BY HASH (b, a);
      CREATE TABLE path (id int, b int, a uuid) PARTITION BY HASH (b, a);
      ${hashed('inode', [0, 1, 2])}
      ${hashed('path', [2, 1, 0])}
      INSERT INTO inode SELECT md5(n::text)::uuid, n FROM generate_series(1, 40) n;
      INSERT INTO path SELECT 1, b, a FROM inode;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (a, b) REFERENCES inode (a, b);`,
    pairs: ['path_0 -> inode_0', 'path_1 -> inode_1', 'path_2 -> inode_2'],
    same: [
      ['accepted', 'INSERT INTO path SELECT 2, b, a FROM inode'],
      ['23503', `INSERT INTO path VALUES (2, 1, md5('2')::uuid)`],
    ],
  },
  {
    title: 'DEFAULT partitions on both sides',
    sql: `
      CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a');
      CREATE TABLE inode_rest PARTITION OF inode DEFAULT;
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('a');
      CREATE TABLE path_rest PARTITION OF path DEFAULT;
      INSERT INTO inode SELECT k, i FROM unnest(ARRAY['a', 'x', 'y']) k, generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode;
      INSERT INTO path VALUES (NULL, 1), (NULL, NULL);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;`,
    psql: true,
    pairs: ['path_1 -> inode_1', 'path_rest -> inode_rest'],
    findings: ['row-movement'],
    same: [
      ['accepted', `INSERT INTO path VALUES ('y', 9), (NULL, 77)`],
      ['23503', `INSERT INTO path VALUES ('z', 1)`],
      ['accepted', `DELETE FROM inode WHERE k = 'x'`],
      ['accepted', `INSERT INTO inode VALUES ('new', 1)`],
      ['accepted', `DELETE FROM path WHERE k = 'x'; UPDATE inode SET k = 'w' WHERE k = 'x'`],
    ],
  },
  {
    title: 'nothing but DEFAULT partitions',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k);
      CREATE TABLE path (k int, ino int) PARTITION BY RANGE (k);
      CREATE TABLE inode_all PARTITION OF inode DEFAULT;
      CREATE TABLE path_all PARTITION OF path DEFAULT;
      INSERT INTO inode SELECT k, 1 FROM generate_series(1, 9) k;
      INSERT INTO path SELECT * FROM inode WHERE k < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;`,
    pairs: ['path_all -> inode_all'],
    same: [
      ['accepted', 'UPDATE inode SET k = 10 WHERE k = 9'],
      ['23503', 'UPDATE inode SET k = 10 WHERE k = 8'],
    ],
  },
  {
    psql: true,
    title: 'two levels: LIST, below it RANGE and HASH; pairs are leaves',
    sql: `
      CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_a PARTITION OF inode FOR VALUES IN ('a') PARTITION BY RANGE (ino);
      CREATE TABLE inode_a_1 PARTITION OF inode_a FOR VALUES FROM (0) TO (10);
      CREATE TABLE inode_a_2 PARTITION OF inode_a FOR VALUES FROM (10) TO (20);
      CREATE TABLE inode_b PARTITION OF inode FOR VALUES IN ('b') PARTITION BY HASH (ino);
      CREATE TABLE inode_b_1 PARTITION OF inode_b FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE inode_b_2 PARTITION OF inode_b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE inode_c PARTITION OF inode FOR VALUES IN ('c');
      CREATE TABLE path_c PARTITION OF path FOR VALUES IN ('c');
      CREATE TABLE path_b PARTITION OF path FOR VALUES IN ('b') PARTITION BY HASH (ino);
      CREATE TABLE path_b_2 PARTITION OF path_b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE path_b_1 PARTITION OF path_b FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE path_a PARTITION OF path FOR VALUES IN ('a') PARTITION BY RANGE (ino);
      CREATE TABLE path_a_2 PARTITION OF path_a FOR VALUES FROM (10) TO (20);
      CREATE TABLE path_a_1 PARTITION OF path_a FOR VALUES FROM (0) TO (10);
      INSERT INTO inode SELECT k, i FROM unnest(ARRAY['a', 'b', 'c']) k, generate_series(0, 19) i;
      INSERT INTO path SELECT k, ino FROM inode WHERE ino % 5 > 0;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;`,
    pairs: [
      'path_a_1 -> inode_a_1',
      'path_a_2 -> inode_a_2',
      'path_b_1 -> inode_b_1',
      'path_b_2 -> inode_b_2',
      'path_c -> inode_c',
    ],
    same: [
      ['accepted', `INSERT INTO path SELECT k, 0 FROM unnest(ARRAY['a', 'b', 'c']) k`],
      ['23503', `INSERT INTO path VALUES ('b', 20)`],
      ['accepted', 'DELETE FROM inode WHERE ino = 1'],
    ],
  },
  {
    title: 'different depth, NULL and DEFAULT in branches: a leaf goes to the one that holds its keys',
    psql: true,
    sql: `
      CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino int, own int) PARTITION BY LIST (k);
      CREATE TABLE inode_a PARTITION OF inode FOR VALUES IN ('a');
      CREATE TABLE inode_b PARTITION OF inode FOR VALUES IN ('b') PARTITION BY RANGE (ino);
      CREATE TABLE inode_b_1 PARTITION OF inode_b FOR VALUES FROM (0) TO (10);
      CREATE TABLE inode_b_rest PARTITION OF inode_b DEFAULT;
      CREATE TABLE inode_c PARTITION OF inode FOR VALUES IN ('c');
      CREATE TABLE path_a PARTITION OF path FOR VALUES IN ('a', NULL) PARTITION BY HASH (own);
      CREATE TABLE path_a_0 PARTITION OF path_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE path_a_1 PARTITION OF path_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE path_b PARTITION OF path FOR VALUES IN ('b') PARTITION BY RANGE (ino);
      CREATE TABLE path_b_1 PARTITION OF path_b FOR VALUES FROM (0) TO (5);
      CREATE TABLE path_b_2 PARTITION OF path_b FOR VALUES FROM (5) TO (10);
      CREATE TABLE path_b_rest PARTITION OF path_b DEFAULT;
      INSERT INTO inode SELECT k, i FROM unnest(ARRAY['a', 'b', 'c']) k, generate_series(0, 19) i;
      INSERT INTO path SELECT k, ino, n FROM inode, generate_series(1, 4) n WHERE ino % 5 > 0 AND k < 'c';
      INSERT INTO path VALUES (NULL, 1, 1), (NULL, NULL, 2), ('b', NULL, 3);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;`,
    pairs: [
      'path_a_0 -> inode_a',
      'path_a_1 -> inode_a',
      'path_b_1 -> inode_b_1',
      'path_b_2 -> inode_b_1',
      'path_b_rest -> inode_b_rest',
    ],
    same: [
      [
        'accepted',
        `INSERT INTO path VALUES ('a', 0, 1), ('a', 0, 2), ('b', 0, 1), ('b', 10, 1), (NULL, 7, 1), ('b', NULL, 1)`,
      ],
      ['23503', `INSERT INTO path VALUES ('b', 20, 1)`],
      ['23503', `INSERT INTO path VALUES ('a', 20, 1)`],
      ['accepted', 'DELETE FROM inode WHERE ino IN (1, 6, 11)'],
    ],
  },
  {
    title: 'three levels',
    sql: `
      CREATE TABLE inode (k text, day date, ino int, PRIMARY KEY (k, day, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, day date, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_a PARTITION OF inode FOR VALUES IN ('a') PARTITION BY RANGE (day);
      CREATE TABLE inode_a_1 PARTITION OF inode_a FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') PARTITION BY HASH (ino);
      CREATE TABLE inode_a_1_0 PARTITION OF inode_a_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE inode_a_1_1 PARTITION OF inode_a_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE path_a PARTITION OF path FOR VALUES IN ('a') PARTITION BY RANGE (day);
      CREATE TABLE path_a_1 PARTITION OF path_a FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') PARTITION BY HASH (ino);
      CREATE TABLE path_a_1_0 PARTITION OF path_a_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE path_a_1_1 PARTITION OF path_a_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO inode SELECT 'a', '2026-01-02', i FROM generate_series(1, 20) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 15;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, day, ino) REFERENCES inode (k, day, ino);`,
    pairs: ['path_a_1_0 -> inode_a_1_0', 'path_a_1_1 -> inode_a_1_1'],
    same: [
      ['accepted', `INSERT INTO path SELECT * FROM inode`],
      ['23503', `INSERT INTO path VALUES ('a', '2026-01-03', 1)`],
    ],
  },
];

export const refusedStrategies: readonly RefusedLayout[] = [
  {
    title: 'DEFAULT partitions that hold different keys',
    sql: `
      CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_a PARTITION OF inode FOR VALUES IN ('a');
      CREATE TABLE inode_b PARTITION OF inode FOR VALUES IN ('b');
      CREATE TABLE inode_rest PARTITION OF inode DEFAULT;
      CREATE TABLE path_a PARTITION OF path FOR VALUES IN ('a');
      CREATE TABLE path_rest PARTITION OF path DEFAULT;
      INSERT INTO inode VALUES ('a', 1), ('b', 1), ('x', 1);
      INSERT INTO path SELECT * FROM inode;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'unpaired-referencing-partition',
    saying: /public\.path_rest \(DEFAULT\) holds rows/,
  },
  {
    title: 'levels whose sub-keys differ',
    sql: `
      CREATE TABLE inode (k text, ino int, part int, PRIMARY KEY (k, ino, part)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino int, part int) PARTITION BY LIST (k);
      CREATE TABLE inode_a PARTITION OF inode FOR VALUES IN ('a') PARTITION BY LIST (ino);
      CREATE TABLE inode_a_1 PARTITION OF inode_a FOR VALUES IN (1);
      CREATE TABLE path_a PARTITION OF path FOR VALUES IN ('a') PARTITION BY LIST (part);
      CREATE TABLE path_a_1 PARTITION OF path_a FOR VALUES IN (1);
      INSERT INTO inode VALUES ('a', 1, 1);
      INSERT INTO path SELECT * FROM inode;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino, part) REFERENCES inode (k, ino, part);`,
    because: 'unpaired-referencing-partition',
    saying: /public\.path_a_1 .* holds rows/,
  },
  {
    title: 'LIST references RANGE',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k);
      CREATE TABLE path (k int, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM (1) TO (2);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      INSERT INTO inode VALUES (1, 1);
      INSERT INTO path SELECT * FROM inode;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'partition-strategies-differ',
    saying: /public\.path by LIST \(k\), public\.inode by RANGE \(k\)/,
  },
  {
    title: 'a partition key outside the foreign key',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, ino int, own int) PARTITION BY LIST (own);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      INSERT INTO inode VALUES (1, 1);
      INSERT INTO path VALUES (1, 1, 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'partition-keys-differ',
    saying: /the foreign key does not connect the partition keys/,
  },
  {
    title: 'a partition key that is an expression',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, ino int) PARTITION BY LIST ((k + 0));
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      INSERT INTO inode VALUES (1, 1);
      INSERT INTO path VALUES (1, 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'partition-key-expression',
    saying: /a partition key is an expression/,
  },
];
