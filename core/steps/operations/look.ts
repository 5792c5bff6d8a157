/**
 * Look: which migrations are unfinished although nothing works for them. EventBridge delivers the end of an execution as well as it
 * can, without a promise; this finds the ones whose event was lost. Reads only: whether such an execution has ended is asked of Step
 * Functions, and what is left of it is brought to rest by `reconcile`.
 */

import type { LookEvent } from '../../contracts/step-events.ts';
import type { LookResult } from '../../contracts/step-results.ts';
import { checkLedger, isLedgerReadable } from '../../ledger/schema/state.ts';
import { run } from '../../postgres/sql.ts';
import type { StepContext } from '../context.ts';

export async function look({ client, logger }: StepContext, { executions }: LookEvent): Promise<LookResult> {
  const { is_older: isOlder } = await checkLedger(client);
  // An older ledger cannot be asked this: the next plan upgrades it, or reconciliation.
  if (isOlder || !(await isLedgerReadable(client))) return { deadExecutions: 0, dead: [] };
  const rows = await run<{ id: string; table_name: string; state: string; execution: string }>(
    client,
    'ledger/dead-owners',
  );
  for (const { id, ...row } of rows) logger.warn('unfinished, and nothing works for it', { migrationId: id, ...row });
  const own = rows.filter(({ execution }) => execution.startsWith(executions));
  return { deadExecutions: rows.length, dead: own.map(({ id, execution }) => ({ migrationId: id, execution })) };
}
