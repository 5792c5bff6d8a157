/** Rows of `sql/catalog/foreign-keys.sql`, and the comparison of the names in them with names that a person wrote. */
import type { Row } from '../postgres/sql.ts';

/** A foreign key of a table, as it exists in the catalog. For a table without any it is one row with only the table. */
export type CatalogForeignKey = Row<'catalog/foreign-keys'>;

/** A row that has a foreign key. */
export interface NamedForeignKey extends CatalogForeignKey {
  readonly constraint_oid: number;
  readonly constraint_name: string;
  readonly constraint_ident: string;
  readonly referenced_oid: number;
  readonly referenced_name: string;
}

/** Whether the row has a foreign key: false for a table without any. */
export function isForeignKey(key: CatalogForeignKey): key is NamedForeignKey {
  const { constraint_oid, constraint_name, constraint_ident, referenced_oid, referenced_name } = key;
  return [constraint_oid, constraint_name, constraint_ident, referenced_oid, referenced_name].every(
    (one) => one !== null,
  );
}

/** pg_class.relkind of a partitioned table. */
export const PARTITIONED = 'p';

/** Whether `wanted`, written as in SQL, means the stored name. The exact stored name is accepted, too. */
export function means(wanted: string, stored: string): boolean {
  if (wanted === stored) return true;
  if (/^".*"$/s.test(wanted)) return wanted.slice(1, -1).replaceAll('""', '"') === stored;
  return /^[A-Za-z_][\w$]*$/.test(wanted) && wanted.toLowerCase() === stored;
}

/** Message for a foreign key whose referenced table is not partitioned. */
export function notPartitioned(key: NamedForeignKey): string {
  return `foreign key ${key.constraint_ident} of ${key.table_name} references ${key.referenced_name}, which is not partitioned: there are no pairs of partitions to connect`;
}
