/**
 * RestoreParent, for one referencing leaf (strategy `attach`): adds an FK to the referenced parent, NOT VALID, and validates it.
 * The parent FK attaches these FKs afterwards without a scan. The pair FKs still exist meanwhile.
 */

import { attachedPairs, readPairStatus } from '../../catalog/pairs.ts';
import { statementFor } from '../../catalog/statements.ts';
import { refuseUnsafeReturn } from '../../catalog/untrusted-code.ts';
import { PartitionSetChanged } from '../../contracts/errors.ts';
import { ledgerStepOf, Steps } from '../../contracts/steps/catalogue.ts';
import type { PairEvent } from '../../contracts/steps/events.ts';
import type { CostToOthers, PairResult } from '../../contracts/steps/results.ts';
import type { Migration } from '../../ledger/migrations.ts';
import { changePair, readPair } from '../../ledger/pairs.ts';
import { executeDdl } from '../../postgres/execute.ts';
import { together } from '../../postgres/session/deadline.ts';
import { run, runOne } from '../../postgres/sql.ts';
import { eachPair, isRestored } from '../batch.ts';
import { enterAny, enterPair, type StepContext } from '../context.ts';
import { refuseForeignTable } from '../foreign-table.ts';
import { freeParentName } from '../free-parent-name.ts';
import { underLock } from '../locks/lock-budget.ts';
import { lockedWork } from '../locks/locked-work.ts';
import { pairResult } from '../pair-result.ts';
import { defineStep } from '../step.ts';
import { lockForValidation, validate } from '../validation.ts';
import { readParentForeignKey } from './fence.ts';

const STEP = ledgerStepOf('restore-parent');

/**
 * @returns RUNNING while the leaf's FK is being validated; the next call finds the validation
 * @throws RollbackFailed where the leaf is a foreign table
 */
export async function restoreParentForPair(context: StepContext, event: PairEvent): Promise<PairResult> {
  const { client } = context;
  const entered = await enterAny(context, event);
  const { migration, foreignKey } = entered;
  const target = await enterPair(context, entered, event.pair).catch((error: unknown) => {
    if (error instanceof PartitionSetChanged) return null;
    throw error;
  });
  if (target === null) return nothingLeft(context, migration, event.pair);
  const { pair, pairStatus } = target;
  const isAttached = async () => (await attachedPairs(client, foreignKey, [pair])).length > 0;
  if (!(await isAttached())) return nothingLeft(context, migration, event.pair);
  const object = pair.root_constraint ?? migration.constraint_name;
  // It is restored already: a repeated invocation, or a rollback that died after the attach.
  if (await readParentForeignKey(context, migration)) return pairResult('SKIPPED', target, { object });

  // The plan checked this, possibly hours ago.
  await refuseUnsafeReturn(client, foreignKey);
  await freeParentName(context, entered, target, event.execution);
  let lockWaitMs = 0;
  if (pairStatus.leaf_constraint_oid === null) {
    const values = { ...foreignKey, pairs: [pair] };
    const { sql } = await statementFor(client, pair, 'statements/add-leaf-foreign-key', values);
    const lock = await statementFor(client, pair, 'statements/lock-leaf', values);
    const work = lockedWork('restore-parent', entered, event.execution, {
      pair: pair.pair,
      lock: {
        sql: lock.sql,
        mode: 'SHARE ROW EXCLUSIVE',
        named: [pair.referencing_oid, migration.referenced_oid],
        relations: await relationsOf(context, entered.migration.id, pair.referencing_oid, migration.referenced_oid),
      },
    });
    const locked = underLock(context, work, async () => {
      const [attached, statuses] = await together(client, isAttached, () => readPairStatus(client, foreignKey, [pair]));
      // A DBA may have detached both sides: then these rows have left the tables that the parent FK is about. Behind the locks that waits.
      if (!attached) return;
      // A duplicate invocation may have done this already; the parent FK may even be restored.
      if (statuses.get(pair.pair)?.leaf_constraint_oid) return;
      await executeDdl(client, sql);
    });
    ({ lockWaitMs } = await locked.catch((error: unknown) => {
      refuseForeignTable(error, pair.referencing);
      throw error;
    }));
  }
  if (!(await isAttached())) return nothingLeft(context, migration, event.pair);
  let cost: CostToOthers | undefined;
  const leaf = (await readPairStatus(client, foreignKey, [pair])).get(pair.pair);
  if (leaf?.leaf_constraint_oid && !leaf.leaf_constraint_validated) {
    const { sql, constraint_name } = await runOne(client, 'statements/validate-foreign-key', {
      constraint_oid: leaf.leaf_constraint_oid,
    });
    const lock = await lockForValidation(client, { ...pair, referenced_oid: foreignKey.referenced_oid });
    const outcome = await validate(context, entered, {
      step: STEP,
      direction: 'rollback',
      execution: event.execution,
      pair: pair.pair,
      constraintOid: leaf.leaf_constraint_oid,
      constraintName: constraint_name,
      lock,
      sql,
      reads: { ...foreignKey, table: pair.referencing, referencing_oid: pair.referencing_oid },
    });
    if (outcome.status === 'RUNNING') return pairResult('RUNNING', target, { object, ...outcome });
    cost = outcome.cost;
  }
  const [noted] = await run(client, 'ledger/last-event', {
    migration_id: migration.id,
    pair: pair.pair,
    step: STEP,
  });
  await changePair(client, migration.id, pair.pair, { state: 'restored', lock_wait_ms: lockWaitMs });
  return pairResult('DONE', target, { object, lockWaitMs, durationMs: noted?.duration_ms ?? 0, cost });
}

/** The result for a partition that was dropped or detached since, with its rows: the parent FK is restored without it. */
async function nothingLeft({ client }: StepContext, migration: Migration, number: number): Promise<PairResult> {
  const pair = await readPair(client, migration.id, number);
  const target = { pair, referencing: pair.referencing, referenced: pair.referenced, of: 0 };
  return pairResult('SKIPPED', target, { object: pair.root_constraint ?? migration.constraint_name });
}

/** All relations that lock-leaf locks: the referencing leaf, and the referenced side of every pair. */
async function relationsOf(
  { client }: StepContext,
  id: string,
  referencing: number,
  referenced: number,
): Promise<number[]> {
  const pairs = await run(client, 'ledger/read-pairs', { migration_id: id, pair: null });
  return [referencing, referenced, ...pairs.map((pair) => pair.referenced_oid)];
}

export const step = defineStep(Steps['restore-parent'], eachPair(restoreParentForPair, isRestored));
