import { describe, expect, it } from 'vitest';
import { startExecution } from '../../local/engine/engine.ts';
import { ARN, fn, gate, machine, Named, output, run } from './engine.helpers.ts';

describe('handlers', () => {
  it('are called with the input after Parameters, and their result becomes the output', async () => {
    const definition = machine({
      Add: { Type: 'Task', Resource: fn('add'), Parameters: { 'a.$': '$.a', b: 2 }, ResultPath: '$.sum', End: true },
    });

    const finished = await run(definition, { add: async (event) => sum(event) }, { a: 40 });

    expect(output(finished)).toEqual({ a: 40, sum: 42 });
  });

  it('receive and return what JSON keeps, not the objects themselves', async () => {
    const seen: unknown[] = [];
    const definition = machine({
      First: { Type: 'Task', Resource: fn('first'), Next: 'Second' },
      Second: { Type: 'Task', Resource: fn('second'), End: true },
    });
    const handlers = {
      first: async () => ({ at: new Date(0), gone: undefined, list: [undefined], nan: Number.NaN }),
      second: async (event: unknown) => {
        seen.push(event);
      },
    };

    const finished = await run(definition, handlers);

    expect(seen).toEqual([{ at: '1970-01-01T00:00:00.000Z', list: [null], nan: null }]);
    expect(output(finished)).toBeNull();
  });

  it('cannot change what their next attempt is given', async () => {
    const seen: unknown[] = [];
    const definition = machine({
      Work: {
        Type: 'Task',
        Resource: fn('work'),
        Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 1, JitterStrategy: 'FULL' }],
        End: true,
      },
    });

    await run(
      definition,
      {
        work: async (event) => {
          const pair = event as { pair: number };
          seen.push(pair.pair);
          pair.pair += 1;
          throw new Named('LockTimeout', 'again');
        },
      },
      { pair: 1 },
    );

    expect(seen).toEqual([1, 1]);
  });

  it('get a Lambda context whose time runs out with the TimeoutSeconds of the Task', async () => {
    const definition = machine({
      Short: { Type: 'Task', Resource: fn('look'), TimeoutSeconds: 7, ResultPath: '$.short', Next: 'Long' },
      Long: { Type: 'Task', Resource: fn('look'), ResultPath: '$.long', End: true },
    });

    const finished = await run(
      definition,
      {
        look: async (_, context) => ({
          name: context.functionName,
          arn: context.invokedFunctionArn,
          memory: context.memoryLimitInMB,
          seconds: Math.round(context.getRemainingTimeInMillis() / 1000),
        }),
      },
      {},
      { taskContext: { memoryLimitInMB: '512' } },
    );

    const look = { name: 'look', arn: fn('look'), memory: '512' };
    expect(output(finished)).toEqual({ short: { ...look, seconds: 7 }, long: { ...look, seconds: 900 } });
  });

  it('that are missing refuse the start', () => {
    const definition = machine({ Plan: { Type: 'Task', Resource: fn('plan'), End: true } });

    expect(() => startExecution({ definition, handlers: {}, input: {}, executionArn: ARN, name: 'test' })).toThrow(
      'State Plan calls the function plan, for which there is no handler.',
    );
  });
});

describe('errors', () => {
  it("carry the class's name, and Lambda's JSON as Cause", async () => {
    const definition = machine({
      Work: { Type: 'Task', Resource: fn('work'), Catch: [{ ErrorEquals: ['OrphanedRows'], Next: 'Tell' }], End: true },
      Tell: { Type: 'Pass', End: true },
    });

    const finished = await run(definition, { work: () => Promise.reject(new Named('OrphanedRows', '37 rows')) });

    const { Error: error, Cause } = output(finished) as { Error: string; Cause: string };
    expect(error).toBe('OrphanedRows');
    expect(JSON.parse(Cause)).toEqual({
      errorType: 'OrphanedRows',
      errorMessage: '37 rows',
      trace: expect.arrayContaining([expect.stringContaining('37 rows')]),
    });
  });

  it('that nothing catches fail the execution under the same name', async () => {
    const definition = machine({ Work: { Type: 'Task', Resource: fn('work'), End: true } });

    const { outcome, story } = await run(definition, { work: () => Promise.reject(new Named('GateFailed', 'no')) });

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'GateFailed' });
    expect(story).toEqual(['entered Work', 'scheduled Work 1', 'failed Work 1', 'ExecutionFailed']);
  });

  it.each([
    ['a string', () => Promise.reject('plain'), { errorType: 'string', errorMessage: 'plain' }],
    ['a result that JSON cannot hold', async () => 1n, { errorType: 'Runtime.MarshalError' }],
  ])('of %s have the shape that Lambda gives them', async (_, work, expected) => {
    const definition = machine({ Work: { Type: 'Task', Resource: fn('work'), End: true } });

    const { outcome } = await run(definition, { work });

    const { cause } = outcome as { cause: string };
    expect(JSON.parse(cause)).toMatchObject(expected);
  });

  it('are retried by name, each attempt numbered, before Catch is asked', async () => {
    let calls = 0;
    const definition = machine({
      Work: {
        Type: 'Task',
        Resource: fn('work'),
        Retry: [{ ErrorEquals: ['LockTimeout'], IntervalSeconds: 1, MaxAttempts: 2, JitterStrategy: 'FULL' }],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Pass', End: true },
    });

    const finished = await run(definition, {
      work: async () => {
        calls += 1;
        throw new Named('LockTimeout', `try ${calls}`);
      },
    });

    expect(calls).toBe(3);
    expect(output(finished)).toMatchObject({ error: { Error: 'LockTimeout' } });
    expect(finished.story).toEqual([
      'entered Work',
      'scheduled Work 1',
      'failed Work 1',
      'scheduled Work 2',
      'failed Work 2',
      'scheduled Work 3',
      'failed Work 3',
      'entered Caught',
      'ExecutionSucceeded',
    ]);
  });

  it('are numbered anew when a loop comes back to the same work', async () => {
    const definition = machine({
      Ask: { Type: 'Task', Resource: fn('ask'), Parameters: {}, ResultPath: '$.result', Next: 'Again?' },
      'Again?': {
        Type: 'Choice',
        Choices: [{ Variable: '$.result', StringEquals: 'RUNNING', Next: 'Ask' }],
        Default: 'Done',
      },
      Done: { Type: 'Succeed' },
    });
    const answers = ['RUNNING', 'DONE'];

    const { story } = await run(definition, { ask: async () => answers.shift() });

    expect(story.filter((line) => line.endsWith('1'))).toEqual([
      'scheduled Ask 1',
      'succeeded Ask 1',
      'scheduled Ask 1',
      'succeeded Ask 1',
    ]);
  });

  it('of time end the attempt as States.Timeout, and the late answer is not heard', async () => {
    const { open, opened } = gate();
    const definition = machine({
      Slow: {
        Type: 'Task',
        Resource: fn('slow'),
        TimeoutSeconds: 1,
        Catch: [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.error', Next: 'Late' }],
        End: true,
      },
      Late: { Type: 'Task', Resource: fn('late'), End: true },
    });

    const { story, outcome } = await run(definition, {
      slow: () => opened,
      late: async () => {
        open();
        return 'ok';
      },
    });

    expect(outcome).toEqual({ status: 'SUCCEEDED', output: 'ok' });
    expect(story.filter((line) => line.endsWith('1'))).toEqual([
      'scheduled Slow 1',
      'failed Slow 1',
      'scheduled Late 1',
      'succeeded Late 1',
    ]);
  });
});

describe('context object', () => {
  it('names execution and state machine, inside a Map as well', async () => {
    const definition = machine({
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemSelector: {
          'item.$': '$$.Map.Item.Value',
          'execution.$': '$$.Execution.Id',
          'name.$': '$$.Execution.Name',
          'machine.$': '$$.StateMachine.Id',
        },
        ItemProcessor: machine({
          Inner: { Type: 'Pass', Parameters: { 'id.$': '$$.Execution.Id', 'all.$': '$' }, End: true },
        }),
        End: true,
      },
    });

    const finished = await run(definition, {}, { items: [1] });

    const stateMachine = 'arn:aws:states:local:000000000000:stateMachine:p2pfk';
    expect(output(finished)).toEqual([
      { id: ARN, all: { item: 1, execution: ARN, name: 'test', machine: stateMachine } },
    ]);
  });
});

function sum(event: unknown): number {
  const { a, b } = event as { a: number; b: number };
  return a + b;
}
