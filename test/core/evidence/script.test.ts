/** `plan --sql` run by psql: the same end as a migration, and its way back to the original. */
import { expect, it } from 'vitest';
import { planScript } from '../../psql/plan-script.helpers.ts';
import { describeWithPsql, type Finished, psqlFile } from '../../psql/psql.helpers.ts';
import { databaseWith, everything, oneRow, smuggle, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

const ended = ({ code, errors }: Finished) => ({ code, errors });
const WELL = { code: 0, errors: [] };

/** What `migrate` makes of a database like that. */
async function migrated(sql: string, table: string): Promise<string> {
  const { observer } = await databaseWith(sql);
  const execution = new Execution();
  await execution.migrate('VerifyMigration', { table, accept: ['all'] });
  return everything(observer);
}

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
];

describeWithPsql('plan --sql', () => {
  it.each(LAYOUTS)('%s: migrates as migrate does, is known to the ledger, and goes back', async (_, table, sql) => {
    const { db, observer } = await databaseWith(sql);
    const original = await everything(observer);
    const file = await planScript(db.url, { table });

    expect(ended(await psqlFile(db.url, file))).toEqual(WELL);
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
});
