/** Foreign keys that are not looked at, and why. */
import type { UnseenForeignKey } from '../contracts/scan-document.ts';
import type { Row } from '../postgres/sql.ts';

type Touching = Row<'scan/foreign-keys'>;

/** Where a schema is closed to this role: no command of p2pfk could name its tables. */
export function hiddenIn(touching: Touching): UnseenForeignKey | undefined {
  const { hidden } = touching;
  if (hidden.length === 0) return undefined;
  const schemas = [...new Set(hidden)].map((name) => JSON.stringify(name)).join(', ');
  return {
    ...named(touching),
    why: 'schema',
    message: `this role has no USAGE on schema ${schemas}`,
    remedy: 'GRANT USAGE ON SCHEMA ... TO this role, or scan as another one',
  };
}

/** Where another session holds a table exclusively: to look at it would be to wait. */
export function lockedBy(touching: Touching): UnseenForeignKey | undefined {
  const { locked_by: pid } = touching;
  if (pid === null) return undefined;
  const who = pid === 0 ? 'a prepared transaction' : `pid ${pid}`;
  return {
    ...named(touching),
    why: 'locked',
    message: `${who} holds an ACCESS EXCLUSIVE lock on one of its tables, or waits for one`,
    remedy: 'scan again when it has ended',
  };
}

function named({ table_name, referenced_name, constraint_name, kind }: Touching) {
  return {
    table: table_name,
    referencedTable: referenced_name,
    constraint: kind === 'pairs' ? null : constraint_name,
  };
}
