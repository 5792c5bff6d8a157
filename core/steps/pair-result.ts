/** The result of a step on one pair. */
import type { CostToOthers, PairResult } from '../contracts/steps/results.ts';
import type { EnteredPair } from './context.ts';

/** @param more what differs between the steps; milliseconds and seconds default to 0 */
export function pairResult(
  status: PairResult['status'],
  { pair, referencing, referenced, of }: Omit<EnteredPair, 'pairStatus'>,
  more: {
    readonly object: string;
    readonly durationMs?: number;
    readonly lockWaitMs?: number;
    readonly waitSeconds?: number;
    readonly note?: string;
    readonly cost?: CostToOthers | undefined;
  },
): PairResult {
  return {
    status,
    pair: pair.pair,
    of,
    referencing,
    referenced,
    object: more.object,
    rows: pair.rows,
    durationMs: Math.round(more.durationMs ?? 0),
    lockWaitMs: Math.round(more.lockWaitMs ?? 0),
    waitSeconds: more.waitSeconds ?? 0,
    ...(more.note ? { note: more.note } : {}),
    ...(more.cost ? { cost: more.cost } : {}),
  };
}
