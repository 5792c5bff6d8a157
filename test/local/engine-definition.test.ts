/** What the engine reads differently from AWS, put right before it runs; what it would ignore, refused. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMEOUT_SECONDS } from '../../local/engine/definition.ts';
import { fn, machine, Named, output, run } from './engine.helpers.ts';

describe('definitions are read as AWS reads them', () => {
  it.each([null, false, 0, ''])('a Pass with the Result %j yields it', async (result) => {
    const definition = machine({ Set: { Type: 'Pass', Result: result, ResultPath: '$.error', End: true } });

    expect(output(await run(definition, {}, { a: 1 }))).toEqual({ a: 1, error: result });
  });

  it('the ResultPath "$" of a Catch replaces the state', async () => {
    const definition = machine({
      Work: {
        Type: 'Task',
        Resource: fn('work'),
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$', Next: 'Caught' }],
        End: true,
      },
      Caught: { Type: 'Pass', End: true },
    });

    const finished = await run(definition, { work: () => Promise.reject(new Named('Broken', 'x')) }, { a: 1 });

    expect(output(finished)).toEqual({ Error: 'Broken', Cause: expect.any(String) });
  });

  it.each([
    ['IsPresent', {}, 'Yes'],
    ['IsPresent', { error: null }, 'No'],
    ['IsNull', { error: 1 }, 'Yes'],
    ['IsNull', { error: null }, 'No'],
    ['IsString', { error: 1 }, 'Yes'],
  ])('a Choice that asks for %s false of %j says %s', async (operator, input, expected) => {
    const definition = machine({
      Ask: { Type: 'Choice', Choices: [{ Variable: '$.error', [operator]: false, Next: 'Yes' }], Default: 'No' },
      Yes: { Type: 'Pass', Result: 'Yes', End: true },
      No: { Type: 'Pass', Result: 'No', End: true },
    });

    expect(output(await run(definition, {}, input))).toBe(expected);
  });

  it('a negative test inside And counts too', async () => {
    const both = [
      { Variable: '$.error', IsPresent: true },
      { Variable: '$.error', IsNull: false },
    ];
    const definition = machine({
      Ask: { Type: 'Choice', Choices: [{ And: both, Next: 'Yes' }], Default: 'No' },
      Yes: { Type: 'Pass', Result: 'Yes', End: true },
      No: { Type: 'Pass', Result: 'No', End: true },
    });

    expect(output(await run(definition, {}, { error: 'x' }))).toBe('Yes');
    expect(output(await run(definition, {}, { error: null }))).toBe('No');
  });

  it.each([undefined, DEFAULT_TIMEOUT_SECONDS])('a Task with TimeoutSeconds %s is not cut short', async (seconds) => {
    const timeout = seconds === undefined ? {} : { TimeoutSeconds: seconds };
    const definition = machine({ Work: { Type: 'Task', Resource: fn('work'), ...timeout, End: true } });

    const finished = await run(definition, { work: () => new Promise((resolve) => setTimeout(resolve, 30, 'done')) });

    expect(output(finished)).toBe('done');
  });
});

describe('definitions are refused', () => {
  const task = { Type: 'Task', Resource: fn('work'), End: true };
  const next = (Next: string) => ({ Type: 'Task', Resource: fn('work'), Next });
  const inner = machine({ Work: task });

  it.each([
    ['HeartbeatSeconds', machine({ Work: { ...task, HeartbeatSeconds: 5 } }), 'HeartbeatSeconds is not supported'],
    ['Assign', machine({ Work: { ...task, Assign: { a: 1 } } }), 'Assign is not supported'],
    [
      'ToleratedFailureCount',
      machine({ Each: { Type: 'Map', ItemProcessor: inner, ToleratedFailureCount: 1, End: true } }),
      'ToleratedFailureCount is not supported',
    ],
    [
      'a distributed Map',
      machine({
        Each: {
          Type: 'Map',
          ItemProcessor: { ...inner, ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
          End: true,
        },
      }),
      'a distributed Map is not supported',
    ],
    [
      'a Map inside a Map',
      machine({
        Outer: {
          Type: 'Map',
          ItemProcessor: machine({ Each: { Type: 'Map', ItemProcessor: inner, End: true } }),
          End: true,
        },
      }),
      'a Map inside Outer is not supported',
    ],
    [
      'a Resource that is no function',
      machine({ Work: { ...task, Resource: 'arn:aws:states:::lambda:invoke' } }),
      "is not a Lambda function's ARN",
    ],
    [
      'two states of one name',
      machine({ Work: next('Each'), Each: { Type: 'Map', ItemProcessor: inner, End: true } }),
      'DUPLICATE_STATE_NAMES',
    ],
  ])('for %s', async (_, definition, message) => {
    await expect(run(definition, { work: async () => 1 })).rejects.toThrow(message);
  });

  it('for JSONata', async () => {
    const definition = { ...machine({ Done: { Type: 'Succeed' } }), QueryLanguage: 'JSONata' };

    await expect(run(definition)).rejects.toThrow(/JSONata|QueryLanguage/);
  });

  it('for a state that is not there', async () => {
    await expect(run(machine({ Work: next('Gone') }))).rejects.toThrow('Gone');
  });
});
