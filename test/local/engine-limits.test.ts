/** The quotas of a Standard execution, which the engine itself does not know. */
import { describe, expect, it } from 'vitest';
import { startExecution } from '../../local/engine/engine.ts';
import { ARN, fn, machine, output, run } from './engine.helpers.ts';

const KIB = 1024;

describe('limits', () => {
  const catchAll = { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }] };
  const Caught = { Type: 'Pass', End: true };

  it('fail a result of more than 256 KiB as States.DataLimitExceeded, which States.ALL does not catch', async () => {
    const definition = machine({ Work: { Type: 'Task', Resource: fn('work'), ...catchAll, End: true }, Caught });

    const { outcome } = await run(definition, { work: async () => 'é'.repeat(128 * KIB) });

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  it('let exactly 256 KiB pass', async () => {
    const definition = machine({ Work: { Type: 'Task', Resource: fn('work'), End: true } });

    const finished = await run(definition, { work: async () => 'x'.repeat(256 * KIB - 2) });

    expect(output(finished)).toHaveLength(256 * KIB - 2);
  });

  it('count the output of a Map too, which no handler returned in one piece', async () => {
    const definition = machine({
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemProcessor: machine({ Work: { Type: 'Task', Resource: fn('work'), End: true } }),
        ...catchAll,
        Next: 'After',
      },
      After: { Type: 'Task', Resource: fn('after'), End: true },
      Caught,
    });
    let after = 0;

    const { outcome } = await run(
      definition,
      { work: async () => 'x'.repeat(100 * KIB), after: async () => after++ },
      { items: [1, 2, 3] },
    );

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
    expect(after).toBe(0);
  });

  it('count the output of the last state', async () => {
    const definition = machine({
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemProcessor: machine({ Work: { Type: 'Task', Resource: fn('work'), End: true } }),
        End: true,
      },
    });

    const { outcome } = await run(definition, { work: async () => 'x'.repeat(200 * KIB) }, { items: [1, 2] });

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  it('refuse an execution input of more than 256 KiB', () => {
    const start = () =>
      startExecution({
        definition: machine({ Caught }),
        handlers: {},
        input: 'x'.repeat(256 * KIB),
        executionArn: ARN,
        name: 'test',
      });

    expect(start).toThrow(/262146 bytes/);
  });

  it('end an execution at its 25,000th event, whatever it catches', async () => {
    const definition = machine({
      Work: { Type: 'Task', Resource: fn('work'), ResultPath: null, ...catchAll, Next: 'Again?' },
      'Again?': { Type: 'Choice', Choices: [{ Variable: '$.again', BooleanEquals: true, Next: 'Work' }] },
      Caught,
    });
    let calls = 0;

    const { outcome } = await run(definition, { work: async () => calls++ }, { again: true });

    expect(outcome).toEqual({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (25000).',
    });
    // ExecutionStarted, then 7 events a turn: TaskStateEntered, Scheduled, Started, Succeeded, Exited, Choice twice.
    // The last turn ends at its LambdaFunctionScheduled, and the handler is not called.
    expect(calls).toBe(Math.floor((25_000 - 1) / 7));
  });

  // ExecutionStarted and MapStateEntered, -Started, -Succeeded and -Exited are 5 events, each iteration with one Pass in
  // it is 4, a Pass is 2 and a Task 5.
  const Each = {
    Type: 'Map',
    ItemsPath: '$.items',
    ItemProcessor: machine({ Inner: { Type: 'Pass', End: true } }),
    ResultPath: null,
    Next: 'Pass',
  };
  const items = (length: number) => ({ items: new Array(length).fill(0) });

  it('let an execution succeed after 24,999 events', async () => {
    const definition = machine({ Each, Pass: { Type: 'Pass', Parameters: {}, End: true } });

    const { outcome } = await run(definition, {}, items((24_999 - 5 - 2) / 4));

    expect(outcome).toEqual({ status: 'SUCCEEDED', output: {} });
  });

  it('fail it when it has 25,000 and is not at its end', async () => {
    const definition = machine({
      Each,
      Pass: { Type: 'Pass', Parameters: {}, Next: 'Work' },
      Work: { Type: 'Task', Resource: fn('work'), End: true },
    });

    const { outcome } = await run(definition, { work: async () => null }, items((25_000 - 5 - 2 - 5) / 4));

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('stop a machine that spins without any Task', async () => {
    const definition = machine({
      Spin: { Type: 'Choice', Choices: [{ Variable: '$.spin', BooleanEquals: true, Next: 'Spin' }], Default: 'Done' },
      Done: { Type: 'Succeed' },
    });

    const { outcome } = await run(definition, {}, { spin: true });

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });
});
