/** Visits of states -> stretches of time: one bar for each pair and stage, one for each step on the whole migration. */
import { pairStepOfState, type StageName } from '../../core/contracts/steps/catalogue.ts';
import type { Trail, TrailEvent } from '../../core/contracts/trail.ts';
import { numberOf, recordOf, stringOf } from '../../core/history/json.ts';
import type { Attempt, Visit } from '../../core/history/read-history.ts';
import type { Bar } from '../contracts.ts';
import { failureMessage } from '../words.ts';
import type { Machine } from './definition.ts';

/** Waits for less than that nobody would see. */
const NOTABLE_WAIT_MS = 1;

export interface Clock {
  /** Milliseconds since 1970. */
  readonly begin: number;
  /** The execution's end, or now. */
  readonly end: number;
}

/**
 * Where one iteration takes a run of pairs, the history tells no more than the run: the ledger knows when each pair's
 * statement ran, and without it each pair has the run's bar.
 *
 * @returns number of the pair -> stage -> bar
 */
export function barsOfPairs(
  visits: readonly Visit[],
  trail: Trail | null,
  clock: Clock,
): Map<number, Partial<Record<StageName, Bar>>> {
  const noted = Map.groupBy(trail?.events ?? [], (event) => `${event.step}\n${event.pair ?? ''}`);
  const grouped = Map.groupBy(
    visits.filter((visit) => visit.pair !== null && pairStepOfState(visit.state) !== null),
    (visit) => visit.pair ?? 0,
  );
  const bars = new Map<number, Partial<Record<StageName, Bar>>>();
  for (const [first, ofRun] of grouped) {
    for (const [state, turns] of Map.groupBy(ofRun, (visit) => visit.state)) {
      const perPair = pairStepOfState(state)?.perPair;
      if (perPair === undefined) continue;
      const last = turns[0]?.last ?? first;
      const whole = barOf(state, turns, clock);
      for (let pair = first; pair <= last; pair += 1) {
        const own = last === first ? null : notedBar(whole, noted.get(`${perPair.map.id}\n${pair}`), clock);
        bars.set(pair, { ...bars.get(pair), [perPair.stage.id]: own ?? whole });
      }
    }
  }
  return bars;
}

function notedBar(run: Bar, events: readonly TrailEvent[] | undefined, clock: Clock): Bar | null {
  const done = events?.findLast((event) => event.error === null && event.durationMs !== null);
  if (done === undefined) return null;
  const waited = done.lockWaitMs ?? 0;
  const durationMs = waited + (done.durationMs ?? 0);
  const from = Math.max(run.from, Date.parse(done.at) - clock.begin - durationMs);
  const failed = events?.filter((event) => event.error !== null) ?? [];
  return {
    ...run,
    from,
    durationMs,
    outcome: 'done',
    waits: waited < NOTABLE_WAIT_MS ? [] : [{ from, durationMs: waited }],
    failures: failed.map((event) => ({
      at: Date.parse(event.at) - clock.begin,
      error: 'LockTimeout',
      message: event.error ?? '',
    })),
    attempts: failed.length + 1,
  };
}

/** What is not about one pair, and takes time: Tasks, Maps, and Waits. */
export function barsOfSteps(visits: readonly Visit[], machine: Machine, clock: Clock): Bar[] {
  const types = new Map(machine.states.map((state) => [state.name, state.type]));
  const whole = visits.filter((visit) => visit.pair === null && /^(Task|Map|Wait)$/.test(types.get(visit.state) ?? ''));
  return [...Map.groupBy(whole, (visit) => visit.state)].map(([state, turns]) => barOf(state, turns, clock));
}

/** A state that polls is visited again and again: the server works on between two visits, so it is one bar. */
function barOf(state: string, visits: readonly Visit[], clock: Clock): Bar {
  const attempts = visits.flatMap((visit) => visit.attempts);
  const from = attempts[0]?.scheduledAt ?? visits[0]?.enteredAt ?? clock.begin;
  const last = visits.at(-1);
  const open = last !== undefined && last.exitedAt === null && !last.aborted;
  const until = open ? clock.end : (attempts.at(-1)?.endedAt ?? last?.exitedAt ?? clock.end);
  return {
    state,
    from: from - clock.begin,
    durationMs: Math.max(0, until - from),
    outcome: open ? 'running' : outcomeOf(attempts, last),
    waits: attempts.flatMap((attempt) => waitOf(attempt, clock)),
    failures: attempts.flatMap((attempt) =>
      attempt.outcome === 'failed'
        ? [
            {
              at: (attempt.endedAt ?? attempt.scheduledAt) - clock.begin,
              error: attempt.failure?.name ?? '',
              message: failureMessage(attempt.failure),
            },
          ]
        : [],
    ),
    attempts: attempts.length,
  };
}

function outcomeOf(attempts: readonly Attempt[], last: Visit | undefined): Bar['outcome'] {
  const attempt = attempts.at(-1);
  if (last?.failure || last?.aborted === true || attempt?.outcome === 'failed') return 'failed';
  return stringOf(recordOf(attempt?.output).status) === 'SKIPPED' ? 'skipped' : 'done';
}

function waitOf(attempt: Attempt, clock: Clock): { from: number; durationMs: number }[] {
  const ended = attempt.endedAt ?? clock.end;
  const waited =
    attempt.failure?.name === 'LockTimeout'
      ? ended - attempt.scheduledAt
      : numberOf(recordOf(attempt.output).lockWaitMs);
  if (waited === null || waited < NOTABLE_WAIT_MS) return [];
  return [
    {
      from: attempt.scheduledAt - clock.begin,
      durationMs: Math.min(waited, Math.max(0, ended - attempt.scheduledAt)),
    },
  ];
}
