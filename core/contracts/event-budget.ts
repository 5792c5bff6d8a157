/**
 * How many pairs an execution can go over one by one. Step Functions ends an execution at its 25,000th event, past every
 * Catch, so the fan-out has to stay clear of it: above a limit one Map iteration takes a batch of pairs.
 *
 * A batch, and not a Distributed Map: its child executions would be another 25,000 events each, but the local engine has
 * none, and then the two homes would no longer run the same file. Pure.
 */

import type { EventBudget } from './documents.ts';
import { PACE } from './forecast.ts';
import { pairSteps, stepsOf } from './steps/catalogue.ts';
import type { PairItem } from './steps/results.ts';

/** Events of one execution at most. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const EVENT_LIMIT = 25_000;

/** Events of a Task, of a Map around its iterations, and of a Choice. */
const TASK_EVENTS = 5;
const MAP_EVENTS = 4;
const CHOICE_EVENTS = 2;

/** Events of one branch's steps outside of its Maps, with the Choice states that follow them. */
function eventsOfBranch(direction: 'forward' | 'rollback'): number {
  return stepsOf(direction).reduce(
    (sum, [, { perPair, polling, decides }]) =>
      sum + (perPair ? MAP_EVENTS : TASK_EVENTS) + (polling || decides ? CHOICE_EVENTS : 0),
    0,
  );
}

/** As the definition makes them; test/infra/scale.test.ts counts them. */
export const EVENTS = {
  /** Everything on the way to `Migrated` that is not inside a Map; 4 are those of the execution and of its last state. */
  forward: 4 + eventsOfBranch('forward'),
  /** Everything on the way from a Catch to `RolledBack`, after the drop; 1 is that of the last state. */
  rollback: 1 + eventsOfBranch('rollback'),
  /** An iteration of a Map of the forward path that is done when it is first asked. */
  forwardIteration: 11,
  /** The same of RestoreParent. */
  rollbackIteration: 11,
  /** A turn of waiting and asking again. */
  turn: 9,
  /** An attempt that failed and is made again. */
  retry: 3,
} as const;

/** Maps of the forward path. */
const FORWARD_MAPS = pairSteps.filter(({ direction }) => direction === 'forward').length;

/**
 * What has to happen may use this share of the limit. The rest is for what may happen: long validations and held-back pairs
 * that are asked after, refused locks that are asked for again.
 */
const CERTAIN_SHARE = 0.6;

/** Map iterations, and so pairs one by one, that fit. */
export const ITERATION_LIMIT = Math.floor(
  (EVENT_LIMIT * CERTAIN_SHARE - EVENTS.forward - EVENTS.rollback) /
    (FORWARD_MAPS * EVENTS.forwardIteration + EVENTS.rollbackIteration),
);

/** What beginning and ending one pair's work takes, as rows that could be validated meanwhile. */
const ROWS_PER_PAIR = 20_000;
/** Seconds that a function works before it is asked anew. */
const SECONDS_PER_CALL = 840;
/** Seconds between two looks at a statement at most, and from what running time on. */
const LONGEST_WAIT = 300;
const LONGEST_WAIT_FROM = 3_000;
/** Pairs on which one call of a function works at most: each has a line in its result, and a payload has 256 KiB. */
export const PAIRS_PER_CALL = 100;

interface Sized {
  readonly pair: number;
  readonly referencing: string;
  readonly rows: number;
}

/**
 * The items of the Map states: one a pair while they fit, else runs of neighbours that have about the same work to do. Pairs
 * come largest first, so a large one stays alone and the many small ones at the end go together.
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
    // The share of this item of all that is left; the last item takes what there is.
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

/** @param approvalTimeoutSeconds 0: no approval is asked for */
export function eventBudget(pairs: readonly Omit<Sized, 'referencing'>[], approvalTimeoutSeconds = 0): EventBudget {
  const items = iterationsOf(pairs.map((pair) => ({ ...pair, referencing: '' })));
  const sizes = items.map(({ pair, last }) => pairs.filter((each) => each.pair >= pair && each.pair <= last));
  const turns = sizes.reduce((sum, batch) => sum + turnsOf(batch), 0);
  const events = EVENTS.forward + items.length * FORWARD_MAPS * EVENTS.forwardIteration + turns * EVENTS.turn;
  const rollbackEvents = EVENTS.rollback + items.length * EVENTS.rollbackIteration;
  const left = EVENT_LIMIT - events - rollbackEvents;
  const approvalEvents =
    approvalTimeoutSeconds === 0
      ? 0
      : EVENTS.turn * approvalTurns(approvalTimeoutSeconds, longestPoll(left, approvalTimeoutSeconds));
  return {
    iterations: items.length,
    pairsPerIteration: Math.max(0, ...sizes.map((batch) => batch.length)),
    events,
    rollbackEvents,
    approvalEvents,
    reserve: left - approvalEvents,
    limit: EVENT_LIMIT,
  };
}

/** Waiting for an approval may use this share of what the work leaves of the limit. */
const APPROVAL_SHARE = 0.5;
const SHORTEST_POLL = 2;
const LONGEST_POLL = 300;

/** Seconds between two looks for an approval at most: 5 minutes, or longer where a long wait would otherwise not fit into the limit. */
function longestPoll(eventsLeft: number, timeoutSeconds: number): number {
  const turns = Math.max(1, Math.floor((eventsLeft * APPROVAL_SHARE) / EVENTS.turn) - GROWING_POLLS);
  return Math.max(LONGEST_POLL, Math.ceil(timeoutSeconds / turns));
}

/** Looks until the wait between two of them has grown from the shortest to the longest, at most. */
const GROWING_POLLS = 110;

function approvalTurns(timeoutSeconds: number, longest: number): number {
  return Math.min(GROWING_POLLS, timeoutSeconds / SHORTEST_POLL) + Math.ceil(timeoutSeconds / longest);
}

/**
 * Seconds until an approval is looked for again: a tenth of the time waited so far. A day of waiting costs some hundred turns, and
 * thirty days fit into one execution, however many pairs it has.
 *
 * @param waited seconds since it was asked for
 */
export function pollForApproval(
  waited: number,
  timeoutSeconds: number,
  pairs: readonly Omit<Sized, 'referencing'>[],
): number {
  const { events, rollbackEvents } = eventBudget(pairs);
  const longest = longestPoll(EVENT_LIMIT - events - rollbackEvents, timeoutSeconds);
  const left = Math.max(1, Math.ceil(timeoutSeconds - waited));
  return Math.min(longest, left, Math.max(SHORTEST_POLL, Math.round(waited / 10)));
}

/** How often a batch is asked after, in the three Maps together, because its work or its result outgrows one call. */
function turnsOf(batch: readonly { readonly rows: number }[]): number {
  const full = FORWARD_MAPS * Math.floor((batch.length - 1) / PAIRS_PER_CALL);
  const statements = batch.flatMap(({ rows }) => [rows / PACE.index, rows / PACE.validate]);
  const short = statements.filter((seconds) => seconds < SECONDS_PER_CALL).reduce((sum, seconds) => sum + seconds, 0);
  const long = statements.reduce((sum, seconds) => sum + turnsOfStatement(seconds), 0);
  return full + Math.floor(short / SECONDS_PER_CALL) + long;
}

/**
 * A statement that outlives its function is asked after each time a tenth of its time so far has gone by, at least every 5
 * minutes (`core/steps/detached.ts`): six hours cost some 75 turns.
 */
function turnsOfStatement(seconds: number): number {
  if (seconds < SECONDS_PER_CALL) return 0;
  const growing = Math.ceil(Math.log(Math.min(seconds, LONGEST_WAIT_FROM) / SECONDS_PER_CALL) / Math.log(1.1));
  return growing + Math.ceil(Math.max(0, seconds - LONGEST_WAIT_FROM) / LONGEST_WAIT);
}
