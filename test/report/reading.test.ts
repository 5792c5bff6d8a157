import { expect, it } from 'vitest';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { readHistory } from '../../core/history/read-history.ts';
import { barsOfPairs } from '../../report/reading/stages.ts';
import { buildReport } from '../../report/report.ts';
import { story } from './story.helpers.ts';

const entered = (id: number, previousEventId: number, type: string, name: string, input: unknown): HistoryEvent => ({
  id,
  previousEventId,
  type: `${type}StateEntered`,
  timestamp: new Date(id * 1_000),
  stateEnteredEventDetails: { name, input: JSON.stringify(input) },
});
const plain = (
  id: number,
  previousEventId: number,
  type: string,
  details: Partial<HistoryEvent> = {},
): HistoryEvent => ({
  id,
  previousEventId,
  type,
  timestamp: new Date(id * 1_000),
  ...details,
});

/** One iteration that takes the pairs 1 to 3, and the state after its Map. */
const RUN: readonly HistoryEvent[] = [
  entered(1, 0, 'Map', 'ValidateForeignKeys', { pairs: [{ pair: 1, last: 3 }] }),
  plain(2, 1, 'MapStateStarted', { mapStateStartedEventDetails: { length: 1 } }),
  plain(3, 2, 'MapIterationStarted', { mapIterationStartedEventDetails: { name: 'ValidateForeignKeys', index: 0 } }),
  entered(4, 3, 'Task', 'ValidateForeignKey', { pair: 1, last: 3 }),
  plain(5, 4, 'LambdaFunctionScheduled'),
  plain(7, 5, 'LambdaFunctionSucceeded', {
    lambdaFunctionSucceededEventDetails: { output: '{"status":"DONE","pair":1,"last":3}' },
  }),
  plain(8, 7, 'TaskStateExited', { stateExitedEventDetails: { name: 'ValidateForeignKey' } }),
  plain(9, 8, 'MapIterationSucceeded', {
    mapIterationSucceededEventDetails: { name: 'ValidateForeignKeys', index: 0 },
  }),
  plain(10, 9, 'MapStateSucceeded'),
  plain(11, 10, 'MapStateExited', { stateExitedEventDetails: { name: 'ValidateForeignKeys' } }),
  entered(12, 11, 'Task', 'VerifyGate', {}),
];

it('what follows a Map belongs to no iteration, and comes from the Map', () => {
  const { visits, steps } = readHistory(RUN);
  expect(visits.find((visit) => visit.state === 'VerifyGate')?.pair).toBeNull();
  expect(visits.find((visit) => visit.state === 'ValidateForeignKeys')?.exitedAt).toBe(11_000);
  expect(steps).toEqual([{ from: 'ValidateForeignKeys', to: 'VerifyGate' }]);
});

it('of a run of pairs each has the time of its own statement where the ledger tells it, else that of the run', () => {
  const { trail } = story({ pairs: 3 });
  if (trail === null) throw new Error('the story has no ledger');
  const event = trail.events.find(({ step, pair }) => step === 'ValidateForeignKeys' && pair === 2);
  if (event === undefined) throw new Error('the story has no validation');
  const events = [{ ...event, at: new Date(6_500).toISOString(), lockWaitMs: 0, durationMs: 400 }];

  const bars = barsOfPairs(readHistory(RUN).visits, { ...trail, events }, { begin: 0, end: 12_000 });

  expect([...bars.keys()]).toEqual([1, 2, 3]);
  expect(bars.get(1)?.validate).toMatchObject({ from: 5_000, durationMs: 2_000 });
  expect(bars.get(2)?.validate).toMatchObject({ from: 6_100, durationMs: 400 });
});

it('a history without its data still shows states, times and the end', () => {
  const sources = story({ pairs: 2, withLedger: false });
  const history = sources.history.map(
    ({ id, previousEventId, type, timestamp, stateEnteredEventDetails, stateExitedEventDetails }) => ({
      id,
      previousEventId,
      type,
      timestamp,
      ...(stateEnteredEventDetails === undefined
        ? {}
        : { stateEnteredEventDetails: { name: stateEnteredEventDetails.name } }),
      ...(stateExitedEventDetails === undefined
        ? {}
        : { stateExitedEventDetails: { name: stateExitedEventDetails.name } }),
    }),
  );
  const report = buildReport({ ...sources, history });
  expect(report.status).toBe('MIGRATED');
  expect(report.states.find((state) => state.name === 'VerifyMigration')?.outcome).toBe('succeeded');
  expect(report.pairs).toEqual([]);
});
