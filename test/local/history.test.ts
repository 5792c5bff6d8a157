/**
 * Histories as AWS writes them. The orders and the previous ids expected here are those of recordings from the service:
 * the snapshots that LocalStack's tests validate against AWS (tests/aws/services/stepfunctions in its repository).
 */

import { describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import type { Handlers, StateMachineDefinition } from '../../local/engine/engine.ts';
import { fn, gate, machine, Named, run } from './engine.helpers.ts';

async function historyOf(definition: StateMachineDefinition, handlers: Handlers, input: unknown = {}) {
  const events: HistoryEvent[] = [];
  await run(definition, handlers, input, { onHistory: (event) => events.push(event) });
  return events;
}

/** `id<-previous type name` of each event. */
function outline(events: readonly HistoryEvent[]): string[] {
  return events.map((event) => {
    const { name } = event.stateEnteredEventDetails ?? event.stateExitedEventDetails ?? {};
    const iteration =
      event.mapIterationStartedEventDetails ??
      event.mapIterationSucceededEventDetails ??
      event.mapIterationFailedEventDetails ??
      event.mapIterationAbortedEventDetails;
    const about = name ?? (iteration === undefined ? '' : `${iteration.name}[${iteration.index}]`);
    return `${event.id}<-${event.previousEventId} ${event.type} ${about}`.trim();
  });
}

const eachOf = (states: Parameters<typeof machine>[0], more: object = {}) => ({
  Type: 'Map',
  ItemsPath: '$.items',
  ItemProcessor: machine(states),
  ...more,
});

describe('the history of an execution', () => {
  it('has a new LambdaFunctionScheduled after each failure, and the exit of a Task that was caught', async () => {
    const retry = { ErrorEquals: ['LockTimeout'], IntervalSeconds: 1, MaxAttempts: 1, MaxDelaySeconds: 1 };
    const definition = machine({
      Work: {
        Type: 'Task',
        Resource: fn('work'),
        TimeoutSeconds: 60,
        Retry: [{ ...retry, JitterStrategy: 'FULL' }],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Give up' }],
        End: true,
      },
      'Give up': { Type: 'Fail', Error: 'GaveUp', Cause: 'so it is' },
    });

    const events = await historyOf(
      definition,
      {
        work: async () => {
          throw new Named('LockTimeout', 'held by pid 4711');
        },
      },
      { table: 'path' },
    );

    expect(outline(events)).toEqual([
      '1<-0 ExecutionStarted',
      '2<-0 TaskStateEntered Work',
      '3<-2 LambdaFunctionScheduled',
      '4<-3 LambdaFunctionStarted',
      '5<-4 LambdaFunctionFailed',
      '6<-5 LambdaFunctionScheduled',
      '7<-6 LambdaFunctionStarted',
      '8<-7 LambdaFunctionFailed',
      '9<-8 TaskStateExited Work',
      '10<-9 FailStateEntered Give up',
      '11<-10 ExecutionFailed',
    ]);
    expect(events[0]).toMatchObject({
      timestamp: expect.any(Date),
      executionStartedEventDetails: { input: '{"table":"path"}', inputDetails: { truncated: false } },
    });
    expect(events[2]?.lambdaFunctionScheduledEventDetails).toEqual({
      resource: fn('work'),
      input: '{"table":"path"}',
      inputDetails: { truncated: false },
      timeoutInSeconds: 60,
    });
    const { error, cause } = events[4]?.lambdaFunctionFailedEventDetails ?? {};
    expect(error).toBe('LockTimeout');
    expect(JSON.parse(cause ?? '')).toMatchObject({ errorType: 'LockTimeout', errorMessage: 'held by pid 4711' });
    const caught = JSON.parse(events[8]?.stateExitedEventDetails?.output ?? '');
    expect(caught).toMatchObject({ table: 'path', error: { Error: 'LockTimeout' } });
    expect(events[10]?.executionFailedEventDetails).toEqual({ error: 'GaveUp', cause: 'so it is' });
  });

  it('has a retry when its delay is over, and not before', async () => {
    const retry = { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 1 };
    const definition = machine({ Work: { Type: 'Task', Resource: fn('work'), Retry: [retry], End: true } });

    const events = await historyOf(definition, { work: () => Promise.reject(new Error('again')) });

    const at = (id: number) => events[id - 1]?.timestamp?.getTime() ?? 0;
    expect(outline(events).slice(4, 6)).toEqual(['5<-4 LambdaFunctionFailed', '6<-5 LambdaFunctionScheduled']);
    expect(at(6) - at(5)).toBeGreaterThanOrEqual(990);
  });

  it('chains the events of each iteration to its MapIterationStarted, however they mix', async () => {
    const definition = machine({
      Each: eachOf(
        { Work: { Type: 'Task', Resource: fn('work'), Next: 'Ready' }, Ready: { Type: 'Succeed' } },
        { Next: 'Wait' },
      ),
      Wait: { Type: 'Wait', Seconds: 0, Next: 'Which?' },
      'Which?': { Type: 'Choice', Choices: [{ Variable: '$[0]', IsPresent: true, Next: 'Done' }], Default: 'Done' },
      Done: { Type: 'Pass', End: true },
    });
    const second = gate();

    const events = await historyOf(
      definition,
      {
        // The second item ends first.
        work: async (item) => {
          if (item === 'second') setTimeout(second.open);
          else await second.opened;
          return `${item} done`;
        },
      },
      { items: ['first', 'second'] },
    );

    const byId = new Map(events.map((event) => [event.id, event]));
    const startOf = (event: HistoryEvent | undefined): number | undefined => {
      if (event?.type === 'MapIterationStarted') return event.mapIterationStartedEventDetails?.index;
      return startOf(byId.get(event?.previousEventId ?? 0));
    };
    const results = events.flatMap((event) =>
      event.type === 'LambdaFunctionSucceeded'
        ? [[startOf(event), event.lambdaFunctionSucceededEventDetails?.output]]
        : [],
    );
    expect(results).toEqual([
      [1, '"second done"'],
      [0, '"first done"'],
    ]);
    const written = outline(events);
    expect(written.slice(0, 3)).toEqual(['1<-0 ExecutionStarted', '2<-0 MapStateEntered Each', '3<-2 MapStateStarted']);
    expect(events[2]?.mapStateStartedEventDetails).toEqual({ length: 2 });
    const [last] = events.filter((event) => event.type === 'MapIterationSucceeded').slice(-1);
    const from = events.findIndex((event) => event.type === 'MapStateSucceeded');
    const id = last?.id ?? 0;
    // The exit follows the last iteration, not MapStateSucceeded.
    expect(written.slice(from)).toEqual([
      `${id + 1}<-${id} MapStateSucceeded`,
      `${id + 2}<-${id} MapStateExited Each`,
      `${id + 3}<-${id + 2} WaitStateEntered Wait`,
      `${id + 4}<-${id + 3} WaitStateExited Wait`,
      `${id + 5}<-${id + 4} ChoiceStateEntered Which?`,
      `${id + 6}<-${id + 5} ChoiceStateExited Which?`,
      `${id + 7}<-${id + 6} PassStateEntered Done`,
      `${id + 8}<-${id + 7} PassStateExited Done`,
      `${id + 9}<-${id + 8} ExecutionSucceeded`,
    ]);
    expect(events.at(-1)?.executionSucceededEventDetails?.output).toBe('["first done","second done"]');
  });

  it('of a Map over nothing is begun and succeeded', async () => {
    const definition = machine({ Each: eachOf({ Inner: { Type: 'Pass', End: true } }, { End: true }) });

    expect(outline(await historyOf(definition, {}, { items: [] }))).toEqual([
      '1<-0 ExecutionStarted',
      '2<-0 MapStateEntered Each',
      '3<-2 MapStateStarted',
      '4<-3 MapStateSucceeded',
      '5<-3 MapStateExited Each',
      '6<-5 ExecutionSucceeded',
    ]);
  });

  it('tells of a failed Map which iteration failed, and aborts the others with what they were at', async () => {
    const definition = machine({
      Each: eachOf(
        { Work: { Type: 'Task', Resource: fn('work'), End: true } },
        { MaxConcurrency: 3, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }], End: true },
      ),
      Caught: { Type: 'Pass', End: true },
    });
    const running = gate();
    let begun = 0;

    const events = await historyOf(
      definition,
      {
        work: async (item) => {
          begun += 1;
          if (begun === 3) running.open();
          await running.opened;
          if (item === 'b') throw new Named('OrphanedRows', '3 rows');
          await new Promise((resolve) => setTimeout(resolve, 50));
        },
      },
      { items: ['a', 'b', 'c', 'd'] },
    );

    const failure = events.find((event) => event.type === 'LambdaFunctionFailed')?.id ?? 0;
    expect(outline(events.slice(failure))).toEqual([
      `${failure + 1}<-${failure} MapIterationAborted Each[0]`,
      `${failure + 2}<-${failure} TaskStateAborted`,
      `${failure + 3}<-${failure} MapIterationFailed Each[1]`,
      `${failure + 4}<-${failure} TaskStateAborted`,
      `${failure + 5}<-${failure} MapIterationAborted Each[2]`,
      `${failure + 6}<-${failure} TaskStateAborted`,
      `${failure + 7}<-${failure} MapStateFailed`,
      `${failure + 8}<-${failure + 7} MapStateExited Each`,
      `${failure + 9}<-${failure + 8} PassStateEntered Caught`,
      `${failure + 10}<-${failure + 9} PassStateExited Caught`,
      `${failure + 11}<-${failure + 10} ExecutionSucceeded`,
    ]);
  });

  it('of a Map that is tried again begins it anew, and tells its failure once', async () => {
    const definition = machine({
      Each: eachOf(
        { Stop: { Type: 'Fail', Error: 'No', Cause: 'never' } },
        { Retry: [{ ErrorEquals: ['No'], IntervalSeconds: 1, MaxAttempts: 1 }], End: true },
      ),
    });

    expect(outline(await historyOf(definition, {}, { items: [1] }))).toEqual([
      '1<-0 ExecutionStarted',
      '2<-0 MapStateEntered Each',
      '3<-2 MapStateStarted',
      '4<-3 MapIterationStarted Each[0]',
      '5<-4 FailStateEntered Stop',
      '6<-5 MapIterationFailed Each[0]',
      '7<-5 MapStateStarted',
      '8<-7 MapIterationStarted Each[0]',
      '9<-8 FailStateEntered Stop',
      '10<-9 MapIterationFailed Each[0]',
      '11<-9 MapStateFailed',
      '12<-11 ExecutionFailed',
    ]);
  });

  it('of a Task whose time is up has LambdaFunctionTimedOut, without a cause', async () => {
    const definition = machine({ Work: { Type: 'Task', Resource: fn('work'), TimeoutSeconds: 1, End: true } });
    const never = gate();

    const events: HistoryEvent[] = [];
    const finished = run(definition, { work: () => never.opened }, {}, { onHistory: (event) => events.push(event) });
    await expect.poll(() => events.at(-1)?.type, { timeout: 10_000 }).toBe('ExecutionFailed');
    never.open();
    await finished;

    expect(outline(events).slice(3)).toEqual([
      '4<-3 LambdaFunctionStarted',
      '5<-4 LambdaFunctionTimedOut',
      '6<-5 ExecutionFailed',
    ]);
    expect(events[4]?.lambdaFunctionTimedOutEventDetails).toEqual({ error: 'States.Timeout' });
  });
});
