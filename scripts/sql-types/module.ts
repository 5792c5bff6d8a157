/** Generates core/postgres/sql-types.ts: the TypeScript types of the parameters and rows of the queries in `sql/`. */
import { readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { type ClientBase, types } from 'pg';
import { newLedger } from '../../core/ledger/schema/make-ledger.ts';
import { toParameters } from '../../core/postgres/sql.ts';
import { readSql } from '../../core/postgres/sql-files.ts';
import { describe } from './describe.ts';
import { type Header, readHeader, readWhole, SQL } from './header.ts';
import { jsonType } from './json-parameters.ts';

/**
 * The TypeScript type of the values that node-postgres returns for each type (node-postgres/node-pg-types; core/postgres sets no
 * parser of its own).
 */
export const COLUMN_TYPES: ReadonlyMap<number, string> = new Map([
  [types.builtins.BOOL, 'boolean'],
  [types.builtins.INT2, 'number'],
  [types.builtins.INT4, 'number'],
  [types.builtins.INT8, 'string'],
  [types.builtins.OID, 'number'],
  [types.builtins.FLOAT8, 'number'],
  [types.builtins.TEXT, 'string'],
  [types.builtins.CHAR, 'string'],
  // name
  [19, 'string'],
  // PostgreSQL's infinity is a number.
  [types.builtins.TIMESTAMPTZ, 'Date | number'],
  // Any shape, unless the header of the file declares it.
  [types.builtins.JSONB, 'unknown'],
]);

const PARAMETER_TYPES: ReadonlyMap<number, string> = new Map([
  [types.builtins.BOOL, 'boolean'],
  [types.builtins.INT4, 'number'],
  [types.builtins.INT8, 'number | string'],
  [types.builtins.OID, 'number'],
  [types.builtins.FLOAT8, 'number'],
  [types.builtins.TEXT, 'string'],
  [19, 'string'],
  [types.builtins.TIMESTAMPTZ, 'string'],
  [types.builtins.JSONB, 'Json'],
]);

/** Creates the tables that the queries read besides the catalog: the ledger, and the tables of the demo. */
export async function makeTables(client: ClientBase): Promise<void> {
  await client.query(newLedger());
  await client.query(readSql('demo/schema'));
}

/** Files that only psql runs. */
const FOR_PSQL = /^psql\/|^ledger\/(?:mark|complete)-copy$/;

/** Names of the files that hold one query: not those of psql, and not DDL. */
function queryNames(): string[] {
  return readdirSync(SQL, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length).split(sep).join('/'))
    .filter((name) => !FOR_PSQL.test(name) && isQuery(readSql(name)))
    .sort();
}

function isQuery(sql: string): boolean {
  const text = toParameters(sql).text.replace(/^(?:--.*|\s*)\n/gm, '');
  return /^(?:WITH|SELECT|INSERT|UPDATE|DELETE)\b/.test(text) && !/^\\|\\gset/m.test(text);
}

/**
 * @param client a session on a database with the tables of {@link makeTables}
 * @throws Error that names the file which PostgreSQL does not accept, or whose header does not match it
 */
export async function writeModule(client: ClientBase): Promise<string> {
  const queries: string[] = [];
  const named = new Set<string>();
  for (const name of queryNames()) {
    try {
      const { text, types: used } = await writeQuery(client, name, readWhole(name));
      queries.push(text);
      for (const type of used) for (const [word] of type.matchAll(/\b[A-Z]\w*/g)) named.add(word);
    } catch (error) {
      throw new Error(`sql/${name}.sql: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return [
    '/** What the queries of `sql/` take and return, as PostgreSQL describes it. Written by `npm run sql:types`: change sql/ instead. */',
    ...(named.size === 0
      ? []
      : ['import type {', ...[...named].sort().map((name) => `  ${name},`), "} from '../contracts/column-types.ts';"]),
    '',
    '/** It is sent as JSON text; a string is JSON text already. */',
    'export type Json = object | string;',
    '',
    '/** By the name of the file, as `catalog/pairs`. */',
    'export interface Queries {',
    ...queries,
    '}',
    '',
  ].join('\n');
}

/** The part of the module for one query, and the types that it names. */
export async function writeQuery(
  client: ClientBase,
  name: string,
  sql: string,
): Promise<{ text: string; types: Iterable<string> }> {
  const header = readHeader(sql);
  const { text, parameters } = toParameters(sql);
  const described = await describe(client, text);
  const values = parameters.map((parameter, n) => {
    const known = typeOf(PARAMETER_TYPES, described.parameters[n] ?? 0, `parameter ${parameter}`);
    const type = known === 'Json' ? jsonType(sql, parameter) : known;
    return [parameter, header.mayBeNull.has(parameter) ? `${type} | null` : type] as const;
  });
  // If several columns have one name, node-postgres keeps the last.
  const row = new Map(described.columns.map((column) => [column.name, columnType(header, column)]));
  refuseUnknown('not null', header.notNull, row);
  refuseUnknown('types', header.types.keys(), row);
  refuseUnknown('may be null', header.mayBeNull, new Map(values));
  const lines = [
    `  ${/^\w+$/.test(name) ? name : `'${name}'`}: {`,
    ...writeObject('values', values),
    ...writeObject('row', [...row]),
    '  };',
  ];
  return { text: lines.join('\n'), types: header.types.values() };
}

function columnType(header: Header, { name, type }: { readonly name: string; readonly type: number }): string {
  const known = typeOf(COLUMN_TYPES, type, `column ${name}`);
  const declared = header.types.get(name) ?? known;
  return header.notNull.has(name) || declared === 'unknown' ? declared : `${declared} | null`;
}

function typeOf(known: ReadonlyMap<number, string>, oid: number, what: string): string {
  const type = known.get(oid);
  if (type === undefined) throw new Error(`${what} has type ${oid} of pg_type: cast it, or teach scripts/sql-types`);
  return type;
}

function refuseUnknown(list: string, names: Iterable<string>, known: ReadonlyMap<string, string>): void {
  for (const name of names) if (!known.has(name)) throw new Error(`its head says "${list}: ${name}", which it has not`);
}

function writeObject(name: string, entries: readonly (readonly [string, string])[]): string[] {
  if (entries.length === 0) return [`    readonly ${name}: Record<never, never>;`];
  return [`    readonly ${name}: {`, ...entries.map(([key, type]) => `      readonly ${key}: ${type};`), '    };'];
}
