/** What still runs after an execution was aborted or a Map failed. */
import { describe, expect, it } from 'vitest';
import { HistoryReader } from '../../core/history/read-history.ts';
import { startExecution } from '../../local/engine/engine.ts';
import { ARN, fn, gate, machine, Named, output, run, storyOf } from './engine.helpers.ts';

const each = (concurrency: number, inner: Record<string, unknown> = {}) =>
  machine({
    Each: {
      Type: 'Map',
      ItemsPath: '$.items',
      MaxConcurrency: concurrency,
      ItemProcessor: machine({ Work: { Type: 'Task', Resource: fn('work'), ...inner, End: true } }),
      ResultPath: null,
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Fence' }],
      Next: 'Done',
    },
    Fence: { Type: 'Task', Resource: fn('fence'), ResultPath: '$.fence', End: true },
    Done: { Type: 'Succeed' },
  });

describe('a Map of which an iteration failed', () => {
  it('hands the name and cause of the failure to its Catch', async () => {
    const finished = await run(
      each(1),
      { work: () => Promise.reject(new Named('OrphanedRows', 'three')), fence: async () => 'fenced' },
      { items: [1] },
    );

    expect(output(finished)).toMatchObject({
      fence: 'fenced',
      error: { Error: 'OrphanedRows', Cause: expect.stringContaining('"errorMessage":"three"') },
    });
  });

  it('starts none of the items that were queued', async () => {
    const worked: unknown[] = [];
    const { open, opened } = gate();

    await run(
      each(2),
      {
        work: async (item) => {
          worked.push(item);
          if (item === 2) open();
          await opened;
          if (item === 1) throw new Named('OrphanedRows', 'first');
        },
        fence: async () => 'fenced',
      },
      { items: [1, 2, 3, 4, 5, 6] },
    );

    expect(worked).toEqual([1, 2]);
  });

  it('lets handlers in flight run on while the Catch is already worked on, and does not retry them', async () => {
    const story: string[] = [];
    const second = gate();
    const { open, opened } = gate();
    const retry = { Retry: [{ ErrorEquals: ['LockTimeout'], IntervalSeconds: 1, MaxAttempts: 5 }] };

    const { outcome, events } = await run(
      each(2, retry),
      {
        work: async (item) => {
          story.push(`work ${item}`);
          if (item === 1) {
            await second.opened;
            throw new Named('OrphanedRows', 'first');
          }
          second.open();
          await opened;
          story.push('in flight ends');
          throw new Named('LockTimeout', 'second');
        },
        fence: async () => {
          story.push('fence');
          open();
        },
      },
      { items: [1, 2] },
    );

    expect(outcome.status).toBe('SUCCEEDED');
    expect(story).toEqual(['work 1', 'work 2', 'fence', 'in flight ends']);
    expect(events.filter(({ change }) => change === 'failed')).toHaveLength(1);
  });

  it('retries no item that was waiting for its next attempt', async () => {
    const attempts: unknown[] = [];
    const { open, opened } = gate();
    // Longer than this test may take.
    const retry = { Retry: [{ ErrorEquals: ['LockTimeout'], IntervalSeconds: 3600, MaxAttempts: 5 }] };

    await run(
      each(2, retry),
      {
        work: async (item) => {
          attempts.push(item);
          if (item === 2) {
            setTimeout(open, 20);
            throw new Named('LockTimeout', 'waits an hour');
          }
          await opened;
          throw new Named('OrphanedRows', 'first');
        },
        fence: async () => 'fenced',
      },
      { items: [1, 2] },
    );

    expect(attempts).toEqual([1, 2]);
  });

  it('works again when it is entered again', async () => {
    let failures = 0;
    const definition = machine({
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemProcessor: machine({ Work: { Type: 'Task', Resource: fn('work'), End: true } }),
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Again' }],
        End: true,
      },
      Again: { Type: 'Pass', Next: 'Each' },
    });

    const finished = await run(
      definition,
      {
        work: async (item) => {
          if (item === 1 && failures++ === 0) throw new Named('LockTimeout', 'once');
          return item;
        },
      },
      { items: [1, 2] },
    );

    expect(output(finished)).toEqual([1, 2]);
  });
});

describe('abort', () => {
  const definition = machine({
    Work: {
      Type: 'Task',
      Resource: fn('work'),
      Retry: [{ ErrorEquals: ['LockTimeout'], IntervalSeconds: 5, MaxAttempts: 40 }],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Fence' }],
      Next: 'Fence',
    },
    Fence: { Type: 'Task', Resource: fn('fence'), End: true },
  });

  it('ends the execution at once and past every Catch; the handler in flight runs on, no other starts', async () => {
    const story: string[] = [];
    const reader = new HistoryReader();
    const started = gate();
    const { open, opened } = gate();
    const execution = startExecution({
      definition,
      handlers: {
        work: async () => {
          started.open();
          await opened;
          story.push('in flight ends');
          throw new Named('LockTimeout', 'late');
        },
        fence: async () => story.push('fence'),
      },
      input: {},
      executionArn: ARN,
      name: 'test',
      onHistory: (event) => reader.read([event]),
    });
    await started.opened;

    execution.abort();
    execution.abort();
    const outcome = await execution.outcome;
    story.push(outcome.status);
    open();
    await execution.settled;

    expect(story).toEqual(['ABORTED', 'in flight ends']);
    expect(storyOf(reader.history().events)).toEqual(['entered Work', 'scheduled Work 1', 'ExecutionAborted']);
  });

  it('cuts a Wait and an item that waits for its next attempt', async () => {
    const waiting = machine({
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemProcessor: machine({
          Work: {
            Type: 'Task',
            Resource: fn('work'),
            Retry: [{ ErrorEquals: ['LockTimeout'], IntervalSeconds: 60 }],
            Next: 'Wait',
          },
          Wait: { Type: 'Wait', Seconds: 60, End: true },
        }),
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Fence' }],
        End: true,
      },
      Fence: { Type: 'Task', Resource: fn('fence'), End: true },
    });
    let calls = 0;
    const bothCalled = gate();
    const execution = startExecution({
      definition: waiting,
      handlers: {
        work: async (item) => {
          calls += 1;
          if (calls === 2) bothCalled.open();
          if (item === 1) throw new Named('LockTimeout', 'waits a minute');
        },
        fence: async () => expect.unreachable('Fence must not run'),
      },
      input: { items: [1, 2] },
      executionArn: ARN,
      name: 'test',
    });
    await bothCalled.opened;

    execution.abort();

    expect(await execution.outcome).toEqual({ status: 'ABORTED' });
    await execution.settled;
    expect(calls).toBe(2);
  });

  it('after the end changes nothing', async () => {
    const execution = startExecution({
      definition: machine({ Done: { Type: 'Succeed' } }),
      handlers: {},
      input: { a: 1 },
      executionArn: ARN,
      name: 'test',
    });
    const outcome = await execution.outcome;

    execution.abort();

    expect(outcome).toEqual({ status: 'SUCCEEDED', output: { a: 1 } });
    expect(await execution.outcome).toEqual(outcome);
  });
});
