/** A foreign key as `sql/catalog/foreign-keys.sql` has it, and how a person's words for it are compared with it. */
/** One foreign key of the table, standing in the catalog now. */
export interface StandingForeignKey {
  readonly table_oid: number;
  readonly table_name: string;
  readonly table_kind: string;
  readonly table_is_partition: boolean;
  readonly constraint_oid: number | null;
  readonly constraint_name: string | null;
  readonly constraint_ident: string | null;
  readonly validated: boolean | null;
  readonly temporal: boolean | null;
  readonly referenced_oid: number | null;
  readonly referenced_name: string | null;
  readonly referenced_kind: string | null;
}

/** pg_class.relkind of a partitioned table. */
export const PARTITIONED = 'p';

/** Whether `wanted`, written as SQL writes names, means the stored name. An exact stored name is accepted too. */
export function means(wanted: string, stored: string): boolean {
  if (wanted === stored) return true;
  if (/^".*"$/s.test(wanted)) return wanted.slice(1, -1).replaceAll('""', '"') === stored;
  return /^[A-Za-z_][\w$]*$/.test(wanted) && wanted.toLowerCase() === stored;
}

export function notPartitioned(key: StandingForeignKey): string {
  return `foreign key ${key.constraint_ident} of ${key.table_name} references ${key.referenced_name}, which is not partitioned: there are no pairs of partitions to connect`;
}
