/** AddForeignKeys, one pair: its FK, NOT VALID. From its COMMIT on every new row is checked by both kinds of FK. */

import { executeDdl } from '../connection.ts';
import type { PairEvent, PairResult } from '../contracts.ts';
import { changePair } from '../ledger.ts';
import { record, underLock } from '../lock-budget.ts';
import { readStanding, statementFor } from '../pairs.ts';
import { enterPair, enterWithinWindow, type StepContext } from './context.ts';
import { pairResult } from './pair-result.ts';

const STEP = 'AddForeignKeys';

/** @throws LockTimeout with the holders, when either partition was not free within the lock budget */
export async function addForeignKey(context: StepContext, event: PairEvent): Promise<PairResult> {
  const { client } = context;
  const entered = await enterWithinWindow(context, event);
  const target = await enterPair(context, entered, event.pair);
  const { migration, foreignKey, lockBudgetMs } = entered;
  const { pair, standing } = target;
  if (standing.constraint_oid !== null) {
    if (pair.state === 'planned' || pair.state === 'indexed') {
      await changePair(client, migration.id, pair.pair, { state: 'added', constraint_name: standing.constraint_name });
    }
    return pairResult('SKIPPED', target, { object: standing.constraint_name });
  }

  const named = { ...pair, constraint_name: standing.constraint_name };
  const lock = await statementFor(client, 'statements/lock-pair', foreignKey, named);
  const sql = await statementFor(client, 'statements/add-pair-foreign-key', foreignKey, named);
  const work = {
    migrationId: migration.id,
    execution: event.execution,
    direction: 'forward',
    step: STEP,
    pair: pair.pair,
    budgetMs: lockBudgetMs,
    terminateIdleAfterSeconds: migration.options.terminateIdleBlockersAfterSeconds,
    lock: { sql: lock, mode: 'SHARE ROW EXCLUSIVE', relations: [pair.referencing_oid, pair.referenced_oid] },
  } as const;
  const { lockWaitMs, heldMs } = await underLock(context, work, async () => {
    // Delivered twice, the other one may have been faster.
    if ((await readStanding(client, foreignKey, [pair])).get(pair.pair)?.constraint_oid) return;
    await executeDdl(client, sql);
    // In the same transaction: a rollback knows exactly which constraints are ours to drop.
    await changePair(client, migration.id, pair.pair, {
      state: 'added',
      constraint_name: standing.constraint_name,
      constraint_added: true,
    });
    await record(client, migration.id, pair.pair, STEP, sql);
  });
  await changePair(client, migration.id, pair.pair, { lock_wait_ms: lockWaitMs, add_ms: heldMs });
  return pairResult('DONE', target, { object: standing.constraint_name, durationMs: heldMs, lockWaitMs });
}
