/** The state machine Reconciliation, on the local engine: each call of a service is a function of the state's name. */
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import { defineReconciliation } from '../../infra/operations/reconciliation.ts';
import type { Handler } from '../../local/engine/engine.ts';
import { definitionOf, runWith } from './services.helpers.ts';

const definition = definitionOf(({ stack, main }) =>
  defineReconciliation(stack, {
    reconciled: main,
    reconcile: LambdaFunction.fromFunctionArn(
      stack,
      'F',
      'arn:aws:lambda:eu-central-1:123456789012:function:reconcile',
    ),
  }),
);
const DEAD = { execution: 'arn:dead', reason: 'ABORTED' };
const PAUSED = { status: 'PAUSED', migrationId: '7', waitSeconds: 0 };

const rollback = (n: number) => ({
  name: `reconcile-7-0123456789ab-${n}-0123456789abcdef`,
  execution: `arn:reconcile-7-0123456789ab-${n}-0123456789abcdef`,
  input: { table: 'public.path', operation: 'rollback', migrationId: '7' },
});
const rollBack = (n: number) => ({ status: 'ROLL_BACK', migrationId: '7', waitSeconds: 0, rollback: rollback(n) });

function named(name: string, message = 'as Step Functions says it'): Error {
  return Object.assign(new Error(message), { name });
}

/** One answer after the other, then the last one again. */
function inTurn(...answers: readonly unknown[]): Handler {
  let turn = 0;
  return async () => {
    const answer = answers[Math.min(turn++, answers.length - 1)];
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

async function reconciled(answers: Readonly<Record<string, readonly unknown[]>>) {
  const given = { DescribeDead: [{ Status: 'ABORTED' }], StartRollback: [{}], ReconcileAnew: [{}], ...answers };
  const handlers = Object.entries(given).map(([state, list]) => [state, inTurn(...list)]);
  return runWith(definition, DEAD, Object.fromEntries(handlers));
}

describe('Reconciliation', () => {
  it('asks the function until the migration is at rest', async () => {
    const alive = { status: 'OWNER_ALIVE', migrationId: '7', waitSeconds: 0 };
    const running = { status: 'RUNNING', migrationId: '7', waitSeconds: 0 };
    const { outcome, calls } = await reconciled({ Reconcile: [alive, running, PAUSED] });
    expect(outcome).toEqual({ status: 'SUCCEEDED', output: PAUSED });
    expect(calls).toEqual(Array(3).fill({ state: 'Reconcile', event: DEAD }));
  });

  it('calls for a person when the function fails', async () => {
    const { outcome } = await reconciled({ Reconcile: [named('StatementFailed', 'disk full')] });
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'ReconcileFailed' });
  });

  it.each([
    ['was stopped', { Status: 'ABORTED' }],
    ['could not go on for a day', { Status: 'FAILED', Error: 'RollbackInterrupted' }],
    ['ran out of events', { Status: 'FAILED', Error: 'States.Runtime' }],
    ['is forgotten', named('Sfn.ExecutionDoesNotExistException')],
  ])('starts the rollback of an execution that %s, under its name and with its input', async (_, dead) => {
    const { outcome, calls } = await reconciled({ Reconcile: [rollBack(1)], DescribeDead: [dead] });
    expect(calls.slice(1)).toEqual([
      { state: 'DescribeDead', event: { ExecutionArn: 'arn:dead' } },
      {
        state: 'StartRollback',
        event: {
          Name: rollback(1).name,
          Input: rollback(1).input,
          StateMachineArn: 'arn:aws:states:eu-central-1:123456789012:stateMachine:p2pfk',
        },
      },
    ]);
    expect(outcome).toEqual({ status: 'SUCCEEDED', output: rollBack(1) });
  });

  it.each([
    ['has not been started again', rollBack(1)],
    ['died before', { status: 'GIVEN_UP', migrationId: '7', waitSeconds: 0, reason: 'three times' }],
  ])('leaves a rollback to a person that has failed for a reason and %s, who is not told twice', async (_, answer) => {
    const { outcome, calls } = await reconciled({
      Reconcile: [answer],
      DescribeDead: [{ Status: 'FAILED', Error: 'RollbackFailed' }],
    });
    expect(calls.map(({ state }) => state)).toEqual(['Reconcile', 'DescribeDead']);
    expect(outcome).toEqual({ status: 'SUCCEEDED', output: { status: 'LEFT_TO_PERSON', migrationId: '7' } });
  });

  it('starts it also where the input of the dead execution is too large for an answer', () => {
    // The local engine lets no Catch have this error. In AWS one with its name has it, and States.ALL has not.
    const { Catch } = definition.States.DescribeDead as { Catch?: readonly object[] };
    expect(Catch?.[0]).toMatchObject({ ErrorEquals: ['States.DataLimitExceeded'], Next: 'PersonNeeded?' });
  });

  it('calls for a person when the function gives up', async () => {
    const givenUp = { status: 'GIVEN_UP', migrationId: '7', waitSeconds: 0, reason: 'three times in a row' };
    const { outcome, calls } = await reconciled({ Reconcile: [givenUp] });
    expect(calls.map(({ state }) => state)).toEqual(['Reconcile', 'DescribeDead']);
    expect(outcome).toEqual({ status: 'FAILED', error: 'ReconcileFailed', cause: 'three times in a row' });
  });
});

describe('a rollback whose name another execution has', () => {
  const exists = named('StepFunctions.ExecutionAlreadyExistsException');
  const asked = { ...DEAD, refused: rollback(1).name };

  it('is left alone only where the ledger says that an execution has taken the migration over', async () => {
    const taken = { status: 'NOTHING_TO_DO', migrationId: null, waitSeconds: 0 };
    const { outcome, calls } = await reconciled({
      Reconcile: [rollBack(1)],
      StartRollback: [exists],
      ReconcileAnew: [taken],
    });
    expect(calls.at(-1)).toEqual({ state: 'ReconcileAnew', event: asked });
    expect(outcome).toEqual({ status: 'SUCCEEDED', output: taken });
  });

  it('is started under another one', async () => {
    const { outcome, calls } = await reconciled({
      Reconcile: [rollBack(1)],
      StartRollback: [exists, exists, {}],
      ReconcileAnew: [rollBack(2), rollBack(3)],
    });
    const events = calls.filter(({ state }) => state === 'ReconcileAnew').map(({ event }) => event);
    expect(events).toEqual([asked, { ...DEAD, refused: rollback(2).name }]);
    expect(calls.at(-1)).toMatchObject({ state: 'StartRollback', event: { Name: rollback(3).name } });
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: rollBack(3) });
  });
});
