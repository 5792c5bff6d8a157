/** A foreign table that became a partition after the drop: no foreign key can be on it, so the parent FK cannot come back. */
import { RollbackFailed } from '../contracts/errors.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';

/** wrong_object_type; which statement meets it first, and in which words, depends on the version. */
const WRONG_OBJECT_TYPE = '42809';

/** @throws RollbackFailed in the place of `error`, where a foreign table is in the way; else nothing */
export function refuseForeignTable(error: unknown, partition: string): void {
  const named = toNamedError(error);
  if (named.context.sqlState !== WRONG_OBJECT_TYPE) return;
  throw new RollbackFailed(
    `the parent FK cannot come back: ${partition} is a foreign table, which can have no foreign key; detach it and run p2pfk rollback again`,
    named.context,
    { cause: named },
  );
}
