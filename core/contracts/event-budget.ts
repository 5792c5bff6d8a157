/**
 * The event budget: how many pairs an execution can work on one by one. Step Functions ends an execution at its 25,000th event,
 * without running any Catch, so the number of iterations has to stay below that: above a limit, one Map iteration takes a batch
 * of pairs.
 *
 * It is a batch and not a Distributed Map. The child executions of that would have another 25,000 events each, but the local
 * engine has no such Map, and then AWS and the local engine would no longer run the same file. Pure.
 */

import type { EventBudget } from './documents.ts';
import { PACE } from './forecast.ts';
import { pairSteps, stepsOf } from './steps/catalogue.ts';
import type { PairItem } from './steps/results.ts';

/** Most events of one execution. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const EVENT_LIMIT = 25_000;

/** Events of a Task, of a Map around its iterations, and of a Choice. */
const TASK_EVENTS = 5;
const MAP_EVENTS = 4;
const CHOICE_EVENTS = 2;

/** Events of one branch's steps outside its Maps, with the Choice states that follow them. */
function eventsOfBranch(direction: 'forward' | 'rollback'): number {
  return stepsOf(direction).reduce(
    (sum, [, { perPair, chosen, polling, decides }]) =>
      sum + (chosen ? 0 : perPair ? MAP_EVENTS : TASK_EVENTS) + (polling || decides ? CHOICE_EVENTS : 0),
    0,
  );
}

/** Numbers of events in the definition; test/infra/scale.test.ts counts them. */
export const EVENTS = {
  /** Everything up to `Migrated` that is not inside a Map; 4 are those of the execution and of its last state. */
  forward: 4 + eventsOfBranch('forward'),
  /** Everything from a Catch to `RolledBack`, after the drop; 1 is that of the last state. */
  rollback: 1 + eventsOfBranch('rollback'),
  /** An iteration of a Map of the forward path whose first call completes it. */
  forwardIteration: 11,
  /** The same for RestoreParent. */
  rollbackIteration: 11,
  /** A turn of waiting and calling again. */
  turn: 9,
  /** An attempt that failed and is retried. */
  retry: 3,
} as const;

/** Maps of the forward path that go over all pairs. */
const FORWARD_MAPS = pairSteps.filter(({ direction, chosen }) => direction === 'forward' && !chosen).length;

/**
 * Share of the limit for events that are certain. The rest is for events that are possible: polling of long validations and
 * throttled pairs, and retries of refused locks.
 */
const CERTAIN_SHARE = 0.6;

/** Map iterations, and so single pairs, that fit. */
export const ITERATION_LIMIT = Math.floor(
  (EVENT_LIMIT * CERTAIN_SHARE - EVENTS.forward - EVENTS.rollback) /
    (FORWARD_MAPS * EVENTS.forwardIteration + EVENTS.rollbackIteration),
);

/** Map iterations of one count of orphans: as many as Step Functions runs at once. Most executions need no count. */
export const COUNT_ITERATION_LIMIT = 40;

/** Counts of all pairs that an execution may need: before an approval, after it, and after the drop. */
const COUNTS = 3;
/** Events around the iterations of a count: the call that asks for it, with its Choice, a Pass, the Map, and a Choice. */
const COUNT_EVENTS = TASK_EVENTS + CHOICE_EVENTS + 2 + MAP_EVENTS + CHOICE_EVENTS;

/** Effort of beginning and ending one pair's work, in rows that could be validated in the same time. */
const ROWS_PER_PAIR = 20_000;
/** Seconds for which a function works before it is called again. */
const SECONDS_PER_CALL = 840;
/** Longest time between two checks of a statement, and the running time from which it applies, both in seconds. */
const LONGEST_WAIT = 300;
const LONGEST_WAIT_FROM = 3_000;
/** Most pairs that one call of a function works on: each has a line in its result, and a payload may have 256 KiB. */
export const PAIRS_PER_CALL = 100;

interface Sized {
  readonly pair: number;
  readonly referencing: string;
  readonly rows: number;
}

/**
 * The items of the Map states: one for each pair while they fit, else runs of neighbouring pairs with about the same amount of
 * work. Pairs are sorted largest first, so a large pair stays alone and the many small ones at the end are combined.
 */
export function iterationsOf(pairs: readonly Sized[], limit: number = ITERATION_LIMIT): PairItem[] {
  if (pairs.length <= limit) return pairs.map((pair) => item([pair]));
  const items: PairItem[] = [];
  let left = pairs.reduce((sum, pair) => sum + workOf(pair), 0);
  let batch: Sized[] = [];
  let work = 0;
  for (const pair of pairs) {
    batch.push(pair);
    work += workOf(pair);
    // This item's share of all work that is left; the last item takes the rest.
    if (work < left / (limit - items.length) || items.length === limit - 1) continue;
    items.push(item(batch));
    left -= work;
    batch = [];
    work = 0;
  }
  return batch.length === 0 ? items : [...items, item(batch)];
}

function workOf({ rows }: Sized): number {
  return rows + ROWS_PER_PAIR;
}

function item(batch: readonly Sized[]): PairItem {
  const first = batch[0];
  const last = batch.at(-1);
  if (!first || !last) throw new Error('a batch has at least one pair');
  const others = batch.length - 1;
  return {
    pair: first.pair,
    last: last.pair,
    referencing: others === 0 ? first.referencing : `${first.referencing} and ${others} more`,
  };
}

/**
 * How many events an execution with these pairs needs.
 *
 * @param approvalTimeoutSeconds 0: no approval is wanted
 */
export function eventBudget(pairs: readonly Omit<Sized, 'referencing'>[], approvalTimeoutSeconds = 0): EventBudget {
  const items = iterationsOf(pairs.map((pair) => ({ ...pair, referencing: '' })));
  const sizes = items.map(({ pair, last }) => pairs.filter((each) => each.pair >= pair && each.pair <= last));
  const turns = sizes.reduce((sum, batch) => sum + turnsOf(batch), 0);
  const events = EVENTS.forward + items.length * FORWARD_MAPS * EVENTS.forwardIteration + turns * EVENTS.turn;
  const rollbackEvents = EVENTS.rollback + items.length * EVENTS.rollbackIteration;
  const counted = Math.min(pairs.length, COUNT_ITERATION_LIMIT);
  const countEvents = COUNTS * (COUNT_EVENTS + counted * EVENTS.forwardIteration);
  const left = EVENT_LIMIT - events - rollbackEvents - countEvents;
  const approvalEvents =
    approvalTimeoutSeconds === 0
      ? 0
      : EVENTS.turn * approvalTurns(approvalTimeoutSeconds, longestPoll(left, approvalTimeoutSeconds));
  return {
    iterations: items.length,
    pairsPerIteration: Math.max(0, ...sizes.map((batch) => batch.length)),
    events,
    rollbackEvents,
    countEvents,
    approvalEvents,
    reserve: left - approvalEvents,
    limit: EVENT_LIMIT,
  };
}

/** Share of the events that the work leaves which may be used for waiting for an approval. */
const APPROVAL_SHARE = 0.5;
const SHORTEST_POLL = 2;
const LONGEST_POLL = 300;

/**
 * Longest time between two checks for an approval, in seconds: 5 minutes, or more where a long wait would otherwise exceed the
 * limit.
 */
function longestPoll(eventsLeft: number, timeoutSeconds: number): number {
  const turns = Math.max(1, Math.floor((eventsLeft * APPROVAL_SHARE) / EVENTS.turn) - GROWING_POLLS);
  return Math.max(LONGEST_POLL, Math.ceil(timeoutSeconds / turns));
}

/** Most checks until the time between two of them has grown from the shortest to the longest. */
const GROWING_POLLS = 110;

function approvalTurns(timeoutSeconds: number, longest: number): number {
  return Math.min(GROWING_POLLS, timeoutSeconds / SHORTEST_POLL) + Math.ceil(timeoutSeconds / longest);
}

/**
 * Seconds until the next check for an approval: a tenth of the time waited so far. A day of waiting takes some hundred turns, and
 * thirty days fit into one execution, for any number of pairs.
 *
 * @param waited seconds since the approval was asked for
 */
export function pollForApproval(
  waited: number,
  timeoutSeconds: number,
  pairs: readonly Omit<Sized, 'referencing'>[],
): number {
  const { events, rollbackEvents, countEvents } = eventBudget(pairs);
  const longest = longestPoll(EVENT_LIMIT - events - rollbackEvents - countEvents, timeoutSeconds);
  const left = Math.max(1, Math.ceil(timeoutSeconds - waited));
  return Math.min(longest, left, Math.max(SHORTEST_POLL, Math.round(waited / 10)));
}

/** Share of the events that the work leaves which one hold, or one lower limit, may use in a day. */
const PACE_SHARE = 0.5;
const SHORTEST_LOOK = 5;
const LONGEST_LOOK = 300;
const DAY = 86_400;

/**
 * Seconds until a pair that a person holds back asks again: a tenth of the time that it has lasted, up to 5 minutes. With many pairs side by side
 * all of them ask, so it takes longer: a day of waiting fits into the events that the work leaves.
 *
 * @param waited seconds since the hold, or the lower limit, was set
 * @param sideBySide pairs that wait at once, at most
 */
export function lookWhileHeld(
  waited: number,
  sideBySide: number,
  pairs: readonly Omit<Sized, 'referencing'>[],
): number {
  const { events, rollbackEvents, countEvents } = eventBudget(pairs);
  const left = EVENT_LIMIT - events - rollbackEvents - countEvents;
  const turns = Math.max(1, Math.floor((left * PACE_SHARE) / (EVENTS.turn * sideBySide)));
  const growth = Math.max(0.1, 10 / turns);
  const longest = Math.max(LONGEST_LOOK, Math.ceil((DAY * 2) / turns));
  return Math.min(longest, Math.max(SHORTEST_LOOK, Math.round(waited * growth)));
}

/**
 * Number of additional calls for a batch, in the three Maps together, because its work or its result is too much for one call.
 */
function turnsOf(batch: readonly { readonly rows: number }[]): number {
  const full = FORWARD_MAPS * Math.floor((batch.length - 1) / PAIRS_PER_CALL);
  const statements = batch.flatMap(({ rows }) => [rows / PACE.index, rows / PACE.validate]);
  const short = statements.filter((seconds) => seconds < SECONDS_PER_CALL).reduce((sum, seconds) => sum + seconds, 0);
  const long = statements.reduce((sum, seconds) => sum + turnsOfStatement(seconds), 0);
  return full + Math.floor(short / SECONDS_PER_CALL) + long;
}

/**
 * Number of turns for a statement that outlives its function. It is checked again after a tenth of the time that it has run, at
 * least every 5 minutes (`core/steps/detached.ts`): six hours take some 75 turns.
 */
function turnsOfStatement(seconds: number): number {
  if (seconds < SECONDS_PER_CALL) return 0;
  const growing = Math.ceil(Math.log(Math.min(seconds, LONGEST_WAIT_FROM) / SECONDS_PER_CALL) / Math.log(1.1));
  return growing + Math.ceil(Math.max(0, seconds - LONGEST_WAIT_FROM) / LONGEST_WAIT);
}
