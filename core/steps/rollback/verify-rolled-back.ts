/**
 * VerifyRolledBack: compares the parent FK (name, definition, comment, triggers) and its children on the leaves with the
 * originals.
 */

import type { Client } from 'pg';
import { restoreFiringStatements } from '../../catalog/firing-modes.ts';
import { readPairStatus } from '../../catalog/pairs.ts';
import { readExistingGuards } from '../../catalog/row-movement-guard.ts';
import { MigrationFenced, RollbackFailed } from '../../contracts/errors.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { MigrationEvent } from '../../contracts/steps/events.ts';
import type { RolledBackResult } from '../../contracts/steps/results.ts';
import { changeMigration, readMigration } from '../../ledger/migrations.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { toNamedError } from '../../postgres/postgres-errors.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { cannotRollBack } from '../cannot-roll-back.ts';
import { enterAny, type StepContext } from '../context.ts';
import { defineStep } from '../step.ts';
import { readParentForeignKey } from './fence.ts';

/** @throws RollbackFailed with every difference to the originals */
export async function verifyRolledBack(context: StepContext, event: MigrationEvent): Promise<RolledBackResult> {
  const { client } = context;
  const entered = await enterAny(context, event);
  const { migration, foreignKey } = entered;
  const problems: string[] = [];
  const parent = await readParentForeignKey(context, migration);
  if (!parent)
    problems.push(`parent FK ${migration.constraint_name} with the definition ${migration.definition} is not there`);
  else {
    if (!parent.validated) problems.push(`parent FK ${migration.constraint_name} is not validated`);
    if (parent.comment !== migration.comment)
      problems.push(`the comment of parent FK ${migration.constraint_name} is not the original`);
  }
  const pairs = await readPairs(client, migration.id);
  const pairStatuses = await readPairStatus(client, foreignKey, pairs);
  for (const pair of pairs) {
    const now = pairStatuses.get(pair.pair);
    if (pair.constraint_added && now?.constraint_oid)
      problems.push(`pair FK ${pair.constraint_name} of ${pair.referencing} is still there`);
    if (parent && pair.root_constraint !== null && now?.root_constraint && now.root_constraint !== pair.root_constraint)
      problems.push(
        `the parent FK's own FK of ${pair.referencing} was named ${pair.root_constraint}, not ${now.root_constraint}`,
      );
  }
  for (const { relation } of await readExistingGuards(client, migration.id))
    problems.push(`the row-movement guard of ${relation} still exists`);
  if (parent && (await restoreFiringStatements(client, foreignKey)).length > 0)
    problems.push(`triggers of parent FK ${migration.constraint_name} do not fire ALWAYS, as they did`);
  if (problems.length > 0)
    await cannotRollBack(
      client,
      entered,
      event.execution,
      new RollbackFailed(`the rollback is not complete: ${problems.join('; ')}`),
    );
  if (migration.state !== 'rolled-back') await finish(client, event);
  return {
    status: 'ROLLED_BACK',
    migrationId: migration.id,
    table: migration.table_name,
    constraint: migration.constraint_name,
    definition: migration.definition,
  };
}

/** Notes the end of the rollback. Only the owner of a running rollback may; a duplicate invocation may have done this already. */
async function finish(client: Client, { migrationId, execution }: MigrationEvent): Promise<void> {
  try {
    await inTransaction(client, async () => {
      await client.query('SELECT p2pfk.enter_rollback($1, $2)', [migrationId, execution]);
      await changeMigration(client, migrationId, { state: 'rolled-back', finished_at: new Date().toISOString() });
    });
  } catch (error) {
    const isDone = async () => (await readMigration(client, migrationId)).state === 'rolled-back';
    if (!(toNamedError(error) instanceof MigrationFenced) || !(await isDone())) throw error;
  }
}

export const step = defineStep(Steps['verify-rolled-back'], verifyRolledBack);
