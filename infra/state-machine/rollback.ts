/**
 * The rollback branch, which restores everything. If the parent FK still exists, only what the migration added is dropped. If it
 * was dropped, it is restored first, while the pair FKs still exist, so that no row is unguarded at any moment.
 */
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  JsonPath,
  type Map as MapState,
  Pass,
  Succeed,
  type TaskStateBase,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { ROLLBACK_REQUESTED } from '../../core/contracts/steps/events.ts';
import { ERROR_PATH, Payload } from './payloads.ts';
import { INFRASTRUCTURE, TRANSIENT_ERRORS } from './retry.ts';
import type { StepFactory } from './step-factory.ts';

const SUPERSEDED_PATH = '$.superseded';
const FAILURE_PATH = '$.rollbackError';
const HELD_UP_PATH = '$.heldUp';

/** Each time the branch is held up, it waits this many seconds longer, until it has waited for 24 hours in all. */
const HELD_UP_STEP_SECONDS = 60;
const HELD_UP_LONGEST_SECONDS = 53 * HELD_UP_STEP_SECONDS;

/** The states at which the branch begins. */
export interface RollbackBranch {
  /** For an error: every Catch of the forward path leads here. */
  readonly fence: IChainable;
  /** For an execution that was asked to roll back. */
  readonly requested: IChainable;
}

/**
 * End of an execution whose migration another execution has taken over: nothing is wrong, and this execution has nothing left to
 * do.
 */
export function supersededEnd({ scope }: StepFactory): Fail {
  return new Fail(scope, 'Superseded', {
    comment: 'Another execution has taken this migration over, and this one stops; the cause tells which.',
    error: 'Superseded',
    causePath: `${SUPERSEDED_PATH}.Cause`,
  });
}

/** Catches `MigrationFenced`: the ledger no longer has this execution as the owner. For states behind the forward path. */
export function catchSuperseded(state: TaskStateBase | MapState, superseded: Fail): void {
  state.addCatch(superseded, { errors: ['MigrationFenced'], resultPath: SUPERSEDED_PATH });
}

/** @returns the states at which the branch begins */
export function rollbackBranch(steps: StepFactory, superseded: Fail): RollbackBranch {
  const { scope } = steps;

  const requested = new Pass(scope, 'RollbackRequested', {
    comment: 'A person asked for the rollback: the name in place of an error says so.',
    parameters: {
      migrationId: JsonPath.stringAt('$.migrationId'),
      database: JsonPath.objectAt('$.database'),
      error: { Error: ROLLBACK_REQUESTED },
    },
  });

  const fence = steps.task('fence', {
    patience: 'day',
    payload: Payload.interruption,
    resultPath: '$.fence',
  });
  // Each try is an event in every iteration. A longer outage leads back to the fence, which waits for all iterations.
  const restoreParent = steps.forEachPair('restore-parent', { plan: '$.fence', patience: 'moment' });
  const dropPairs = steps.task('drop-pair-foreign-keys', {
    payload: Payload.migration,
    resultPath: JsonPath.DISCARD,
  });
  const attach = steps.pollingTask('attach-parent', {
    payload: Payload.migration,
    resultPath: '$.attach',
    done: dropPairs,
  });
  const verify = steps.task('verify-rolled-back', {
    patience: 'day',
    payload: Payload.migration,
    resultPath: '$.rolledBack',
  });

  const parentDropped = new Choice(scope, 'ParentDropped?', {
    comment: 'A dropped parent foreign key comes back first, while the pair foreign keys still guard the rows.',
  })
    .when(Condition.stringEquals('$.fence.parentForeignKey', 'DROPPED'), restoreParent)
    .otherwise(dropPairs);

  requested.next(fence);
  fence.next(parentDropped);
  restoreParent.next(attach);
  dropPairs.next(verify);
  verify.next(outcome(steps));

  const states = [fence, restoreParent, attach, dropPairs, verify];
  for (const state of states) catchSuperseded(state, superseded);
  const interrupted = interruptedEnd(steps);
  const waitAndRetry = waitAndRetryStates(steps, { again: fence, givenUp: interrupted });
  // Where the fence or the last comparison has already waited for a day, a second day would not help.
  for (const state of [fence, verify])
    state.addCatch(interrupted, { errors: INFRASTRUCTURE, resultPath: FAILURE_PATH });
  for (const state of states) state.addCatch(waitAndRetry, { errors: TRANSIENT_ERRORS, resultPath: FAILURE_PATH });
  failTogether(steps, states);
  return { fence, requested };
}

/** A rollback that a person asked for is a success; one that an error caused is a failure with that error as its cause. */
function outcome(steps: StepFactory): IChainable {
  const { scope } = steps;
  const completed = new Succeed(scope, 'RollbackCompleted', {
    comment: 'Rolled back as asked: the parent foreign key is as it was before the migration.',
    outputPath: '$.rolledBack',
  });
  const rolledBack = new Fail(scope, 'RolledBack', {
    comment: 'The migration failed and everything was put back; the cause tells which error started it.',
    error: 'MigrationRolledBack',
    causePath: '$.error.Cause',
  });
  const errorNameAsCause = new Pass(scope, 'ErrorNameAsCause', {
    comment: 'An error of Step Functions itself, such as a timeout, has an empty cause: its name says more.',
    parameters: { Error: JsonPath.stringAt('$.error.Error'), Cause: JsonPath.stringAt('$.error.Error') },
    resultPath: ERROR_PATH,
  });
  errorNameAsCause.next(rolledBack);

  return new Choice(scope, 'WasRequested?', {
    comment: 'Tells a rollback that a person asked for from one that an error caused.',
  })
    .when(Condition.stringEquals('$.error.Error', ROLLBACK_REQUESTED), completed)
    .when(
      Condition.and(Condition.isPresent('$.error.Cause'), Condition.not(Condition.stringEquals('$.error.Cause', ''))),
      rolledBack,
    )
    .otherwise(errorNameAsCause);
}

/**
 * End of an execution whose rollback made no progress for a day. The migration is still unfinished in the ledger, so
 * reconciliation continues it.
 */
function interruptedEnd({ scope }: StepFactory): Fail {
  return new Fail(scope, 'RollbackInterrupted', {
    comment:
      'For a day the rollback could not go on; every row is guarded by pair or parent foreign keys, and reconciliation, or p2pfk rollback, goes on from here.',
    error: 'RollbackInterrupted',
    causePath: `${FAILURE_PATH}.Cause`,
  });
}

/**
 * Temporary errors are waited out, and then the branch starts again at the fence; each of its steps finds what is done.
 * RollbackFailed is left for what a person has to repair.
 */
function waitAndRetryStates(
  { scope }: StepFactory,
  { again, givenUp }: { readonly again: IChainable; readonly givenUp: IChainable },
): IChainable {
  const first = new Pass(scope, 'HeldUpOnce', {
    comment: 'A lock, the server or Lambda held the rollback up.',
    parameters: { waitSeconds: HELD_UP_STEP_SECONDS },
    resultPath: HELD_UP_PATH,
  });
  const longer = new Pass(scope, 'HeldUpAgain', {
    comment: 'Held up once more: the next wait is longer.',
    parameters: {
      waitSeconds: JsonPath.mathAdd(JsonPath.numberAt(`${HELD_UP_PATH}.waitSeconds`), HELD_UP_STEP_SECONDS),
    },
    resultPath: HELD_UP_PATH,
  });
  const wait = new Wait(scope, 'WaitHeldUp', {
    comment: 'Holds nothing before the rollback goes on; each of its steps finds what is done.',
    time: WaitTime.secondsPath(`${HELD_UP_PATH}.waitSeconds`),
  });
  const enough = new Choice(scope, 'HeldUpForADay?', {
    comment: 'After 24 hours of waiting it is left to reconciliation.',
  })
    .when(Condition.numberGreaterThan(`${HELD_UP_PATH}.waitSeconds`, HELD_UP_LONGEST_SECONDS), givenUp)
    .otherwise(wait);
  first.next(enough);
  longer.next(enough);
  wait.next(again);
  return new Choice(scope, 'HeldUpBefore?', { comment: 'Tells the first wait from a longer one.' })
    .when(Condition.isPresent(HELD_UP_PATH), longer)
    .otherwise(first);
}

/** Any error that is caught here needs a person; the rows are still guarded by at least one set of foreign keys. */
function failTogether(steps: StepFactory, states: readonly (TaskStateBase | MapState)[]): void {
  const failed = new Fail(steps.scope, 'RollbackFailed', {
    comment:
      'The rollback itself failed and a person is needed; every row is still guarded by pair or parent foreign keys.',
    error: 'RollbackFailed',
    causePath: `${FAILURE_PATH}.Cause`,
  });
  for (const state of states) state.addCatch(failed, { resultPath: FAILURE_PATH });
}
