/** The pairs: from the ledger where it can be read, else from what the execution's steps returned. */
import { pairStepOfState, pairSteps, type StageName } from '../../core/contracts/steps/catalogue.ts';
import type { Trail, TrailPair } from '../../core/contracts/trail.ts';
import { isRecord, type Json, numberOf, stringOf } from '../../core/history/json.ts';
import { type History, planOf, resultOf, type Visit } from '../../core/history/read-history.ts';
import type { Bar, ReportPair } from '../contracts.ts';
import { failureMessage } from '../words.ts';

type Bars = ReadonlyMap<number, Partial<Record<StageName, Bar>>>;

export function pairsOf(trail: Trail | null, history: History, bars: Bars): ReportPair[] {
  if (trail !== null) return trail.pairs.map((pair) => fromLedger(pair, bars.get(pair.pair) ?? {}));
  const visits = Map.groupBy(
    history.visits.filter((visit) => visit.pair !== null),
    (visit) => visit.pair ?? 0,
  );
  return plannedPairs(history).flatMap(({ pair: first, last, referencing }) =>
    Array.from({ length: last - first + 1 }, (_, index) => {
      const pair = first + index;
      return fromHistory(pair, index === 0 ? referencing : '', visits.get(first) ?? [], bars.get(pair) ?? {});
    }),
  );
}

function fromLedger(pair: TrailPair, bars: ReportPair['bars']): ReportPair {
  return {
    ...pair,
    retries: retriesIn(bars),
    bars,
  };
}

/** What Plan returned. */
function plannedPairs(
  history: History,
): { readonly pair: number; readonly last: number; readonly referencing: string }[] {
  const plan = planOf(history);
  return (Array.isArray(plan.pairs) ? plan.pairs : []).filter(isRecord).map((item, index) => ({
    pair: numberOf(item.pair) ?? index + 1,
    last: numberOf(item.last) ?? numberOf(item.pair) ?? index + 1,
    referencing: stringOf(item.referencing) ?? '',
  }));
}

function fromHistory(
  pair: number,
  referencing: string,
  visits: readonly Visit[],
  bars: ReportPair['bars'],
): ReportPair {
  const results = new Map<StageName, Json>();
  for (const visit of visits) {
    const stage = pairStepOfState(visit.state)?.perPair.stage.id;
    const result = ofPair(resultOf(visit), pair);
    if (stage !== undefined && stringOf(result.status) !== null) results.set(stage, result);
  }
  const latest = [...results.values()].at(-1) ?? {};
  const took = (stage: StageName): number | null => numberOf(results.get(stage)?.durationMs);
  const failed = visits.flatMap((visit) => visit.attempts).findLast((attempt) => attempt.outcome === 'failed');
  return {
    pair,
    referencing: referencing || (stringOf(latest.referencing) ?? `pair ${pair}`),
    referenced: stringOf(latest.referenced) ?? '',
    bound: null,
    rows: numberOf(latest.rows) ?? 0,
    bytes: null,
    constraint: stringOf(results.get('add')?.object) ?? stringOf(results.get('validate')?.object),
    index: stringOf(results.get('index')?.object),
    indexAdded: results.has('index') ? results.get('index')?.status === 'DONE' : null,
    state: stateOf(results),
    orphans: null,
    lockWaitMs: [...results.values()].reduce((sum, result) => sum + (numberOf(result.lockWaitMs) ?? 0), 0),
    retries: retriesIn(bars),
    indexMs: took('index'),
    addMs: took('add'),
    validateMs: took('validate'),
    lastError: failed === undefined ? null : failureMessage(failed.failure),
    bars,
  };
}

/** A run of pairs has a result for each that its last call has worked on. */
function ofPair(result: Json, pair: number): Json {
  const batch = Array.isArray(result.batch) ? result.batch.filter(isRecord) : [];
  return batch.find((one) => one.pair === pair) ?? (batch.length > 0 ? { status: result.status } : result);
}

/** State of the pair by the last step that is complete. */
function stateOf(results: ReadonlyMap<StageName, Json>): string {
  const last = pairSteps.findLast(({ perPair: { stage } }) => {
    return results.has(stage.id) && stringOf(results.get(stage.id)?.status) !== 'RUNNING';
  });
  return last?.perPair.pairState ?? 'planned';
}

function retriesIn(bars: ReportPair['bars']): number {
  return Object.values(bars).reduce((sum, bar) => sum + bar.failures.length, 0);
}
