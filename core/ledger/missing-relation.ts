/** Tells a partition that is gone from a name that the application's own code does not find. */
import type { Client } from 'pg';
import { type P2pfkError, PartitionSetChanged } from '../contracts/errors.ts';
import { run } from '../postgres/sql.ts';

/** Undefined table, undefined object (a constraint, an index), undefined schema. */
const UNDEFINED = new Set(['42P01', '42704', '3F000']);

/**
 * PartitionSetChanged where a statement of ours found a name missing and the catalog shows that a relation of the migration
 * is gone or has another name; otherwise the error as it was.
 */
export async function explainMissingRelation(
  client: Client,
  migrationId: string,
  error: P2pfkError,
): Promise<P2pfkError> {
  const { sqlState, where } = error.context;
  // With a context it was raised in a function: an event trigger's, a CHECK's. That is not about our relations.
  if (sqlState === undefined || !UNDEFINED.has(sqlState) || where !== undefined) return error;
  const [missing] = await run(client, 'ledger/missing-relation', { migration_id: migrationId });
  if (!missing) return error;
  return new PartitionSetChanged(
    `${missing.name} was dropped or renamed after the plan was made: ${error.message}`,
    error.context,
    { cause: error },
  );
}
