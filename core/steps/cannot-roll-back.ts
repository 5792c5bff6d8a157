/** The end of a rollback that needs a person, which only the execution that rolls back may reach. */
import type { Client } from 'pg';
import type { RollbackFailed } from '../contracts/errors.ts';
import type { EnteredMigration } from './context.ts';

/**
 * A step that comes late, of an execution that another one has replaced, or after the end of the rollback, finds the tables as others
 * have made them since: that is no failure of its rollback.
 *
 * @throws MigrationFenced where the migration is not being rolled back by this execution; else what it is given
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
