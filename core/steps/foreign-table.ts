/** Foreign tables that became partitions after the drop. They can have no foreign key, so the parent FK cannot be restored. */
import { RollbackFailed } from '../contracts/errors.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';

/** wrong_object_type. Which statement fails with it first, and with which message, depends on the version. */
const WRONG_OBJECT_TYPE = '42809';

/** @throws RollbackFailed instead of `error`, where a foreign table is the reason; otherwise returns */
export function refuseForeignTable(error: unknown, partition: string): void {
  const named = toNamedError(error);
  if (named.context.sqlState !== WRONG_OBJECT_TYPE) return;
  throw new RollbackFailed(
    `the parent FK cannot come back: ${partition} is a foreign table, which can have no foreign key; detach it and run p2pfk rollback again`,
    named.context,
    { cause: named },
  );
}
