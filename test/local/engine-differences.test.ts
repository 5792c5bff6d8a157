/** Where the local engine is not like AWS and the adapter leaves it so; docs/local-engine.md tells what follows from it. */
import { describe, expect, it } from 'vitest';
import { machine, output, run } from './engine.helpers.ts';

describe('the context object', () => {
  it('has the input and the start of the iteration, not of the execution, inside a Map', async () => {
    const look = { 'input.$': '$$.Execution.Input', 'start.$': '$$.Execution.StartTime' };
    const definition = machine({
      Top: { Type: 'Pass', Parameters: look, ResultPath: '$.top', Next: 'Each' },
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemProcessor: machine({ Inner: { Type: 'Pass', Parameters: look, End: true } }),
        ResultPath: '$.each',
        End: true,
      },
    });

    const finished = await run(definition, {}, { items: [7] });

    const start = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(output(finished)).toMatchObject({
      top: { input: { items: [7] }, start },
      each: [{ input: 7, start }],
    });
  });

  it.each(['$$.State.Name', '$$.Task.Token'])('does not have %s', async (path) => {
    const definition = machine({ Look: { Type: 'Pass', Parameters: { 'it.$': path }, End: true } });

    const { outcome } = await run(definition);

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });
});

describe('the end of an execution', () => {
  it("by the machine's own TimeoutSeconds is FAILED with States.Timeout", async () => {
    const definition = { ...machine({ Wait: { Type: 'Wait', Seconds: 60, End: true } }), TimeoutSeconds: 1 };

    const { outcome } = await run(definition);

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  });

  it('by a Fail state without an Error is named FailStateError', async () => {
    const { outcome } = await run(machine({ Refused: { Type: 'Fail' } }));

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'FailStateError' });
  });
});

describe('a Wait of more than 24.8 days', () => {
  it('is over at once', async () => {
    const definition = machine({ Wait: { Type: 'Wait', Seconds: 2_147_484, End: true } });

    expect(output(await run(definition, {}, 'waited'))).toBe('waited');
  });
});
