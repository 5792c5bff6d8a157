/** Finds the foreign key that `--table` and `--constraint` name: one that exists, or one that is migrated already. */
import type { Client } from 'pg';
import type { AlwaysFiring } from '../contracts/column-types.ts';
import { InvalidInput } from '../contracts/errors.ts';
import { redact } from '../contracts/redact.ts';
import { messageOf, sqlStateOf } from '../postgres/postgres-errors.ts';
import { withCallerSearchPath } from '../postgres/session/caller-search-path.ts';
import { contained } from '../postgres/session/transactions.ts';
import { run, runOne } from '../postgres/sql.ts';
import { type CatalogForeignKey, isForeignKey, type NamedForeignKey, PARTITIONED } from './catalog-foreign-key.ts';

/**
 * A foreign key between two partitioned tables. The SQL fragments (`columns`, `actions`, ...) were written and quoted by
 * PostgreSQL, and are put into statements unchanged. Names of keys are those that `sql/` uses, so the object serves as its
 * parameters.
 */
export interface ForeignKey {
  readonly referencing_oid: number;
  /** Schema-qualified, quoted where needed. */
  readonly table: string;
  readonly referenced_oid: number;
  readonly referencedTable: string;
  /** As stored in pg_constraint, unquoted; empty where only pair FKs are left and no ledger has the name. */
  readonly constraint_name: string;
  /** The constraint's oid while the parent FK exists, else null. */
  readonly constraint_oid: number | null;
  /** false: the parent FK exists and is NOT VALID (18+). */
  readonly validated?: boolean;
  /** `pg_get_constraintdef` with schema-qualified names; ends with NOT ENFORCED where it is not (18+). */
  readonly definition: string;
  /** `pg_get_constraintdef` as the caller's own session prints it. */
  readonly displayDefinition: string;
  readonly columns: string;
  readonly referenced_columns: string;
  readonly column_names: readonly string[];
  readonly referenced_column_names: readonly string[];
  /** Everything behind the referenced columns: MATCH, ON UPDATE, ON DELETE, DEFERRABLE. Pair FKs are always enforced. */
  readonly actions: string;
  readonly comment: string | null;
  /** Triggers of the parent FK that fire ALWAYS; see `sql/catalog/foreign-key-shape.sql`. */
  readonly firing: readonly AlwaysFiring[];
  /** Id of the open migration in the ledger, if there is one. */
  readonly migrationId: string | null;
}

/** What will be done with the foreign key; it decides which candidates are considered. */
export type Purpose = 'migrate' | 'verify' | 'rollback' | 'approve';

/** The schema at the beginning of a name that was written by format('%I.%I'). */
const SCHEMA = /^(?:"(?:[^"]|"")*"|[^".]+)\./;

/**
 * The oid of the table that a name means to the caller; 0 where there is none.
 *
 * @throws InvalidInput where a name without a schema leads to another role's table that precedes the one that may be meant
 * @throws PostgreSQL's own error where the text is not a name
 */
export async function resolveTable(client: Client, table: string): Promise<number> {
  const found = await lookUp(client, table);
  const [trap] = await run(client, 'catalog/other-tables-of-that-name', {
    ...found,
    table,
  });
  if (trap)
    throw new InvalidInput(
      `table ${redact(table)} leads to ${trap.found}, which stands in front ${trap.others === null ? 'in a schema with the name of your role' : `of ${trap.others}`}: name it with its schema`,
    );
  return found.table_oid;
}

async function lookUp(client: Client, table: string): Promise<{ table_oid: number; schemas: string[] }> {
  return contained(client, () =>
    withCallerSearchPath(client, () => runOne(client, 'catalog/resolve-table', { table })),
  );
}

/**
 * The foreign keys of one table, in the catalog's own form.
 *
 * @throws InvalidInput where the text is not a name
 */
export async function listForeignKeys(client: Client, table: string): Promise<CatalogForeignKey[]> {
  try {
    const table_oid = await resolveTable(client, table);
    return await run(client, 'catalog/foreign-keys', { table_oid });
  } catch (error) {
    const state = sqlStateOf(error);
    // 42602 invalid name, 0A000 a name with a database, 42601 an unterminated quote.
    if (state === '42602' || state === '0A000' || state === '42601') {
      throw new InvalidInput(`"${redact(table)}" is not a table name as SQL writes it: ${messageOf(error)}`);
    }
    throw error;
  }
}

/** The parent FKs of one table that p2pfk can migrate: those that reference partitioned tables. */
export async function parentForeignKeys(client: Client, tableOid: number): Promise<ForeignKey[]> {
  const rows = await run(client, 'catalog/foreign-keys', {
    table_oid: tableOid,
  });
  const found: ForeignKey[] = [];
  for (const key of rows) {
    if (!isForeignKey(key) || key.referenced_kind !== PARTITIONED || key.temporal) continue;
    found.push(await readForeignKey(client, key, null));
  }
  return found;
}

/**
 * Reads the rest of a foreign key that exists.
 *
 * @throws InvalidInput where it is temporal, or its definition is not understood
 */
export async function readForeignKey(
  client: Client,
  key: NamedForeignKey,
  migrationId: string | null,
): Promise<ForeignKey> {
  const label = `foreign key ${key.constraint_ident} of ${key.table_name}`;
  if (key.temporal) throw new InvalidInput(`${label} is a temporal foreign key (PERIOD), which p2pfk does not migrate`);
  const shape = await runOne(client, 'catalog/foreign-key-shape', { constraint_oid: key.constraint_oid });
  if (!shape.understood)
    throw new InvalidInput(
      `${label} has a definition that this version of p2pfk does not understand: ${shape.definition}`,
    );
  return {
    referencing_oid: key.table_oid,
    table: key.table_name,
    referenced_oid: key.referenced_oid,
    referencedTable: key.referenced_name,
    constraint_name: key.constraint_name,
    constraint_oid: key.constraint_oid,
    validated: key.validated === true,
    displayDefinition: await asTheCallerSeesIt(client, key, shape),
    definition: shape.definition,
    columns: shape.columns,
    referenced_columns: shape.referenced_columns,
    column_names: shape.column_names,
    referenced_column_names: shape.referenced_column_names,
    actions: shape.actions,
    comment: shape.comment,
    firing: shape.firing,
    migrationId,
  };
}

/**
 * The definition as the caller's own session prints it: the referenced table without its schema, where its bare name means that
 * table. It is found out by looking up the name, because only that query of ours runs under the caller's search_path.
 */
async function asTheCallerSeesIt(
  client: Client,
  { referenced_oid, referenced_name }: NamedForeignKey,
  { full_definition, columns }: { readonly full_definition: string; readonly columns: string },
): Promise<string> {
  const bare = referenced_name.replace(SCHEMA, '');
  const qualified = `FOREIGN KEY (${columns}) REFERENCES ${referenced_name}(`;
  if (!full_definition.startsWith(qualified) || (await lookUp(client, bare)).table_oid !== referenced_oid)
    return full_definition;
  return `FOREIGN KEY (${columns}) REFERENCES ${bare}(${full_definition.slice(qualified.length)}`;
}
