/** The daily audit of what was migrated: partitions that came later have no foreign key until somebody gives them one. */
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Names, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { DeadLetters } from './dead-letters.ts';
import { schedulerRole } from './schedules.ts';

export interface DailyAuditProps {
  readonly audit: IFunction;
  readonly deadLetters: DeadLetters;
  /** In UTC; left out, each day at 04:00. */
  readonly cron?: string;
}

/** An audit that could not be delivered within an hour waits for the next day. */
const MAXIMUM_EVENT_AGE_SECONDS = 3600;

export class DailyAudit extends Construct {
  constructor(scope: Construct, id: string, { audit, deadLetters, cron = 'cron(0 4 * * ? *)' }: DailyAuditProps) {
    super(scope, id);
    const group = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: Names.uniqueResourceName(this, { maxLength: 64, separator: '-' }),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = schedulerRole(this, 'Role', group, 'EventBridge Scheduler starts the p2pfk audit');
    // This version alone: CDK's grant would add every other one.
    audit.grantInvokeLatestVersion(role);
    deadLetters.grantSend(role);
    new CfnSchedule(this, 'Schedule', {
      description: 'Audits the tables that p2pfk has migrated',
      groupName: group.scheduleGroupName,
      scheduleExpression: cron,
      scheduleExpressionTimezone: 'UTC',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: audit.functionArn,
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumEventAgeInSeconds: MAXIMUM_EVENT_AGE_SECONDS, maximumRetryAttempts: 2 },
        deadLetterConfig: { arn: deadLetters.queue.queueArn },
      },
    });
  }
}
