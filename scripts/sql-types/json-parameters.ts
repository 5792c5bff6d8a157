/**
 * Derives the TypeScript type of a jsonb parameter from the text of the query: the columns of a jsonb_to_recordset, or a list of
 * values.
 */

/** Types of columns in `AS p(pair int, ...)`. A key that is NULL in JSON is NULL in SQL. */
const KEY_TYPES: ReadonlyMap<string, string> = new Map([
  ['int', 'number | null'],
  ['bigint', 'number | string | null'],
  ['oid', 'number | null'],
  ['float8', 'number | null'],
  ['text', 'string | null'],
  ['name', 'string | null'],
  ['boolean', 'boolean | null'],
  ['jsonb', 'unknown'],
]);

/** @returns a TypeScript type; `Json` where the text does not show it */
export function jsonType(sql: string, parameter: string): string {
  const keys = recordKeys(sql, parameter);
  if (keys.size > 0) {
    const lines = [...keys].map(([key, type]) => `        readonly ${key}: ${type};\n`);
    return `readonly {\n${lines.join('')}      }[]`;
  }
  return new RegExp(String.raw`\bjsonb_array_elements_text\(:'${parameter}'::jsonb\)`).test(sql)
    ? 'readonly (number | string)[]'
    : 'Json';
}

/** The keys that the uses of the parameter name. Shape: key -> TypeScript type. */
function recordKeys(sql: string, parameter: string): Map<string, string> {
  const uses = new RegExp(
    String.raw`\bjsonb_to_recordset\(:'${parameter}'::jsonb\)\s+(?:WITH ORDINALITY\s+)?AS \w+\(([^)]+)\)`,
    'g',
  );
  const keys = new Map<string, string>();
  for (const [, columns = ''] of sql.matchAll(uses))
    for (const column of columns.split(',')) {
      const [key = '', type = ''] = column.trim().split(/\s+/);
      const known = KEY_TYPES.get(type);
      if (known === undefined) throw new Error(`${key} in :'${parameter}' has type ${type}: teach scripts/sql-types`);
      keys.set(key.replaceAll('"', ''), known);
    }
  return keys;
}
