/**
 * The forward path. Everything is built beside the parent FK while that still guards the rows; then the gate decides; then one
 * verified transaction drops the parent FK. Errors of the data or the schema lead to the rollback branch, all other errors to the
 * pause.
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
import { LOCK_TRIES_OF_PLAN } from '../../core/contracts/lock-tries.ts';
import { type StepName, stepsOf } from '../../core/contracts/steps/catalogue.ts';
import { ERROR_PATH, Payload } from './payloads.ts';
import type { StepFactory } from './step-factory.ts';

/** The states that the forward path leads to when it stops. */
export interface Exits {
  /** Rolls everything back. */
  readonly fence: IChainable;
  /** Rolls everything back because a person asked for it. */
  readonly rollbackRequested: IChainable;
  /** Stops and keeps everything. */
  readonly pause: IChainable;
}

/** Steps that are followed by a Choice; any other step of the catalogue leads to the one after it. */
const DECIDING: Readonly<
  Partial<Record<StepName, (steps: StepFactory, exits: Exits, next: IChainable, waits: Waits) => IChainable>>
> = {
  plan: planStep,
  // The gate and the checks after the drop lead to it, where they need it.
  'count-orphans': (_steps, _exits, next) => next,
  'verify-gate': gateStep,
  'drop-parent-foreign-key': dropStep,
  'verify-migration': verifyMigrationStep,
};

/** What leads back to the gate, and is made before it. */
interface Waits extends Counting {
  /** Waits while a person holds the execution. */
  readonly held: Wait;
}

/** The Map state that counts orphans, for the steps that ask for it. */
interface Counting {
  /** Where the list of pairs is to be: see {@link COUNT_PATH}. */
  readonly map: MapState;
  /** Leads back to the step that asked. */
  readonly counted: Choice;
}

/** The pairs to count: in the result of VerifyMigration, which replaces the state's input; the gate's are moved there. */
const COUNT_PATH = '$.count';

/** @returns the state machine's first state */
export function forwardPath(steps: StepFactory, exits: Exits): IChainable {
  const migrated = new Succeed(steps.scope, 'Migrated', {
    comment: 'Every pair has its own foreign key, the parent one is gone, and all checks passed.',
  });
  const waits: Waits = {
    ...countingStates(steps, exits),
    held: new Wait(steps.scope, 'WaitWhileHeld', {
      comment:
        'A person holds the execution before the drop; holds nothing, and asks the gate again at growing intervals.',
      time: WaitTime.secondsPath('$.gate.waitSeconds'),
    }),
  };
  return stepsOf('forward').reduceRight<IChainable>((next, [name, { perPair }]) => {
    const deciding = DECIDING[name];
    if (deciding !== undefined) return deciding(steps, exits, next, waits);
    const state = perPair
      ? steps.forEachPair(name, { plan: '$' })
      : steps.task(name, { payload: Payload.migration, resultPath: JsonPath.DISCARD });
    catchAll(state, exits, ROLLBACK_ERRORS);
    state.next(next);
    return state;
  }, migrated);
}

/**
 * Errors that lead to the rollback: something is wrong with the data, the schema or the code of the application, or a person
 * asked for the end. Only these undo work. All other errors keep it, and the next execution continues from there: trouble of the
 * network, the server or Lambda, a closed window, a lock that was never free, a right that was revoked, and errors that have no
 * name here. MigrationFenced leads to the fence, which finds that another execution has taken over.
 */
const ROLLBACK_ERRORS = [
  'OrphanedRows',
  'GateFailed',
  'VerificationFailed',
  'StatementFailed',
  'StatementCanceled',
  'MigrationFenced',
];

function catchAll(step: TaskStateBase | MapState, { pause, fence }: Exits, rollbackErrors: string[]): void {
  step.addCatch(fence, { errors: rollbackErrors, resultPath: ERROR_PATH });
  step.addCatch(pause, { resultPath: ERROR_PATH });
}

function planStep(steps: StepFactory, exits: Exits, next: IChainable): IChainable {
  const plan = steps.task('plan', { payload: Payload.executionInput, lockTries: LOCK_TRIES_OF_PLAN });
  const refused = new Fail(steps.scope, 'Refused', {
    comment: 'No plan could be made, or preflight refused; nothing was changed.',
    errorPath: '$.error.Error',
    causePath: '$.error.Cause',
  });
  const nothingChanged = new Succeed(steps.scope, 'NothingChanged', {
    comment: 'A dry run, or the table is already as asked; the output says which.',
  });
  const nothingToDo = new Choice(steps.scope, 'NothingToDo?', {
    comment: 'Goes on only where the plan left something to do.',
  })
    .when(Condition.stringEquals('$.status', 'PLANNED'), next)
    .when(Condition.stringEquals('$.status', 'ROLLBACK_REQUESTED'), exits.rollbackRequested)
    .otherwise(nothingChanged);

  plan.addCatch(refused, { resultPath: ERROR_PATH });
  plan.next(nothingToDo);
  return plan;
}

/** A count only finds out: the step that asked for it decides, so no error here undoes anything. */
function countingStates(steps: StepFactory, exits: Exits): Counting {
  const map = steps.forEachPair('count-orphans', { plan: COUNT_PATH });
  const counted = new Choice(steps.scope, 'CountedAfterDrop?', {
    comment: 'Back to the step that asked for the count: after the drop the checks are there.',
  });
  catchAll(map, exits, ['MigrationFenced']);
  map.next(counted);
  return { map, counted };
}

/** A hold that comes after the gate leads back to it. */
function dropStep(steps: StepFactory, exits: Exits, next: IChainable, { held }: Waits): IChainable {
  const drop = steps.task('drop-parent-foreign-key', { payload: Payload.migration, resultPath: JsonPath.DISCARD });
  drop.addCatch(held, { errors: ['Held'], resultPath: JsonPath.DISCARD });
  catchAll(drop, exits, ROLLBACK_ERRORS);
  drop.next(next);
  return drop;
}

function gateStep(steps: StepFactory, exits: Exits, passed: IChainable, { map, counted, held }: Waits): IChainable {
  const verifyGate = steps.task('verify-gate', { payload: Payload.check, resultPath: '$.gate' });
  const rehearsed = steps.namedError('Rehearsed', {
    comment: 'All is ready, and the drop was rehearsed and rolled back, as asked: the execution ends paused.',
    error: 'Rehearsed',
    causePath: '$.gate.reason',
  });
  const approvalNeeded = steps.namedError('ApprovalNeeded', {
    comment: 'All is ready and no approval came in time: the execution ends paused.',
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
  const pairsToCount = new Pass(steps.scope, 'PairsToCount', {
    comment: 'Pairs that are not proven by their validation are counted before the gate is asked again.',
    inputPath: '$.gate.count',
    resultPath: COUNT_PATH,
  });
  const gatePassed = new Choice(steps.scope, 'GatePassed?', {
    comment: 'The parent foreign key goes only if the gate passed; pairs that are not proven are counted first.',
  })
    .when(Condition.stringEquals('$.gate.status', 'PASSED'), passed)
    .when(Condition.stringEquals('$.gate.status', 'COUNTING'), pairsToCount)
    .when(Condition.stringEquals('$.gate.status', 'AWAITING_APPROVAL'), waitForApproval)
    .when(Condition.stringEquals('$.gate.status', 'HELD'), held)
    .when(Condition.stringEquals('$.gate.status', 'REHEARSED'), rehearsed)
    .when(Condition.stringEquals('$.gate.status', 'APPROVAL_TIMED_OUT'), approvalNeeded)
    .otherwise(gateRefused);

  verifyGate.next(gatePassed);
  pairsToCount.next(map);
  counted.otherwise(verifyGate);
  waitForApproval.next(verifyGate);
  held.next(verifyGate);
  rehearsed.next(exits.pause);
  approvalNeeded.next(exits.pause);
  gateRefused.next(exits.fence);
  catchAll(verifyGate, exits, ROLLBACK_ERRORS);
  return verifyGate;
}

function verifyMigrationStep(
  steps: StepFactory,
  exits: Exits,
  migrated: IChainable,
  { map, counted }: Counting,
): IChainable {
  const verifyMigration = steps.task('verify-migration', { patience: 'day', payload: Payload.check });
  const verificationRefused = steps.namedError('VerificationRefused', {
    comment: 'A check failed after the drop: the parent foreign key comes back.',
    error: 'VerificationFailed',
    causePath: '$.reason',
  });
  const verified = new Choice(steps.scope, 'Verified?', {
    comment: 'Done only if every check passed; pairs that have to be counted again are counted first.',
  })
    .when(Condition.stringEquals('$.status', 'MIGRATED'), migrated)
    .when(Condition.stringEquals('$.status', 'COUNTING'), map)
    .otherwise(verificationRefused);

  verifyMigration.next(verified);
  counted.when(Condition.isPresent('$.checks'), verifyMigration);
  verificationRefused.next(exits.fence);
  // The drop was verified in its own transaction. Only a failed check leads to the rollback, and that is a result, not an error.
  catchAll(verifyMigration, exits, ['MigrationFenced']);
  return verifyMigration;
}
