/**
 * A look for dead executions every quarter of an hour: is a migration unfinished although no execution works on it? EventBridge
 * delivers the events that start reconciliation on a best-effort basis
 * (https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html); this look finds the migrations whose event
 * was lost.
 *
 * It is a state machine, because a function in a VPC reaches the database but need not reach Step Functions. The function reads
 * the ledger; the state machine asks Step Functions whether the execution has ended, and only then starts Reconciliation.
 */
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import {
  Choice,
  Condition,
  DefinitionBody,
  type IChainable,
  type IStateMachine,
  JsonPath,
  LogLevel,
  Map as MapState,
  Pass,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CallAwsService, LambdaInvoke, StepFunctionsStartExecution } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration, Names, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeDescribedExecutions, acknowledgeStateMachine } from '../acknowledgements.ts';
import { OperationFunctions } from '../lambda-functions.ts';
import type { LogGroups, LogOptions } from '../logs.ts';
import { addRetries } from '../state-machine/retry.ts';
import type { DeadLetters } from './dead-letters.ts';
import { executionsOf } from './executions-of.ts';
import { schedulerRole } from './schedules.ts';
import { TOO_LARGE } from './start-rollback.ts';

/** The state machines and the function that the look uses, and how often it runs. */
export interface DeadExecutionLookProps {
  /** The state machine whose executions are watched. */
  readonly stateMachine: IStateMachine;
  readonly reconciliation: IStateMachine;
  readonly look: IFunction;
  readonly everyMinutes: number;
  readonly logGroups: LogGroups;
  readonly logs: LogOptions;
  readonly deadLetters: DeadLetters;
}

/** The state machine of the look, and the schedule that starts it. */
export class DeadExecutionLook extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: DeadExecutionLookProps) {
    super(scope, id);
    const { look, everyMinutes, logGroups, logs, deadLetters } = props;
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      comment: 'Looks for migrations whose execution died without an event, and starts their reconciliation.',
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(defineLook(this, props)),
      tracingEnabled: true,
      logs: {
        destination: logGroups.makeForStateMachine(this, 'ExecutionLogs'),
        level: LogLevel.ALL,
        includeExecutionData: logs.executionData ?? false,
      },
    });
    acknowledgeStateMachine(this.stateMachine, [look]);
    acknowledgeDescribedExecutions(this.stateMachine, props.stateMachine);
    const group = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: Names.uniqueResourceName(this, { maxLength: 64, separator: '-' }),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role: Role = schedulerRole(this, 'Role', group, 'EventBridge Scheduler starts the look for dead executions');
    this.stateMachine.grantStartExecution(role);
    deadLetters.grantSend(role);
    new CfnSchedule(this, 'Schedule', {
      description: 'Looks for p2pfk executions that died without an event',
      groupName: group.scheduleGroupName,
      scheduleExpression: `rate(${everyMinutes} ${everyMinutes === 1 ? 'minute' : 'minutes'})`,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: this.stateMachine.stateMachineArn,
        roleArn: role.roleArn,
        input: '{}',
        // The next look is soon enough.
        retryPolicy: { maximumEventAgeInSeconds: 300, maximumRetryAttempts: 2 },
        deadLetterConfig: { arn: deadLetters.queue.queueArn },
      },
    });
  }
}

/** @returns the first state of the look */
export function defineLook(
  scope: Construct,
  { stateMachine, reconciliation, look }: Pick<DeadExecutionLookProps, 'stateMachine' | 'reconciliation' | 'look'>,
): IChainable {
  const { state, timeoutSeconds } = OperationFunctions.look;
  const executions = executionsOf(stateMachine);
  const task = new LambdaInvoke(scope, state, {
    comment: 'Reads the ledger: unfinished migrations without a lease and without a session that works for them.',
    lambdaFunction: look,
    payload: TaskInput.fromObject({ executions: executions.replace(/\*$/, '') }),
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(Duration.seconds(timeoutSeconds)),
  });
  addRetries(task, { patience: 'moment' });
  const each = new MapState(scope, 'EachDead', {
    comment: 'For each migration of this stack that looks dead; most of the time there is none.',
    itemsPath: '$.dead',
    maxConcurrency: 1,
    resultPath: JsonPath.DISCARD,
  }).itemProcessor(startIfEnded(scope, reconciliation, executions));
  return task.next(each).next(new Succeed(scope, 'Looked', { comment: 'Reconciliation goes on by itself.' }));
}

/**
 * States that reconcile one migration. An execution whose lease is over may still be waiting for its database, so only an
 * execution that has ended is reconciled.
 */
function startIfEnded(scope: Construct, reconciliation: IStateMachine, executions: string): IChainable {
  const describe = new CallAwsService(scope, 'DescribeDead', {
    comment: 'Asks Step Functions whether the execution has ended.',
    service: 'sfn',
    action: 'describeExecution',
    parameters: { ExecutionArn: JsonPath.stringAt('$.execution') },
    iamAction: 'states:DescribeExecution',
    iamResources: [executions],
    resultPath: '$.described',
  });
  const start = (id: string, reason: string, comment: string) =>
    new StepFunctionsStartExecution(scope, id, {
      comment,
      stateMachine: reconciliation,
      input: TaskInput.fromObject({ execution: JsonPath.stringAt('$.execution'), reason }),
      associateWithParent: false,
      resultPath: JsonPath.DISCARD,
    });
  const ended = start('Reconcile', JsonPath.stringAt('$.described.Status'), 'Starts what the lost event would have.');
  const unknown = start('ReconcileEnded', 'ABORTED', 'It is known no more, or it succeeded and left checks undone.');
  const alive = new Pass(scope, 'StillRuns', {
    comment: 'It waits, and holds its migration; or its input is too large to be described, and the alarm stays.',
  });
  describe.addRetry({ interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 5 });
  describe.addCatch(alive, { errors: TOO_LARGE, resultPath: '$.problem' });
  // Step Functions forgets an execution after 90 days.
  describe.addCatch(unknown, { resultPath: '$.problem' });
  const status = (value: string) => Condition.stringEquals('$.described.Status', value);
  return describe.next(
    new Choice(scope, 'Ended?', { comment: 'A live owner is never displaced.' })
      .when(Condition.or(status('RUNNING'), status('PENDING_REDRIVE')), alive)
      .when(Condition.or(status('FAILED'), status('TIMED_OUT'), status('ABORTED')), ended)
      .otherwise(unknown),
  );
}
