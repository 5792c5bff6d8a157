/**
 * Keeps functions in a VPC able to start. Lambda takes the network interface of one away that was not called for weeks, and its next
 * call fails until there is a new one (https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html). Those of the way back are
 * called on a bad day only, so each is called once a day, with an event by which it does nothing.
 */
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Names, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { KEEP_READY } from '../../core/contracts/aws/keep-ready.ts';
import type { DeadLetters } from './dead-letters.ts';
import { schedulerRole } from './schedules.ts';

export interface KeepReadyProps {
  /** By the name that the schedule gets. */
  readonly functions: Readonly<Record<string, IFunction>>;
  readonly deadLetters: DeadLetters;
}

export class KeepReady extends Construct {
  constructor(scope: Construct, id: string, { functions, deadLetters }: KeepReadyProps) {
    super(scope, id);
    const group = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: Names.uniqueResourceName(this, { maxLength: 64, separator: '-' }),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = schedulerRole(this, 'Role', group, 'EventBridge Scheduler keeps the p2pfk functions able to start');
    deadLetters.grantSend(role);
    for (const [name, lambdaFunction] of Object.entries(functions)) {
      lambdaFunction.grantInvokeLatestVersion(role);
      new CfnSchedule(this, name, {
        description: `Keeps the p2pfk function ${name} able to start`,
        groupName: group.scheduleGroupName,
        scheduleExpression: 'rate(1 day)',
        // Not all in the same minute: nothing waits for it.
        flexibleTimeWindow: { mode: 'FLEXIBLE', maximumWindowInMinutes: 60 },
        target: {
          arn: lambdaFunction.functionArn,
          roleArn: role.roleArn,
          input: JSON.stringify(KEEP_READY),
          retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 10 },
          deadLetterConfig: { arn: deadLetters.queue.queueArn },
        },
      });
    }
  }
}
