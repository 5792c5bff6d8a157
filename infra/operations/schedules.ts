/** Maintenance windows: schedules that start the state machine when a window opens. Without a window there is no schedule. */
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Names, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { type MaintenanceWindow, openingOf } from '../../core/contracts/aws/maintenance-window.ts';
import type { DeadLetters } from './dead-letters.ts';

/** Tags of the state machine, in which `p2pfk schedule` finds the role, group and queue for a schedule. */
export { ScheduleTag } from '../../core/contracts/aws/schedule-tags.ts';

/** The state machine that the schedules start. */
export interface MaintenanceWindowsProps {
  readonly stateMachine: StateMachine;
  readonly deadLetters: DeadLetters;
}

/**
 * The group, the role and the dead-letter queue of all schedules that start one state machine; `p2pfk schedule` uses them too.
 * EventBridge Scheduler may deliver an opening more than once. The plan step recognizes it by the ledger, and the second
 * execution does nothing.
 */
export class MaintenanceWindows extends Construct {
  readonly group: ScheduleGroup;
  readonly role: Role;
  readonly deadLetters: DeadLetters;
  readonly #stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { stateMachine, deadLetters }: MaintenanceWindowsProps) {
    super(scope, id);
    this.deadLetters = deadLetters;
    this.#stateMachine = stateMachine;
    this.group = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: Names.uniqueResourceName(this, { maxLength: 64, separator: '-' }),
      // When the stack is deleted, there is no state machine left that the schedules could start.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = schedulerRole(this, 'Role', this.group, 'EventBridge Scheduler starts the p2pfk state machine');
    stateMachine.grantStartExecution(this.role);
    deadLetters.grantSend(this.role);
  }

  /**
   * Adds the schedule that opens one window.
   *
   * @throws ZodError when the window or the execution input is not well formed
   */
  add(id: string, window: MaintenanceWindow): CfnSchedule {
    const opening = openingOf(window);
    return new CfnSchedule(this, id, {
      description: `Opens the p2pfk maintenance window of ${window.minutes} minutes`,
      groupName: this.group.scheduleGroupName,
      state: 'ENABLED',
      scheduleExpression: opening.expression,
      scheduleExpressionTimezone: opening.timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: this.#stateMachine.stateMachineArn,
        roleArn: this.role.roleArn,
        input: JSON.stringify(opening.input),
        retryPolicy: {
          maximumEventAgeInSeconds: opening.maximumEventAgeSeconds,
          maximumRetryAttempts: opening.retries,
        },
        deadLetterConfig: { arn: this.deadLetters.queue.queueArn },
      },
    });
  }
}

/**
 * A role that EventBridge Scheduler can assume only for schedules of this account, in this group.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
 */
export function schedulerRole(scope: Construct, id: string, group: ScheduleGroup, description: string): Role {
  return new Role(scope, id, {
    description,
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': Stack.of(scope).account, 'aws:SourceArn': group.scheduleGroupArn },
      },
    }),
  });
}
