/**
 * Reconciliation: a small state machine for executions that ended without reaching a Catch, because they were stopped, timed out
 * or had no events left. It calls the reconcile function until the migration is paused, is complete or has to be rolled back. To
 * roll back, it starts the migration's own state machine with `operation: rollback`, so the rollback is defined only once.
 *
 * It is a state machine, because checks may take longer than a function's time-out, and because a function in a VPC reaches the
 * database but need not reach Step Functions. It does not wait for the rollback: if that dies, its own event starts the next
 * reconciliation.
 */
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  DefinitionBody,
  Fail,
  type IChainable,
  type IStateMachine,
  JsonPath,
  LogLevel,
  StateMachine,
  type StateMachineProps,
  StateMachineType,
  Succeed,
  TaskInput,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeDescribedExecutions, acknowledgeStateMachine } from '../acknowledgements.ts';
import { OperationFunctions } from '../lambda-functions.ts';
import type { LogGroups, LogOptions } from '../logs.ts';
import { rulesOf, sourceConditions } from '../source-conditions.ts';
import { addRetries } from '../state-machine/retry.ts';
import type { DeadLetters } from './dead-letters.ts';
import { rollbackStates } from './start-rollback.ts';

/** The state machine to watch, and the function that reconciles. */
export interface ReconciliationProps {
  /** The state machine whose executions are watched. */
  readonly reconciled: IStateMachine;
  readonly reconcile: IFunction;
  readonly logGroups: LogGroups;
  readonly logs: LogOptions;
  readonly deadLetters: DeadLetters;
}

/** The state machine of reconciliation, and the rules that start it. */
export class Reconciliation extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: ReconciliationProps) {
    super(scope, id);
    const { reconciled, reconcile, logGroups, logs, deadLetters } = props;
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      ...reconciliationProps(this, { reconciled, reconcile }),
      tracingEnabled: true,
      logs: {
        destination: logGroups.makeForStateMachine(this, 'ExecutionLogs'),
        level: LogLevel.ALL,
        includeExecutionData: logs.executionData ?? false,
      },
    });
    acknowledgeStateMachine(this.stateMachine, [reconcile]);
    acknowledgeDescribedExecutions(this.stateMachine, reconciled);

    const role = new Role(this, 'EventsRole', {
      description: 'EventBridge starts the reconciliation of p2pfk',
      assumedBy: new ServicePrincipal('events.amazonaws.com', { conditions: sourceConditions(this, rulesOf(this)) }),
    });
    const delivery = {
      role,
      deadLetterQueue: deadLetters.forRules,
      retryAttempts: 10,
      maxEventAge: Duration.hours(24),
    };
    const rule = new Rule(this, 'ExecutionDied', {
      description: 'A p2pfk execution failed, timed out or was stopped: its migration is brought to rest',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [reconciled.stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      targets: [
        new SfnStateMachine(this.stateMachine, {
          input: RuleTargetInput.fromObject({
            execution: EventField.fromPath('$.detail.executionArn'),
            reason: EventField.fromPath('$.detail.status'),
          }),
          ...delivery,
        }),
      ],
    });
    deadLetters.allowRule(rule);
    // The execution paused after the drop: it succeeded, but the parent FK is gone and the checks are still to be run.
    const checks = new Rule(this, 'ChecksPending', {
      description: 'A p2pfk execution paused after the drop: the checks that are left are run',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [reconciled.stateMachineArn],
          status: ['SUCCEEDED'],
          output: [{ wildcard: '*"status":"CHECKS_PENDING"*' }],
        },
      },
      targets: [
        new SfnStateMachine(this.stateMachine, {
          ...delivery,
          input: RuleTargetInput.fromObject({
            execution: EventField.fromPath('$.detail.executionArn'),
            // The reason that reconciliation knows for an execution that did not finish.
            reason: 'FAILED',
          }),
        }),
      ],
    });
    deadLetters.allowRule(checks);
  }
}

type Calls = Pick<ReconciliationProps, 'reconciled' | 'reconcile'>;

/** Properties of the state machine. In a function of its own, so that a test can run it on the local engine. */
export function reconciliationProps(scope: Construct, calls: Calls): StateMachineProps {
  return {
    comment:
      'Brings a migration to rest whose execution died: to a point from which the next one goes on, or all the way; and starts its rollback.',
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromChainable(defineReconciliation(scope, calls)),
  };
}

/** @returns the first state of reconciliation */
export function defineReconciliation(scope: Construct, calls: Calls): IChainable {
  const { state, timeoutSeconds } = OperationFunctions.reconcile;
  const failed = new Fail(scope, 'ReconcileFailed', {
    comment: 'A person is needed; every row is still guarded by pair or parent foreign keys.',
    error: 'ReconcileFailed',
    causePath: '$.error.Cause',
  });
  const ask = (id: string, comment: string, more: Readonly<Record<string, string>>) => {
    const task = new LambdaInvoke(scope, id, {
      comment,
      lambdaFunction: calls.reconcile,
      payload: TaskInput.fromObject({
        execution: JsonPath.stringAt('$.execution'),
        reason: JsonPath.stringAt('$.reason'),
        ...more,
      }),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      taskTimeout: Timeout.duration(Duration.seconds(timeoutSeconds)),
      resultPath: '$.result',
    });
    // Nothing else runs the checks after the drop, so reconciliation waits for an outage of the database to end.
    addRetries(task, { patience: 'day' });
    task.addCatch(failed, { resultPath: '$.error' });
    return task;
  };
  const task = ask(
    state,
    'Reads the ledger: before the drop the migration becomes a point to go on from; after it, it is verified; where it has to be rolled back, the answer says by which execution.',
    {},
  );
  const askAgain = ask(
    `${state}Anew`,
    'Reads the ledger again: an execution has taken the migration over by now, or the answer says another name.',
    { refused: JsonPath.stringAt('$.result.rollback.name') },
  );
  const wait = new Wait(scope, 'WaitForReconcile', {
    comment: 'Holds nothing while the server works.',
    time: WaitTime.secondsPath('$.result.waitSeconds'),
  });
  const done = new Succeed(scope, 'Reconciled', {
    comment: 'The migration is at rest, or others go on with it; the output says how.',
    outputPath: '$.result',
  });
  const is = (...statuses: string[]) =>
    Condition.or(...statuses.map((status) => Condition.stringEquals('$.result.status', status)));
  const statusChoice = new Choice(scope, 'AtRest?', {
    comment: 'Work that outlives a function goes on in the next one.',
  })
    // OWNER_ALIVE: a function of the dead execution still runs, because AWS does not stop it.
    .when(is('RUNNING', 'OWNER_ALIVE'), wait)
    .when(is('ROLL_BACK', 'GIVEN_UP'), rollbackStates(scope, calls.reconciled, { askAgain, done, failed }))
    .otherwise(done);
  task.next(statusChoice);
  askAgain.next(statusChoice);
  wait.next(task);
  return task;
}
