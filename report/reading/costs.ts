/** What the long steps cost others, from what they returned: each result has counters of the server at its beginning and its end. */
import { pairStepOfState, stepOfState } from '../../core/contracts/steps/catalogue.ts';
import { isRecord, type Json, numberOf, recordOf } from '../../core/history/json.ts';
import type { History, Visit } from '../../core/history/read-history.ts';
import type { ReportCost } from '../contracts.ts';

interface Positions {
  readonly from: number;
  readonly to: number;
}

/** One statement, as several calls may have seen it. */
interface Statement {
  readonly pair: number | null;
  readonly lasted: { readonly milliseconds: number; readonly exact: boolean };
  readonly read: Positions | null;
}

/** One for each kind of long step, in the order in which they began. */
export function costsOf({ visits }: History): ReportCost[] {
  const known = visits.filter((visit) => resultsOf(visit).some(({ cost }) => isRecord(cost)));
  return [...Map.groupBy(known, (visit) => visit.state)].map(([state, turns]) => costOf(state, turns));
}

function costOf(state: string, turns: readonly Visit[]): ReportCost {
  const results = turns.flatMap(resultsOf);
  const statements = [...Map.groupBy(turns, (visit) => visit.pair)].flatMap(([, ofOne]) => statementsOf(ofOne));
  const longest = statements.reduce<Statement | null>(
    (most, one) => (most === null || one.lasted.milliseconds > most.lasted.milliseconds ? one : most),
    null,
  );
  const lags = results.flatMap(({ cost }) => numberOf(recordOf(cost).lagSeconds) ?? []);
  const reads = statements.flatMap(({ read }) => (read === null ? [] : [differenceOf(read)]));
  const step = pairStepOfState(state);
  return {
    step: step?.perPair.stage.label ?? stepOfState(state)?.label ?? state,
    statements: statements.length,
    snapshotMs: longest?.lasted.milliseconds ?? null,
    snapshotIsExact: longest?.lasted.exact ?? false,
    longestPair: longest?.pair ?? null,
    walBytes: differenceOf(spanOf(results, 'wal')),
    readBytes: reads.length === 0 || reads.some((one) => one === null) ? null : sum(reads),
    lagSeconds: lags.length === 0 ? null : Math.max(...lags),
  };
}

/** Of one pair, or of a run of pairs, whose results each name their own. */
function statementsOf(turns: readonly Visit[]): Statement[] {
  const results = turns.flatMap(resultsOf);
  const times = turns.flatMap(({ attempts }) => attempts);
  const from = times[0]?.scheduledAt ?? 0;
  const to = times.at(-1)?.endedAt ?? from;
  return [...Map.groupBy(results, (result) => numberOf(result.pair))].map(([pair, ofPair]) => {
    const took = Math.max(0, ...ofPair.map((result) => numberOf(result.durationMs) ?? 0));
    // CREATE INDEX CONCURRENTLY takes a new snapshot for its second scan, so its time is the most that one can be held.
    const exact = took > 0 && pairStepOfState(turns[0]?.state ?? '')?.perPair.stage.id !== 'index';
    return { pair, lasted: { milliseconds: took > 0 ? took : to - from, exact }, read: spanOf(ofPair, 'read') };
  });
}

/** Results of all calls, of a run of pairs one by one. */
function resultsOf(visit: Visit): Json[] {
  return visit.attempts.flatMap(({ outcome, output }) => {
    if (outcome !== 'succeeded') return [];
    const result = recordOf(output);
    const batch = Array.isArray(result.batch) ? result.batch.filter(isRecord) : [];
    return (batch.length > 0 ? batch : [result]).filter(({ cost }) => isRecord(cost));
  });
}

/** From the first position to the last; null where a call did not know it. */
function spanOf(results: readonly Json[], name: 'wal' | 'read'): Positions | null {
  const positions = results.map(({ cost }) => {
    const pair: unknown = recordOf(cost)[name];
    return Array.isArray(pair) ? [numberOf(pair[0]), numberOf(pair[1])] : [null];
  });
  const numbers = positions.flat().filter((position) => position !== null);
  if (numbers.length === 0 || numbers.length < positions.flat().length) return null;
  return { from: Math.min(...numbers), to: Math.max(...numbers) };
}

function differenceOf(positions: Positions | null): number | null {
  return positions === null ? null : positions.to - positions.from;
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
