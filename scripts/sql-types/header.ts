/**
 * What the comment at the head of a file of `sql/` declares of its query, because PostgreSQL cannot say it:
 *
 * - `-- not null: pair, sql` names columns that are never null; every other one may be.
 * - `-- types: state MigrationState, ways string[][]` gives columns a narrower type: the shape of json, or the only texts there are.
 *   Names are those of core/contracts/column-types.ts.
 * - `-- may be null: comment` names parameters that may be null; no other one may.
 *
 * A list goes on in the next line where a line ends with a comma.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder `sql/`. */
export const SQL = join(import.meta.dirname, '../../sql');

export interface Header {
  readonly notNull: ReadonlySet<string>;
  /** Column -> TypeScript. */
  readonly types: ReadonlyMap<string, string>;
  readonly mayBeNull: ReadonlySet<string>;
}

/** The text of `sql/<name>.sql` as it is, with its head. */
export function readWhole(name: string): string {
  return readFileSync(join(SQL, `${name}.sql`), 'utf8');
}

/** @param sql text of a file, with its head */
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
