/** Code of the application that an action of a pair FK would run as the owner of the partition. */
import { describe, expect, it } from 'vitest';
import { findingsCase, makeTables, planOf } from './findings.helpers.ts';

const db = findingsCase();

/** A table with a function, a trigger function, and one partition of another owner; returns what the plan says of it. */
async function plan(
  { actions = '', more = '', last = '' },
  same = false,
): Promise<{ message: string; remedy: string }[]> {
  const schema = await makeTables(db, {
    actions,
    more: `
      CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN $1; END $$;
      CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN old; END $$;
      ${more}`,
    last,
  });
  const [owner, other] = [`owner_${db.db.name}`, `other_${db.db.name}`];
  await db.client.query(`
    DO $$ BEGIN CREATE ROLE ${owner}; CREATE ROLE ${other}; EXCEPTION WHEN duplicate_object THEN END $$;
    GRANT ALL ON SCHEMA ${schema} TO ${owner}, ${other};
    ALTER TABLE p OWNER TO ${owner}; ALTER TABLE p_1 OWNER TO ${owner}; ALTER TABLE p_2 OWNER TO ${same ? owner : other}`);
  const found = (await planOf(db, schema)).findings.filter(({ id }) => id === 'leaf-owner-code');
  if (found[0]) {
    await db.client.query(found.map(({ remedy }) => remedy).join('; '));
    expect((await planOf(db, schema)).findings.map(({ id }) => id)).not.toContain('leaf-owner-code');
  }
  return found;
}

const rowTrigger = (event: string, on = 'p', rest = 't()') =>
  `CREATE TRIGGER g BEFORE ${event} ON ${on} FOR EACH ROW EXECUTE FUNCTION ${rest};`;
const [deleting, setting] = ['ON DELETE CASCADE', 'ON DELETE SET NULL'];

describe('an error, which its remedy cures', () => {
  it.each<[string, { actions: string; more?: string; last?: string }, RegExp]>([
    [
      'a row trigger of the table',
      { actions: deleting, more: rowTrigger('DELETE') },
      /p_2 is owned by other_.* trigger g, function \S*t\(\)/,
    ],
    ['a row trigger of the partition', { actions: deleting, more: rowTrigger('DELETE', 'p_2') }, /trigger g, function/],
    [
      'a constraint trigger',
      { actions: deleting, more: 'CREATE CONSTRAINT TRIGGER g AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION t();' },
      /trigger g/,
    ],
    [
      'a statement trigger of the partition',
      { actions: deleting, more: 'CREATE TRIGGER g AFTER DELETE ON p_2 EXECUTE FUNCTION t();' },
      /trigger g/,
    ],
    [
      'what a trigger of the table asks in WHEN',
      {
        actions: deleting,
        more: 'ALTER FUNCTION t() SECURITY DEFINER; CREATE TRIGGER g AFTER DELETE ON p FOR EACH ROW WHEN (f(old.id) > 0) EXECUTE FUNCTION t();',
      },
      /trigger g, function \S*f\(integer\)/,
    ],
    ['a trigger on a column that the action sets', { actions: setting, more: rowTrigger('UPDATE OF id') }, /trigger g/],
    [
      'a CHECK constraint',
      { actions: setting, more: 'ALTER TABLE p ADD CONSTRAINT c CHECK (f(id) > 0);' },
      /constraint c, function \S*f\(integer\)/,
    ],
    [
      'an operator',
      {
        actions: setting,
        more: 'CREATE OPERATOR @@@ (FUNCTION = f, RIGHTARG = int); ALTER TABLE p ADD CONSTRAINT c CHECK ((@@@ id) > 0);',
      },
      /constraint c, operator/,
    ],
    [
      "PostgreSQL's own function that runs a query",
      {
        actions: setting,
        more: "ALTER TABLE p ADD CONSTRAINT c CHECK (query_to_xml('SELECT 1', true, true, '') IS NOT NULL);",
      },
      /constraint c, function query_to_xml/,
    ],
    [
      'a generated column',
      { actions: setting, more: 'ALTER TABLE p ADD x int GENERATED ALWAYS AS (f(id)) STORED;' },
      /expression of column x/,
    ],
    ['an index', { actions: setting, more: 'CREATE INDEX x ON p_2 (f(id));' }, /index x, function/],
    ['a partial index', { actions: setting, more: 'CREATE INDEX x ON p_2 (k) WHERE f(id) > 0;' }, /index x, function/],
    [
      'the default of SET DEFAULT',
      { actions: 'ON DELETE SET DEFAULT', more: 'ALTER TABLE p_2 ALTER id SET DEFAULT f(1);' },
      /default of column id/,
    ],
    [
      'a sequence in that default',
      {
        actions: 'ON DELETE SET DEFAULT',
        more: "CREATE SEQUENCE s; ALTER TABLE p_2 ALTER id SET DEFAULT nextval('s');",
      },
      /sequence \S*s/,
    ],
    [
      'a domain of the key',
      {
        actions: 'ON UPDATE CASCADE',
        more: 'CREATE DOMAIN d AS int CHECK (f(value) > 0); ALTER TABLE p ALTER id TYPE d;',
      },
      /domain \S*d, function/,
    ],
  ])('%s', async (_, options, saying) => {
    const found = await plan(options);
    expect(found).toHaveLength(1);
    expect(found[0]?.message).toMatch(saying);
    expect(found[0]?.remedy).toMatch(/^ALTER TABLE case_\d+\.p_2 OWNER TO owner_/);
  });
});

describe('nothing, where no code gets other rights', () => {
  it.each<[string, { actions?: string; more?: string; last?: string }, boolean?]>([
    ['one owner', { actions: deleting, more: rowTrigger('DELETE') }, true],
    ['NO ACTION', { more: `${rowTrigger('DELETE OR UPDATE')} ALTER TABLE p ADD CHECK (f(id) > 0);` }],
    ['no code', { actions: `${deleting} ON UPDATE CASCADE`, more: 'ALTER TABLE p ADD CHECK (id > 0);' }],
    ['another event', { actions: deleting, more: `${rowTrigger('UPDATE')} ALTER TABLE p ADD CHECK (f(id) > 0);` }],
    [
      'a trigger on another column',
      { actions: setting, more: `ALTER TABLE p ADD y int; ${rowTrigger('UPDATE OF y')}` },
    ],
    [
      'a trigger that is disabled',
      { actions: deleting, more: `${rowTrigger('DELETE', 'p_2')} ALTER TABLE p_2 DISABLE TRIGGER g;` },
    ],
    ['SECURITY DEFINER', { actions: deleting, more: `ALTER FUNCTION t() SECURITY DEFINER; ${rowTrigger('DELETE')}` }],
    [
      "PostgreSQL's own trigger",
      {
        actions: `${setting} ON UPDATE CASCADE`,
        more: rowTrigger('UPDATE', 'p', 'suppress_redundant_updates_trigger()'),
      },
    ],
  ])('%s', async (_, options, same) => {
    expect(await plan(options, same)).toEqual([]);
  });
});
