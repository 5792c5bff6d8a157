/** The end of a rollback that needs a person. Only the execution that rolls back may reach it. */
import type { Client } from 'pg';
import type { RollbackFailed } from '../contracts/errors.ts';
import type { EnteredMigration } from './context.ts';

/**
 * Fails the rollback. A late step, of an execution that another one has replaced or after the end of the rollback, finds tables
 * that other executions have changed since. That is no failure of its rollback.
 *
 * @throws MigrationFenced where this execution does not roll the migration back; otherwise `failure`
 */
export async function cannotRollBack(
  client: Client,
  { migration }: Pick<EnteredMigration, 'migration'>,
  execution: string,
  failure: RollbackFailed,
): Promise<never> {
  await client.query('SELECT p2pfk.enter_rollback($1, $2)', [migration.id, execution]);
  throw failure;
}
