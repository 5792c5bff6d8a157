/**
 * The part of Reconciliation that starts a rollback. Which execution that is, by name and input, the reconcile function has answered
 * (`core/steps/operations/hand-over.ts`); here Step Functions is asked what the ledger does not know, and is told to start it. A name that it
 * refuses says nothing of the migration: people who start executions choose names. The function is asked again, and whether an
 * execution has taken the migration over is read from the ledger.
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

/** The end of a rollback that a person has to repair: see `infra/state-machine/rollback.ts`. */
const ROLLBACK_FAILED = 'RollbackFailed';

/**
 * StartExecution with the name of an execution that has ended, or that runs with another input. Errors of this integration begin with
 * `StepFunctions.` and end with `Exception`; the name of the API has no such end.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
const ALREADY_EXISTS = ['StepFunctions.ExecutionAlreadyExistsException', 'StepFunctions.ExecutionAlreadyExists'];

const PATIENTLY = { interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 8 };

/** An execution's input may have as many bytes as the answer that would bring it along; `States.ALL` does not catch that. */
export const TOO_LARGE = ['States.DataLimitExceeded'];

/** Until an execution of that name, if it is the right one, has taken the migration over. */
const REFUSED_SECONDS = 60;

interface Around {
  /** Asks the reconcile function for another name, and goes on with its answer. */
  readonly anew: IChainable;
  readonly done: Succeed;
  readonly failed: Fail;
}

/** A rollback of the migration's state machine that has failed is a person's matter; any other end of an execution starts one. */
export function wayBack(scope: Construct, reconciled: IStateMachine, { anew, done, failed }: Around): IChainable {
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
  const start = startRollback(scope, reconciled, { anew, done });
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
  { anew, done }: Pick<Around, 'anew' | 'done'>,
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
  start.addRetry({ ...PATIENTLY, maxDelay: Duration.seconds(300), maxAttempts: 310 });
  start.addCatch(refused, { errors: ALREADY_EXISTS, resultPath: JsonPath.DISCARD });
  start.next(done);
  refused.next(anew);
  return start;
}

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
  task.addRetry(PATIENTLY);
  return task;
}
