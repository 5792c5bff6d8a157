/**
 * What a scan leaves out because it knows the answer from what it has read for all foreign keys at once (sql/scan/parents.sql): it must find
 * what it would find without that.
 */
import { describe, expect, it } from 'vitest';
import { parentForeignKeys } from '../../../core/catalog/foreign-key.ts';
import { readPairing } from '../../../core/catalog/pairs.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';
import { plainRole } from '../roles.helpers.ts';
import { brief, of, parentForeignKey, scanned, twoTables } from './scan.helpers.ts';

const cascade = (name: string) =>
  `ALTER TABLE ${name} ADD CONSTRAINT ${name}_fk FOREIGN KEY (p, id) REFERENCES ${name}_ref (p, id) ON DELETE CASCADE;`;

const TROUBLE = `
  ${twoTables('nothing')} ${parentForeignKey('nothing')}
  ${twoTables('switched')} ${parentForeignKey('switched')}
  ALTER TABLE switched_ref_1 DISABLE TRIGGER ALL;
  ${twoTables('broken')} ${parentForeignKey('broken')}
  DELETE FROM pg_constraint WHERE conrelid = 'broken'::regclass AND confrelid = 'broken_ref_2'::regclass;
  ${twoTables('twice')} ${parentForeignKey('twice')}
  ALTER TABLE twice ADD CONSTRAINT twice_again FOREIGN KEY (p, id) REFERENCES twice_ref (p, id);
  ${twoTables('unlogged')} ${parentForeignKey('unlogged')}
  CREATE UNLOGGED TABLE unlogged_ref_3 (LIKE unlogged_ref INCLUDING ALL);
  ALTER TABLE unlogged_ref ATTACH PARTITION unlogged_ref_3 FOR VALUES IN (3);
  CREATE TABLE unlogged_3 PARTITION OF unlogged FOR VALUES IN (3);
  ${twoTables('later')} ${parentForeignKey('later')}
  CREATE TABLE later_ref_3 (p int NOT NULL, id bigint NOT NULL, PRIMARY KEY (p, id) DEFERRABLE);
  ALTER TABLE later_ref ATTACH PARTITION later_ref_3 FOR VALUES IN (3);
  CREATE TABLE later_3 PARTITION OF later FOR VALUES IN (3);
  ${twoTables('moving')} ${cascade('moving')}
  CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
  CREATE TRIGGER "~z" BEFORE UPDATE ON moving_ref_1 FOR EACH ROW EXECUTE FUNCTION t();
  ${twoTables('ruled')} ${parentForeignKey('ruled')}
  CREATE RULE quiet AS ON DELETE TO ruled_ref_1 DO INSTEAD NOTHING;
  ${twoTables('detaching')} ${parentForeignKey('detaching')}
  UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'detaching_2'::regclass;
  ${twoTables('nulls')}
  ALTER TABLE nulls ADD CONSTRAINT nulls_fk FOREIGN KEY (p, id) REFERENCES nulls_ref (p, id) MATCH FULL;
  CREATE TABLE nulls_none PARTITION OF nulls FOR VALUES IN (NULL);
  ${twoTables('code')} ${cascade('code')}
  CREATE TRIGGER g BEFORE DELETE ON code FOR EACH ROW EXECUTE FUNCTION t();
  ${twoTables('rights')} ${parentForeignKey('rights')}
  ${twoTables('closed')} ${parentForeignKey('closed')}
  CREATE SCHEMA closed; ALTER TABLE closed_ref_1 SET SCHEMA closed;
  ${twoTables('rows')} ${parentForeignKey('rows')}
  ${twoTables('always')} ${parentForeignKey('always')}
  DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'always_1'::regclass LOOP
      EXECUTE format('ALTER TABLE always_1 ENABLE ALWAYS TRIGGER %I', name);
    END LOOP; END $$;`;

it('refuses for each reason that it can see', async () => {
  const made = await databaseWith(TROUBLE);
  const { role, url } = await plainRole(made);
  await made.observer.query(`
    ALTER TABLE code_1 OWNER TO ${role};
    ALTER TABLE rights_ref_1 OWNER TO ${role}; REVOKE SELECT ON rights_ref_1 FROM ${role};
    ALTER TABLE closed.closed_ref_1 OWNER TO ${role};
    ALTER TABLE rows OWNER TO ${role}; ALTER TABLE rows_1 OWNER TO ${role}; ALTER TABLE rows_2 OWNER TO ${role};
    ALTER TABLE rows_2 ENABLE ROW LEVEL SECURITY; ALTER TABLE rows_2 FORCE ROW LEVEL SECURITY`);

  expect(brief(await scanned(made.db.url))).toEqual([
    'convertible public.always → public.always_ref',
    'convertible public.nothing → public.nothing_ref',
    'convertible public.rows → public.rows_ref',
    'refused public.broken → public.broken_ref (broken-children)',
    'refused public.closed → public.closed_ref (leaf-owner-privilege)',
    'refused public.code → public.code_ref (leaf-owner-code)',
    'refused public.detaching → public.detaching_ref (pending-detach)',
    'refused public.later → public.later_ref (deferrable-key)',
    'refused public.moving → public.moving_ref (trigger-after-guard)',
    'refused public.nulls → public.nulls_ref (null-only-partition)',
    'refused public.rights → public.rights_ref (leaf-owner-privilege)',
    'refused public.ruled → public.ruled_ref (rule)',
    'refused public.switched → public.switched_ref (disabled-trigger)',
    'refused public.twice → public.twice_ref (identical-foreign-key)',
    'refused public.twice → public.twice_ref (identical-foreign-key)',
    'refused public.unlogged → public.unlogged_ref (unlogged-partition)',
  ]);
  const theirs = brief(await scanned(url));
  expect(theirs).toContain('refused public.rows → public.rows_ref (row-security)');
  expect(theirs).toContain('refused public.always → public.always_ref (always-triggers)');
});

describe('an index that serves', () => {
  it('is found as by a look at each pair', async () => {
    const keys = ['whole', 'bare', 'once', 'less', 'sole', 'unattached', 'partial', 'other'];
    const missing = [0, 2, 1, 0, 2, 1, 0, 2, 2];
    const { db } = await databaseWith(`
      ${keys.map((name) => `${twoTables(name)} ${parentForeignKey(name)}`).join('\n')}
      CREATE INDEX ON whole (id, p);
      CREATE INDEX ON once_1 (p, id);
      -- p is constant in each leaf, and not in the table.
      CREATE INDEX ON less (id);
      CREATE UNIQUE INDEX ON sole (p);
      CREATE INDEX unattached_both ON ONLY unattached (p, id);
      CREATE INDEX unattached_one ON unattached_1 (p, id);
      ALTER INDEX unattached_both ATTACH PARTITION unattached_one;
      CREATE INDEX ON partial (p, id) WHERE id IS NOT NULL;
      CREATE INDEX ON other (p, id) WHERE id > 1;
      -- Its own bound makes p constant, and those of its partitions id: then both columns count.
      CREATE TABLE deep (p int, id bigint) PARTITION BY LIST (p);
      CREATE TABLE deep_1 PARTITION OF deep FOR VALUES IN (1) PARTITION BY LIST (id);
      CREATE TABLE deep_1_1 PARTITION OF deep_1 FOR VALUES IN (1);
      CREATE TABLE deep_1_2 PARTITION OF deep_1 FOR VALUES IN (2);
      CREATE TABLE deep_ref (p int, id bigint, PRIMARY KEY (p, id)) PARTITION BY LIST (id);
      CREATE TABLE deep_ref_1 PARTITION OF deep_ref FOR VALUES IN (1);
      CREATE TABLE deep_ref_2 PARTITION OF deep_ref FOR VALUES IN (2);
      ALTER TABLE deep_1 ADD FOREIGN KEY (p, id) REFERENCES deep_ref;
      CREATE INDEX ON deep (id);`);
    const client = await coreSession(db.url);
    const looked: number[] = [];
    const tables = [...keys, 'deep_1'];
    for (const name of tables) {
      const { oid } = await oneRow<{ oid: number }>(client, 'SELECT to_regclass($1)::oid AS oid', [`public.${name}`]);
      const [foreignKey] = await parentForeignKeys(client, oid);
      if (!foreignKey) throw new Error(`${name} has no foreign key`);
      const { pairs } = await readPairing(client, foreignKey);
      looked.push(pairs.filter(({ has_index }) => !has_index).length);
    }

    const reading = await scanned(db.url);

    expect(looked).toEqual(missing);
    expect(tables.map((name) => of(reading, `public.${name}`).missingIndexes)).toEqual(missing);
  });
});
