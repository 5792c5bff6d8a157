/**
 * A step on one pair becomes a step on a run of pairs, one after the other, as far as the time goes. With a single pair it is
 * that step and nothing else.
 */

import { type PairStatus, readPairStatus } from '../catalog/pairs.ts';
import { DeadlockDetected, LockTimeout } from '../contracts/errors.ts';
import { PAIRS_PER_CALL } from '../contracts/event-budget.ts';
import type { PairEvent } from '../contracts/steps/events.ts';
import type { PairResult } from '../contracts/steps/results.ts';
import { foreignKeyOf, type MigrationOptions, readMigration } from '../ledger/migrations.ts';
import { type LedgerPair, readPairs } from '../ledger/pairs.ts';
import type { StepContext } from './context.ts';

export type PairStep = (context: StepContext, event: PairEvent) => Promise<PairResult>;

/** What a step leaves behind, in the catalog and in the ledger: such a pair is not entered again. */
export type IsThrough = (pair: LedgerPair, standing: PairStatus, options: MigrationOptions) => boolean;

export const isIndexed: IsThrough = (pair, standing, { noIndexes }) =>
  (standing.has_index || noIndexes) && pair.state !== 'planned';
export const isAdded: IsThrough = (pair, standing) =>
  standing.constraint_oid !== null &&
  // Ours, and not firing as the parent FK does by now.
  (standing.enforced || !pair.constraint_added) &&
  pair.state !== 'planned' &&
  pair.state !== 'indexed';
export const isValidated: IsThrough = (pair, standing) => standing.validated && pair.state === 'validated';
export const isRestored: IsThrough = (pair, standing) =>
  standing.leaf_constraint_validated === true && pair.state === 'restored';

/** Kept back from the handler's time, so that a pair is not begun that it cannot end. */
const RESERVE_MS = 15_000;

export function eachPair(step: PairStep, isThrough: IsThrough): PairStep {
  return async (context, event) => {
    const { pair: first, last = event.pair } = event;
    if (last === first) return step(context, event);
    const numbers = await pairsLeft(context, event.migrationId, first, last, isThrough);
    return workThrough(context, event, { first, last, numbers, step });
  };
}

interface Batch {
  readonly first: number;
  readonly last: number;
  /** Of the pairs that are not through, or the last one: somebody has to answer. */
  readonly numbers: readonly number[];
  readonly step: PairStep;
}

/** @returns `RUNNING` also where another call has to go on; `batch` has the pairs of this one */
export async function workThrough(
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
      // The tries that Retry has are for one pair that nobody lets in: whoever gets on begins to count anew.
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
  isThrough: IsThrough,
): Promise<number[]> {
  const all = await readPairs(client, migrationId);
  const wanted = all.filter(({ pair }) => pair >= first && pair <= last);
  const migration = await readMigration(client, migrationId);
  const standings = await readPairStatus(client, foreignKeyOf(migration), wanted, { indexes: true });
  const left = wanted.filter((pair) => {
    const standing = standings.get(pair.pair);
    return standing === undefined || !isThrough(pair, standing, migration.options);
  });
  return left.length > 0 ? left.map(({ pair }) => pair) : [last];
}
