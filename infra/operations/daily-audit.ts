/**
 * The daily audit of migrated tables: a partition that was added after the migration has no foreign key until a person adds one.
 */
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Names, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { DeadLetters } from './dead-letters.ts';
import { schedulerRole } from './schedules.ts';

/** The audit function, and when it runs. */
export interface DailyAuditProps {
  readonly audit: IFunction;
  readonly deadLetters: DeadLetters;
  /** In UTC. Default: each day at 04:00. */
  readonly cron?: string;
}

/** An audit that could not be delivered for an hour is skipped; the next one is a day later. */
const MAXIMUM_EVENT_AGE_SECONDS = 3600;

/** The schedule that invokes the audit function once a day. */
export class DailyAudit extends Construct {
  constructor(scope: Construct, id: string, { audit, deadLetters, cron = 'cron(0 4 * * ? *)' }: DailyAuditProps) {
    super(scope, id);
    const group = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: Names.uniqueResourceName(this, { maxLength: 64, separator: '-' }),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = schedulerRole(this, 'Role', group, 'EventBridge Scheduler starts the p2pfk audit');
    // Only this version: CDK's grantInvoke would add all versions.
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
