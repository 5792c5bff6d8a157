/** Names of tables as SQL writes them, compared without a database. */

const PART = String.raw`(?:"(?:[^"]|"")*"|[^\s".]+)`;
const NAME = new RegExp(`^(?:(${PART})\\.)?(${PART})$`, 'u');

/** A name as PostgreSQL stores it. */
export interface TableName {
  /** Null where the search_path decides. */
  readonly schema: string | null;
  readonly name: string;
}

/** @returns null where it is no name of a table, with or without a schema */
export function parseTableName(text: string): TableName | null {
  const [all, schema, name] = NAME.exec(text.trim()) ?? [];
  if (all === undefined || name === undefined) return null;
  return { schema: schema === undefined ? null : stored(schema), name: stored(name) };
}

/** PostgreSQL folds what is not quoted. */
function stored(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase();
}

/**
 * Whether two names may mean the same table: where one of them has no schema, the search_path would decide.
 *
 * @example
 * mayMeanTheSame('Path', 'public.path') === true
 */
export function mayMeanTheSame(one: string, other: string): boolean {
  const [left, right] = [parseTableName(one), parseTableName(other)];
  if (left === null || right === null) return one === other;
  return left.name === right.name && (left.schema === null || right.schema === null || left.schema === right.schema);
}
