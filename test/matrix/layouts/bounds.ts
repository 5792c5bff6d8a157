/** Bounds that are not the same text, and partners that are not of the same size. */
import type { MigratedLayout, RefusedLayout } from '../layout.helpers.ts';

const days = (table: string, bounds: readonly (readonly [name: string, from: string, to: string])[]) =>
  bounds
    .map(
      ([name, from, to]) =>
        `CREATE TABLE ${table}_${name} PARTITION OF ${table} FOR VALUES FROM ('${from}') TO ('${to}');`,
    )
    .join('\n');

export const migratedBounds: readonly MigratedLayout[] = [
  {
    title: 'numeric 1.0 and 1.00, LIST in another order',
    sql: `
      CREATE TABLE inode (k numeric, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k numeric, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1.0, 2);
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (3, 4.50);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (2.000, 1.00);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (4.5, 3);
      INSERT INTO inode SELECT k, i FROM unnest(ARRAY[1, 2, 3, 4.5]) k, generate_series(1, 9) i;
      INSERT INTO path SELECT k * 1.000, ino FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    pairs: ['path_1 -> inode_1', 'path_2 -> inode_2'],
    same: [
      ['accepted', 'INSERT INTO path VALUES (4.500, 9)'],
      ['23503', 'INSERT INTO path VALUES (4.5, 10)'],
    ],
  },
  {
    title: 'numeric 1.0 and 1.00, RANGE, int references numeric',
    sql: `
      CREATE TABLE inode (k numeric, ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k);
      CREATE TABLE path (k int, ino int) PARTITION BY RANGE (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM (1.0) TO (10.00);
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES FROM (10.00) TO (20.000);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM (1) TO (10);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES FROM (10) TO (20);
      INSERT INTO inode SELECT k, i FROM generate_series(1, 19) k, generate_series(1, 9) i;
      INSERT INTO path SELECT k, ino FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    pairs: ['path_1 -> inode_1', 'path_2 -> inode_2'],
    same: [['23503', 'INSERT INTO path VALUES (5, 10)']],
  },
  {
    title: 'values that differ as text below the first level',
    sql: `
      CREATE TABLE inode (a int, k numeric, PRIMARY KEY (a, k)) PARTITION BY LIST (a);
      CREATE TABLE path (a int, k numeric) PARTITION BY LIST (a);
      CREATE TABLE inode_a PARTITION OF inode FOR VALUES IN (1) PARTITION BY LIST (k);
      CREATE TABLE inode_a_1 PARTITION OF inode_a FOR VALUES IN (1.0);
      CREATE TABLE path_a PARTITION OF path FOR VALUES IN (1) PARTITION BY LIST (k);
      CREATE TABLE path_a_1 PARTITION OF path_a FOR VALUES IN (1.00);
      INSERT INTO inode VALUES (1, 1);
      INSERT INTO path VALUES (1, 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (a, k) REFERENCES inode (a, k);`,
    pairs: ['path_a_1 -> inode_a_1'],
  },
  {
    title: 'months in their years: one coarser referenced partition is a partner',
    sql: `
      CREATE TABLE inode (day date, ino int, PRIMARY KEY (day, ino)) PARTITION BY RANGE (day);
      CREATE TABLE path (day date, ino int) PARTITION BY RANGE (day);
      ${days('inode', [
        ['2025', '2025-01-01', '2026-01-01'],
        ['2026', '2026-01-01', '2027-01-01'],
      ])}
      ${days('path', [
        ['2025_11', '2025-11-01', '2025-12-01'],
        ['2025_12', '2025-12-01', '2026-01-01'],
        ['2026_01', '2026-01-01', '2026-02-01'],
        ['2026_02', '2026-02-01', '2026-03-01'],
      ])}
      INSERT INTO inode SELECT d, i FROM unnest(ARRAY['2025-01-01', '2025-11-30', '2025-12-31', '2026-01-01', '2026-02-28']::date[]) d, generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9 AND day > '2025-06-01';
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (day, ino) REFERENCES inode (day, ino) ON DELETE CASCADE;`,
    psql: true,
    pairs: [
      'path_2025_11 -> inode_2025',
      'path_2025_12 -> inode_2025',
      'path_2026_01 -> inode_2026',
      'path_2026_02 -> inode_2026',
    ],
    same: [
      ['accepted', `INSERT INTO path VALUES ('2025-12-31', 9)`],
      ['23503', `INSERT INTO path VALUES ('2025-12-31', 10)`],
      ['accepted', `DELETE FROM inode WHERE day < '2026-01-15'`],
    ],
  },
  {
    title: 'HASH of 4 in HASH of 2; several LIST values in DEFAULT',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY HASH (k);
      CREATE TABLE path (k int, ino int) PARTITION BY HASH (k);
      ${[0, 1].map((n) => `CREATE TABLE inode_${n} PARTITION OF inode FOR VALUES WITH (MODULUS 2, REMAINDER ${n});`).join('\n')}
      ${[0, 1, 2, 3].map((n) => `CREATE TABLE path_${n} PARTITION OF path FOR VALUES WITH (MODULUS 4, REMAINDER ${n});`).join('\n')}
      INSERT INTO inode SELECT k, 1 FROM generate_series(1, 60) k;
      INSERT INTO path SELECT * FROM inode WHERE k < 50;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    pairs: ['path_0 -> inode_0', 'path_1 -> inode_1', 'path_2 -> inode_0', 'path_3 -> inode_1'],
    same: [
      ['accepted', 'INSERT INTO path SELECT k, 1 FROM generate_series(50, 60) k'],
      ['23503', 'INSERT INTO path VALUES (61, 1)'],
    ],
  },
  {
    title: 'an empty referencing partition without a partner stays without a foreign key',
    sql: `
      CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a');
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('a');
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN ('b');
      INSERT INTO inode VALUES ('a', 1);
      INSERT INTO path VALUES ('a', 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    pairs: ['path_1 -> inode_1'],
    findings: ['unpaired-empty-partition'],
    changed: [['23503', 'accepted', `INSERT INTO path VALUES ('b', 1)`]],
  },
];

export const refusedBounds: readonly RefusedLayout[] = [
  {
    title: 'a month that spans two years',
    sql: `
      CREATE TABLE inode (day date, ino int, PRIMARY KEY (day, ino)) PARTITION BY RANGE (day);
      CREATE TABLE path (day date, ino int) PARTITION BY RANGE (day);
      ${days('inode', [
        ['2025', '2025-01-01', '2026-01-01'],
        ['2026', '2026-01-01', '2027-01-01'],
      ])}
      ${days('path', [
        ['a', '2025-11-15', '2025-12-15'],
        ['b', '2025-12-15', '2026-01-15'],
      ])}
      INSERT INTO inode VALUES ('2025-12-31', 1);
      INSERT INTO path VALUES ('2025-12-31', 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (day, ino) REFERENCES inode (day, ino);`,
    because: 'unpaired-referencing-partition',
    saying:
      /public\.path_b .* holds rows, and its keys lie in 2 referenced partitions: public\.inode_2025, public\.inode_2026/,
  },
  {
    title: 'a LIST whose values lie in two referenced partitions',
    sql: `
      CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('b');
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('a', 'b');
      INSERT INTO inode VALUES ('a', 1);
      INSERT INTO path VALUES ('a', 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'unpaired-referencing-partition',
    saying: /its keys lie in 2 referenced partitions: public\.inode_1, public\.inode_2/,
  },
  {
    title: 'a coarser HASH references a finer one',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY HASH (k);
      CREATE TABLE path (k int, ino int) PARTITION BY HASH (k);
      ${[0, 1, 2, 3].map((n) => `CREATE TABLE inode_${n} PARTITION OF inode FOR VALUES WITH (MODULUS 4, REMAINDER ${n});`).join('\n')}
      ${[0, 1].map((n) => `CREATE TABLE path_${n} PARTITION OF path FOR VALUES WITH (MODULUS 2, REMAINDER ${n});`).join('\n')}
      INSERT INTO inode SELECT k, 1 FROM generate_series(1, 60) k;
      INSERT INTO path SELECT * FROM inode;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'unpaired-referencing-partition',
    saying: /its keys lie in 2 referenced partitions/,
  },
  {
    title: 'RANGE in different collations',
    sql: `
      CREATE TABLE inode (k text COLLATE "C", ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k);
      CREATE TABLE path (k text COLLATE "POSIX", ino int) PARTITION BY RANGE (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM ('a') TO ('z');
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM ('a') TO ('b');
      INSERT INTO inode VALUES ('a', 1);
      INSERT INTO path VALUES ('a', 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'partition-keys-differ',
    saying: /differ in type, collation or operator class, so equal bounds are not known to mean equal values/,
  },
  {
    title: 'RANGE in different operator classes',
    sql: `
      CREATE TABLE inode (k text COLLATE "en-x-icu", ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k text_pattern_ops);
      CREATE TABLE path (k text COLLATE "en-x-icu", ino int) PARTITION BY RANGE (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM ('Z') TO ('b');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES FROM ('b') TO ('c');
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM ('a') TO ('b');
      INSERT INTO inode VALUES ('a', 1);
      INSERT INTO path VALUES ('a', 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'partition-keys-differ',
    saying: /differ in type, collation or operator class, so equal bounds are not known to mean equal values/,
  },
  {
    title: 'date references timestamptz: equal in one time zone only',
    sql: `
      CREATE TABLE inode (k timestamptz, ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k);
      CREATE TABLE path (k date, ino int) PARTITION BY RANGE (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      SET timezone = 'UTC';
      INSERT INTO inode VALUES ('2026-01-02Z', 1);
      INSERT INTO path VALUES ('2026-01-02', 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    because: 'partition-keys-differ',
    saying: /differ in type, collation or operator class, so equal bounds are not known to mean equal values/,
  },
  {
    title: 'a case-blind collation references bytes, or bytes it',
    sql: `
      CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE inode (k text COLLATE blind, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text COLLATE "C", ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a');
      CREATE TABLE inode_rest PARTITION OF inode DEFAULT;
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('a');
      CREATE TABLE path_rest PARTITION OF path DEFAULT;
      INSERT INTO inode VALUES ('a', 1);
      INSERT INTO path VALUES ('a', 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    until: 17,
    because: 'partition-keys-differ',
    saying: /differ in type, collation or operator class, so equal bounds are not known to mean equal values/,
  },
];
