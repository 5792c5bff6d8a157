/**
 * AddForeignKeys, for one pair: adds the row-movement guard of its referenced leaf, then the pair's FK, NOT VALID, in one
 * transaction. From its COMMIT on, both kinds of FK check every new row.
 */

import { copyFiringModes } from '../../catalog/firing-modes.ts';
import { hasPairForeignKey } from '../../catalog/pairs.ts';
import { missingGuards, readGuards, wantsGuard } from '../../catalog/row-movement-guard.ts';
import { statementFor } from '../../catalog/statements.ts';
import { paceOf } from '../../contracts/pace.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { PairEvent } from '../../contracts/steps/events.ts';
import type { PairResult } from '../../contracts/steps/results.ts';
import { changePair } from '../../ledger/pairs.ts';
import { executeDdl } from '../../postgres/execute.ts';
import { withFreeNames } from '../../postgres/free-names.ts';
import { together } from '../../postgres/session/deadline.ts';
import { eachPair, isAdded } from '../batch.ts';
import { enterPair, enterWithinWindow, type StepContext } from '../context.ts';
import { underLock } from '../locks/lock-budget.ts';
import { lockedWork } from '../locks/locked-work.ts';
import { takePlace, whyNotNow } from '../pace.ts';
import { pairResult } from '../pair-result.ts';
import { defineStep } from '../step.ts';

/**
 * @throws LockTimeout with the holders, when either partition was not free within the lock budget
 * @throws NameTaken when each of several names was taken before it could be used
 */
export function addForeignKey(context: StepContext, event: PairEvent): Promise<PairResult> {
  return withFreeNames((salt) => addNamed(context, event, salt));
}

async function addNamed(context: StepContext, event: PairEvent, salt: string | undefined): Promise<PairResult> {
  const { client } = context;
  const entered = await enterWithinWindow(context, event);
  const target = await enterPair(context, entered, event.pair, { indexes: false, salt });
  const { migration, foreignKey } = entered;
  const { pair, pairStatus } = target;
  const guarded = wantsGuard(foreignKey, migration.options);
  const { constraint_name } = pairStatus;
  const existed = pairStatus.constraint_oid !== null;
  if (existed && (pair.state === 'planned' || pair.state === 'indexed'))
    await changePair(client, migration.id, pair.pair, { state: 'added', constraint_name });
  // A pair FK of ours that does not fire as the parent FK does by now is updated; one that existed before the migration is not
  // touched.
  const outdated = existed && pair.constraint_added && !pairStatus.enforced;
  const guards = guarded ? await readGuards(client, foreignKey, migration.id, [pair]) : [];
  // An older version added pair FKs without a guard, and a person may have dropped a guard.
  if (existed && !outdated && guards.every(({ stands }) => stands))
    return pairResult('SKIPPED', target, { object: constraint_name });

  const notNow = await whyNotNow(client, migration, pair.referencing_oid);
  if (notNow) return pairResult('RUNNING', target, { object: constraint_name, ...notNow });
  // It takes milliseconds, so it takes a place only where there are fewer than the state machine's own.
  const isThrottled = paceOf(migration.options).throttle !== null;
  const place = isThrottled ? await takePlace(client, migration, pair.referencing_oid) : undefined;
  if (place && !('give' in place)) return pairResult('RUNNING', target, { object: constraint_name, ...place });

  const named = { ...pair, constraint_name };
  const lock = await statementFor(client, pair, 'statements/lock-pair', { pairs: [named] });
  const { sql } = await statementFor(client, pair, 'statements/add-pair-foreign-key', {
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
    pairs: [named],
  });
  const work = lockedWork('add-foreign-key', entered, event.execution, {
    pair: pair.pair,
    lock: { sql: lock.sql, mode: 'SHARE ROW EXCLUSIVE', relations: [pair.referencing_oid, pair.referenced_oid] },
  });
  const { lockWaitMs, heldMs } = await underLock(context, work, async () => {
    const [missing, isThere] = await together(
      client,
      async () => (guarded ? missingGuards(client, foreignKey, migration.id, guards) : []),
      // A duplicate invocation may have added it already, or only the guard was missing.
      () => hasPairForeignKey(client, foreignKey, pair),
    );
    const added = { state: 'added', constraint_name, constraint_added: true } as const;
    await together<unknown[]>(
      client,
      // Before the pair FK: as soon as that exists, its ON DELETE acts on the rows that reference a row which moves away.
      ...missing.map((guard) => () => executeDdl(client, guard.sql)),
      // In the same transaction, so that a rollback knows exactly which constraints to drop.
      ...(isThere ? [] : [() => executeDdl(client, sql), () => changePair(client, migration.id, pair.pair, added)]),
    );
    if (!existed || outdated) await copyFiringModes(client, foreignKey, pair);
  }).finally(() => place?.give());
  if (existed) return pairResult('SKIPPED', target, { object: constraint_name });
  await changePair(client, migration.id, pair.pair, { lock_wait_ms: lockWaitMs, add_ms: heldMs });
  return pairResult('DONE', target, { object: constraint_name, durationMs: heldMs, lockWaitMs });
}

export const step = defineStep(Steps['add-foreign-key'], eachPair(addForeignKey, isAdded));
