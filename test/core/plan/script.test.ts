/** `plan --sql` run by psql: the same end as a migration, and its way back to the original. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planScript } from '../../psql/plan-script.helpers.ts';
import { describeWithPsql, type Finished, psqlFile } from '../../psql/psql.helpers.ts';
import { databaseWith, everything, oneRow, smuggle, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { proxiedCase, watchWaits } from '../steps/proxied.helpers.ts';

const ended = ({ code, errors }: Finished) => ({ code, errors });
const WELL = { code: 0, errors: [] };

/** What `migrate` makes of a database like that. */
async function migrated(sql: string, table: string): Promise<string> {
  const { observer } = await databaseWith(sql);
  const execution = new Execution();
  await execution.migrate('VerifyMigration', { table, accept: ['all'] });
  return everything(observer);
}

/** What a command in a name would make. */
const STRUCK = `/tmp/struck-${process.pid}`;

const LAYOUTS: readonly (readonly [what: string, table: string, sql: string])[] = [
  ['three pairs, a leaf with a name of its own', 'path', THREE_PAIRS],
  [
    'names to be quoted, DEFERRABLE, triggers that fire ALWAYS, months in years',
    '"My ""S".path',
    `CREATE SCHEMA "My ""S"; SET search_path = "My ""S", public;
     CREATE TABLE inode ("the day" date, ino int, UNIQUE (ino, "the day")) PARTITION BY RANGE ("the day");
     CREATE TABLE path (ino int, at date, name text) PARTITION BY RANGE (at);
     CREATE TABLE "inode ' $check$ 25" PARTITION OF inode FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
     CREATE TABLE "path :x \\ 1" PARTITION OF path FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
     CREATE TABLE path_2 PARTITION OF path FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
     INSERT INTO inode SELECT '2025-01-15'::date + n % 30, n FROM generate_series(1, 60) n;
     INSERT INTO path SELECT ino, "the day", 'x' FROM inode WHERE "the day" < '2025-03-01';
     ALTER TABLE path ADD CONSTRAINT "the key" FOREIGN KEY (ino, at) REFERENCES inode (ino, "the day") ON DELETE CASCADE DEFERRABLE;
     COMMENT ON CONSTRAINT "the key" ON path IS 'it''s; -- a comment';
     DO $$ DECLARE t record; BEGIN
       FOR t IN SELECT tgrelid::regclass AS relation, tgname AS name FROM pg_trigger WHERE tgconstraint <> 0 AND tgisinternal LOOP
         EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.relation, t.name);
       END LOOP; END $$;
     ANALYZE;`,
  ],
  [
    'names that would end a quotation, and begin a command of psql',
    'path',
    `${THREE_PAIRS} ALTER TABLE inode_2 RENAME TO "x\\! touch ${STRUCK} #
$constraint$"; ALTER TABLE path_3 RENAME TO "y\\! touch ${STRUCK} #
$untrusted$$locked$$check$"; ALTER TABLE path RENAME CONSTRAINT path_fk TO "z\\! touch ${STRUCK} #
$constraint$$check$$check_$"`,
  ],
];

describeWithPsql('plan --sql', () => {
  it.each(LAYOUTS)('%s: migrates as migrate does, is known to the ledger, and goes back', async (_, table, sql) => {
    const { db, observer } = await databaseWith(sql);
    const original = await everything(observer);
    const file = await planScript(db.url, { table });

    expect(ended(await psqlFile(db.url, file))).toEqual(WELL);
    expect(existsSync(STRUCK)).toBe(false);
    expect(await everything(observer)).toBe(await migrated(sql, table));
    expect(await oneRow(observer, 'SELECT state, dropped_at IS NOT NULL AS dropped FROM p2pfk.migration')).toEqual({
      state: 'migrated',
      dropped: true,
    });
    const again = await new Execution().plan({ table });
    expect(again.status).toBe('ALREADY_MIGRATED');

    expect(ended(await psqlFile(db.url, file, { way_back: 'on' }))).toEqual(WELL);
    expect(await everything(observer)).toBe(original);
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'rolled-back' });
  });

  it('lets nobody wait longer than the lock budget, however slowly psql sends its statements', async () => {
    const { db, observer, proxy } = await proxiedCase(`${THREE_PAIRS} CREATE INDEX ON path (medium, ino);`);
    const file = await planScript(db.url, { lockTimeoutMs: 1_000 });
    const before = await everything(observer);
    proxy.listen({
      before: async (_, { sql }) => {
        if (/p2pfk\.began_at', clock_timestamp/.test(sql)) proxy.slow(150);
      },
      after: async () => undefined,
    });
    const waits = await watchWaits(db);

    const { code, errors } = await psqlFile(process.env.DATABASE_URL ?? '', file);
    const longest = await waits.stop();

    // From 17 on the server ends the session itself.
    expect([2, 3]).toContain(code);
    expect(errors.join('\n')).toMatch(/did not fit into the lock budget of 1000 ms|transaction timeout/);
    // As test/chaos/online has it: what a busy machine adds.
    expect(Math.max(longest.reader, longest.writer)).toBeLessThan(1_000 + 1_500);
    expect(await everything(observer)).toBe(before);
  });

  it('is rolled back by p2pfk, too', async () => {
    const { db, observer } = await databaseWith();
    const original = await everything(observer);
    expect(ended(await psqlFile(db.url, await planScript(db.url)))).toEqual(WELL);

    const execution = new Execution();
    await execution.plan({ operation: 'rollback' });
    await execution.rollBack(null);

    expect(await everything(observer)).toBe(original);
  });

  it('stops where rows have no referenced row, and the way back takes away what was added; it runs only once', async () => {
    const { db, observer } = await databaseWith();
    const original = await everything(observer);
    const file = await planScript(db.url);
    const orphan = `INSERT INTO path VALUES ('two', -1, 'orphan')`;
    await smuggle(observer, orphan);

    const stopped = await psqlFile(db.url, file);
    expect(stopped.code).toBe(3);
    expect(stopped.errors.join('\n')).toMatch(/violates foreign key constraint "fk_path_to_inode_2"/);
    await observer.query('DELETE FROM path WHERE ino = -1');
    expect(ended(await psqlFile(db.url, file, { way_back: 'on' }))).toEqual(WELL);
    expect(await everything(observer)).toBe(original);
    // Its guards have the number of the migration in their names.
    expect((await psqlFile(db.url, file)).code).toBe(3);
    const next = await planScript(db.url);
    await observer.query(`SELECT nextval('p2pfk.migration_id_seq')`);
    expect((await psqlFile(db.url, next)).errors.join('\n')).toMatch(/another migration was begun/);
    expect(await everything(observer)).toBe(original);
  });

  it('the gate, the counts and the checks after the drop stop the drop', async () => {
    const { db, observer } = await databaseWith();
    const original = await everything(observer);
    const file = await planScript(db.url);
    // Below valid foreign keys, in the moment before the drop: an event trigger smuggles it in when the parent FK goes.
    await observer.query(`CREATE FUNCTION spoil() RETURNS event_trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE object_identity ~ 'path_fk on public.path$') THEN
          ALTER TABLE public.path_1 DISABLE TRIGGER ALL;
        END IF;
      END $$;
      CREATE EVENT TRIGGER spoil ON sql_drop EXECUTE FUNCTION spoil();`);

    const { code, errors } = await psqlFile(db.url, file);

    expect(code).toBe(3);
    expect(errors.join('\n')).toMatch(/the gate is not open: public.path_1 has no valid and enforced foreign key/);
    await observer.query('DROP EVENT TRIGGER spoil; DROP FUNCTION spoil()');
    expect(ended(await psqlFile(db.url, file, { way_back: 'on' }))).toEqual(WELL);
    expect(await everything(observer)).toBe(original);
  });

  it('reads the tables only while the server refuses a view or a foreign table that took a name', async () => {
    const { db } = await databaseWith();
    const text = readFileSync(await planScript(db.url), 'utf8');
    const kinds: string[] = [];
    for (const [, set, count] of text.matchAll(/^\\set kinds '(.*)'$|^ {2}(orphans := )/gm))
      kinds.push(count === undefined ? `set ${set}` : 'count');
    const counted = ['set view, foreign-table', 'count', 'count', 'count', 'set '];
    expect(kinds).toEqual([...counted, ...counted]);
  });

  describe('run by a superuser', () => {
    /** The tables belong to a role whose function `f` makes it superuser where a superuser runs it. */
    async function ownedByAnother() {
      const testCase = await databaseWith();
      const { observer } = testCase;
      const owner = await plainRole(testCase);
      await observer.query(`
        DO $$ DECLARE t regclass; BEGIN
          FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO ${owner.role}', t); END LOOP;
          EXECUTE format('GRANT CREATE ON DATABASE %I TO ${owner.role}', current_database()); END $$;
        GRANT CREATE ON SCHEMA public TO ${owner.role}; SET ROLE ${owner.role};
        CREATE FUNCTION take() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
          EXECUTE 'ALTER ROLE ${owner.role} SUPERUSER'; RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 1; END $$;
        CREATE FUNCTION f(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN public.take() > 0; END';
        RESET ROLE`);
      const asOwner = (sql: string) => observer.query(`SET ROLE ${owner.role}; ${sql}; RESET ROLE`);
      const hasGained = () => oneRow(observer, `SELECT rolsuper AS yes FROM pg_roles WHERE rolname = '${owner.role}'`);
      return { ...testCase, owner, asOwner, hasGained };
    }
    const PLANTED = 'CREATE INDEX planted ON inode_1 (ino) WHERE public.f(1)';
    const UNTRUSTED = {
      code: 3,
      error: expect.stringMatching(/refused: reading public\.path and .* function public\.f\(integer\) of plain_/),
    };

    const refused = async (run: Promise<Finished>) => {
      const { code, errors } = await run;
      return { code, error: errors[0] };
    };

    it('runs no code that the owner of the tables has added since the plan, there and back', async () => {
      const { db, observer, asOwner, hasGained } = await ownedByAnother();
      const original = await everything(observer);
      const file = await planScript(db.url);
      await asOwner(PLANTED);

      expect(await refused(psqlFile(db.url, file))).toEqual(UNTRUSTED);
      expect(await oneRow(observer, `SELECT to_regnamespace('p2pfk') AS ledger`)).toEqual({ ledger: null });
      await asOwner('DROP INDEX planted');
      expect(ended(await psqlFile(db.url, file))).toEqual(WELL);
      await asOwner(PLANTED);
      expect(await refused(psqlFile(db.url, file, { way_back: 'on' }))).toEqual(UNTRUSTED);

      expect(await hasGained()).toEqual({ yes: false });
      await asOwner('DROP INDEX planted');
      expect(ended(await psqlFile(db.url, file, { way_back: 'on' }))).toEqual(WELL);
      expect(await everything(observer)).toBe(original);
    });

    it('asks about no decoy: other tables that got the names since are refused', async () => {
      const { db, observer, asOwner, hasGained } = await ownedByAnother();
      const file = await planScript(db.url);
      await asOwner(PLANTED);
      await asOwner(`ALTER TABLE inode RENAME TO inode_r; ALTER TABLE inode_1 RENAME TO inode_1r;
        CREATE TABLE inode (medium text, ino bigint, PRIMARY KEY (medium, ino)) PARTITION BY LIST (medium);
        CREATE TABLE inode_1 (medium text, ino bigint, PRIMARY KEY (medium, ino))`);

      expect(await refused(psqlFile(db.url, file))).toEqual({
        code: 3,
        error: expect.stringMatching(
          /refused, nothing was changed: public\.inode is not the table that this script was made for: .*; make the script anew with p2pfk plan --sql/,
        ),
      });
      expect(await hasGained()).toEqual({ yes: false });
      expect(await oneRow(observer, `SELECT to_regnamespace('p2pfk') AS ledger`)).toEqual({ ledger: null });
    });

    it('asks again under the lock of each VALIDATE', async () => {
      const { db, observer, hasGained } = await ownedByAnother();
      const file = await planScript(db.url);
      // The code of the owner comes with the last pair foreign key.
      await observer.query(`CREATE FUNCTION at_that_moment() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'fk_path_to_inode_3') AND to_regclass('public.planted') IS NULL THEN
            CREATE INDEX planted ON public.inode_1 (ino) WHERE public.f(1);
          END IF;
        END $$;
        CREATE EVENT TRIGGER at_that_moment ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION at_that_moment()`);

      expect(await refused(psqlFile(db.url, file))).toEqual({
        ...UNTRUSTED,
        error: expect.stringContaining('reading public.path_1 and'),
      });
      expect(await hasGained()).toEqual({ yes: false });
      expect(
        await oneRow(
          observer,
          'SELECT count(*)::int AS validated FROM pg_constraint WHERE conname LIKE $1 AND convalidated',
          ['fk_path_to%'],
        ),
      ).toEqual({ validated: 0 });
    });

    it('uses no ledger that another role owns or has changed, unless its owner is named', async () => {
      const { db, observer, owner } = await ownedByAnother();
      const file = await planScript(owner.url);
      expect(ended(await psqlFile(owner.url, file))).toEqual(WELL);
      const back = { way_back: 'on' };
      const named = { ...back, ledger_owner: owner.role };

      expect(await refused(psqlFile(db.url, file, back))).toEqual({
        code: 3,
        error: expect.stringContaining('the ledger, schema p2pfk, cannot be trusted: schema p2pfk is owned by plain_'),
      });
      await observer.query('CREATE FUNCTION p2pfk.enter(text, text) RETURNS void LANGUAGE sql AS $$SELECT$$');
      expect(await refused(psqlFile(db.url, file, named))).toEqual({
        code: 3,
        error: expect.stringContaining('is not as its version has it: function enter('),
      });
      await observer.query('DROP FUNCTION p2pfk.enter(text, text)');
      expect(ended(await psqlFile(db.url, file, named))).toEqual(WELL);
    });
  });
});
