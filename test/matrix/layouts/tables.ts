/** What the tables and their partitions look like: schemas, columns, key types, names. */
import type { MigratedLayout } from '../layout.helpers.ts';

/** Two tables with LIST (k) and the two partitions of each; all that matters is the type of `k`. */
function keyType(type: string, first: string, second: string, prepare = ''): string {
  return `
    ${prepare}
    CREATE TABLE inode (k ${type}, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
    CREATE TABLE path (k ${type}, ino int) PARTITION BY LIST (k);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (${first});
    CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (${second});
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (${first});
    CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (${second});
    INSERT INTO inode SELECT k, i FROM (VALUES (${first}::${type.replace(/ COLLATE .*/, '')}), (${second})) v(k), generate_series(1, 9) i;
    INSERT INTO path SELECT * FROM inode WHERE ino < 9;
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`;
}

const twoPairs = ['path_1 -> inode_1', 'path_2 -> inode_2'];

/** 63 bytes each, different only in the last one, with quotes, blanks, signs of format() and four-byte characters. */
const long = (letter: string) => `"A ""q'u;%s${'🗄'.repeat(12)}${letter}"`.replace(/🗄$/, '');

export const tableLayouts: readonly MigratedLayout[] = [
  {
    title: 'partitions in other schemas, with the names of others',
    sql: `
      CREATE SCHEMA here; CREATE SCHEMA "Else Where"; CREATE SCHEMA third;
      CREATE TABLE here.inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE third.path (k int, ino int) PARTITION BY LIST (k);
      CREATE TABLE here.part PARTITION OF here.inode FOR VALUES IN (1);
      CREATE TABLE "Else Where".part PARTITION OF here.inode FOR VALUES IN (2);
      CREATE TABLE third.part PARTITION OF third.path FOR VALUES IN (2);
      CREATE TABLE "Else Where"."Part" PARTITION OF third.path FOR VALUES IN (1);
      INSERT INTO here.inode SELECT k, i FROM generate_series(1, 2) k, generate_series(1, 9) i;
      INSERT INTO third.path SELECT * FROM here.inode WHERE ino < 9;
      ALTER TABLE third.path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES here.inode ON DELETE CASCADE;`,
    table: 'third.path',
    pairs: ['"Else Where"."Part" -> here.part', 'third.part -> "Else Where".part'],
    same: [
      ['accepted', 'DELETE FROM here.inode WHERE ino = 1'],
      ['23503', 'INSERT INTO third.path VALUES (1, 10)'],
    ],
  },
  {
    title: 'attached tables: columns in another order, dropped columns, foreign keys of their own',
    sql: `
      CREATE TABLE inode (k text, ino bigint, size int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k text, ino bigint, name text DEFAULT 'n') PARTITION BY LIST (k);
      CREATE TABLE inode_1 (gone int, size int, ino bigint NOT NULL, k text NOT NULL, PRIMARY KEY (k, ino));
      ALTER TABLE inode_1 DROP COLUMN gone;
      ALTER TABLE inode ATTACH PARTITION inode_1 FOR VALUES IN ('a');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('b');
      CREATE TABLE inode_3 (size int, k text NOT NULL, ino bigint NOT NULL);
      ALTER TABLE inode ATTACH PARTITION inode_3 FOR VALUES IN ('c');
      CREATE TABLE path_1 (name text, gone int, ino bigint, also_gone text, k text);
      ALTER TABLE path_1 DROP COLUMN gone, DROP COLUMN also_gone;
      ALTER TABLE path ATTACH PARTITION path_1 FOR VALUES IN ('a');
      CREATE TABLE path_2 (ino bigint, name text, k text);
      ALTER TABLE path_2 ADD CONSTRAINT own_name FOREIGN KEY (k, ino) REFERENCES inode (k, ino);
      ALTER TABLE path ATTACH PARTITION path_2 FOR VALUES IN ('b');
      CREATE TABLE path_3 PARTITION OF path FOR VALUES IN ('c');
      INSERT INTO inode SELECT k, i, 0 FROM unnest(ARRAY['a', 'b', 'c']) k, generate_series(1, 9) i;
      INSERT INTO path SELECT k, ino FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    psql: true,
    pairs: ['path_1 -> inode_1', 'path_2 -> inode_2', 'path_3 -> inode_3'],
    same: [
      ['accepted', `INSERT INTO path SELECT k, 9 FROM unnest(ARRAY['a', 'b', 'c']) k`],
      ['23503', `INSERT INTO path VALUES ('a', 10)`],
      ['23503', `DELETE FROM inode WHERE k = 'b' AND ino = 1`],
    ],
  },
  {
    title: 'an attached partitioned table whose leaf has a foreign key of its own',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1) PARTITION BY HASH (ino);
      CREATE TABLE inode_1_0 PARTITION OF inode_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE inode_1_1 PARTITION OF inode_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE path_1 (ino int, k int) PARTITION BY HASH (ino);
      CREATE TABLE path_1_0 PARTITION OF path_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE path_1_1 (k int, gone int, ino int);
      ALTER TABLE path_1_1 DROP COLUMN gone;
      ALTER TABLE path_1_1 ADD CONSTRAINT leaf_name FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;
      ALTER TABLE path_1 ATTACH PARTITION path_1_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      ALTER TABLE path_1 ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;
      ALTER TABLE path ATTACH PARTITION path_1 FOR VALUES IN (1);
      INSERT INTO inode SELECT 1, i FROM generate_series(1, 20) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 20;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;`,
    pairs: ['path_1_0 -> inode_1_0', 'path_1_1 -> inode_1_1'],
    same: [['23503', 'INSERT INTO path VALUES (1, 21)']],
  },
  {
    title: 'partitions created and attached after the foreign key',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, ino int, CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode ON DELETE CASCADE) PARTITION BY LIST (k);
      CREATE TABLE path_3 PARTITION OF path FOR VALUES IN (3);
      CREATE TABLE inode_3 PARTITION OF inode FOR VALUES IN (3);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path_1 (ino int, k int);
      ALTER TABLE path ATTACH PARTITION path_1 FOR VALUES IN (1);
      CREATE TABLE inode_2 (ino int NOT NULL, k int NOT NULL);
      ALTER TABLE inode ATTACH PARTITION inode_2 FOR VALUES IN (2);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
      INSERT INTO inode SELECT k, i FROM generate_series(1, 3) k, generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9;`,
    pairs: ['path_1 -> inode_1', 'path_2 -> inode_2', 'path_3 -> inode_3'],
    same: [
      ['accepted', 'DELETE FROM inode WHERE k = 2'],
      ['23503', 'INSERT INTO path VALUES (2, 10)'],
    ],
  },
  {
    title: 'a renamed foreign key, whose children keep the old name',
    sql: `
      CREATE TABLE inode (k int, ino int, PRIMARY KEY (k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, ino int, CONSTRAINT old_name FOREIGN KEY (k, ino) REFERENCES inode) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      INSERT INTO inode SELECT 1, i FROM generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9;
      ALTER TABLE path RENAME CONSTRAINT old_name TO path_fk;`,
    pairs: ['path_1 -> inode_1'],
    same: [['23503', 'INSERT INTO path VALUES (1, 10)']],
  },
  {
    title: 'columns named and ordered differently from the referenced ones',
    sql: `
      CREATE TABLE inode (ino int, k text, volume int, PRIMARY KEY (volume, k, ino)) PARTITION BY LIST (k);
      CREATE TABLE path (volume text, k int, vol int) PARTITION BY LIST (volume);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('a');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN ('b');
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('a');
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN ('b');
      INSERT INTO inode SELECT i, k, 7 FROM unnest(ARRAY['a', 'b']) k, generate_series(1, 9) i;
      INSERT INTO path SELECT k, ino, volume FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, vol, volume) REFERENCES inode (ino, volume, k);`,
    pairs: twoPairs,
    same: [
      ['accepted', `INSERT INTO path VALUES ('b', 9, 7)`],
      ['23503', `INSERT INTO path VALUES ('b', 7, 9)`],
    ],
  },
  {
    title: 'a referenced UNIQUE constraint instead of the primary key',
    sql: `
      CREATE TABLE inode (k int, id int, ino int, code text, PRIMARY KEY (k, id), CONSTRAINT by_code UNIQUE (code, k)) PARTITION BY LIST (k);
      CREATE TABLE path (k int, code text) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
      INSERT INTO inode SELECT k, i, i, 'code ' || i FROM generate_series(1, 2) k, generate_series(1, 9) i;
      INSERT INTO inode VALUES (1, 100, 1, NULL);
      INSERT INTO path SELECT k, code FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, code) REFERENCES inode (k, code);`,
    pairs: twoPairs,
    same: [
      ['accepted', `INSERT INTO path VALUES (2, 'code 9'), (1, NULL)`],
      ['23503', `INSERT INTO path VALUES (2, 'code 10')`],
      ['23503', `UPDATE inode SET code = 'other' WHERE k = 1 AND id = 1`],
    ],
  },
  {
    title: 'a referenced unique index that is no constraint',
    sql: `
      CREATE TABLE inode (k int, ino int) PARTITION BY LIST (k);
      CREATE UNIQUE INDEX inode_key ON inode (ino, k);
      CREATE TABLE path (k int, ino int) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2, NULL);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (NULL, 2);
      INSERT INTO inode SELECT k, i FROM generate_series(1, 2) k, generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9;
      INSERT INTO path VALUES (NULL, 1);
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    pairs: twoPairs,
    same: [
      ['accepted', 'INSERT INTO path VALUES (2, 9), (NULL, 77)'],
      ['23503', 'INSERT INTO path VALUES (2, 10)'],
    ],
  },
  {
    title: 'a foreign key of a table to itself',
    sql: `
      CREATE TABLE path (k int, id int, parent int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
      INSERT INTO path SELECT k, i, nullif(i / 2, 0) FROM generate_series(1, 2) k, generate_series(1, 20) i;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, parent) REFERENCES path (k, id) ON DELETE CASCADE;`,
    psql: true,
    pairs: ['path_1 -> path_1', 'path_2 -> path_2'],
    same: [
      ['accepted', 'DELETE FROM path WHERE id = 1; SELECT 1 / (count(*) = 0)::int FROM path'],
      ['accepted', 'INSERT INTO path VALUES (1, 21, 22), (1, 22, 20)'],
      ['23503', 'INSERT INTO path VALUES (1, 21, 22)'],
      ['23503', 'UPDATE path SET id = 99 WHERE id = 1'],
    ],
    changed: [['accepted', '23503', 'UPDATE path SET k = 2, id = 99, parent = NULL WHERE k = 1 AND id = 20']],
  },
  {
    title: 'upper-case, quoted, Unicode and 63-byte names',
    sql: `
      CREATE SCHEMA ${long('s')}; SET search_path = ${long('s')};
      CREATE TABLE ${long('r')} (${long('k')} int, "sel""ect" int, PRIMARY KEY (${long('k')}, "sel""ect")) PARTITION BY LIST (${long('k')});
      CREATE TABLE ${long('p')} (${long('k')} int, "I" int) PARTITION BY LIST (${long('k')});
      CREATE TABLE ${long('1')} PARTITION OF ${long('r')} FOR VALUES IN (1);
      CREATE TABLE ${long('2')} PARTITION OF ${long('r')} FOR VALUES IN (2);
      CREATE TABLE ${long('3')} PARTITION OF ${long('p')} FOR VALUES IN (1);
      CREATE TABLE ${long('4')} PARTITION OF ${long('p')} FOR VALUES IN (2);
      INSERT INTO ${long('r')} SELECT k, i FROM generate_series(1, 2) k, generate_series(1, 9) i;
      INSERT INTO ${long('p')} SELECT * FROM ${long('r')} WHERE "sel""ect" < 9;
      ALTER TABLE ${long('p')} ADD CONSTRAINT ${long('f')} FOREIGN KEY (${long('k')}, "I")
        REFERENCES ${long('r')} (${long('k')}, "sel""ect") ON DELETE CASCADE;
      COMMENT ON CONSTRAINT ${long('f')} ON ${long('p')} IS 'it''s $$ "%I" \\ 🗄';`,
    table: `${long('s')}.${long('p')}`,
    constraint: long('f'),
    psql: true,
    pairs: [
      `${long('s')}.${long('3')} -> ${long('s')}.${long('1')}`,
      `${long('s')}.${long('4')} -> ${long('s')}.${long('2')}`,
    ],
    same: [
      ['accepted', `DELETE FROM ${long('r')} WHERE "sel""ect" = 1`],
      ['accepted', `UPDATE ${long('r')} SET "sel""ect" = 10 WHERE "sel""ect" = 9`],
      ['23503', `UPDATE ${long('r')} SET "sel""ect" = 10 WHERE "sel""ect" = 1`],
      ['23503', `INSERT INTO ${long('p')} VALUES (1, 10)`],
    ],
  },
  {
    title: 'key type: text with a collation of its own',
    sql: keyType('text COLLATE "POSIX"', `'a'`, `'B'`),
    pairs: twoPairs,
  },
  {
    title: 'key type: text with a linguistic collation, RANGE',
    sql: `
      CREATE TABLE inode (k text COLLATE "en-x-icu", ino int, PRIMARY KEY (k, ino)) PARTITION BY RANGE (k);
      CREATE TABLE path (k text COLLATE "en-x-icu", ino int) PARTITION BY RANGE (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM (MINVALUE) TO ('m');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES FROM ('m') TO (MAXVALUE);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM (MINVALUE) TO ('m');
      CREATE TABLE path_2 PARTITION OF path FOR VALUES FROM ('m') TO (MAXVALUE);
      INSERT INTO inode SELECT k, i FROM unnest(ARRAY['a', 'Z', 'É', 'z']) k, generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino) ON DELETE CASCADE;`,
    pairs: twoPairs,
    same: [
      ['accepted', `DELETE FROM inode WHERE k = 'Z'`],
      ['accepted', `UPDATE inode SET k = 'b' WHERE k = 'É' AND ino = 9`],
    ],
  },
  {
    title: 'key type: a domain',
    sql: keyType('public.medium', `'a'`, `'b'`, `CREATE DOMAIN medium AS text CHECK (VALUE <> '');`),
    pairs: twoPairs,
    same: [['23503', `INSERT INTO path VALUES ('a', 10)`]],
  },
  {
    title: 'key type: a domain references its base type',
    sql: `
      CREATE DOMAIN medium AS text CHECK (VALUE <> '');
      CREATE TABLE inode (k text, ino int, PRIMARY KEY (k, ino)) PARTITION BY HASH (k);
      CREATE TABLE path (k medium, ino int) PARTITION BY HASH (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE path_2 PARTITION OF path FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      INSERT INTO inode SELECT 'k' || i, i FROM generate_series(1, 20) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 20;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (k, ino) REFERENCES inode (k, ino);`,
    pairs: twoPairs,
    same: [['23503', `INSERT INTO path VALUES ('k1', 10)`]],
  },
  {
    title: 'key type: uuid',
    sql: keyType('uuid', `'00000000-0000-0000-0000-00000000000a'`, `'00000000-0000-0000-0000-00000000000b'`),
    pairs: twoPairs,
  },
  {
    title: 'key type: an enum',
    sql: keyType('public.colour', `'red'`, `'blue'`, `CREATE TYPE colour AS ENUM ('red', 'blue');`),
    pairs: twoPairs,
  },
  {
    title: 'key type: timestamptz, made in different time zones',
    sql: `
      SET timezone = 'Asia/Kolkata';
      CREATE TABLE inode (at timestamptz, ino int, PRIMARY KEY (at, ino)) PARTITION BY RANGE (at);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES FROM ('2026-01-01 05:30') TO ('2026-02-01 05:30');
      CREATE TABLE inode_2 PARTITION OF inode FOR VALUES FROM ('2026-02-01 05:30') TO ('2026-03-01 05:30');
      SET timezone = 'America/New_York';
      CREATE TABLE path (at timestamptz, ino int) PARTITION BY RANGE (at);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES FROM ('2025-12-31 19:00') TO ('2026-01-31 19:00');
      CREATE TABLE path_2 PARTITION OF path FOR VALUES FROM ('2026-01-31 19:00') TO ('2026-02-28 19:00');
      INSERT INTO inode SELECT at, i FROM unnest(ARRAY['2026-01-01Z', '2026-01-31 23:59:59.999999Z', '2026-02-01Z']::timestamptz[]) at, generate_series(1, 9) i;
      INSERT INTO path SELECT * FROM inode WHERE ino < 9;
      ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (at, ino) REFERENCES inode (at, ino);`,
    pairs: twoPairs,
    same: [['23503', `INSERT INTO path VALUES ('2026-01-01Z', 10)`]],
  },
];
