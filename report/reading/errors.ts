/** Every failure that the execution met, and what became of it. */

import { failureOf } from '../../core/history/failure.ts';
import type { History, Visit } from '../../core/history/read-history.ts';
import type { ReportError } from '../contracts.ts';
import { failureMessage } from '../words.ts';

export function errorsOf(history: History): ReportError[] {
  const ended = [...history.visits].map((visit) => visit.state);
  const exit = ended.includes('Fence')
    ? 'led to the rollback'
    : ended.includes('Pause')
      ? 'led to the pause'
      : 'ended the execution';
  const work = Map.groupBy(history.visits, (visit) => `${visit.state}\n${visit.pair ?? ''}`);
  const errors = [...work.values()].flatMap((visits) => failuresOf(visits, exit));
  return [...errors, ...endOf(history, errors)].toSorted((one, other) => (one.at ?? '').localeCompare(other.at ?? ''));
}

/** Alike are failures of the same work with the same error; their figures differ from try to try. */
function failuresOf(visits: readonly Visit[], exit: ReportError['outcome']): ReportError[] {
  const attempts = visits.flatMap((visit) => visit.attempts.map((attempt) => ({ visit, attempt })));
  const succeededLast = attempts.at(-1)?.attempt.outcome === 'succeeded';
  const running = attempts.at(-1)?.attempt.outcome === 'running';
  const failed = attempts.filter(({ attempt }) => attempt.outcome === 'failed');
  const alike = Map.groupBy(failed, ({ attempt }) => attempt.failure?.name ?? '');
  return [...alike].map(([name, group]) => {
    const last = group.at(-1);
    const isEnd = last !== undefined && last === failed.at(-1) && !succeededLast && !running;
    return {
      at: iso(last?.attempt.endedAt ?? last?.attempt.scheduledAt ?? null),
      state: last?.visit.state ?? '',
      pair: last?.visit.pair ?? null,
      name,
      message: failureMessage(last?.attempt.failure),
      times: group.length,
      outcome: isEnd ? (last.visit.exitedAt === null && !last.visit.aborted ? 'unknown' : exit) : 'retried',
    };
  });
}

/** The execution's own end, where no attempt has told it already. */
function endOf(history: History, told: readonly ReportError[]): ReportError[] {
  const last = history.events.at(-1);
  if (last === undefined || !/^Execution(Failed|TimedOut|Aborted)$/.test(last.event.type ?? '')) return [];
  const failure = failureOf(last.event);
  const text = failureMessage(failure);
  const name = failure?.name || last.event.type?.replace('Execution', '') || '';
  if (told.some((error) => error.outcome !== 'retried' && error.message === text)) return [];
  const state = history.visits.at(-1)?.state ?? '';
  const message = text || (name === 'Aborted' ? 'the execution was stopped before its end' : '');
  return [{ at: iso(last.at), state, pair: null, name, message, times: 1, outcome: 'ended the execution' }];
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
