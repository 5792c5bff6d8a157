/** Missing relations: distinguishes a partition that was dropped from a name that the application's own code does not find. */
import type { Client } from 'pg';
import { type P2pfkError, PartitionSetChanged } from '../contracts/errors.ts';
import { run } from '../postgres/sql.ts';

/** SQLSTATEs of an undefined table, object (a constraint, an index) or schema. */
const UNDEFINED = new Set(['42P01', '42704', '3F000']);

/**
 * @returns PartitionSetChanged where a statement of ours did not find a name, and the catalog shows that a relation of the
 *   migration was dropped or renamed; otherwise the same error
 */
export async function explainMissingRelation(
  client: Client,
  migrationId: string,
  error: P2pfkError,
): Promise<P2pfkError> {
  const { sqlState, where } = error.context;
  // An error with a context was raised in a function, of an event trigger or a CHECK. It is not about our relations.
  if (sqlState === undefined || !UNDEFINED.has(sqlState) || where !== undefined) return error;
  const [missing] = await run(client, 'ledger/missing-relation', { migration_id: migrationId });
  if (!missing) return error;
  return new PartitionSetChanged(
    `${missing.name} was dropped or renamed after the plan was made: ${error.message}`,
    error.context,
    { cause: error },
  );
}
