/** How each state and each transition of the machine went. */

import type { History, Visit } from '../../core/history/read-history.ts';
import type { ReportState, StateOutcome, Transition } from '../contracts.ts';
import type { DefinedState, Machine } from './definition.ts';

export function statesOf(machine: Machine, history: History): ReportState[] {
  const visits = Map.groupBy(history.visits, (visit) => visit.state);
  const left = Map.groupBy(history.steps, (step) => step.from);
  return machine.states.map((state) => stateOf(state, visits.get(state.name) ?? [], isCaught(machine, left, state)));
}

/** The machine left this state by one of its Catches. */
function isCaught(machine: Machine, left: ReadonlyMap<string, readonly { to: string }[]>, state: DefinedState) {
  const catches = machine.transitions.filter((way) => way.from === state.name && way.kind === 'catch');
  return (left.get(state.name) ?? []).some(({ to }) => catches.some((way) => way.to === to));
}

function stateOf(state: DefinedState, visits: readonly Visit[], caught: boolean): ReportState {
  const attempts = visits.flatMap((visit) => visit.attempts);
  const first = visits[0];
  const open = visits.some((visit) => visit.exitedAt === null && !visit.aborted);
  const until = Math.max(
    0,
    ...visits.map((visit) => visit.exitedAt ?? visit.attempts.at(-1)?.endedAt ?? visit.enteredAt),
  );
  return {
    ...state,
    outcome: outcomeOf(state, visits, caught),
    entered: visits.length,
    attempts: attempts.length,
    failures: attempts.filter((attempt) => attempt.outcome === 'failed').length,
    firstEnteredAt: first === undefined ? null : new Date(first.enteredAt).toISOString(),
    durationMs: first === undefined || open ? null : Math.max(0, until - first.enteredAt),
  };
}

function outcomeOf(state: DefinedState, visits: readonly Visit[], caught: boolean): StateOutcome {
  if (visits.length === 0) return 'not-entered';
  if (visits.some((visit) => visit.exitedAt === null && !visit.aborted && state.type !== 'Fail')) return 'running';
  if (caught) return 'caught';
  if (state.type === 'Fail' || visits.some(endedBadly)) return 'failed';
  return visits.some((visit) => visit.aborted) ? 'stopped' : 'succeeded';
}

function endedBadly(visit: Visit): boolean {
  return visit.failure !== null || visit.attempts.at(-1)?.outcome === 'failed';
}

export function transitionsOf(machine: Machine, history: History): Transition[] {
  const taken = new Map<string, number>();
  for (const { from, to } of history.steps) {
    const key = `${from}\n${to}`;
    taken.set(key, (taken.get(key) ?? 0) + 1);
  }
  return machine.transitions.map((way) => ({ ...way, taken: taken.get(`${way.from}\n${way.to}`) ?? 0 }));
}
