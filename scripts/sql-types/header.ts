/**
 * Reads what the header of a file in `sql/` declares about its query, because PostgreSQL does not describe it:
 *
 * - `-- not null: pair, sql` names columns that are never null; all others may be null.
 * - `-- types: state MigrationState, ways string[][]` gives columns a narrower type: the shape of json, or the only values of a
 *   text. The types are those of core/contracts/column-types.ts.
 * - `-- may be null: comment` names parameters that may be null; all others may not.
 *
 * A list continues on the next line where a line ends with a comma.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder `sql/`. */
export const SQL = join(import.meta.dirname, '../../sql');

/** The declarations. */
export interface Header {
  readonly notNull: ReadonlySet<string>;
  /** Shape: column -> TypeScript type. */
  readonly types: ReadonlyMap<string, string>;
  readonly mayBeNull: ReadonlySet<string>;
}

/** The text of `sql/<name>.sql`, with its header. */
export function readWhole(name: string): string {
  return readFileSync(join(SQL, `${name}.sql`), 'utf8');
}

/**
 * Reads the declarations.
 *
 * @param sql text of a file, with its header
 */
export function readHeader(sql: string): Header {
  const [head = ''] = /^(?:--.*\n)*/.exec(sql) ?? [];
  return {
    notNull: new Set(listOf(head, 'not null')),
    types: new Map(
      listOf(head, 'types').map((entry) => {
        const [column = '', ...type] = entry.split(' ');
        return [column, type.join(' ')];
      }),
    ),
    mayBeNull: new Set(listOf(head, 'may be null')),
  };
}

function listOf(head: string, name: string): string[] {
  const [, list] = new RegExp(String.raw`^-- ${name}: ((?:.*,\n-- +)*.*)$`, 'm').exec(head) ?? [];
  return list?.split(/,(?:\n--)? +/) ?? [];
}
