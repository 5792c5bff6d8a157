/** A foreign key as `sql/catalog/foreign-keys.sql` has it, and how a person's words for it are compared with it. */
import type { Row } from '../postgres/sql.ts';

/** A foreign key of a table, as the catalog has it; where the table has none, the table alone. */
export type CatalogForeignKey = Row<'catalog/foreign-keys'>;

/** One that is a foreign key. */
export interface NamedForeignKey extends CatalogForeignKey {
  readonly constraint_oid: number;
  readonly constraint_name: string;
  readonly constraint_ident: string;
  readonly referenced_oid: number;
  readonly referenced_name: string;
}

/** False for a table without a foreign key. */
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

export function notPartitioned(key: NamedForeignKey): string {
  return `foreign key ${key.constraint_ident} of ${key.table_name} references ${key.referenced_name}, which is not partitioned: there are no pairs of partitions to connect`;
}
