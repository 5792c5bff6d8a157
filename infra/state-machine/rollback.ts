/**
 * The branch that puts everything back. Two cases: the parent FK still stands, then only what the migration added goes;
 * or it was dropped, then it comes back first, while the pair FKs still hold, so no row is unguarded at any moment.
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
} from 'aws-cdk-lib/aws-stepfunctions';
import { ERROR_PATH, Payload } from './payloads.ts';
import type { StepFactory } from './step-factory.ts';

const SUPERSEDED_PATH = '$.superseded';

export interface RollbackBranch {
  /** Where every Catch of the forward path leads. */
  readonly fence: IChainable;
  /** Where an execution enters that was asked to roll back. */
  readonly requested: IChainable;
}

/** Where an execution ends whose migration another one has taken over: nothing is wrong, and nothing is left to it. */
export function supersededEnd({ scope }: StepFactory): Fail {
  return new Fail(scope, 'Superseded', {
    comment: 'Another execution has taken this migration over, and this one stops; the cause tells which.',
    error: 'Superseded',
    causePath: `${SUPERSEDED_PATH}.Cause`,
  });
}

/** `MigrationFenced` behind the forward path: the ledger does not know this execution as the owner any more. */
export function catchSuperseded(state: TaskStateBase | MapState, superseded: Fail): void {
  state.addCatch(superseded, { errors: ['MigrationFenced'], resultPath: SUPERSEDED_PATH });
}

export function rollbackBranch(steps: StepFactory, superseded: Fail): RollbackBranch {
  const { scope } = steps;

  const requested = new Pass(scope, 'RollbackRequested', {
    comment: 'A person asked for the rollback, so there is no error to report.',
    // Spelled as an intrinsic because neither CDK's renderer nor the local engine keeps a literal null.
    parameters: {
      migrationId: JsonPath.stringAt('$.migrationId'),
      database: JsonPath.objectAt('$.database'),
      'error.$': "States.StringToJson('null')",
    },
  });

  const fence = steps.task('fence', {
    comment:
      'Fences the migration in the ledger (FOR UPDATE on its row) and cancels its running statements, so that no forward DDL can run any more; it locks neither table.',
    payload: Payload.interruption,
    resultPath: '$.fence',
  });
  const restoreParent = steps.forEachPair('RestoreParent', {
    comment:
      'For each pair, side by side, prepares the return of the parent foreign key under ShareUpdateExclusiveLock, so that reads and writes go on; no pairs where the strategy needs none.',
    plan: '$.fence',
    iteration: restoreOnePair(steps),
  });
  const dropPairs = steps.task('drop-pair-foreign-keys', {
    comment:
      'Drops the pair foreign keys, and unless kept the indexes, that this migration added, under AccessExclusiveLock on one pair at a time for an instant.',
    payload: Payload.migration,
    resultPath: JsonPath.DISCARD,
  });
  const attach = attachParent(steps, dropPairs);
  const verify = steps.task('verify-rolled-back', {
    comment:
      'Compares the parent foreign key with the definition noted before the migration, character for character, under AccessShareLock.',
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
  failTogether(steps, states);
  return { fence, requested };
}

/** Iteration of RestoreParent. */
function restoreOnePair(steps: StepFactory): IChainable {
  return steps.pollingTask('restore-parent', {
    comment:
      'Adds to one referencing partition a NOT VALID foreign key to the referenced table (ShareRowExclusiveLock for an instant), then validates it under ShareUpdateExclusiveLock and RowShareLock.',
    payload: Payload.pair,
    resultPath: '$.result',
    choice: { id: 'Restored?', comment: 'A validation may outlive a Lambda function: the server goes on with it.' },
    wait: { id: 'WaitForRestore', comment: 'Holds nothing while the server validates this partition.' },
    done: steps.pairDone('ParentReady', 'This partition has a valid foreign key for the parent to attach.', '$.result'),
  });
}

function attachParent(steps: StepFactory, next: IChainable): TaskStateBase {
  return steps.pollingTask('attach-parent', {
    comment:
      'Puts the parent foreign key back by attaching the valid ones, under ShareRowExclusiveLock on both tables for some milliseconds; a scan under that lock only where the operator allowed it.',
    payload: Payload.migration,
    resultPath: '$.attach',
    choice: { id: 'Attached?', comment: 'A validation may outlive a Lambda function: the server goes on with it.' },
    wait: { id: 'WaitForAttach', comment: 'Holds nothing while the server validates the parent foreign key.' },
    done: next,
  });
}

/** A rollback that a person asked for is a success; one that an error caused is a failure that tells that error. */
function outcome(steps: StepFactory): IChainable {
  const { scope } = steps;
  const completed = new Succeed(scope, 'RollbackCompleted', {
    comment: 'Rolled back as asked: the parent foreign key stands as it did before the migration.',
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
    .when(Condition.and(Condition.isPresent('$.error'), Condition.isNull('$.error')), completed)
    .when(
      Condition.and(Condition.isPresent('$.error.Cause'), Condition.not(Condition.stringEquals('$.error.Cause', ''))),
      rolledBack,
    )
    .otherwise(errorNameAsCause);
}

/** Whatever fails here leaves the database guarded by at least one set of foreign keys, but needs a person. */
function failTogether(steps: StepFactory, states: readonly (TaskStateBase | MapState)[]): void {
  const failed = new Fail(steps.scope, 'RollbackFailed', {
    comment:
      'The rollback itself failed and a person is needed; every row is still guarded by pair or parent foreign keys.',
    error: 'RollbackFailed',
    causePath: '$.rollbackError.Cause',
  });
  for (const state of states) state.addCatch(failed, { resultPath: '$.rollbackError' });
}
