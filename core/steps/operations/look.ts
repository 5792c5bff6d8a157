/**
 * Look: which migrations are unfinished although nothing works for them. EventBridge delivers the end of an execution as well as it
 * can, without a promise; this finds the ones whose event was lost. Reads only: whether such an execution has ended is asked of Step
 * Functions, and what is left of it is brought to rest by `reconcile`.
 */

import { LedgerVersionRefused } from '../../contracts/errors.ts';
import type { LookEvent } from '../../contracts/steps/events.ts';
import type { LookResult } from '../../contracts/steps/results.ts';
import { checkLedger, requireSight } from '../../ledger/schema/state.ts';
import { run } from '../../postgres/sql.ts';
import type { StepContext } from '../context.ts';

/**
 * @returns none where there is no ledger
 * @throws PrivilegeMissing when this role may not read it; that nothing was seen must not read as "nothing is dead"
 * @throws LedgerVersionRefused when it is older, and cannot be asked this
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
