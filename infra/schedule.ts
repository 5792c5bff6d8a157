/** The maintenance-window trigger: starts the state machine when a window opens. No window, no schedule. */
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { z } from 'zod';
import { ExecutionInput } from '../core/contracts.ts';
import { acknowledgeDeadLetterQueue } from './acknowledgements.ts';

/** Scheduler's own bounds for the age of an event. */
const MINUTES_IN_A_DAY = 24 * 60;

export const MaintenanceWindow = z.strictObject({
  /** When the window opens, as EventBridge Scheduler writes it: `cron(0 3 ? * SUN *)`. */
  cron: z.string().regex(/^cron\(\S+( \S+){5}\)$/, 'expected cron(minutes hours day-of-month month day-of-week year)'),
  /** IANA name. No default: a window that silently means UTC opens at the wrong hour. */
  timeZone: z.string().refine(isTimeZone, 'expected an IANA time zone, such as Europe/Berlin'),
  /** Length of the window. An event that could not be delivered by its end is dropped. */
  minutes: z.int().min(1).max(MINUTES_IN_A_DAY),
  /** The execution's input; checked here, because nobody watches when the window opens. */
  input: ExecutionInput,
});
export type MaintenanceWindow = z.input<typeof MaintenanceWindow>;

/** Deliveries tried again after the first. Scheduler's default, 185 over a day, could open the window the next morning. */
const RETRIES = 3;

export interface MaintenanceScheduleProps {
  readonly stateMachine: StateMachine;
  readonly window: MaintenanceWindow;
}

/**
 * An EventBridge Scheduler schedule with its role and its dead-letter queue. Scheduler may deliver an event more than
 * once; the ledger tells the second execution that the first one works on this foreign key.
 *
 * @throws ZodError when the window or the execution input is not well formed
 */
export class MaintenanceSchedule extends Construct {
  /** Events that could not be delivered within their window, for 14 days. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { stateMachine, window }: MaintenanceScheduleProps) {
    super(scope, id);
    const { cron, timeZone, minutes, input } = MaintenanceWindow.parse(window);

    this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledgeDeadLetterQueue(this.deadLetterQueue);

    const role = new Role(this, 'Role', {
      description: 'EventBridge Scheduler starts the p2pfk state machine',
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    stateMachine.grantStartExecution(role);
    this.deadLetterQueue.grantSendMessages(role);

    new CfnSchedule(this, 'Schedule', {
      description: `Opens the p2pfk maintenance window of ${minutes} minutes`,
      state: 'ENABLED',
      scheduleExpression: cron,
      scheduleExpressionTimezone: timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: stateMachine.stateMachineArn,
        roleArn: role.roleArn,
        // With the defaults filled in: what will happen is read here, not in the code of some later version.
        input: JSON.stringify(input),
        retryPolicy: { maximumEventAgeInSeconds: minutes * 60, maximumRetryAttempts: RETRIES },
        deadLetterConfig: { arn: this.deadLetterQueue.queueArn },
      },
    });
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets such as +01:00 pass too, and abbreviations such as EST: neither knows daylight saving time.
    return name === 'UTC' || name.includes('/');
  } catch {
    return false;
  }
}
