/**
 * The part of Reconciliation that starts a rollback. Which execution that is, by name and input, the reconcile function has answered
 * (`core/steps/hand-over.ts`); here Step Functions is asked what the ledger does not know, and is told to start it.
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

/** A rollback of the migration's state machine that has failed is a person's matter; any other end of an execution starts one. */
export function wayBack(
  scope: Construct,
  reconciled: IStateMachine,
  { task, done, failed }: { readonly task: IChainable; readonly done: Succeed; readonly failed: Fail },
): IChainable {
  const describe = describeExecution(scope, 'DescribeDead', {
    comment: 'Asks Step Functions for the error of the dead execution, which no event tells.',
    reconciled,
    execution: '$.execution',
    resultPath: '$.dead',
  });
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
  const start = startRollback(scope, reconciled, { task, done });
  const needed = new Choice(scope, 'PersonNeeded?', {
    comment: 'A rollback that failed is not tried again without end.',
  })
    .when(
      Condition.and(Condition.isPresent('$.dead.Error'), Condition.stringEquals('$.dead.Error', ROLLBACK_FAILED)),
      left,
    )
    .when(Condition.stringEquals('$.result.status', 'GIVEN_UP'), givenUp)
    .otherwise(start);
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
  { task, done }: { readonly task: IChainable; readonly done: Succeed },
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
  const describe = describeExecution(scope, 'DescribeRollback', {
    comment: 'Asks whether the execution of that name still runs: the same input would have been no error then.',
    reconciled,
    execution: '$.result.rollback.execution',
    resultPath: '$.before',
  });
  const ended = new Pass(scope, 'RollbackEnded', {
    comment: 'It ended, and no event of its end was seen here: it is the dead execution now.',
    parameters: { execution: JsonPath.stringAt('$.result.rollback.execution'), reason: 'FAILED' },
  });
  const runs = new Pass(scope, 'RollbackRuns', {
    comment: 'Another reconciliation has started it.',
    parameters: { status: 'ROLLBACK_RUNS', migrationId: JsonPath.stringAt('$.result.migrationId') },
    resultPath: '$.result',
  });
  // The first of the two is not tried again.
  start.addRetry({ errors: ALREADY_EXISTS, maxAttempts: 0 });
  start.addRetry({ ...PATIENTLY, maxDelay: Duration.seconds(300), maxAttempts: 310 });
  start.addCatch(describe, { errors: ALREADY_EXISTS, resultPath: '$.refused' });
  const status = (value: string) => Condition.stringEquals('$.before.Status', value);
  describe.next(
    new Choice(scope, 'RollbackEnded?', { comment: 'A live owner is never displaced.' })
      .when(Condition.or(status('RUNNING'), status('PENDING_REDRIVE')), runs)
      .otherwise(ended),
  );
  start.next(done);
  runs.next(done);
  ended.next(task);
  return start;
}

interface Described {
  readonly comment: string;
  readonly reconciled: IStateMachine;
  readonly execution: string;
  readonly resultPath: string;
}

function describeExecution(scope: Construct, id: string, asked: Described): CallAwsService {
  const { comment, reconciled, execution, resultPath } = asked;
  const task = new CallAwsService(scope, id, {
    comment,
    service: 'sfn',
    action: 'describeExecution',
    parameters: { ExecutionArn: JsonPath.stringAt(execution) },
    iamAction: 'states:DescribeExecution',
    iamResources: [executionsOf(reconciled)],
    resultPath,
  });
  task.addRetry(PATIENTLY);
  return task;
}
