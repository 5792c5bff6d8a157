/** The look for executions that died without an event, and what keeps functions able to start. */
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { describe, expect, it } from 'vitest';
import { KEEP_READY } from '../../core/contracts/aws/keep-ready.ts';
import { LambdaFunctions } from '../../infra/lambda-functions.ts';
import { defineLook } from '../../infra/operations/dead-execution-look.ts';
import { handlers } from '../../local/handlers.ts';
import { definitionOf, runWith } from './services.helpers.ts';
import { synthesize } from './stack.helpers.ts';

const definition = definitionOf(({ stack, main }) =>
  defineLook(stack, {
    stateMachine: main,
    reconciliation: StateMachine.fromStateMachineName(stack, 'Reconciliation', 'reconciliation'),
    look: LambdaFunction.fromFunctionArn(stack, 'Function', 'arn:aws:lambda:eu-central-1:123456789012:function:look'),
  }),
);
const PREFIX = 'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:';

const plain = synthesize();
const small = synthesize({ settings: { lookEveryMinutes: false, network: null } });

interface Schedule {
  readonly Description: string;
  readonly Target: { readonly Input: string };
}

function schedulesOf(template: typeof plain): Schedule[] {
  return Object.values(template.findResources('AWS::Scheduler::Schedule')).map(({ Properties }) => Properties);
}

async function lookedAt(statuses: Readonly<Record<string, string | Error>>) {
  const started: unknown[] = [];
  const start = async (event: unknown) => {
    started.push((event as { Input: unknown }).Input);
    return {};
  };
  const { outcome, calls } = await runWith(
    definition,
    {},
    {
      Look: async () => ({ dead: Object.keys(statuses).map((name) => ({ execution: PREFIX + name })) }),
      DescribeDead: async (event) => {
        const status = statuses[(event as { ExecutionArn: string }).ExecutionArn.slice(PREFIX.length)];
        if (status instanceof Error) throw status;
        return { Status: status };
      },
      Reconcile: start,
      ReconcileEnded: start,
    },
  );
  expect(outcome.status).toBe('SUCCEEDED');
  expect(calls[0]).toEqual({ state: 'Look', event: { executions: PREFIX } });
  return started;
}

describe('the look for dead executions', () => {
  it('starts the reconciliation of each one that has ended, with how it ended', async () => {
    expect(await lookedAt({})).toEqual([]);
    expect(await lookedAt({ a: 'FAILED', b: 'TIMED_OUT', c: 'ABORTED' })).toEqual([
      { execution: `${PREFIX}a`, reason: 'FAILED' },
      { execution: `${PREFIX}b`, reason: 'TIMED_OUT' },
      { execution: `${PREFIX}c`, reason: 'ABORTED' },
    ]);
  });

  it('leaves one alone that still runs, although the ledger says that its lease is over', async () => {
    expect(await lookedAt({ a: 'RUNNING', b: 'PENDING_REDRIVE' })).toEqual([]);
  });

  it('knows what to do with one that Step Functions has forgotten, or that paused after the drop', async () => {
    const forgotten = Object.assign(new Error('no such execution'), { name: 'Sfn.ExecutionDoesNotExistException' });
    expect(await lookedAt({ a: forgotten, b: 'SUCCEEDED' })).toEqual([
      { execution: `${PREFIX}a`, reason: 'ABORTED' },
      { execution: `${PREFIX}b`, reason: 'ABORTED' },
    ]);
  });

  it('goes on with the others where the input of one is too large for an answer', () => {
    // The local engine lets no Catch have this error. In AWS one with its name has it, and States.ALL has not.
    const { ItemProcessor } = definition.States.EachDead as {
      ItemProcessor?: { States: Record<string, { Catch?: readonly object[] }> };
    };
    expect(ItemProcessor?.States.DescribeDead?.Catch?.[0]).toMatchObject({
      ErrorEquals: ['States.DataLimitExceeded'],
      Next: 'StillRuns',
    });
  });

  it('comes every quarter of an hour, unless it is switched off', () => {
    const looks = (template: typeof plain) =>
      schedulesOf(template).filter(({ Description }) => Description.startsWith('Looks'));
    expect(looks(plain)).toMatchObject([{ ScheduleExpression: 'rate(15 minutes)', Target: { Input: '{}' } }]);
    expect(looks(small)).toEqual([]);
  });
});

describe('functions in a VPC', () => {
  it('are each called once a day, and do nothing then', async () => {
    const schedules = schedulesOf(plain).filter(({ Target }) => Target.Input === JSON.stringify(KEEP_READY));
    const kept = schedules.map(({ Description }) => /function (\S+) able/.exec(Description)?.[1]).sort();
    expect(kept).toEqual([...Object.keys(LambdaFunctions), 'reconcile'].sort());
    // Without a database anything else would fail.
    expect(await handlers.fence(KEEP_READY)).toEqual({ status: 'READY' });
    await expect(handlers.fence({ ...KEEP_READY, migrationId: '1' })).rejects.toMatchObject({ name: 'InvalidInput' });
  });

  it('are left alone outside of a VPC, where nothing can be taken away from them', () => {
    expect(schedulesOf(small).map(({ Target }) => Target.Input)).not.toContain(JSON.stringify(KEEP_READY));
  });
});
