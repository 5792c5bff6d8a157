/**
 * A planter: a role without any right but CREATE on one schema of everybody's search_path. It plants functions, operators, types and
 * views that fit better than PostgreSQL's own, or as well where its schema comes first. Each planted function is counted when it runs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { waitUntil } from './observe.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Types of which an argument may be, where PostgreSQL's own function takes the one on the left. */
const ALTERNATIVES: Readonly<Record<string, readonly string[]>> = {
  text: ['text', 'name', 'varchar', '"char"'],
  name: ['name', 'text'],
  oid: ['oid', 'int4', 'int8', 'regclass'],
  regclass: ['regclass', 'oid', 'text', 'name'],
  integer: ['int4', 'int2', 'int8', 'oid'],
  bigint: ['int8', 'int4', 'int2', 'oid'],
  numeric: ['numeric', 'int4', 'int8'],
  'double precision': ['float8', 'numeric', 'int4'],
  '"any"': ['text', 'name', 'oid', 'int4', 'int8', 'bool', 'jsonb', '"char"'],
  anyelement: ['text', 'name', 'oid', 'int4', 'int8', 'bool', 'jsonb', '"char"', 'int2'],
  anynonarray: ['text', 'name', 'oid', 'int4', 'int8', '"char"'],
  anycompatible: ['text', 'name', 'oid', 'int4', 'int8', 'int2'],
  anyarray: ['text[]', 'name[]', 'oid[]', 'int2[]', 'jsonb[]', '"char"[]'],
  anycompatiblearray: ['text[]', 'name[]', 'oid[]', 'int2[]'],
};

/** Types of both sides of planted operators. */
const OPERANDS = [
  'text',
  'name',
  'varchar',
  'bpchar',
  '"char"',
  'oid',
  'regclass',
  'int2',
  'int4',
  'int8',
  'numeric',
  'float8',
  'bool',
].concat(['jsonb', 'timestamptz', 'text[]', 'name[]', 'oid[]']);
const OPERATORS = [
  '=',
  '<>',
  '<',
  '>',
  '<=',
  '>=',
  '~',
  '!~',
  '~~',
  '!~~',
  '||',
  '+',
  '-',
  '*',
  '/',
  '&',
  '->',
  '->>',
  '@>',
];

/** Results of the operators that do not say true or false. */
const RESULTS: Readonly<Record<string, string>> = {
  '||': 'text',
  '+': 'int8',
  '-': 'int8',
  '*': 'int8',
  '/': 'int8',
  '&': 'int8',
  '->': 'jsonb',
  '->>': 'text',
};

/** The one-word names of types, as in pg_type. */
const SHORT: Readonly<Record<string, string>> = {
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  boolean: 'bool',
  'double precision': 'float8',
  real: 'float4',
  character: 'bpchar',
  'character varying': 'varchar',
};
const shortName = (type: string) => type.replace(/^[a-z ]+/, (word) => SHORT[word] ?? word);

/** Called by the test itself: a count of nothing would prove nothing. */
const CANARY = 'canary';

const MOST_SIGNATURES = 150;

interface Overload {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly variadic: boolean;
  readonly result: string;
  readonly set: boolean;
  readonly kind: string;
}

/** Words before a bracket in all SQL and TypeScript that could be sent to a server. */
function namesUsed(): string[] {
  const names = new Set<string>();
  for (const folder of ['sql', 'core', 'cli', 'local'])
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }))
      if (/\.(?:sql|ts)$/.test(file))
        for (const [, name] of readFileSync(join(ROOT, folder, file), 'utf8').matchAll(/([a-z_][a-z0-9_]*)\s?\(/g))
          names.add(name as string);
  return [...names];
}

function product(lists: readonly (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>((all, list) => all.flatMap((head) => list.map((item) => [...head, item])), [[]]);
}

/** Signatures that fit a call as well as PostgreSQL's own function, or better. */
function signaturesOf({ arguments: own, variadic }: Overload): string[][] {
  const alternatives = (type: string) => ALTERNATIVES[type] ?? [type];
  if (variadic) {
    const head = own.slice(0, -1);
    const rest = ['text', 'name', 'oid', 'int4', 'int8'];
    const short = [1, 2, 3].flatMap((length) =>
      product([...head.map(() => ['text']), ...Array.from({ length }, () => rest)]),
    );
    const long = [4, 5, 6, 7, 8].flatMap((length) =>
      ['text', 'name'].map((type) => [...head.map(() => 'text'), ...Array.from({ length }, () => type)]),
    );
    return [...short, ...long];
  }
  const all = product(own.map(alternatives));
  return all.length <= MOST_SIGNATURES ? all : product(own.map((type, n) => (n < 2 ? alternatives(type) : [type])));
}

/** SQL of everything that is planted in `schema`, to be run as the planter. */
async function plantings(client: Client, schema: string): Promise<string[]> {
  const { rows: overloads } = await client.query<Overload>(
    `SELECT p.proname AS name, ARRAY(SELECT pg_catalog.format_type(a.oid, NULL) FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY a(oid, n) ORDER BY a.n) AS arguments,
            p.provariadic OPERATOR(pg_catalog.<>) 0 AS variadic, pg_catalog.format_type(p.prorettype, NULL) AS result, p.proretset AS set, p.prokind AS kind
       FROM pg_catalog.pg_proc p
      WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace AND p.proname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.name[])
        AND p.prokind OPERATOR(pg_catalog.=) ANY ('{f,a}'::pg_catalog."char"[])`,
    [namesUsed()],
  );
  const bodies = { set: 'BEGIN RETURN; END', one: 'BEGIN RETURN NULL; END' };
  const seen = new Set<string>();
  const plain: string[] = [];
  const aggregates: string[] = [];
  for (const overload of overloads) {
    const result = /^any|^record$|^internal$|^void$|^cstring$|trigger|handler/.test(overload.result)
      ? 'text'
      : overload.result;
    for (const signature of signaturesOf(overload)) {
      const types = signature.map(shortName);
      const key = `${overload.name}(${types.join(', ')})`;
      if (seen.has(key) || types.some((type) => /internal|cstring|^"?any/.test(type))) continue;
      seen.add(key);
      if (overload.kind === 'a')
        aggregates.push(
          `CREATE OR REPLACE FUNCTION ${schema}.step(${['text', ...types].join(', ')}) RETURNS text LANGUAGE plpgsql AS '${bodies.one}'`,
          `CREATE AGGREGATE ${schema}.${overload.name}(${types.length === 0 ? '*' : types.join(', ')}) (SFUNC = ${schema}.step, STYPE = text)`,
        );
      else
        plain.push(
          `CREATE FUNCTION ${schema}.${key} RETURNS ${overload.set ? 'SETOF ' : ''}${result} LANGUAGE plpgsql AS '${overload.set ? bodies.set : bodies.one}'`,
        );
    }
  }
  const operators: string[] = [];
  for (const result of new Set(['bool', ...Object.values(RESULTS)]))
    for (const [left, right] of product([OPERANDS, OPERANDS]))
      operators.push(
        `CREATE FUNCTION ${schema}.to_${result}(${left}, ${right}) RETURNS ${result} LANGUAGE plpgsql AS '${bodies.one}'`,
      );
  for (const operator of OPERATORS)
    for (const [left, right] of product([OPERANDS, OPERANDS]))
      operators.push(
        `CREATE OPERATOR ${schema}.${operator} (FUNCTION = ${schema}.to_${RESULTS[operator] ?? 'bool'}, LEFTARG = ${left}, RIGHTARG = ${right})`,
      );
  const { rows: catalogs } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_catalog.pg_class c
      WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,v}'::pg_catalog."char"[])`,
  );
  const relations = [
    `CREATE FUNCTION ${schema}.${CANARY}() RETURNS int4 LANGUAGE plpgsql AS '${bodies.one}'`,
    `CREATE FUNCTION ${schema}.row_of_a_view() RETURNS int4 LANGUAGE plpgsql AS '${bodies.one}'`,
    ...catalogs.map(({ name }) => `CREATE VIEW ${schema}.${name} AS SELECT ${schema}.row_of_a_view() AS oid`),
  ];
  const types = [
    'text',
    'name',
    'oid',
    'jsonb',
    'regclass',
    'timestamptz',
    'float8',
    'tid',
    'bool',
    'int2',
    'int4',
    'int8',
  ];
  const domains = types.map((type) => `CREATE DOMAIN ${schema}.${type} AS bytea CHECK (false)`);
  return [...plain, ...aggregates, ...operators, ...relations, ...domains];
}

export interface Planted {
  /** How many objects lie in wait. */
  readonly objects: number;
  /** Names of the planted functions that were run since, whoever ran them and however its transaction ended. */
  called(): Promise<string[]>;
}

/**
 * Plants in `public`, which comes before pg_catalog in everybody's search_path from then on, and counts calls. `client` is a
 * superuser's session, opened before, whose own search_path becomes pg_catalog, as that of what is planted is.
 */
export async function plant(client: Client, database: string, planter: string): Promise<Planted> {
  await client.query(
    `SET search_path = pg_catalog; SET track_functions = 'all'; CREATE ROLE ${planter}; GRANT CREATE ON SCHEMA public TO ${planter}`,
  );
  const texts = await plantings(client, 'public');
  await client.query(
    `BEGIN; SET LOCAL check_function_bodies = off; SET LOCAL ROLE ${planter}; ${texts.join(';\n')}; COMMIT`,
  );
  await client.query(
    `ALTER DATABASE ${database} SET search_path = public, pg_catalog; ALTER DATABASE ${database} SET track_functions = 'all'`,
  );
  return {
    objects: texts.length,
    called: async () => {
      // A session tells what it has counted when it ends, at the latest; and after that our own call is seen.
      const others = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ '^(p2pfk|psql)'`;
      await waitUntil(async () => (await client.query(others)).rows.length === 0, 'the sessions of p2pfk to end');
      await client.query(`SELECT public.${CANARY}()`);
      const counted = async () => {
        const { rows } = await client.query<{ name: string }>(
          `SELECT DISTINCT funcname::text AS name FROM pg_stat_user_functions WHERE schemaname = 'public' AND calls > 0 ORDER BY 1`,
        );
        return rows.map(({ name }) => name);
      };
      await waitUntil(async () => (await counted()).includes(CANARY), 'the count of calls');
      return (await counted()).filter((name) => name !== CANARY);
    },
  };
}
