/**
 * The forward path: everything is built beside the parent FK while it still guards the rows, then the gate decides, then
 * the parent FK goes in one verified transaction. What is wrong with the data or the schema leads to the rollback branch, all else to the
 * pause.
 */
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  JsonPath,
  type Map as MapState,
  Succeed,
  type TaskStateBase,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LOCK_TRIES_OF_PLAN } from '../../core/contracts/lock-tries.ts';
import { ERROR_PATH, Payload } from './payloads.ts';
import type { StepFactory } from './step-factory.ts';

export interface Exits {
  /** Undo everything. */
  readonly fence: IChainable;
  /** Undo everything because a person asked. */
  readonly rollbackRequested: IChainable;
  /** Stop and keep everything. */
  readonly pause: IChainable;
}

/** @returns the state machine's first state */
export function forwardPath(steps: StepFactory, exits: Exits): TaskStateBase {
  const plan = planStep(steps);
  const buildIndexes = buildIndexesStep(steps);
  const addForeignKeys = addForeignKeysStep(steps);
  const validateForeignKeys = validateForeignKeysStep(steps);
  const dropParent = steps.task('drop-parent-foreign-key', {
    comment:
      'Drops the parent foreign key in one transaction that takes AccessExclusiveLock on both tables and their partitions within the lock budget, runs the gate again, drops, verifies, and commits only if all of it passed.',
    payload: Payload.migration,
    resultPath: JsonPath.DISCARD,
  });
  const verifyGate = gateStep(steps, { ...exits, passed: dropParent });
  const verifyMigration = verifyMigrationStep(steps, exits);

  plan.next(nothingToDo(steps, { planned: buildIndexes, rollbackRequested: exits.rollbackRequested }));
  buildIndexes.next(addForeignKeys);
  addForeignKeys.next(validateForeignKeys);
  validateForeignKeys.next(verifyGate);
  dropParent.next(verifyMigration);

  for (const step of [buildIndexes, addForeignKeys, validateForeignKeys, verifyGate, dropParent])
    catchAll(step, exits, UNDOES);
  // The drop was verified in its own transaction: only a check that fails, which is no error, leads back.
  catchAll(verifyMigration, exits, ['MigrationFenced']);
  return plan;
}

/**
 * What says that something is wrong with the data, the schema or the code of the application, or that a person wants an end: only
 * this undoes work. All else is kept, for the next execution to go on from: trouble of the network, the server or Lambda, a closed
 * window, a lock that was never free, a right that was taken away, and errors that have no name here. MigrationFenced leads to the
 * fence, which finds that another execution has taken over.
 */
const UNDOES = [
  'OrphanedRows',
  'GateFailed',
  'VerificationFailed',
  'StatementFailed',
  'StatementCanceled',
  'MigrationFenced',
];

function catchAll(step: TaskStateBase | MapState, { pause, fence }: Exits, undoes: string[]): void {
  step.addCatch(fence, { errors: undoes, resultPath: ERROR_PATH });
  step.addCatch(pause, { resultPath: ERROR_PATH });
}

function planStep(steps: StepFactory): TaskStateBase {
  const plan = steps.task('plan', {
    comment:
      'Reads the catalog under AccessShareLock, runs preflight, pairs the partitions by bound and opens the ledger; measures a DELETE of ten rows, which it takes back within the lock budget.',
    payload: Payload.executionInput,
    lockTries: LOCK_TRIES_OF_PLAN,
  });
  const refused = new Fail(steps.scope, 'Refused', {
    comment: 'No plan could be made, or preflight refused; nothing was changed.',
    errorPath: '$.error.Error',
    causePath: '$.error.Cause',
  });
  plan.addCatch(refused, { resultPath: ERROR_PATH });
  return plan;
}

function nothingToDo(
  steps: StepFactory,
  next: { readonly planned: IChainable; readonly rollbackRequested: IChainable },
): IChainable {
  const nothingChanged = new Succeed(steps.scope, 'NothingChanged', {
    comment: 'A dry run, or the table is already as asked; the output says which.',
  });
  return new Choice(steps.scope, 'NothingToDo?', { comment: 'Goes on only where the plan left something to do.' })
    .when(Condition.stringEquals('$.status', 'PLANNED'), next.planned)
    .when(Condition.stringEquals('$.status', 'ROLLBACK_REQUESTED'), next.rollbackRequested)
    .otherwise(nothingChanged);
}

function buildIndexesStep(steps: StepFactory): MapState {
  const buildIndex = steps.pollingTask('build-index', {
    comment:
      'Builds the index on one referencing partition that its foreign key columns lack, CONCURRENTLY under ShareUpdateExclusiveLock; reads and writes go on.',
    payload: Payload.pair,
    resultPath: '$.result',
    choice: { id: 'IndexBuilt?', comment: 'A build may outlive a Lambda function: the server goes on with it.' },
    wait: { id: 'WaitForIndex', comment: 'Holds nothing while the server builds.' },
    done: steps.pairDone('IndexReady', 'A valid index serves the foreign key columns of this partition.', '$.result'),
  });
  return steps.forEachPair('BuildIndexes', {
    comment:
      'For each pair, largest first, builds the missing index under ShareUpdateExclusiveLock, because without it a DELETE on the referenced side scans the whole referencing partition.',
    plan: '$',
    iteration: buildIndex,
  });
}

function addForeignKeysStep(steps: StepFactory): MapState {
  const addForeignKey = steps.pollingTask('add-foreign-key', {
    comment:
      'Adds the foreign key of one pair NOT VALID, under ShareRowExclusiveLock on its two partitions for some milliseconds; from then on it checks every new row.',
    payload: Payload.pair,
    resultPath: '$.result',
    choice: { id: 'Added?', comment: 'Where one iteration takes many pairs, the next call goes on with the rest.' },
    wait: { id: 'WaitForAdd', comment: 'Holds nothing before the rest of the pairs is asked for.' },
    done: steps.pairDone(
      'ForeignKeyAdded',
      'Every new row of this pair is checked by its own foreign key.',
      '$.result',
    ),
  });
  return steps.forEachPair('AddForeignKeys', {
    comment:
      'For each pair, adds the partition-to-partition foreign key NOT VALID, under ShareRowExclusiveLock on the two partitions of that pair only.',
    plan: '$',
    iteration: addForeignKey,
  });
}

function validateForeignKeysStep(steps: StepFactory): MapState {
  const validateForeignKey = steps.pollingTask('validate-foreign-key', {
    comment:
      'Checks the existing rows of one pair, under ShareUpdateExclusiveLock on the referencing and RowShareLock on the referenced partition; reads and writes go on.',
    payload: Payload.pair,
    resultPath: '$.result',
    choice: { id: 'Validated?', comment: 'A validation may outlive a Lambda function: the server goes on with it.' },
    wait: { id: 'WaitForValidation', comment: 'Holds nothing while the server validates.' },
    done: steps.pairDone('ForeignKeyValid', 'Every row of this pair was checked.', '$.result'),
  });
  return steps.forEachPair('ValidateForeignKeys', {
    comment:
      'For each pair, largest first, validates its foreign key under ShareUpdateExclusiveLock and RowShareLock, which stop neither reads nor writes.',
    plan: '$',
    iteration: validateForeignKey,
  });
}

function gateStep(steps: StepFactory, next: Exits & { readonly passed: IChainable }): TaskStateBase {
  const verifyGate = steps.task('verify-gate', {
    comment:
      'Counts orphaned rows and checks that every pair has a valid, enforced foreign key before the parent one may go, under AccessShareLock only.',
    payload: Payload.migration,
    resultPath: '$.gate',
  });
  const rehearsed = steps.namedError('Rehearsed', {
    comment: 'All is ready, and the drop was rehearsed and rolled back, as asked: the execution ends paused.',
    error: 'Rehearsed',
    causePath: '$.gate.reason',
  });
  const approvalNeeded = steps.namedError('ApprovalNeeded', {
    comment: 'All is ready and nobody has approved it in time: the execution ends paused.',
    error: 'ApprovalNeeded',
    causePath: '$.gate.reason',
  });
  const waitForApproval = new Wait(steps.scope, 'WaitForApproval', {
    comment: 'All is ready; holds nothing while a person decides, and asks again at growing intervals.',
    time: WaitTime.secondsPath('$.gate.waitSeconds'),
  });
  const gateRefused = steps.namedError('GateRefused', {
    comment: 'The gate did not pass: the parent foreign key stays.',
    error: 'GateFailed',
    causePath: '$.gate.reason',
  });
  const gatePassed = new Choice(steps.scope, 'GatePassed?', {
    comment: 'The parent foreign key goes only if the gate passed; counting that outlives a Lambda function goes on.',
  })
    .when(Condition.stringEquals('$.gate.status', 'PASSED'), next.passed)
    .when(Condition.stringEquals('$.gate.status', 'COUNTING'), verifyGate)
    .when(Condition.stringEquals('$.gate.status', 'AWAITING_APPROVAL'), waitForApproval)
    .when(Condition.stringEquals('$.gate.status', 'REHEARSED'), rehearsed)
    .when(Condition.stringEquals('$.gate.status', 'APPROVAL_TIMED_OUT'), approvalNeeded)
    .otherwise(gateRefused);

  verifyGate.next(gatePassed);
  waitForApproval.next(verifyGate);
  rehearsed.next(next.pause);
  approvalNeeded.next(next.pause);
  gateRefused.next(next.fence);
  return verifyGate;
}

function verifyMigrationStep(steps: StepFactory, { fence }: Exits): TaskStateBase {
  const verifyMigration = steps.task('verify-migration', {
    patience: 'day',
    comment:
      'Runs the six checks under AccessShareLock, and as one of them a DELETE under RowExclusiveLock that is rolled back.',
    payload: Payload.migration,
  });
  const migrated = new Succeed(steps.scope, 'Migrated', {
    comment: 'Every pair has its own foreign key, the parent one is gone, and all checks passed.',
  });
  const verificationRefused = steps.namedError('VerificationRefused', {
    comment: 'A check failed after the drop: the parent foreign key comes back.',
    error: 'VerificationFailed',
    causePath: '$.reason',
  });
  const verified = new Choice(steps.scope, 'Verified?', {
    comment: 'Done only if every check passed; counting that outlives a Lambda function goes on.',
  })
    .when(Condition.stringEquals('$.status', 'MIGRATED'), migrated)
    .when(Condition.stringEquals('$.status', 'COUNTING'), verifyMigration)
    .otherwise(verificationRefused);

  verifyMigration.next(verified);
  verificationRefused.next(fence);
  return verifyMigration;
}
