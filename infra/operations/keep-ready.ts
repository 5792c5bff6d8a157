/**
 * Daily invocations that keep functions in a VPC able to start. Lambda reclaims the network interface of a function that was not
 * called for weeks, and the next call fails until there is a new one
 * (https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html). The functions of the rollback are needed only when
 * something fails, so each function is called once a day, with an event for which it does nothing.
 */
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Names, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { KEEP_READY } from '../../core/contracts/aws/keep-ready.ts';
import type { DeadLetters } from './dead-letters.ts';
import { schedulerRole } from './schedules.ts';

/** The functions to call. */
export interface KeepReadyProps {
  /** Functions, by the names of their schedules. */
  readonly functions: Readonly<Record<string, IFunction>>;
  readonly deadLetters: DeadLetters;
}

/** One schedule for each function. */
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
        // Spread over an hour: nothing waits for these calls.
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
