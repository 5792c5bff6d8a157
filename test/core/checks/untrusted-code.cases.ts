/** Places in which a role without rights has put a function, and whether reading the tables or adding a partition could run it. */

export interface Place {
  readonly title: string;
  /** Runs as the role that owns the tables, with its schema as the search_path, before the tables are there. */
  readonly before?: string;
  /** Types of the two columns of the key. */
  readonly types?: { readonly medium?: string; readonly ino?: string };
  /** Runs as that role after the tables were made. */
  readonly after?: string;
  /** The function that is named, without its schema; undefined: nothing is refused. */
  readonly refused?: string;
  /** The function is PostgreSQL’s own. */
  readonly builtIn?: true;
  /** From that major version of PostgreSQL on. */
  readonly from?: number;
}

/** What a superuser has done: only a superuser can make an operator class. */
const asSuperuser = (sql: string) => `RESET ROLE; ${sql}; SET ROLE :role`;

const classOver = (type: string) =>
  asSuperuser(`CREATE OPERATOR CLASS ops DEFAULT FOR TYPE ${type} USING btree AS FUNCTION 1 compare(${type}, ${type})`);

const compare = (type: string) => `
  CREATE FUNCTION compare(${type}, ${type}) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 0; END';`;

/** A composite type with a domain of whose CHECK a function of the role is a part. */
const ODD_TYPE = `CREATE FUNCTION ok(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
  CREATE DOMAIN odd AS text CHECK (ok(value)); CREATE TYPE couple AS (a odd);`;

/** Its functions belong to a superuser. */
const HSTORE = `${asSuperuser('CREATE EXTENSION hstore')};`;

const REFUSED: readonly Place[] = [
  {
    title: 'the default of an argument',
    after: `CREATE FUNCTION f(int, int DEFAULT evil()) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
      CREATE INDEX ON path_1 (f(ino))`,
    refused: 'evil()',
  },
  {
    title: 'the default of an argument of a superuser’s function',
    after: `${asSuperuser("CREATE FUNCTION g(int, int DEFAULT evil()) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END'")};
      CREATE INDEX ON path_1 (g(ino))`,
    refused: 'evil()',
  },
  {
    title: 'the body of a superuser’s SQL function',
    after: `${asSuperuser('CREATE FUNCTION g(int) RETURNS int IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT $1 + evil(); END')};
      CREATE INDEX ON path_1 (g(ino))`,
    refused: 'evil()',
    from: 14,
  },
  { title: 'an empty array', after: 'CREATE INDEX ON path_1 (evil_of(ARRAY[]::int[]))', refused: 'evil_of(integer[])' },
  {
    title: 'an argument that is simplified',
    after: 'CREATE INDEX ON path_1 (mine(CASE WHEN true THEN 1 ELSE ino END))',
    refused: 'mine(integer)',
  },
  {
    title: 'an argument that is never NULL',
    after: 'CREATE INDEX ON inode_1 (mine(coalesce(1, ino)))',
    refused: 'mine(integer)',
  },
  { title: 'a second call', after: 'CREATE INDEX ON path_1 ((mine(ino) OR mine(1)))', refused: 'mine(integer)' },
  { title: 'a call in a call', after: 'CREATE INDEX ON path_1 (mine(twice(1)))', refused: 'twice(integer)' },
  {
    title: 'an operator',
    after: 'CREATE OPERATOR @@@ (FUNCTION = mine, RIGHTARG = int); CREATE INDEX ON path_1 ((@@@ 1))',
    refused: 'mine(integer)',
  },
  {
    title: 'an operator in a comparison of rows',
    after: `CREATE FUNCTION less(int, int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
      CREATE OPERATOR <<< (FUNCTION = less, LEFTARG = int, RIGHTARG = int); CREATE INDEX ON path_1 ((1 <<< ANY (ARRAY[2, 3])))`,
    refused: 'less(integer,integer)',
  },
  {
    title: 'the predicate of an index, which a bitmap scan evaluates',
    after: 'CREATE INDEX ON path_1 USING brin (medium) WHERE mine(ino) OR ino IS NOT NULL',
    refused: 'mine(integer)',
  },
  { title: 'a CHECK', after: 'ALTER TABLE path_1 ADD CHECK (mine(1) OR mine(ino))', refused: 'mine(integer)' },
  {
    title: 'extended statistics',
    after: 'CREATE STATISTICS s ON (mine(ino)), (mine(1)) FROM path_1',
    refused: 'mine(integer)',
    from: 14,
  },
  {
    title: 'a CHECK of a virtual generated column',
    after: 'ALTER TABLE path ADD v int GENERATED ALWAYS AS (1) VIRTUAL; ALTER TABLE path ADD CHECK (mine(v))',
    refused: 'mine(integer)',
    from: 18,
  },
  {
    title: 'GREATEST of a type whose operator class has it',
    before: `CREATE TYPE couple AS (a int); ${compare('couple')} ${classOver('couple')}`,
    after: 'CREATE INDEX ON path_1 ((GREATEST(ROW(1)::couple, ROW(2)::couple) IS NULL))',
    refused: 'compare(app.couple,app.couple)',
  },
  {
    title: 'the CHECK of a domain of the partition key',
    before: `CREATE FUNCTION ok(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END'; CREATE DOMAIN name AS text`,
    types: { medium: 'name' },
    after: 'ALTER DOMAIN name ADD CHECK (ok(value)) NOT VALID',
    refused: 'ok(text)',
  },
  {
    title: 'the CHECK of a domain below the domain',
    before: `CREATE FUNCTION ok(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
      CREATE DOMAIN below AS text CHECK (ok(value)); CREATE DOMAIN name AS below`,
    types: { medium: 'name' },
    refused: 'ok(text)',
  },
  {
    title: 'the CHECK of a domain that gives SQL to a function of PostgreSQL',
    before: `CREATE DOMAIN name AS text CHECK (query_to_xml('SELECT app.evil()', true, false, '') IS NOT NULL)`,
    types: { medium: 'name' },
    refused: 'query_to_xml(text,boolean,boolean,text) in a CHECK of domain app.name',
    builtIn: true,
  },
  {
    title: 'the CHECK of a domain that is an element of another domain’s arrays',
    before: `CREATE DOMAIN below AS text CHECK (to_tsvector(value) IS NOT NULL AND value <> '');
      CREATE DOMAIN list AS below[] CHECK (cardinality(value) > 0)`,
    types: { ino: 'list' },
    refused: 'to_tsvector(text) in a CHECK of domain app.below',
    builtIn: true,
  },
  {
    title: 'the CHECK of a domain that does something by a function of PostgreSQL',
    before: `CREATE SEQUENCE s; CREATE DOMAIN name AS text CHECK (nextval('s') > 0 OR now() > '2000-01-01')`,
    types: { medium: 'name' },
    refused: 'nextval(regclass) in a CHECK of domain app.name',
    builtIn: true,
  },
  {
    title: 'the CHECK of a domain that JSON_VALUE returns in the CHECK of another',
    before: `CREATE FUNCTION ok(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END'; CREATE DOMAIN odd AS text CHECK (ok(value));
      CREATE DOMAIN name AS text CHECK (JSON_VALUE(jsonb '"1"', '$' RETURNING odd) IS NOT NULL OR value <> '')`,
    types: { medium: 'name' },
    refused: 'ok(text)',
    from: 17,
  },
  {
    title: 'the CHECK of a domain that JSON_VALUE returns in an index',
    before: `CREATE FUNCTION ok(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END'; CREATE DOMAIN odd AS text CHECK (ok(value))`,
    after: `CREATE INDEX ON path_1 ((JSON_VALUE(jsonb '"1"', '$' RETURNING odd)))`,
    refused: 'ok(text)',
    from: 17,
  },
  {
    title: 'the CHECK of a domain in a composite type that only an empty array names, for a function of hstore',
    before: `${ODD_TYPE} ${HSTORE}`,
    after: `CREATE INDEX ON path_1 (ino) WHERE populate_record((ARRAY[]::couple[])[1], 'a=>1'::hstore) IS NOT NULL`,
    refused: 'ok(text)',
  },
  {
    title: 'the same as an index’s expression',
    before: `${ODD_TYPE} ${HSTORE}`,
    after: `CREATE INDEX ON path_1 ((((ARRAY[]::couple[])[1] #= 'a=>1'::hstore) IS NOT NULL))`,
    refused: 'ok(text)',
  },
  {
    title: 'the same in a CHECK of the domain of the partition key',
    before: `${ODD_TYPE} ${HSTORE} CREATE DOMAIN name AS text CHECK (populate_record((ARRAY[]::couple[])[1], 'a=>1'::hstore) IS NOT NULL OR value <> '')`,
    types: { medium: 'name' },
    refused: 'ok(text)',
  },
  {
    title: 'the same in extended statistics, in a CHECK and in CASE',
    before: `${ODD_TYPE} ${HSTORE}`,
    after: `CREATE STATISTICS s ON (populate_record(CASE WHEN true THEN (ARRAY[]::couple[])[1] END, 'a=>1'::hstore) IS NOT NULL), ino FROM path_1`,
    refused: 'ok(text)',
    from: 14,
  },
  {
    title: 'the CHECK of a domain in the composite type of a column, in the predicate of an index',
    before: `${ODD_TYPE} ${HSTORE}`,
    after: `ALTER TABLE path ADD c couple; CREATE INDEX ON path_1 (ino) WHERE (populate_record(c, 'a=>1'::hstore)).a IS NOT NULL`,
    refused: 'ok(text)',
  },
  {
    title: 'a cast to the type of the partition key',
    before: `CREATE TYPE medium AS ENUM ('one'); CREATE FUNCTION to_medium(int) RETURNS medium IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'one'; END $$;
      CREATE CAST (int AS medium) WITH FUNCTION to_medium(int) AS ASSIGNMENT`,
    types: { medium: 'medium' },
    refused: 'to_medium(integer)',
  },
  {
    title: 'the operator class of the subtype of a range',
    before: `CREATE DOMAIN number AS int; CREATE TYPE couple AS (a int); ${compare('couple')} ${classOver('couple')}; CREATE TYPE couples AS RANGE (subtype = couple)`,
    types: { ino: 'couples' },
    refused: 'compare(app.couple,app.couple)',
  },
  {
    title: 'the operator class of the subtype of a multirange',
    before: `CREATE TYPE couple AS (a int); ${compare('couple')} ${classOver('couple')};
      CREATE TYPE couples AS RANGE (subtype = couple, multirange_type_name = several)`,
    types: { ino: 'several' },
    refused: 'compare(app.couple,app.couple)',
    from: 14,
  },
  {
    title: 'an operator class over all arrays',
    before: `${compare('anyarray')}
      ${asSuperuser('CREATE OPERATOR CLASS ops FOR TYPE anyarray USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compare(anyarray, anyarray)')}`,
    types: { ino: 'int[]' },
    refused: 'compare(anyarray,anyarray)',
  },
  {
    title: 'an operator class over a type that this one is stored as',
    before: `${compare('text')} ${asSuperuser('CREATE OPERATOR CLASS ops FOR TYPE text USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compare(text, text)')}`,
    types: { medium: 'varchar', ino: 'varchar' },
    refused: 'compare(text,text)',
  },
  {
    title: 'a call with a column in an index',
    after: 'CREATE INDEX ON path_1 (mine(ino)); CREATE INDEX ON inode (mine(ino))',
    refused: 'mine(integer)',
  },
  {
    title: 'a call with a column in a CHECK with constants',
    after: "ALTER TABLE path ADD CHECK (mine(ino) AND ino > 0 AND name <> '')",
    refused: 'mine(integer)',
  },
  {
    title: 'an operator with a column',
    after: `CREATE FUNCTION two(text, int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
      CREATE OPERATOR ### (FUNCTION = two, LEFTARG = text, RIGHTARG = int); CREATE INDEX ON path ((name ### 1))`,
    refused: 'two(text,integer)',
  },
  {
    title: 'extended statistics of a call with a column',
    after: 'CREATE STATISTICS s ON (mine(ino)), ino FROM path_1',
    refused: 'mine(integer)',
    from: 14,
  },
  {
    title: 'a column of a domain with such a CHECK, in an index',
    before: `CREATE FUNCTION ok(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END'; CREATE DOMAIN odd AS text CHECK (ok(value))`,
    after: 'ALTER TABLE path ADD o odd; CREATE INDEX ON path_1 (lower(o)) WHERE o IS NOT NULL',
    refused: 'ok(text)',
  },
  {
    title: 'a cast to json that the CHECK of the partition key’s domain looks up when it runs',
    before: `CREATE TYPE kind AS ENUM ('x'); CREATE FUNCTION to_json(kind) RETURNS json IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN '1'; END $$;
      CREATE CAST (kind AS json) WITH FUNCTION to_json(kind); CREATE DOMAIN name AS text CHECK (JSON_ARRAY('x'::kind) IS NOT NULL)`,
    types: { medium: 'name' },
    refused: 'to_json(app.kind)',
    from: 16,
  },
  {
    title: 'the partition key of a table above the referenced one',
    after: `CREATE TABLE top (medium text NOT NULL, ino int NOT NULL) PARTITION BY LIST ((medium || evil()::text));
      ALTER TABLE top ATTACH PARTITION inode FOR VALUES IN ('one1', 'two1')`,
    refused: 'evil()',
  },
  {
    title: 'the type of the partition key of a table above, by a cast',
    before: `CREATE TYPE kind AS ENUM ('one', 'two'); CREATE FUNCTION to_kind(int) RETURNS kind IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'one'; END $$;
      CREATE CAST (int AS kind) WITH FUNCTION to_kind(int)`,
    after: `ALTER TABLE inode ADD k kind DEFAULT 'one' NOT NULL; CREATE TABLE top (medium text NOT NULL, ino int NOT NULL, k kind NOT NULL) PARTITION BY LIST (k);
      ALTER TABLE top ATTACH PARTITION inode FOR VALUES IN ('one', 'two')`,
    refused: 'to_kind(integer)',
  },
  {
    title: 'a superuser’s function whose body finds names by search_path',
    before: asSuperuser("CREATE FUNCTION loose(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT length($1)'"),
    after: 'CREATE INDEX ON path_1 (loose(name))',
    refused: 'loose(text), which finds what it calls by search_path, in an expression',
  },
  {
    title: 'the same in PL/pgSQL, for an operator in extended statistics',
    before:
      asSuperuser(`CREATE FUNCTION loose(text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN length($1); END';
      CREATE OPERATOR @@@ (FUNCTION = loose, RIGHTARG = text)`),
    after: 'CREATE STATISTICS s ON (@@@ name), ino FROM path_1',
    refused: 'loose(text), which finds what it calls by search_path, in an expression',
    from: 14,
  },
];

const HARMLESS: readonly Place[] = [
  {
    title: 'a superuser’s function with a search_path of its own',
    before: asSuperuser(
      "CREATE FUNCTION fast(text) RETURNS int IMMUTABLE LANGUAGE sql SET search_path = pg_catalog AS 'SELECT length($1)'",
    ),
    after: 'CREATE INDEX ON path_1 (fast(name))',
  },
  {
    title: 'a cast of a stranger to the type of the partition key',
    after: asSuperuser(`CREATE SCHEMA IF NOT EXISTS stranger; CREATE TYPE stranger.z AS ENUM ('x');
      CREATE FUNCTION stranger.f(stranger.z) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$;
      DO $$ BEGIN IF to_regrole('stranger') IS NULL THEN CREATE ROLE stranger; END IF; END $$;
      ALTER FUNCTION stranger.f(stranger.z) OWNER TO stranger; CREATE CAST (stranger.z AS text) WITH FUNCTION stranger.f(stranger.z)`),
  },
  {
    title: 'a default, a trigger and a function that nothing uses',
    after: `ALTER TABLE path ADD x int DEFAULT evil(); ALTER TABLE path_1 ALTER ino SET DEFAULT evil()`,
  },
  {
    title: 'an expression of PostgreSQL’s own functions on a domain, an enum and arrays of them',
    before: `CREATE DOMAIN word AS text CHECK (value <> ''); CREATE TYPE kind AS ENUM ('x', 'y')`,
    after: `ALTER TABLE path ADD w word, ADD ws word[], ADD k kind, ADD ks kind[];
      CREATE INDEX ON path_1 (lower(w), coalesce(w, ''), (w || 'x'), k) WHERE w IS NOT NULL AND w IN ('a', 'b') AND ws IS NOT NULL AND k = 'x';
      ALTER TABLE path ADD CHECK (length(w) > 1 AND CASE WHEN ino > 1 THEN w END <> '' AND ks <> '{}')`,
  },
  {
    title: 'the CHECK of a domain of dates that looks at the clock',
    before:
      "CREATE DOMAIN name AS text CHECK (value ~ '^[a-z]+$'); CREATE DOMAIN day AS date CHECK (value::timestamptz <= now() AND value < current_date)",
    types: { medium: 'name', ino: 'day' },
  },
  {
    title: 'a domain, an enum and a cast by their text',
    before: `CREATE DOMAIN name AS text CHECK (value <> ''); CREATE TYPE medium AS ENUM ('one'); CREATE CAST (varchar AS medium) WITH INOUT AS IMPLICIT`,
    types: { medium: 'medium' },
  },
];

export const PLACES: readonly Place[] = [...REFUSED, ...HARMLESS];

/** Makes the tables in a schema of the role, as a superuser's session that goes back to its own role. */
export function makePlace(
  { before = '', types: { medium = 'text', ino = 'int' } = {}, after = '' }: Place,
  schema: string,
  role: string,
): string {
  const opclass = /CREATE OPERATOR CLASS ops FOR/.test(before) ? ' ops' : '';
  return `
    CREATE SCHEMA ${schema} AUTHORIZATION ${role}; SET search_path = ${schema}, pg_catalog; SET ROLE ${role};
    CREATE FUNCTION evil() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
    CREATE FUNCTION evil_of(int[]) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
    CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
    CREATE FUNCTION mine(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
    ${before};
    CREATE TABLE inode (medium ${medium} NOT NULL, ino ${ino} NOT NULL) PARTITION BY LIST (medium);
    CREATE TABLE path (medium ${medium}, ino ${ino}, name text) PARTITION BY LIST (medium);
    CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN ('one');
    CREATE TABLE path_1 PARTITION OF path FOR VALUES IN ('one');
    CREATE UNIQUE INDEX ON inode (medium, ino${opclass});
    ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode (medium, ino);
    ${after}; RESET ROLE; RESET search_path`.replaceAll(':role', role);
}
