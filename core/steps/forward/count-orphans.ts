/**
 * CountOrphans, for one pair or a run of pairs: counts the rows without a referenced row, where the gate or the checks after the drop have no
 * proof of it. Blocks no reader and no writer. The number is in the ledger, where the step that asked for it finds it.
 */
import { readPairStatus } from '../../catalog/pairs.ts';
import { type CountedPair, endCounting, prepareToCount } from '../../checks/orphan-count.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { PairEvent } from '../../contracts/steps/events.ts';
import type { PairResult } from '../../contracts/steps/results.ts';
import { foreignKeyOf, type Migration, readMigration } from '../../ledger/migrations.ts';
import { changePair, readPairs } from '../../ledger/pairs.ts';
import { workOnPairs } from '../batch.ts';
import { beforeLongWork, enterForward, enterPair, refuseClosedWindow, type StepContext } from '../context.ts';
import { CostWatch } from '../cost-to-others.ts';
import { takePlace } from '../pace.ts';
import { pairResult } from '../pair-result.ts';
import { countingAfterDrop, countingOfGate, countPair, readProofs } from '../prove-pairs.ts';
import { defineStep } from '../step.ts';

/** @returns RUNNING where the pair is held back, or others of the run are left; SKIPPED where nothing is to be counted any more */
export async function countOrphans(context: StepContext, event: PairEvent): Promise<PairResult> {
  const { pair: first, last = first } = event;
  if (first === last) return countOne(context, event);
  const migration = await readMigration(context.client, event.migrationId);
  const run = (await readPairs(context.client, migration.id)).filter(({ pair }) => pair >= first && pair <= last);
  const statuses = await readPairStatus(context.client, foreignKeyOf(migration), run, { indexes: false });
  const pairs = run.flatMap((pair) => {
    const status = statuses.get(pair.pair);
    return status ? [{ ...pair, constraint_oid: status.constraint_oid }] : [];
  });
  const left = await pairsLeft(context, migration, pairs);
  return workOnPairs(context, event, { first, last, numbers: left.length > 0 ? left : [last], step: countOne });
}

/** Numbers of the pairs that are to be counted. The run may have others in between. */
async function pairsLeft(context: StepContext, migration: Migration, pairs: readonly CountedPair[]): Promise<number[]> {
  const known = await readProofs(context, migration, pairs);
  const { isWanted, isCounted, isSample } = isBeforeDrop(migration)
    ? countingOfGate(migration)
    : countingAfterDrop(migration, known);
  return known.filter((one) => isWanted(one) && !isCounted(one) && !isSample(one)).map(({ pair }) => pair);
}

function isBeforeDrop({ constraint_oid }: Migration): boolean {
  return constraint_oid !== null;
}

async function countOne(context: StepContext, event: PairEvent): Promise<PairResult> {
  const { client } = context;
  const entered = await enterForward(context, event);
  const { migration, foreignKey } = entered;
  if (isBeforeDrop(migration)) refuseClosedWindow(migration);
  const target = await enterPair(context, entered, event.pair);
  const { constraint_oid, constraint_name } = target.pairStatus;
  const pair = { ...target.pair, constraint_oid };
  if ((await pairsLeft(context, migration, [pair])).length === 0)
    return pairResult('SKIPPED', target, { object: constraint_name });
  // After the drop there is no window, and nothing is held back: the checks have to be made.
  const object = pair.referencing_oid;
  const isForward = isBeforeDrop(migration);
  const throttled = isForward ? await beforeLongWork(context, entered, target, 'count', object) : undefined;
  if (throttled) return pairResult('RUNNING', target, { object: constraint_name, ...throttled });
  const place = isForward ? await takePlace(client, migration, object) : undefined;
  if (place && !('give' in place)) return pairResult('RUNNING', target, { object: constraint_name, ...place });

  try {
    await prepareToCount(client, migration.options.maxConcurrency);
    const watch = await CostWatch.begin(client, [pair.referencing_oid, pair.referenced_oid]);
    const beganAt = performance.now();
    await countPair(context, migration, foreignKey, pair, {
      like: foreignKey.constraint_oid,
      limitMs: 0,
      // Without the note the pair would be asked for again and again.
      note: (number, changes) => changePair(client, migration.id, number, changes),
    });
    const durationMs = performance.now() - beganAt;
    await endCounting(client);
    return pairResult('DONE', target, { object: constraint_name, durationMs, cost: await watch.end() });
  } finally {
    await place?.give();
  }
}

export const step = defineStep(Steps['count-orphans'], countOrphans);
