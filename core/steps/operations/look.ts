/**
 * Look: finds migrations that are unfinished although no execution works on them. EventBridge delivers the end of an execution on
 * a best-effort basis; this finds the migrations whose event was lost. It only reads: Step Functions is asked whether such an
 * execution has ended, and `reconcile` takes care of the migration.
 */

import { LedgerVersionRefused } from '../../contracts/errors.ts';
import type { LookEvent } from '../../contracts/steps/events.ts';
import type { LookResult } from '../../contracts/steps/results.ts';
import { checkLedger, requireSight } from '../../ledger/schema/state.ts';
import { run } from '../../postgres/sql.ts';
import type { StepContext } from '../context.ts';

/**
 * @returns empty where there is no ledger
 * @throws PrivilegeMissing when this role may not read the ledger, because a ledger that was not seen must not be reported as
 *   "nothing is dead"
 * @throws LedgerVersionRefused when the ledger is older, and cannot be searched
 */
export async function look({ client, logger }: StepContext, { executions }: LookEvent): Promise<LookResult> {
  if (!(await requireSight(client))) return { deadExecutions: 0, dead: [] };
  if ((await checkLedger(client)).is_older)
    throw new LedgerVersionRefused(
      'the ledger, schema p2pfk, is older than this p2pfk, and cannot be searched for dead executions: the next migration, rollback or reconciliation upgrades it',
    );
  const rows = await run(client, 'ledger/dead-owners');
  for (const { id, ...row } of rows) logger.warn('unfinished, and nothing works for it', { migrationId: id, ...row });
  const own = rows.filter(({ execution }) => execution.startsWith(executions));
  return { deadExecutions: rows.length, dead: own.map(({ id, execution }) => ({ migrationId: id, execution })) };
}
