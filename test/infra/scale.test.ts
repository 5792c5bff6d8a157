/**
 * The real state machine with many pairs: how many events and bytes its history has, as AWS would count them. The database
 * is a clock that only says how long a pair takes; what loops over the pairs of a batch is the real thing.
 */

import { describe, expect, it } from 'vitest';
import { LockTimeout } from '../../core/contracts/errors.ts';
import {
  COUNT_ITERATION_LIMIT,
  EVENT_LIMIT,
  EVENTS,
  eventBudget,
  ITERATION_LIMIT,
  iterationsOf,
  lookWhileHeld,
  pollForApproval,
} from '../../core/contracts/event-budget.ts';
import { PACE } from '../../core/contracts/forecast.ts';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { forEachStep } from '../../core/contracts/steps/catalogue.ts';
import type { PairEvent } from '../../core/contracts/steps/events.ts';
import type { PairItem, PairResult } from '../../core/contracts/steps/results.ts';
import { isRecord } from '../../core/history/json.ts';
import { workOnPairs } from '../../core/steps/batch.ts';
import { type Handlers, type StateMachineDefinition, startExecution } from '../../local/engine/engine.ts';
import { definition } from './definition.helpers.ts';

interface SimulatedPair {
  readonly pair: number;
  readonly referencing: string;
  readonly rows: number;
}

/** Largest first, a few large ones and a long tail, with names as long as PostgreSQL's may be. */
function skewed(count: number, largest: number): SimulatedPair[] {
  return Array.from({ length: count }, (_, index) => ({
    pair: index + 1,
    referencing: `public.${'path_of_a_rather_long_name_'.repeat(2)}${String(index + 1).padStart(9, '0')}`,
    rows: Math.ceil(largest / (index + 1)),
  }));
}

const FUNCTION_SECONDS = 900;
const quiet = { debug: () => {}, info: () => {}, warn: () => {} };

type Stage = 'index' | 'add' | 'validate' | 'restore';

/** How long one pair takes, in seconds of nobody's time. */
const SECONDS: Readonly<Record<Stage, (pair: SimulatedPair) => number>> = {
  index: ({ rows }) => rows / PACE.index,
  add: () => 0.03,
  validate: ({ rows }) => rows / PACE.validate,
  restore: ({ rows }) => rows / PACE.validate,
};

/** What PostgreSQL and its ledger would remember: how far each pair is. */
class Clockwork {
  readonly worked: Record<Stage, Map<number, number>> = {
    index: new Map(),
    add: new Map(),
    validate: new Map(),
    restore: new Map(),
  };
  readonly #pairs: readonly SimulatedPair[];
  readonly #through = new Set<string>();
  readonly #secondsLeft = new Map<string, number>();
  readonly #refusedOnce = new Set<string>();

  constructor(pairs: readonly SimulatedPair[]) {
    this.#pairs = pairs;
  }

  /** A function that works on pairs; each call has 15 minutes. */
  handler(stage: Stage): Handlers[string] {
    return async (input) => {
      const event = input as PairEvent;
      const { pair: first, last = first } = event;
      let left = FUNCTION_SECONDS;
      const step = async (_: unknown, { pair }: PairEvent): Promise<PairResult> => {
        const key = `${stage} ${pair}`;
        const simulated = this.#pairs[pair - 1] as SimulatedPair;
        // Every tenth lock is refused once, where others in the same call were granted.
        if (stage === 'add' && pair % 10 === 0 && pair > first && !this.#refusedOnce.has(key)) {
          this.#refusedOnce.add(key);
          throw new LockTimeout('somebody else holds it');
        }
        const needed = this.#secondsLeft.get(key) ?? SECONDS[stage](simulated);
        const spent = Math.min(needed, left - 60);
        left -= spent;
        this.#secondsLeft.set(key, needed - spent);
        if (needed > spent) return this.#result(simulated, 'RUNNING');
        this.#through.add(key);
        this.worked[stage].set(pair, (this.worked[stage].get(pair) ?? 0) + 1);
        return this.#result(simulated, 'DONE');
      };
      const numbers = this.#pairs.map(({ pair }) => pair).filter((pair) => pair >= first && pair <= last);
      const remaining = numbers.filter((pair) => !this.#through.has(`${stage} ${pair}`));
      const context = { remainingMs: () => left * 1000, logger: quiet };
      const result =
        first === last
          ? await step(context, event)
          : await workOnPairs(context, event, { first, last, numbers: remaining, step });
      return { ...result, waitSeconds: 0 };
    };
  }

  #result({ pair, referencing, rows }: SimulatedPair, status: PairResult['status']): PairResult {
    const object = `fk_path_to_${'inode_of_a_long_name_'.repeat(2)}${pair}`;
    const name = referencing.slice('public.'.length);
    const of = this.#pairs.length;
    return {
      status,
      pair,
      of,
      referencing: name,
      referenced: name,
      object,
      rows,
      durationMs: 42_000,
      lockWaitMs: 3,
      waitSeconds: 1,
    };
  }
}

interface Simulated {
  readonly status: string;
  readonly events: readonly HistoryEvent[];
  /** Bytes of the largest input or output of any event. */
  readonly largest: number;
  readonly clockwork: Clockwork;
  readonly items: readonly PairItem[];
}

async function simulate(pairs: readonly SimulatedPair[], { fails = false, counts = false } = {}): Promise<Simulated> {
  const clockwork = new Clockwork(pairs);
  const items = iterationsOf(pairs);
  const count = { pairs: iterationsOf(pairs, COUNT_ITERATION_LIMIT), pairCount: pairs.length, maxConcurrency: 40 };
  // Before an approval and after it, and after the drop.
  const answers = { gate: counts ? 2 : 0, checks: counts ? 1 : 0 };
  const plan = {
    status: 'PLANNED',
    migrationId: '1',
    database: {
      systemIdentifier: '7312345678901234567',
      databaseOid: 16384,
      database: 'copyjob',
      endpoint: 'db.example.com:5432',
    },
    table: 'public.path',
    pairs: items,
    pairCount: pairs.length,
    maxConcurrency: 40,
  };
  const checks = Array.from({ length: 6 }, (_, index) => ({
    id: `check-${index}`,
    passed: true,
    detail: 'x'.repeat(2_000),
  }));
  const events: HistoryEvent[] = [];
  const { outcome } = startExecution({
    definition: definition as unknown as StateMachineDefinition,
    handlers: {
      ...forEachStep(() => async () => ({ status: 'DONE', pair: 0, waitSeconds: 0 })),
      plan: async () => plan,
      'build-index': clockwork.handler('index'),
      'add-foreign-key': clockwork.handler('add'),
      'validate-foreign-key': clockwork.handler('validate'),
      'verify-gate': async () => {
        const gate = { pairs: pairs.length, reason: '', waitSeconds: 0 };
        return answers.gate-- > 0 ? { ...gate, status: 'COUNTING', count } : { ...gate, status: 'PASSED' };
      },
      'drop-parent-foreign-key': async () => ({ status: 'DROPPED' }),
      'verify-migration': async () => {
        const result = { migrationId: '1', database: plan.database, reason: 'slow', checks };
        if (answers.checks-- > 0) return { ...result, status: 'COUNTING', checks: [], count };
        return { ...result, status: fails ? 'FAILED' : 'MIGRATED' };
      },
      fence: async () => ({
        status: 'FENCED',
        parentForeignKey: 'DROPPED',
        pairs: items,
        pairCount: pairs.length,
        maxConcurrency: 40,
      }),
      'restore-parent': clockwork.handler('restore'),
      'attach-parent': async () => ({ status: 'RESTORED' }),
      'drop-pair-foreign-keys': async () => ({ status: 'DROPPED' }),
      'verify-rolled-back': async () => ({ status: 'ROLLED_BACK' }),
      pause: async () => ({ status: 'PAUSED' }),
    },
    input: { table: 'public.path' },
    executionArn: 'arn:aws:states:local:000000000000:execution:p2pfk:scale',
    name: 'scale',
    onHistory: (event) => events.push(event),
  });
  const { status } = await outcome;
  return { status, events, largest: Math.max(...events.map(payloadBytes)), clockwork, items };
}

/** Of the one input or output that an event holds. */
function payloadBytes(event: HistoryEvent): number {
  const details = Object.values(event).filter(isRecord);
  return Math.max(
    0,
    ...details.flatMap(({ input, output }) => [input, output]).map((text) => Buffer.byteLength(String(text ?? ''))),
  );
}

describe('2,000 pairs, the largest of a billion rows', () => {
  const pairs = skewed(2_000, 1_000_000_000);

  it('migrate within the limits of one execution, each pair once', async () => {
    const { status, events, largest, clockwork, items } = await simulate(pairs);

    expect(status).toBe('SUCCEEDED');
    for (const stage of ['index', 'add', 'validate'] as const) {
      expect(clockwork.worked[stage].size).toBe(pairs.length);
      expect(new Set(clockwork.worked[stage].values())).toEqual(new Set([1]));
    }
    expect(items.length).toBeLessThanOrEqual(ITERATION_LIMIT);
    expect(largest).toBeLessThan(128 * 1024);
    // What the plan foresees has no refused locks in it; the reserve is for them.
    const { events: foreseen, reserve } = eventBudget(pairs);
    expect(events.length).toBeGreaterThan(0.9 * foreseen);
    expect(events.length).toBeLessThan(foreseen + reserve / 2);
    expect(events.length).toBeLessThan(EVENT_LIMIT * 0.75);
  });

  it('and find their way back after the drop, within the limits of the same execution', async () => {
    const { status, events, clockwork } = await simulate(pairs, { fails: true });

    expect(status).toBe('FAILED');
    expect(events.at(-1)?.executionFailedEventDetails?.error).toBe('MigrationRolledBack');
    expect(clockwork.worked.restore.size).toBe(pairs.length);
    expect(events.length).toBeLessThan(EVENT_LIMIT);
  });
});

describe('as many pairs as fit one by one', () => {
  it('have the very number of events that the plan tells', async () => {
    const pairs = skewed(ITERATION_LIMIT, 1_000);
    const { status, events, items } = await simulate(pairs);

    expect(status).toBe('SUCCEEDED');
    expect(items.every(({ pair, last }) => pair === last)).toBe(true);
    expect(events).toHaveLength(eventBudget(pairs).events);
  });

  it('have the very number of events that the plan tells for three counts of orphans, too', async () => {
    const pairs = skewed(60, 1_000);
    const { status, events } = await simulate(pairs, { counts: true });
    const { events: forward, countEvents } = eventBudget(pairs);
    expect(status).toBe('SUCCEEDED');
    // After the drop, the list of pairs is where the Map looks for it: no Pass moves it there.
    expect(events).toHaveLength(forward + countEvents - 2);
  });

  it('have the very number of events that the plan tells for a rollback, too', async () => {
    const pairs = skewed(3, 1_000);
    const { events } = await simulate(pairs, { fails: true });
    const { events: forward, rollbackEvents } = eventBudget(pairs);
    // VerificationRefused in place of Migrated, and ExecutionFailed in place of ExecutionSucceeded.
    expect(events).toHaveLength(forward + rollbackEvents);
  });
});

describe('an approval that may take thirty days', () => {
  const DAYS_30 = 30 * 86_400;

  it.each([1, 17, ITERATION_LIMIT, 10_000])('fits into the events of an execution with %i pairs', (count) => {
    const pairs = skewed(count, 100_000_000);
    const { events, rollbackEvents, countEvents, approvalEvents, reserve } = eventBudget(pairs, DAYS_30);
    let turns = 0;
    for (let waited = 0; waited < DAYS_30; turns++) waited += pollForApproval(waited, DAYS_30, pairs);

    expect(turns * EVENTS.turn).toBeLessThanOrEqual(approvalEvents);
    expect(events + approvalEvents + rollbackEvents).toBeLessThan(EVENT_LIMIT * 0.9);
    expect(reserve).toBe(EVENT_LIMIT - events - countEvents - approvalEvents - rollbackEvents);
  });

  it('is looked for every 5 minutes where a shorter wait fits, and never more rarely than every 2 hours', () => {
    expect(pollForApproval(80_000, 86_400, skewed(17, 1_000))).toBe(300);
    expect(pollForApproval(DAYS_30 / 2, DAYS_30, skewed(17, 1_000))).toBeLessThan(3_600);
    expect(pollForApproval(DAYS_30 / 2, DAYS_30, skewed(10_000, 100_000_000))).toBeLessThan(7_200);
  });
});

describe('a hold of a day', () => {
  const DAY = 86_400;

  it.each([
    [1, 17],
    [4, 17],
    [4, 10_000],
    [40, 17],
    [40, ITERATION_LIMIT],
  ])('of %i pairs side by side fits into the events that an execution with %i pairs has left', (sideBySide, count) => {
    const pairs = skewed(count, 1_000);
    const { events, rollbackEvents, countEvents } = eventBudget(pairs);
    let turns = 0;
    for (let waited = 0; waited < DAY; turns++) waited += lookWhileHeld(waited, sideBySide, pairs);
    expect(turns * EVENTS.turn * sideBySide).toBeLessThan(EVENT_LIMIT - events - rollbackEvents - countEvents);
  });

  it('is looked for every 5 seconds at first, after ten minutes every minute, and after a day every few minutes', () => {
    const looks = [0, 600, DAY].map((waited) => lookWhileHeld(waited, 4, skewed(17, 1_000)));
    expect(looks).toEqual([5, 60, 529]);
  });
});

describe('batches', () => {
  it.each([340, 2_000, 10_000, 100_000])('hold each of %i pairs once, in order', (count) => {
    const items = iterationsOf(skewed(count, 1_000_000));
    expect(items.length).toBeLessThanOrEqual(ITERATION_LIMIT);
    const numbers = items.flatMap(({ pair, last }) =>
      Array.from({ length: last - pair + 1 }, (_, index) => pair + index),
    );
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('leave the largest pairs alone, and have about the same work', () => {
    const items = iterationsOf(skewed(10_000, 1_000_000_000));
    expect(items[0]).toMatchObject({ pair: 1, last: 1 });
    const sizes = items.map(({ pair, last }) => last - pair + 1);
    expect(Math.max(...sizes)).toBeLessThan(150);
  });

  it('stay inside 25,000 events for 10,000 pairs, by the arithmetic of docs/aws.md', () => {
    const { iterations, events, rollbackEvents, reserve } = eventBudget(skewed(10_000, 100_000_000));
    expect(iterations).toBeLessThanOrEqual(ITERATION_LIMIT);
    expect(events).toBeLessThan(EVENTS.forward + ITERATION_LIMIT * 33 + 1_000);
    expect(events + rollbackEvents).toBeLessThan(EVENT_LIMIT * 0.65);
    expect(reserve).toBeGreaterThan(8_000);
  });
});
