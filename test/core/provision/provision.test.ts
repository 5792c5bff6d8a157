/** A new pair on a migrated table: what is there afterwards. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../core/drift/find-drift.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { everything, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { column, FIVE, migrated, NAMED_PAIRS, partitionOf, request, standingOn } from './migrated.helpers.ts';

describe('a provisioned pair', () => {
  it('has both partitions, the index and a valid foreign key, and guards its rows', async () => {
    const { core, observer } = await migrated();

    expect(await provision(core, request(FIVE))).toMatchObject({
      status: 'PROVISIONED',
      referencing: 'public.path_five',
      referenced: 'public.inode_five',
      referencedCreated: true,
      bound: FIVE,
      pairConstraint: 'fk_path_to_inode_five',
      index: 'idx_path_five_fk',
    });

    expect(await partitionOf(observer, 'path_five')).toBe(`path ${FIVE}`);
    expect(await partitionOf(observer, 'inode_five')).toBe(`inode ${FIVE}`);
    expect(await standingOn(observer, 'path_five')).toEqual({
      foreignKeys: [
        'fk_path_to_inode_five: FOREIGN KEY (medium, ino) REFERENCES inode_five(medium, ino) ON DELETE CASCADE, valid t, triggers 4',
      ],
      indexes: ['CREATE INDEX idx_path_five_fk ON public.path_five USING btree (medium, ino) valid t'],
    });
    await expect(observer.query("INSERT INTO path VALUES ('five', 1, 'x')")).rejects.toThrow(/fk_path_to_inode_five/);
    await observer.query(
      "INSERT INTO inode VALUES ('five', 1); INSERT INTO path VALUES ('five', 1, 'x'); DELETE FROM inode WHERE medium = 'five'",
    );
    expect(await column(observer, 'SELECT count(*)::int FROM path_five')).toEqual([0]);
  });

  it('has the row-movement guard, which PostgreSQL clones to it', async () => {
    const { core, observer } = await migrated();
    await provision(core, request(FIVE));
    await observer.query("INSERT INTO inode VALUES ('five', 1)");
    await expect(observer.query("UPDATE inode SET medium = 'one', ino = 99 WHERE medium = 'five'")).rejects.toThrow(
      /would move a row of "inode_five" to another partition/,
    );
  });

  it('is in the ledger, with the statements and the locks that they held', async () => {
    const { core, observer, migrationId } = await migrated();
    const made = await provision(core, request(FIVE));
    expect(
      await oneRow(
        observer,
        "SELECT referencing, referenced, constraint_added, index_added, state FROM p2pfk.pair WHERE bound ~ 'five'",
      ),
    ).toEqual({
      referencing: 'public.path_five',
      referenced: 'public.inode_five',
      constraint_added: true,
      index_added: true,
      state: 'validated',
    });
    const event = await oneRow<{ sql: string; step: string }>(
      observer,
      "SELECT step, string_agg(sql, '; ' ORDER BY id) AS sql FROM p2pfk.event WHERE migration_id = $1 AND step = 'Provision' GROUP BY step",
      [migrationId],
    );
    expect(event.step).toBe('Provision');
    for (const { sql } of made.statements.slice(1)) expect(event.sql).toContain(sql);
  });

  it('goes with a rollback of the migration: the parent foreign key covers its partitions', async () => {
    const { core, observer } = await migrated();
    await provision(core, request(FIVE));
    const execution = new Execution();
    await execution.plan({ operation: 'rollback' });
    await execution.rollBack(null);
    expect(await standingOn(observer, 'path_five')).toEqual({ foreignKeys: [], indexes: [] });
    await expect(observer.query("INSERT INTO path VALUES ('five', 1, 'x')")).rejects.toThrow(/path_fk/);
  });

  it('is made without a ledger where it needs no guard', async () => {
    const { core, observer } = await migrated(NAMED_PAIRS.replace('ON DELETE CASCADE', 'ON DELETE RESTRICT'));
    await observer.query('DROP SCHEMA p2pfk CASCADE');
    expect(await provision(core, request(FIVE))).toMatchObject({ migrationId: null });
    expect((await standingOn(observer, 'path_five')).foreignKeys).toHaveLength(1);
    expect(await column(observer, "SELECT count(*)::int FROM pg_namespace WHERE nspname = 'p2pfk'")).toEqual([0]);
  });

  it.each([false, true])(
    'is refused without a ledger where it needs a guard, until there is an entry (dry run: %s)',
    async (dryRun) => {
      const { core, observer } = await migrated();
      await observer.query('DROP SCHEMA p2pfk CASCADE');
      const before = await everything(observer);

      await expect(provision(core, request(FIVE, { dryRun }))).rejects.toMatchObject({
        name: 'PreflightFailed',
        message: expect.stringMatching(/needs its row-movement guard.* --fix --run --accept ledger-missing$/),
      });
      expect(await everything(observer)).toEqual(before);

      await auditAndRepair(core, { lockTimeoutMs: 10_000, accept: ['ledger-missing'] });
      await provision(core, request(FIVE));
      expect(
        await column(observer, "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ 'row_movement_guard'"),
      ).toContain('inode_five');
    },
  );

  it('takes the referenced partition that stood already without a partner', async () => {
    const { core, observer } = await migrated();
    const made = await provision(core, request("FOR VALUES IN ('four')"));
    expect(made).toMatchObject({ referenced: 'public.inode_four', referencedCreated: false });
    expect(made.statements.map(({ sql }) => sql).join()).not.toContain('CREATE TABLE public.inode');
    await observer.query("INSERT INTO path VALUES ('four', 1, 'x')");
    await expect(observer.query("INSERT INTO path VALUES ('four', 999, 'x')")).rejects.toThrow(/fk_path_to_inode_four/);
  });

  it('takes the empty referencing partition that was made for another foreign key of the table', async () => {
    const { core, observer } = await migrated(
      `${NAMED_PAIRS}
       CREATE TABLE label (medium text, name text, PRIMARY KEY (medium, name)) PARTITION BY LIST (medium);
       ${['one', 'two', 'three'].map((name) => `CREATE TABLE label_${name} PARTITION OF label FOR VALUES IN ('${name}');`).join(' ')}
       INSERT INTO label SELECT DISTINCT medium, name FROM path;
       ALTER TABLE path ADD CONSTRAINT path_label FOREIGN KEY (medium, name) REFERENCES label (medium, name);`,
      { constraint: 'path_fk' },
    );
    await new Execution().migrate('VerifyMigration', { constraint: 'path_label' });
    await expect(provision(core, request(FIVE))).rejects.toThrow(/choose one with --constraint/);

    await provision(core, request(FIVE, { constraint: 'path_fk' }));
    expect(await provision(core, request(FIVE, { constraint: 'path_label' }))).toMatchObject({
      referencing: 'public.path_five',
      referencingCreated: false,
      referenced: 'public.label_five',
      referencedCreated: true,
    });
    expect((await standingOn(observer, 'path_five')).foreignKeys).toEqual([
      expect.stringMatching(/^fk_path_to_inode_five: .* valid t, triggers 4$/),
      expect.stringMatching(/^fk_path_to_label_five: .* valid t, triggers 4$/),
    ]);
    await expect(provision(core, request(FIVE, { constraint: 'path_label' }))).rejects.toThrow(
      /already exists|overlap/,
    );
  });

  it('does not take a referencing partition that holds rows', async () => {
    const { core, observer } = await migrated();
    await observer.query(`CREATE TABLE path_five PARTITION OF path ${FIVE}; INSERT INTO path VALUES ('five', 1, 'x')`);
    const before = await everything(observer);
    await expect(provision(core, request(FIVE))).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(
        /^refused, nothing was changed: public.path_five has that bound already, no partner, and rows/,
      ),
    });
    expect(await everything(observer)).toBe(before);
  });

  it('of a month finds the year that holds it', async () => {
    const { core } = await migrated(
      `
      CREATE TABLE r (d date, id int, PRIMARY KEY (d, id)) PARTITION BY RANGE (d);
      CREATE TABLE p (d date, id int) PARTITION BY RANGE (d);
      CREATE TABLE r_2026 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      CREATE TABLE p_2026_01 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE p_2026_02 PARTITION OF p FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
      ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (d, id) REFERENCES r;`,
      { table: 'p' },
    );
    const march = "FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')";
    expect(await provision(core, request(march, { table: 'p' }))).toMatchObject({
      referencing: 'public.p_2026_03',
      referenced: 'public.r_2026',
      referencedCreated: false,
    });
    await expect(
      provision(core, request("FOR VALUES FROM ('2027-01-01') TO ('2027-02-01')", { table: 'p' })),
    ).rejects.toThrow(/nothing was changed: .* no referenced partition holds these keys, .* give --referenced too/);
  });

  it('copies what PARTITION OF would: defaults, checks, generated columns, identity, indexes, triggers, other foreign keys', async () => {
    const { core, observer } = await migrated(
      `
      CREATE TABLE kind (k int PRIMARY KEY);
      CREATE TABLE r (k text, id int DEFAULT 7, size int CHECK (size > 0), twice int GENERATED ALWAYS AS (size * 2) STORED,
                      note text COLLATE "C" NOT NULL DEFAULT 'x', PRIMARY KEY (k, id), UNIQUE (k, note)) PARTITION BY LIST (k);
      CREATE TABLE p (n bigint GENERATED BY DEFAULT AS IDENTITY, k text, kind int REFERENCES kind, id int NOT NULL) PARTITION BY LIST (k);
      CREATE INDEX p_kid ON p (k, id);
      CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER p_trigger BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION nothing();
      CREATE TABLE r_a PARTITION OF r FOR VALUES IN ('a');
      CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');
      ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, id) REFERENCES r (k, id) ON UPDATE CASCADE;`,
      { table: 'p', constraint: 'p_fk', accept: ['all'] },
    );
    await provision(core, request("FOR VALUES IN ('yy')", { table: 'p', constraint: 'p_fk' }));
    await observer.query(`
      CREATE TABLE r_zz PARTITION OF r FOR VALUES IN ('zz');
      CREATE TABLE p_zz PARTITION OF p FOR VALUES IN ('zz');
      ALTER TABLE p_zz ADD CONSTRAINT fk_p_to_r_zz FOREIGN KEY (k, id) REFERENCES r_zz (k, id) ON UPDATE CASCADE;`);
    const lines = (await everything(observer)).split('\n');
    const about = (letter: string) =>
      lines
        .filter((line) => new RegExp(`[pr]_${letter}\\b|[pr]_${letter}_`).test(line))
        .map((line) => line.replaceAll(`_${letter}`, '_X').replaceAll(`'${letter}'`, "'X'"))
        .sort();
    expect(about('yy')).toEqual(about('zz'));
    expect(about('yy').length).toBeGreaterThan(20);
  });

  it('of a table that references itself is one partition, its own partner', async () => {
    const { core, observer } = await migrated(
      `CREATE TABLE node (k text, id int, parent int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
       CREATE TABLE node_a PARTITION OF node FOR VALUES IN ('a');
       CREATE TABLE node_b PARTITION OF node FOR VALUES IN ('b');
       ALTER TABLE node ADD CONSTRAINT node_fk FOREIGN KEY (k, parent) REFERENCES node (k, id) ON DELETE CASCADE;`,
      { table: 'node' },
    );
    expect(await provision(core, request("FOR VALUES IN ('c')", { table: 'node' }))).toMatchObject({
      referencing: 'public.node_c',
      referenced: 'public.node_c',
    });
    expect((await standingOn(observer, 'node_c')).foreignKeys).toEqual([
      expect.stringMatching(/REFERENCES node_c\(k, id\) ON DELETE CASCADE, valid t, triggers 4$/),
    ]);
    expect(await audit(core, {})).toMatchObject([{ pairs: 3, drift: [] }]);
  });

  it('goes below a partition that is partitioned itself', async () => {
    const { core, observer } = await migrated(
      `
      CREATE TABLE r (k text, d int, id int, PRIMARY KEY (k, d, id)) PARTITION BY LIST (k);
      CREATE TABLE p (k text, d int, id int) PARTITION BY LIST (k);
      CREATE TABLE r_eu PARTITION OF r FOR VALUES IN ('eu') PARTITION BY RANGE (d);
      CREATE TABLE p_eu PARTITION OF p FOR VALUES IN ('eu') PARTITION BY RANGE (d);
      CREATE TABLE r_eu_0_10 PARTITION OF r_eu FOR VALUES FROM (0) TO (10);
      CREATE TABLE p_eu_0_10 PARTITION OF p_eu FOR VALUES FROM (0) TO (10);
      ALTER TABLE p ADD CONSTRAINT p_fk FOREIGN KEY (k, d, id) REFERENCES r;`,
      { table: 'p' },
    );
    await provision(core, request('FOR VALUES FROM (10) TO (20)', { table: 'p_eu' }));
    expect(await partitionOf(observer, 'p_eu_10_20')).toBe('p_eu FOR VALUES FROM (10) TO (20)');
    expect(await partitionOf(observer, 'r_eu_10_20')).toBe('r_eu FOR VALUES FROM (10) TO (20)');
    expect((await standingOn(observer, 'p_eu_10_20')).foreignKeys).toHaveLength(1);
  });

  it("belongs to its table's owner, whoever creates it", async () => {
    const { core, observer } = await migrated();
    await observer.query(`
      DO $$ BEGIN CREATE ROLE provision_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT CREATE ON SCHEMA public TO provision_owner;
      ALTER TABLE path OWNER TO provision_owner; ALTER TABLE inode OWNER TO provision_owner;
      GRANT USAGE ON SCHEMA p2pfk TO provision_owner;`);
    await provision(core, request(FIVE));
    expect(
      await column(
        observer,
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relname IN ('path_five', 'inode_five')",
      ),
    ).toEqual(['provision_owner']);
    await observer.query('DROP OWNED BY provision_owner CASCADE');
  });

  describe('has from the default privileges of the role that makes it', () => {
    const privileges = (observer: Client, partition: string) =>
      column(
        observer,
        `SELECT format('%s %s%s', coalesce(nullif(regexp_replace(pg_get_userbyid(grantee), '_.*', ''), 'unknown (OID=0)'), 'PUBLIC'),
                       lower(privilege_type), CASE WHEN is_grantable THEN ' grantable' ELSE '' END)
           FROM pg_class c CROSS JOIN aclexplode(c.relacl) WHERE c.oid = $1::regclass AND grantee <> c.relowner ORDER BY 1`,
        [partition],
      );
    const withDefaults = async () => {
      const testCase = await migrated();
      const { role } = await plainRole(testCase);
      await testCase.observer.query(`
        ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ${role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${role} WITH GRANT OPTION;
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT TRIGGER ON TABLES TO PUBLIC`);
      const owner = async (table: string) => {
        const [name] = await column(testCase.observer, `SELECT 'owner_' || current_database()`);
        await testCase.observer.query(`
          DO $$ BEGIN CREATE ROLE ${name}; EXCEPTION WHEN duplicate_object THEN END $$;
          GRANT CREATE ON SCHEMA public TO ${name}; GRANT USAGE ON SCHEMA p2pfk TO ${name}; ALTER TABLE ${table} OWNER TO ${name}`);
      };
      return { ...testCase, role, owner };
    };

    it('nothing where the table belongs to another role, but what that table gives the same role', async () => {
      const { core, observer, role, owner } = await withDefaults();
      await owner('path');
      await owner('inode');
      await observer.query(`GRANT SELECT, INSERT ON path TO ${role}`);
      await provision(core, request(FIVE));
      expect(await privileges(observer, 'inode_five')).toEqual([]);
      expect(await privileges(observer, 'path_five')).toEqual(['plain insert', 'plain select']);
      await observer.query('ALTER TABLE path ENABLE ROW LEVEL SECURITY');
      await provision(core, request("FOR VALUES IN ('six')"));
      expect(await privileges(observer, 'path_six')).toEqual([]);
      await observer.query('ALTER TABLE path DISABLE ROW LEVEL SECURITY');
      // A repair that makes a partner.
      await observer.query("CREATE TABLE path_nine PARTITION OF path FOR VALUES IN ('nine')");
      await auditAndRepair(core, { lockTimeoutMs: 10_000 });
      expect(await privileges(observer, 'inode_nine')).toEqual([]);
    });

    it('all where it owns the table, as by CREATE TABLE', async () => {
      const { core, observer } = await withDefaults();
      await provision(core, request(FIVE));
      expect(await privileges(observer, 'inode_five')).toEqual(
        expect.arrayContaining(['PUBLIC trigger', 'plain delete', 'plain select grantable', 'plain trigger']),
      );
    });
  });

  describe('is made in the schema of the partitions beside it only where the schema’s owner could drop the table itself', () => {
    const PARTITIONS = ['path_one', 'path_two', 'path_three', 'inode_one'];
    const moved = async (owner: string, partitions = PARTITIONS) => {
      const testCase = await migrated();
      const { role } = await plainRole(testCase);
      await testCase.observer.query(
        `CREATE SCHEMA beside AUTHORIZATION ${owner === 'plain' ? role : owner};
         ${partitions.map((partition) => `ALTER TABLE ${partition} SET SCHEMA beside`).join(';')}`,
      );
      // Without that the tables are refused altogether. To be trusted with code is not yet the right to drop a table.
      await testCase.core.query("SELECT set_config('p2pfk.trusted_owners', $1, false)", [role]);
      return { ...testCase, role };
    };

    it('as a superuser could, or the owner of the database', async () => {
      for (const owner of ['CURRENT_USER', 'pg_database_owner']) {
        const { core } = await moved(owner);
        const made = await provision(core, request(FIVE, { referencing: 'path_five', referenced: 'inode_five' }));
        expect(made).toMatchObject({ referencing: 'beside.path_five', referenced: 'beside.inode_five' });
      }
    });

    it('and else in that of the table, with given names, a suffix or none', async () => {
      const { core, observer, role } = await moved('plain');
      const given = { referencing: 'path_five', referenced: 'inode_five' };
      expect(await provision(core, request(FIVE, given))).toMatchObject({
        referencing: 'public.path_five',
        referenced: 'public.inode_five',
      });
      expect((await provision(core, request("FOR VALUES IN ('six')"))).referencing).toBe('public.path_six');
      const seven = await provision(core, request("FOR VALUES IN ('seven')", { nameSuffix: '7' }));
      expect(seven.referencing).toBe('public.path_7');
      // Where the owner of the schema could drop the table.
      await observer.query(
        `ALTER TABLE path OWNER TO ${role}; ALTER TABLE inode OWNER TO ${role}; GRANT CREATE ON SCHEMA public TO ${role}`,
      );
      const eight = await provision(core, request("FOR VALUES IN ('eight')", { referencing: 'p8', referenced: 'i8' }));
      expect(eight).toMatchObject({ referencing: 'beside.p8', referenced: 'beside.i8' });
    });

    it('also by a repair, which makes a missing partner', async () => {
      const { core, observer } = await moved('plain', ['inode_one', 'inode_two', 'inode_three']);
      await observer.query("CREATE TABLE path_nine PARTITION OF path FOR VALUES IN ('nine')");
      await auditAndRepair(core, { lockTimeoutMs: 10_000 });
      expect(await partitionOf(observer, 'public.inode_nine')).toBe("inode FOR VALUES IN ('nine')");
    });
  });

  it('has the names that were given, in schemas of their own, however they have to be quoted', async () => {
    const { core, observer } = await migrated(`${NAMED_PAIRS} CREATE SCHEMA "My ""Schema";`);
    expect((await provision(core, request("FOR VALUES IN ('six')", { nameSuffix: 'VI' }))).referencing).toBe(
      'public."path_VI"',
    );
    const made = await provision(
      core,
      request(FIVE, { referencing: '"My ""Schema"."Päth 5"', referenced: '"Inode; DROP TABLE path"' }),
    );
    expect(made).toMatchObject({
      referencing: '"My ""Schema"."Päth 5"',
      referenced: 'public."Inode; DROP TABLE path"',
    });
    expect((await standingOn(observer, '"My ""Schema"."Päth 5"')).foreignKeys).toHaveLength(1);
  });
});

describe('--dry-run', () => {
  it('shows the statements that a run would run, and changes nothing', async () => {
    const { core, observer } = await migrated();
    const before = await everything(observer);
    const dry = await provision(core, request(FIVE, { dryRun: true }));
    expect(dry.status).toBe('DRY_RUN');
    expect(await everything(observer)).toBe(before);
    expect(await column(observer, "SELECT count(*)::int FROM p2pfk.event WHERE step = 'Provision'")).toEqual([0]);
    expect((await provision(core, request(FIVE))).statements).toEqual(dry.statements);
  });

  it('finds out what a run would be refused for', async () => {
    const { core } = await migrated();
    await expect(
      provision(core, request("FOR VALUES IN ('one', 'x')", { dryRun: true, nameSuffix: 'x' })),
    ).rejects.toThrow(/overlap/);
  });
});
