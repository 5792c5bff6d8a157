/**
 * Turns a step on one pair into a step on a run of pairs, which it works on one after the other as long as there is time. With a
 * single pair it is that step, unchanged.
 */

import { type PairStatus, readPairStatus } from '../catalog/pairs.ts';
import { DeadlockDetected, LockTimeout } from '../contracts/errors.ts';
import { PAIRS_PER_CALL } from '../contracts/event-budget.ts';
import type { PairEvent } from '../contracts/steps/events.ts';
import type { PairResult } from '../contracts/steps/results.ts';
import { foreignKeyOf, type MigrationOptions, readMigration } from '../ledger/migrations.ts';
import { type LedgerPair, readPairs } from '../ledger/pairs.ts';
import type { StepContext } from './context.ts';

/** A step on one pair. */
export type PairStep = (context: StepContext, event: PairEvent) => Promise<PairResult>;

/** Whether the step is done for a pair, in the catalog and in the ledger. Such a pair is not entered again. */
export type IsComplete = (pair: LedgerPair, pairStatus: PairStatus, options: MigrationOptions) => boolean;

/** For `build-index`. */
export const isIndexed: IsComplete = (pair, pairStatus, { noIndexes }) =>
  (pairStatus.has_index || noIndexes) && pair.state !== 'planned';
/** For `add-foreign-key`. */
export const isAdded: IsComplete = (pair, pairStatus) =>
  pairStatus.constraint_oid !== null &&
  // A pair FK of ours is not done while its triggers do not fire as the parent FK's do by now.
  (pairStatus.enforced || !pair.constraint_added) &&
  pair.state !== 'planned' &&
  pair.state !== 'indexed';
/** For `validate-foreign-key`. */
export const isValidated: IsComplete = (pair, pairStatus) => pairStatus.validated && pair.state === 'validated';
/** For `restore-parent`. */
export const isRestored: IsComplete = (pair, pairStatus) =>
  pairStatus.leaf_constraint_validated === true && pair.state === 'restored';

/** Milliseconds of the handler's time in which no further pair is begun, because it could not be finished. */
const RESERVE_MS = 15_000;

/**
 * A step that accepts events for a run of pairs, from `pair` to `last`.
 *
 * @param isComplete pairs for which it is true are skipped
 */
export function eachPair(step: PairStep, isComplete: IsComplete): PairStep {
  return async (context, event) => {
    const { pair: first, last = event.pair } = event;
    if (last === first) return step(context, event);
    const numbers = await pairsLeft(context, event.migrationId, first, last, isComplete);
    return workOnPairs(context, event, { first, last, numbers, step });
  };
}

/** Which pairs to work on, and how. */
interface Batch {
  readonly first: number;
  readonly last: number;
  /** Numbers of the pairs that are not done; if all are done, the last one, because the call needs a result. */
  readonly numbers: readonly number[];
  readonly step: PairStep;
}

/**
 * Works on the pairs, one after the other.
 *
 * @returns `RUNNING` also where another call has to go on; `batch` has the results of the pairs of this call
 */
export async function workOnPairs(
  context: Pick<StepContext, 'remainingMs' | 'logger'>,
  event: PairEvent,
  { first, last, numbers, step }: Batch,
): Promise<PairResult> {
  const done: PairResult[] = [];
  const answer = (result: PairResult, status: PairResult['status'], waitSeconds: number): PairResult => {
    return { ...result, status, waitSeconds, pair: first, last, batch: done };
  };
  for (const pair of numbers) {
    const before = done.at(-1);
    const full = done.length === PAIRS_PER_CALL || context.remainingMs() < RESERVE_MS;
    if (before && full) return answer(before, 'RUNNING', 1);
    let result: PairResult;
    try {
      result = await step(context as StepContext, { ...event, pair, last: pair });
    } catch (error) {
      // The retries of the state machine are for one pair that stays locked. After each pair that was done, their count starts
      // again.
      const busy = error instanceof LockTimeout || error instanceof DeadlockDetected;
      if (!before || !busy) throw error;
      context.logger.warn('one pair is locked, the next call asks again', { pair, reason: error.message });
      return answer(before, 'RUNNING', 1);
    }
    if (result.status === 'RUNNING') return answer(result, 'RUNNING', result.waitSeconds);
    done.push(result);
  }
  const final = done.at(-1);
  if (!final) throw new Error(`pairs ${first} to ${last} are not in the ledger`);
  return answer(final, done.some(({ status }) => status === 'DONE') ? 'DONE' : 'SKIPPED', 0);
}

async function pairsLeft(
  { client }: StepContext,
  migrationId: string,
  first: number,
  last: number,
  isComplete: IsComplete,
): Promise<number[]> {
  const all = await readPairs(client, migrationId);
  const wanted = all.filter(({ pair }) => pair >= first && pair <= last);
  const migration = await readMigration(client, migrationId);
  const pairStatuses = await readPairStatus(client, foreignKeyOf(migration), wanted, { indexes: true });
  const left = wanted.filter((pair) => {
    const pairStatus = pairStatuses.get(pair.pair);
    return pairStatus === undefined || !isComplete(pair, pairStatus, migration.options);
  });
  return left.length > 0 ? left.map(({ pair }) => pair) : [last];
}
