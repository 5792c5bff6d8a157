import { describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { readHistory } from '../../core/history/read-history.ts';
import { costsOf } from '../../report/reading/costs.ts';
import { barsOfPairs } from '../../report/reading/stages.ts';
import { render } from '../../report/render.ts';
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

describe('what a long step cost others', () => {
  const output = (wal: readonly number[] | null, more: object = {}) => ({
    status: 'DONE',
    pair: 1,
    durationMs: 0,
    cost: { wal, read: wal, lagSeconds: null },
    ...more,
  });
  const visit = (id: number, outputs: readonly object[], state = 'ValidateForeignKey') => ({
    id,
    state,
    pair: 1,
    last: 1,
    enteredAt: id * 1_000,
    exitedAt: id * 1_000 + 500,
    input: {},
    attempts: outputs.map((each, index) => ({
      number: index + 1,
      scheduledAt: id * 1_000,
      endedAt: id * 1_000 + 500,
      outcome: 'succeeded' as const,
      input: {},
      output: each,
      failure: null,
    })),
    failure: null,
    aborted: false,
  });
  const costs = (...visits: ReturnType<typeof visit>[]) => costsOf({ visits, events: [], steps: [] });

  it('is that of all its calls, with what happened between them', () => {
    const [cost] = costs(
      visit(1, [output([100, 200], { status: 'RUNNING', cost: { wal: [100, 200], read: [5, 6], lagSeconds: 0.5 } })]),
      visit(9, [output([900, 1_000], { durationMs: 7_000, cost: { wal: [900, 1_000], read: [7, 9], lagSeconds: 3 } })]),
    );

    expect(cost).toEqual({
      step: 'Validate',
      statements: 1,
      snapshotMs: 7_000,
      snapshotIsExact: true,
      longestPair: 1,
      walBytes: 900,
      readBytes: 4,
      lagSeconds: 3,
    });
  });

  it('is a snapshot of at most the time between its calls, where its own time is not known', () => {
    const [cost] = costs(visit(1, [output([0, 1], { status: 'RUNNING' })]), visit(4, [output([1, 1])]));

    expect(cost).toMatchObject({ snapshotMs: 3_500, snapshotIsExact: false });
  });

  it('of an index build is at most its time, since each of its two scans has its own snapshot', () => {
    const [cost] = costs(visit(1, [output([0, 1], { durationMs: 80 })], 'BuildIndex'));

    expect(cost).toMatchObject({ step: 'Index', snapshotMs: 80, snapshotIsExact: false });
  });

  it('is unknown where one call did not know it, and nothing where no call has it', () => {
    const [cost] = costs(visit(1, [output([5, 6])]), visit(2, [output(null)]));

    expect(cost).toMatchObject({ walBytes: null, readBytes: null, lagSeconds: null });
    expect(costs(visit(1, [{ status: 'DONE', pair: 1 }]))).toEqual([]);
  });

  it('of a run of pairs is that of each, of which the longest is named', () => {
    const batch = [
      output([0, 10], { durationMs: 5 }),
      output([10, 30], { pair: 2, durationMs: 9, cost: { wal: [10, 30], read: [0, 4], lagSeconds: 0 } }),
    ];
    const [cost] = costs(visit(1, [output([0, 30], { batch })]));

    expect(cost).toMatchObject({ statements: 2, longestPair: 2, snapshotMs: 9, walBytes: 30, readBytes: 14 });
  });

  it('is told by the report as a page and as Markdown', async () => {
    const report = buildReport(story({ pairs: 3 }));

    expect(report.costs.map(({ step }) => step)).toEqual(['Index', 'Validate']);
    expect(report.costs[1]).toMatchObject({ statements: 3, walBytes: 3 * 1_048_576, lagSeconds: 0.25 });
    expect(await render(report, 'html')).toContain('What it cost others');
    expect(await render(report, 'markdown')).toContain('| Validate | 3 |');
  });
});
