import { describe, expect, it } from 'vitest';
import { HistoryEvent } from '../../../core/contracts/history-event.ts';
import { HistoryReader, planOf, readHistory } from '../../../core/history/read-history.ts';

type Details = Partial<HistoryEvent>;

const event = (id: number, previousEventId: number, type: string, details: Details = {}): HistoryEvent => ({
  id,
  previousEventId,
  type,
  timestamp: new Date(id * 1_000),
  ...details,
});
const entered = (id: number, previous: number, type: string, name: string, input: unknown): HistoryEvent =>
  event(id, previous, `${type}StateEntered`, { stateEnteredEventDetails: { name, input: JSON.stringify(input) } });
const cause = (errorType: string, errorMessage: string) => JSON.stringify({ errorType, errorMessage });

/** Two pairs of which the second is tried again and then fails, while the first is under way. */
const FAILED_MAP: readonly HistoryEvent[] = [
  event(1, 0, 'ExecutionStarted', { executionStartedEventDetails: { input: '{"table":"path"}' } }),
  entered(2, 0, 'Task', 'Plan', {}),
  event(3, 2, 'LambdaFunctionScheduled', { lambdaFunctionScheduledEventDetails: { input: '{"table":"path"}' } }),
  event(4, 3, 'LambdaFunctionStarted'),
  event(5, 4, 'LambdaFunctionSucceeded', {
    lambdaFunctionSucceededEventDetails: { output: '{"status":"PLANNED","migrationId":"7"}' },
  }),
  event(6, 5, 'TaskStateExited', { stateExitedEventDetails: { name: 'Plan' } }),
  entered(7, 6, 'Map', 'AddForeignKeys', { pairs: [{ pair: 5 }, { pair: 6 }] }),
  event(8, 7, 'MapStateStarted', { mapStateStartedEventDetails: { length: 2 } }),
  event(9, 8, 'MapIterationStarted', { mapIterationStartedEventDetails: { name: 'AddForeignKeys', index: 0 } }),
  event(10, 8, 'MapIterationStarted', { mapIterationStartedEventDetails: { name: 'AddForeignKeys', index: 1 } }),
  entered(11, 9, 'Task', 'AddForeignKey', { pair: 5 }),
  entered(12, 10, 'Task', 'AddForeignKey', { pair: 6 }),
  event(13, 11, 'LambdaFunctionScheduled'),
  event(14, 12, 'LambdaFunctionScheduled'),
  event(15, 14, 'LambdaFunctionFailed', {
    lambdaFunctionFailedEventDetails: { error: 'LockTimeout', cause: cause('LockTimeout', 'held by pid 4711') },
  }),
  event(16, 15, 'LambdaFunctionScheduled'),
  event(17, 16, 'LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: { error: 'States.Timeout' } }),
  event(18, 17, 'MapIterationAborted', { mapIterationAbortedEventDetails: { name: 'AddForeignKeys', index: 0 } }),
  event(19, 17, 'TaskStateAborted'),
  event(20, 17, 'MapIterationFailed', { mapIterationFailedEventDetails: { name: 'AddForeignKeys', index: 1 } }),
  event(21, 17, 'TaskStateAborted'),
  event(22, 17, 'MapStateFailed'),
  event(23, 22, 'MapStateExited', { stateExitedEventDetails: { name: 'AddForeignKeys' } }),
  entered(24, 23, 'Task', 'Pause', { error: { Error: 'States.Timeout' } }),
];

describe('readHistory', () => {
  it('finds the state, the pair and the attempt of each event', () => {
    const { events } = readHistory(FAILED_MAP);
    const about = events.map(
      ({ id, change, visit, attempt, pair }) =>
        `${id} ${change ?? '-'} ${visit?.state ?? '-'} ${pair ?? '-'} ${attempt?.number ?? '-'}`,
    );

    expect(about).toEqual([
      '1 - - - -',
      '2 entered Plan - -',
      '3 scheduled Plan - 1',
      '4 - Plan - 1',
      '5 succeeded Plan - 1',
      '6 exited Plan - 1',
      '7 entered AddForeignKeys - -',
      '8 - AddForeignKeys - -',
      '9 - AddForeignKeys 5 -',
      '10 - AddForeignKeys 6 -',
      '11 entered AddForeignKey 5 -',
      '12 entered AddForeignKey 6 -',
      '13 scheduled AddForeignKey 5 1',
      '14 scheduled AddForeignKey 6 1',
      '15 failed AddForeignKey 6 1',
      '16 scheduled AddForeignKey 6 2',
      '17 failed AddForeignKey 6 2',
      '18 - AddForeignKeys 6 -',
      '19 - AddForeignKey 6 2',
      '20 - AddForeignKeys 6 -',
      '21 - AddForeignKey 6 2',
      '22 - AddForeignKeys - -',
      '23 exited AddForeignKeys - -',
      '24 entered Pause - -',
    ]);
  });

  it('returns attempts with what they were given, what they returned, and how they failed', () => {
    const history = readHistory(FAILED_MAP);

    expect(planOf(history)).toEqual({ status: 'PLANNED', migrationId: '7' });
    const [plan, , , failed] = history.visits;
    expect(plan?.attempts).toEqual([
      {
        number: 1,
        scheduledAt: 3_000,
        endedAt: 5_000,
        outcome: 'succeeded',
        input: { table: 'path' },
        output: { status: 'PLANNED', migrationId: '7' },
        failure: null,
      },
    ]);
    // A function whose input the history does not have was given what its state was given.
    expect(failed?.attempts.map(({ input }) => input)).toEqual([{ pair: 6 }, { pair: 6 }]);
    expect(failed?.attempts.map(({ failure }) => failure)).toEqual([
      { name: 'LockTimeout', message: 'held by pid 4711' },
      { name: 'States.Timeout', message: '' },
    ]);
  });

  it('of a failed Map marks the Map as failed, and where it came from as the way that was walked', () => {
    const { visits, steps } = readHistory(FAILED_MAP);

    expect(visits.find(({ state }) => state === 'AddForeignKeys')).toMatchObject({
      exitedAt: 23_000,
      failure: { name: '', message: '' },
    });
    expect(steps).toEqual([
      { from: 'Plan', to: 'AddForeignKeys' },
      { from: 'AddForeignKeys', to: 'Pause' },
    ]);
  });

  it('calls what was open when the execution ended aborted', () => {
    const stopped = [...FAILED_MAP, event(25, 0, 'ExecutionAborted', { executionAbortedEventDetails: {} })];

    expect(readHistory(FAILED_MAP).visits.at(-1)?.aborted).toBe(false);
    expect(readHistory(stopped).visits.at(-1)?.aborted).toBe(true);
  });
});

it.each([1, 3, 7])('read in pages of %i events, newest first and overlapping, a history is the same', (size) => {
  const reader = new HistoryReader();
  const fresh: number[] = [];
  for (let from = 0; from < FAILED_MAP.length; from += size) {
    const page = FAILED_MAP.slice(Math.max(0, from - 2), from + size).toReversed();
    fresh.push(...reader.read(page).map(({ id }) => id));
  }

  expect(fresh).toEqual(FAILED_MAP.map(({ id }) => id));
  expect(reader.lastId).toBe(FAILED_MAP.length);
  expect(reader.history()).toEqual(readHistory(FAILED_MAP));
});

it('an event is the same after it was kept as JSON, and one that is none is refused', () => {
  for (const one of FAILED_MAP) expect(HistoryEvent.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
  expect(HistoryEvent.safeParse({ id: '1', type: 'ExecutionStarted' }).success).toBe(false);
});
