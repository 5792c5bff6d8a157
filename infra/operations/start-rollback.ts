/**
 * The part of Reconciliation that starts a rollback.
 *
 * The reconcile function has decided the name and input of the execution to start (`core/steps/operations/hand-over.ts`). These
 * states ask Step Functions what the ledger does not know (how the dead execution ended), and start the rollback. If Step
 * Functions refuses the name, that says nothing about the migration, because callers who start executions choose names. The
 * function is then called again, and reads from the ledger whether an execution has taken the migration over.
 */
import {
  Choice,
  Condition,
  type Fail,
  type IChainable,
  type IStateMachine,
  JsonPath,
  Pass,
  type Succeed,
  TaskInput,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CallAwsService, StepFunctionsStartExecution } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { executionsOf } from './executions-of.ts';

/** Error of a rollback that a person has to repair: see `infra/state-machine/rollback.ts`. */
const ROLLBACK_FAILED = 'RollbackFailed';

/**
 * Error of StartExecution for the name of an execution that has ended, or that runs with another input. Errors of this
 * integration begin with `StepFunctions.` and end with `Exception`; the name in the API reference has no such ending.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
const ALREADY_EXISTS = ['StepFunctions.ExecutionAlreadyExistsException', 'StepFunctions.ExecutionAlreadyExists'];

const RETRY_POLICY = { interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 8 };

/**
 * Error of a response that is too large for a state. DescribeExecution returns the execution's input, which may have as many
 * bytes as a response may have in all. `States.ALL` does not catch this error.
 */
export const TOO_LARGE = ['States.DataLimitExceeded'];

/** How long to wait, in seconds, for an execution of that name (if it is the rollback) to take the migration over. */
const REFUSED_SECONDS = 60;

/** States of Reconciliation that the rollback's states lead to. */
interface NextStates {
  /** Asks the reconcile function for another name, and acts on its answer. */
  readonly askAgain: IChainable;
  readonly done: Succeed;
  readonly failed: Fail;
}

/**
 * States that start a rollback, unless the dead execution was a rollback that failed: a person has to repair that one.
 *
 * @returns the first state
 */
export function rollbackStates(
  scope: Construct,
  reconciled: IStateMachine,
  { askAgain, done, failed }: NextStates,
): IChainable {
  const describe = describeDead(scope, reconciled);
  const left = new Pass(scope, 'LeftToPerson', {
    comment: 'People were told when that execution ended; a second try would only tell them once more.',
    parameters: { status: 'LEFT_TO_PERSON', migrationId: JsonPath.stringAt('$.result.migrationId') },
    resultPath: '$.result',
  });
  const givenUp = new Pass(scope, 'GivenUp', {
    comment: 'One execution after the other has died on the way back.',
    parameters: { Error: 'RollbackFailed', Cause: JsonPath.stringAt('$.result.reason') },
    resultPath: '$.error',
  });
  const start = startRollback(scope, reconciled, { askAgain, done });
  const needed = new Choice(scope, 'PersonNeeded?', {
    comment: 'A rollback that failed is not tried again without end.',
  })
    .when(
      Condition.and(Condition.isPresent('$.dead.Error'), Condition.stringEquals('$.dead.Error', ROLLBACK_FAILED)),
      left,
    )
    .when(Condition.stringEquals('$.result.status', 'GIVEN_UP'), givenUp)
    .otherwise(start);
  describe.addCatch(needed, { errors: TOO_LARGE, resultPath: '$.dead' });
  // Step Functions forgets an execution after 90 days.
  describe.addCatch(needed, { resultPath: '$.dead' });
  describe.next(needed);
  left.next(done);
  givenUp.next(failed);
  return describe;
}

function startRollback(
  scope: Construct,
  reconciled: IStateMachine,
  { askAgain, done }: Pick<NextStates, 'askAgain' | 'done'>,
): IChainable {
  const start = new StepFunctionsStartExecution(scope, 'StartRollback', {
    comment:
      'Starts the state machine of the migration with operation rollback; under one name, so that it is started once.',
    stateMachine: reconciled,
    name: JsonPath.stringAt('$.result.rollback.name'),
    input: TaskInput.fromJsonPathAt('$.result.rollback.input'),
    // The input of an execution takes no unknown keys.
    associateWithParent: false,
    resultPath: JsonPath.DISCARD,
  });
  const refused = new Wait(scope, 'RollbackRefused', {
    comment:
      'Another execution has that name: the rollback, which has ended; or one that a person started to keep it from being started.',
    time: WaitTime.duration(Duration.seconds(REFUSED_SECONDS)),
  });
  // The first of the two is not tried again.
  start.addRetry({ errors: ALREADY_EXISTS, maxAttempts: 0 });
  start.addRetry({ ...RETRY_POLICY, maxDelay: Duration.seconds(300), maxAttempts: 310 });
  start.addCatch(refused, { errors: ALREADY_EXISTS, resultPath: JsonPath.DISCARD });
  start.next(done);
  refused.next(askAgain);
  return start;
}

/** Asks Step Functions how the dead execution ended, into `$.dead`. */
function describeDead(scope: Construct, reconciled: IStateMachine): CallAwsService {
  const task = new CallAwsService(scope, 'DescribeDead', {
    comment: 'Asks Step Functions for the error of the dead execution, which no event tells.',
    service: 'sfn',
    action: 'describeExecution',
    parameters: { ExecutionArn: JsonPath.stringAt('$.execution') },
    iamAction: 'states:DescribeExecution',
    iamResources: [executionsOf(reconciled)],
    resultPath: '$.dead',
  });
  task.addRetry(RETRY_POLICY);
  return task;
}
