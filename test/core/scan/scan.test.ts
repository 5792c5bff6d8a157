/** What a scan finds in databases of every kind. */
import { describe, expect, it } from 'vitest';
import { ScanDocument } from '../../../core/contracts/scan-document.ts';
import { coreSession, databaseWith, everything, THREE_PAIRS } from '../case.helpers.ts';
import { migratedTo } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { brief, of, pairForeignKey, parentForeignKey, scanned, twoTables } from './scan.helpers.ts';

describe('a foreign key between two partitioned tables', () => {
  it('is convertible where nothing keeps the plan from it, with what that brings and costs', async () => {
    const { db, observer } = await databaseWith(THREE_PAIRS);
    const before = await everything(observer);

    const reading = await scanned(db.url);

    expect(brief(reading)).toEqual(['convertible public.path → public.inode']);
    const path = of(reading, 'public.path');
    expect(path).toMatchObject({
      constraint: 'path_fk',
      by: null,
      pairs: 3,
      unpaired: 1,
      rows: 440,
      missingIndexes: 3,
      command: 'plan',
      gain: { truncateEmptiesRows: 440, partitionsNotDetachable: 4, partitionsLocked: 7, partitionsLockedAfter: 2 },
    });
    expect(path.bytes).toBeGreaterThan(0);
    expect(path.gain?.insertsPerSecond).toBeTypeOf('number');
    expect(path.cost?.seconds).toBeGreaterThan(0);
    expect(await everything(observer)).toBe(before);
  });

  it('is judged by the plan for each layout: two levels, bounds within bounds, two keys, a key to its own table', async () => {
    const { db } = await databaseWith(`
      CREATE TABLE levels_ref (p int, q int, id bigint, PRIMARY KEY (p, q, id)) PARTITION BY LIST (p);
      CREATE TABLE levels (p int, q int, id bigint) PARTITION BY LIST (p);
      CREATE TABLE levels_ref_1 PARTITION OF levels_ref FOR VALUES IN (1) PARTITION BY LIST (q);
      CREATE TABLE levels_1 PARTITION OF levels FOR VALUES IN (1) PARTITION BY LIST (q);
      CREATE TABLE levels_ref_1_1 PARTITION OF levels_ref_1 FOR VALUES IN (1);
      CREATE TABLE levels_ref_1_2 PARTITION OF levels_ref_1 FOR VALUES IN (2);
      CREATE TABLE levels_1_1 PARTITION OF levels_1 FOR VALUES IN (1);
      CREATE TABLE levels_1_2 PARTITION OF levels_1 FOR VALUES IN (2);
      ALTER TABLE levels ADD FOREIGN KEY (p, q, id) REFERENCES levels_ref;
      CREATE TABLE years (d date, id bigint, PRIMARY KEY (d, id)) PARTITION BY RANGE (d);
      CREATE TABLE months (d date, id bigint, FOREIGN KEY (d, id) REFERENCES years) PARTITION BY RANGE (d);
      CREATE TABLE years_2026 PARTITION OF years FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      CREATE TABLE months_01 PARTITION OF months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE months_02 PARTITION OF months FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      ${twoTables('twice', ', other bigint')}
      ${parentForeignKey('twice')}
      ALTER TABLE twice ADD CONSTRAINT twice_other FOREIGN KEY (p, other) REFERENCES twice_ref (p, id);
      ${twoTables('own')}
      ALTER TABLE own_ref ADD COLUMN parent bigint, ADD CONSTRAINT own_fk FOREIGN KEY (p, parent) REFERENCES own_ref (p, id);`);

    const reading = await scanned(db.url);

    expect(brief(reading)).toEqual([
      'convertible public.levels → public.levels_ref',
      'convertible public.months → public.years',
      'convertible public.own_ref → public.own_ref',
      'convertible public.twice → public.twice_ref',
      'convertible public.twice → public.twice_ref',
    ]);
    expect(of(reading, 'public.months')).toMatchObject({ pairs: 2, unpaired: 0 });
    expect(of(reading, 'public.own_ref')).toMatchObject({ pairs: 2, constraint: 'own_fk' });
  });

  it('is refused for the reasons of the plan', async () => {
    const { db } = await databaseWith(`
      ${twoTables('strategy')}
      CREATE TABLE hashed (p int, id bigint, FOREIGN KEY (p, id) REFERENCES strategy_ref) PARTITION BY HASH (p);
      CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      ${twoTables('rules')}
      CREATE RULE quiet AS ON DELETE TO rules_1 DO INSTEAD NOTHING;
      ALTER TABLE rules ADD CONSTRAINT rules_fk FOREIGN KEY (p, id) REFERENCES rules_ref (p, id) ON DELETE CASCADE;
      ${twoTables('alone')}
      ${parentForeignKey('alone')}
      CREATE TABLE alone_3 PARTITION OF alone FOR VALUES IN (3, NULL);
      INSERT INTO alone VALUES (NULL, 1);
      ${twoTables('off')}
      ${parentForeignKey('off')}
      ALTER TABLE off_1 DISABLE TRIGGER ALL;
      ANALYZE;`);

    const reading = await scanned(db.url);

    expect(brief(reading)).toEqual([
      'refused public.alone → public.alone_ref (unpaired-referencing-partition)',
      'refused public.hashed → public.strategy_ref (partition-strategies-differ, no-pairs)',
      'refused public.off → public.off_ref (disabled-trigger)',
      'refused public.rules → public.rules_ref (rule)',
    ]);
    expect(of(reading, 'public.rules').reasons[0]?.remedy).not.toBe('');
  });

  it('is converted, unprotected or half done by hand, as its pair foreign keys are', async () => {
    const { db } = await databaseWith(`
      ${twoTables('converted')} ${pairForeignKey('converted', 1)} ${pairForeignKey('converted', 2)}
      ${twoTables('gap')} ${pairForeignKey('gap', 1)}
      ${twoTables('added')} ${pairForeignKey('added', 1)} ${pairForeignKey('added', 2)}
      CREATE TABLE added_3 PARTITION OF added FOR VALUES IN (3);
      ${twoTables('half')} ${parentForeignKey('half')} ${pairForeignKey('half', 1)}
      ${twoTables('invalid')} ${pairForeignKey('invalid', 1)}
      ALTER TABLE invalid_2 ADD FOREIGN KEY (p, id) REFERENCES invalid_ref_2 (p, id) NOT VALID;`);

    const reading = await scanned(db.url);

    expect(brief(reading)).toEqual([
      'converted public.converted → public.converted_ref',
      'half-done public.half → public.half_ref (pair-foreign-keys-beside)',
      'unprotected public.added → public.added_ref (unpaired-referencing-partition)',
      'unprotected public.gap → public.gap_ref (missing-pair-foreign-key)',
      'unprotected public.invalid → public.invalid_ref (pair-foreign-key-not-valid)',
    ]);
    expect(of(reading, 'public.gap')).toMatchObject({
      unprotected: ['public.gap_2'],
      command: 'audit',
      by: 'hand',
      gain: null,
    });
    expect(of(reading, 'public.converted')).toMatchObject({ constraint: null, by: 'hand', command: 'verify' });
  });

  it('is half done, converted or come back as the ledger has it', async () => {
    const { db } = await migratedTo('AddForeignKeys');
    expect(of(await scanned(db.url), 'public.path')).toMatchObject({
      status: 'half-done',
      by: 'p2pfk',
      command: 'migrate',
      reasons: [{ id: 'migration-unfinished' }],
    });
  });

  it('is converted by p2pfk after the migration, unprotected without a pair foreign key, and where the parent came back', async () => {
    const { db, observer } = await migratedTo('VerifyMigration');
    expect(of(await scanned(db.url), 'public.path')).toMatchObject({
      status: 'converted',
      by: 'p2pfk',
      constraint: 'path_fk',
      command: 'verify',
    });

    await observer.query(
      'BEGIN; ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode ON DELETE CASCADE',
    );
    await observer.query('COMMIT');
    expect(of(await scanned(db.url), 'public.path')).toMatchObject({
      status: 'unprotected',
      reasons: [{ id: 'parent-foreign-key' }],
    });

    await observer.query('ALTER TABLE path DROP CONSTRAINT path_fk');
    await observer.query(`DO $$ DECLARE r record; BEGIN
      FOR r IN SELECT conname, conrelid::regclass AS t FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND conrelid::regclass::text LIKE 'path%' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.t, r.conname);
      END LOOP; END $$`);
    // Only the ledger shows it now.
    expect(of(await scanned(db.url), 'public.path')).toMatchObject({
      status: 'unprotected',
      unprotected: ['public.path_1', 'public.path_2', 'public.path_3'],
    });
  });
});

describe('a foreign key with a plain table on one side', () => {
  it('is told apart by what TRUNCATE and DETACH do', async () => {
    const { db } = await databaseWith(
      `
      ${twoTables('parted')}
      CREATE TABLE region (p int PRIMARY KEY);
      ALTER TABLE parted ADD CONSTRAINT to_region FOREIGN KEY (p) REFERENCES region;
      CREATE TABLE plain (p int, id bigint, FOREIGN KEY (p, id) REFERENCES parted_ref);
      CREATE TABLE one (p int, id bigint, FOREIGN KEY (p, id) REFERENCES parted_ref_1);
      ALTER TABLE parted ADD CONSTRAINT to_one FOREIGN KEY (p, id) REFERENCES parted_ref_2;
      ${twoTables('left')} ${pairForeignKey('left', 1)} ${pairForeignKey('left', 2)}
      ALTER TABLE "left" DETACH PARTITION left_2;`
        .replaceAll(/\bleft\b(?!_)/g, '"left"')
        .replaceAll('""left""', '"left"'),
    );

    expect(brief(await scanned(db.url))).toEqual([
      'converted public."left" → public.left_ref',
      'plain public.left_2 → public.left_ref_2 (from-detached)',
      'plain public.one → public.parted_ref_1 (from-detached)',
      'plain public.parted → public.parted_ref_2 (to-one-partition)',
      'plain public.parted → public.region (to-plain-table)',
      'plain public.plain → public.parted_ref (from-plain-table)',
    ]);
  });
});

describe('a scan', () => {
  it('finds nothing in an empty database', async () => {
    const { db } = await databaseWith('CREATE TABLE alone (id int)');
    const reading = await scanned(db.url);
    expect(reading.foreignKeys).toEqual([]);
    expect(reading.ledger).toBe('absent');
  });

  it('has the documented form, whatever the tables are called', async () => {
    const { db } = await databaseWith(
      twoTables('q').replaceAll(
        /\bq(_ref)?(_\d)?\b/g,
        (_all, ref = '', leaf = '') => `"a ""b""\n\u001b[31m${ref}${leaf}"`,
      ) +
        `ALTER TABLE "a ""b""\n\u001b[31m" ADD CONSTRAINT "it's\n" FOREIGN KEY (p, id) REFERENCES "a ""b""\n\u001b[31m_ref";`,
    );
    const reading = await scanned(db.url);
    expect(brief(reading)).toEqual(['convertible public."a ""b""\n\u001b[31m" → public."a ""b""\n\u001b[31m_ref"']);
    const foreignKeys = reading.foreignKeys.map(({ command: _, ...one }) => ({ ...one, next: null }));
    expect(ScanDocument.parse({ ...reading, foreignKeys, failed: [] }).summary.convertible).toBe(1);
  });

  it('takes only the schemas that are named, and refuses one that does not exist', async () => {
    const { db } = await databaseWith(`
      ${twoTables('a')} ${parentForeignKey('a')}
      CREATE SCHEMA "Other one"; SET search_path = "Other one"; ${twoTables('b')} ${parentForeignKey('b')}`);
    expect(brief(await scanned(db.url, { schemas: ['Other one'] }))).toEqual([
      'convertible "Other one".b → "Other one".b_ref',
    ]);
    await expect(scanned(db.url, { schemas: ['Other one', 'nowhere'] })).rejects.toThrow(/no schema "?nowhere/);
  });

  it('says what a role without rights on a schema did not see, and works with one that may read nothing', async () => {
    const made = await databaseWith(`
      ${twoTables('a')} ${parentForeignKey('a')} ALTER TABLE a ENABLE ROW LEVEL SECURITY;
      CREATE SCHEMA hidden; SET search_path = hidden; ${twoTables('b')} ${parentForeignKey('b')}`);
    const { url } = await plainRole(made);
    const reading = await scanned(url);
    expect(brief(reading)).toEqual(['convertible public.a → public.a_ref']);
    expect(reading.unseen).toMatchObject([
      { table: 'hidden.b', referencedTable: 'hidden.b_ref', constraint: 'b_fk', why: 'schema' },
    ]);
    expect(reading.unseen[0]?.message).toContain('"hidden"');
  });

  it('waits for no lock: a table that another session has locked exclusively is told', async () => {
    const { db, observer } = await databaseWith(
      `${twoTables('a')} ${parentForeignKey('a')} ${twoTables('b')} ${parentForeignKey('b')}`,
    );
    await observer.query('BEGIN; LOCK TABLE a_1 IN ACCESS EXCLUSIVE MODE');
    const reading = await scanned(db.url);
    await observer.query('ROLLBACK');
    expect(brief(reading)).toEqual(['convertible public.b → public.b_ref']);
    expect(reading.unseen).toMatchObject([{ table: 'public.a', why: 'locked' }]);
  });

  it('compares bounds only where the owners of the tables could become the login', async () => {
    const made = await databaseWith('SELECT 1');
    const { role, url } = await plainRole(made);
    const owner = await coreSession(made.db.url);
    await owner.query(`GRANT CREATE ON SCHEMA public TO ${role}; SET ROLE ${role}`);
    await owner.query(`
      SET search_path = public;
      CREATE TABLE years (d date, id bigint, PRIMARY KEY (d, id)) PARTITION BY RANGE (d);
      CREATE TABLE months (d date, id bigint, FOREIGN KEY (d, id) REFERENCES years) PARTITION BY RANGE (d);
      CREATE TABLE years_2026 PARTITION OF years FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      CREATE TABLE months_01 PARTITION OF months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`);
    await owner.query('RESET ROLE');
    expect(brief(await scanned(url))).toEqual(['convertible public.months → public.years']);
    // Its owner could change the tables while a superuser compares their bounds.
    expect(brief(await scanned(made.db.url))).toEqual(['unclear public.months → public.years (bounds-not-compared)']);
  });
});
