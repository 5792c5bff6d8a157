/** Tables that a person may have meant who named one that does not exist, or one that has no foreign key to migrate. */
import type { Client } from 'pg';
import type { TableChoice } from '../contracts/errors.ts';
import { nearness } from '../contracts/nearest.ts';
import { parseTableName } from '../contracts/sql-names.ts';
import { run } from '../postgres/sql.ts';

const MOST_NAMES = 3;

/** The tables with the nearest names, of those that this role may see, in this database; the nearest first. */
export async function nearestTables(client: Client, written: string): Promise<TableChoice[]> {
  const { schema, name } = parseTableName(written) ?? { schema: null, name: written };
  const tables = await run(client, 'catalog/tables-to-name', { length: name.length });
  return tables
    .flatMap((table) => {
      const apart = nearness(name, table.name);
      if (apart === null) return [];
      // The right table in another schema comes before another table in the right schema.
      return [{ table: table.ident, apart: apart + (schema === null || schema === table.schema ? 0 : 0.25) }];
    })
    .sort((one, other) => one.apart - other.apart || (one.table < other.table ? -1 : 1))
    .slice(0, MOST_NAMES)
    .map(({ table }) => ({ table }));
}

/** What to name instead, and why, as the end of a sentence about the table that was named; null where there is nothing. */
export interface Instead {
  readonly reason: string;
  readonly choices: readonly TableChoice[];
}

/** For a table without a foreign key of its own to migrate: a partition, or the referenced side. */
export async function tablesInstead(client: Client, tableOid: number): Promise<Instead | null> {
  const found = await run(client, 'catalog/tables-instead', { table_oid: tableOid });
  const root = found.find((one) => one.is_root);
  if (root) {
    return {
      reason: `it is a partition of ${root.table_name}, which is migrated as a whole: name that`,
      choices: choicesOf(root),
    };
  }
  const [first] = found;
  if (!first) return null;
  const names = found.map((one) => one.table_name).join(', ');
  return {
    reason: `it is on the referenced side, and ${names} ${found.length === 1 ? 'references' : 'reference'} it: name the referencing table`,
    choices: found.flatMap(choicesOf),
  };
}

/** `--constraint` is needed where a table has several. */
function choicesOf({
  table_name: table,
  constraints,
  parent_keys,
}: {
  readonly table_name: string;
  readonly constraints: readonly string[];
  readonly parent_keys: number;
}): TableChoice[] {
  if (parent_keys < 2) return [{ table }];
  return constraints.map((constraint) => ({ table, constraint }));
}
